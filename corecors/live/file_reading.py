"""Reading tenants from files: what has changed, by what the files look like.

Facts
-----
Kubernetes mounts a ConfigMap as symlinks into a directory that it swaps as a whole, so what counts is what a name leads
to. One that is mounted with `subPath` is never updated at all. Network file systems tell nobody of changes that other
hosts make. So every file is looked at every `max_staleness` seconds, and being told only makes that sooner.

A name may lead in a circle, or to a pipe, which nobody who opens it comes back from: that is one tenant's fault, and no
other's. It is not the fault of a name that nothing can be told of any name in the directory.
"""

import contextlib
import json
import os
import secrets
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from threading import Event
from typing import Any

from corecors._policy.loading import parse_toml
from corecors._policy.problems import PolicyError, Problem
from corecors.live.records import StoreError, text_of, texts_of
from corecors.live.sources import Text, Update

ENDINGS = (".toml", ".json")
MAX_FILE_LENGTH = 256 << 20  # bytes; a million origins are some forty million
STEP = 250  # milliseconds between two looks at whether the follower is to end

_Mark = tuple[int, int, int]  # what a file is told by without being read


class FileReader:
    """Remembers what each file looked like, so that one that changed costs that one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, _Mark] = {}
        self._version: str | None = None  # that `_known` belongs to

    def texts(self) -> Iterator[tuple[str, Text]]:
        """All tenants, with the JSON of their records."""
        if not self._path.is_dir():
            yield from self._of_one_file()
            return
        for name, text in _read_files(self._files(), []):
            if text is not None:
                yield name, text

    def read(self, version: str | None) -> Update | None:
        if not self._path.is_dir():
            marks = {"": _mark(self._path)}
            if version is not None and version == self._version and marks == self._known:
                return None
            records = list(self._of_one_file())  # read now: a file that is not a table is an outage, and not known
            return self._noted(marks, records, everything=True)
        files = self._files()
        marks = {}
        for name, file in files.items():
            with contextlib.suppress(FileNotFoundError):
                marks[name] = _mark(file)
        everything = version is None or version != self._version
        if not everything and marks == self._known:
            return None
        changed = [name for name, mark in marks.items() if everything or self._known.get(name) != mark]
        gone = [] if everything else [name for name in self._known if name not in marks]
        return self._noted(marks, _read_files({name: files[name] for name in changed}, gone), everything)

    def _noted(self, marks: dict[str, _Mark], records: Iterable[tuple[str, Text | None]], everything: bool) -> Update:
        self._known = marks
        self._version = secrets.token_hex(8)
        return Update(self._version, records, everything)

    def _files(self) -> dict[str, Path]:
        """The file of each tenant; of two that one has, the one whose name ends with .toml."""
        found: dict[str, Path] = {}
        with os.scandir(self._path) as entries:
            for entry in entries:
                name, ending = os.path.splitext(entry.name)
                if ending in ENDINGS and not name.startswith(".") and (ending == ".toml" or name not in found):
                    found[name] = self._path / entry.name
        return found

    def _of_one_file(self) -> Iterator[tuple[str, Text]]:
        try:
            tables = _parsed(self._path).get("tenants")
        except FileNotFoundError:
            raise StoreError(f"there is no {self._path}") from None
        except ValueError as error:
            raise StoreError(f"{self._path} {error}") from None
        if not isinstance(tables, dict):
            raise StoreError(f'{self._path} has no table of tenants: [tenants."shop.example.com"]')
        yield from texts_of(tables)

    def wait(self, seconds: float, attention: Event) -> None:
        # Its own thread would hold up every other one under gevent.
        if "gevent.monkey" in sys.modules or seconds <= 0:
            attention.wait(seconds)
            return
        try:
            from watchfiles import watch
        except ImportError:
            attention.wait(seconds)
            return
        watched = self._path if self._path.is_dir() else self._path.parent
        for changes in watch(
            watched,
            stop_event=attention,
            rust_timeout=max(1, int(seconds * 1000)),
            step=50,
            debounce=STEP,
            yield_on_timeout=True,
            raise_interrupt=False,
            recursive=False,
            ignore_permission_denied=True,
            watch_filter=None,
        ):
            del changes
            return

    def abort(self) -> None:
        pass

    def close(self) -> None:
        pass


def _mark(file: Path) -> _Mark:
    try:
        found = file.stat()
    except FileNotFoundError:
        raise
    except OSError:
        found = file.lstat()  # of the link that cannot be followed: reading it says why
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read_files(files: Mapping[str, Path], gone: list[str]) -> Iterator[tuple[str, Text | None]]:
    for name, file in files.items():
        try:
            yield name, _text_of_file(file)
        except FileNotFoundError:
            yield name, None
    for name in gone:
        yield name, None


def _text_of_file(file: Path) -> Text:
    try:
        return text_of(_parsed(file))
    except PolicyError as error:
        return error
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        message = error.strerror or "cannot be read" if isinstance(error, OSError) else str(error)
        return PolicyError([Problem("record", file.name, "not-readable", message)])


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe is opened though nobody writes to it


def _parsed(file: Path) -> dict[str, Any]:
    """What a file holds. Raises `ValueError`, in words that follow its name."""
    with open(file, "rb", opener=_without_waiting) as opened:
        if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            raise ValueError("is not a file")
        content = opened.read(MAX_FILE_LENGTH + 1)
    if len(content) > MAX_FILE_LENGTH:
        raise ValueError("is too long")
    try:
        text = content.decode("utf-8")
        found = parse_toml(text) if file.suffix == ".toml" else json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not valid {file.suffix[1:].upper()}: {error}") from None
    if not isinstance(found, dict):
        raise ValueError("is not a table")
    return found
