"""Reading a configuration that anybody may have written: regular files of a bounded size, else one clear message."""

import os
import stat
from fnmatch import fnmatchcase
from pathlib import Path

from corecors.cli.terminal import Unusable

MAX_FILE_LENGTH = 1 << 20  # bytes; large configurations have a tenth
MAX_FILES = 100  # that one configuration includes
MAX_LOOKED_AT = 10_000  # names in folders, for one pattern; links make as many paths of a few as there are levels
MAX_LINES = 1000  # that set, add or hide headers
MAX_DEPTH = 100  # blocks within blocks


def read_text(path: Path) -> str:
    """The text of a configuration. Raises `Unusable`."""
    try:
        # Opened without waiting: a pipe without a writer would hold us for ever.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise unusable(path, "is not a file")
            data = file.read(MAX_FILE_LENGTH + 1)
    except FileNotFoundError:
        raise Unusable(f"there is no file {str(path)!r}") from None
    except OSError as error:
        raise unusable(path, f"cannot be read: {error.strerror}") from None
    except ValueError as error:  # a path with a null byte
        raise Unusable(f"{str(path)!r} is not a path: {error}") from None
    if len(data) > MAX_FILE_LENGTH:
        raise unusable(path, f"is larger than a configuration can be ({MAX_FILE_LENGTH:,} bytes)")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise unusable(path, "cannot be read: it is not UTF-8 text") from None
    if "\0" in text:
        raise unusable(path, "cannot be read: it is not text")
    return text


def check_number(path: Path, lines: int) -> None:
    """Raise `Unusable` where more lines are about headers than are compared with each other in a bounded time."""
    if lines > MAX_LINES:
        raise unusable(path, f"has more than {MAX_LINES:,} lines about headers")


def unusable(path: Path | str, wrong: str) -> Unusable:
    return Unusable(f"{str(path)!r} {wrong}")


def included(pattern: str, file: Path, root: Path) -> list[Path] | None:
    """The files that `include pattern` in `file` names, where all of them lie below `root`; None where not.

    A relative pattern is relative to `root`.
    """
    if "**" in pattern:  # means nothing to these proxies, and every folder to Python
        return None
    try:
        relative = os.path.relpath(os.path.join(root, pattern), root)
        if relative.split(os.sep)[0] == os.pardir:
            return None
        below = root.resolve()
        found = _matching(root, relative)
        if found is None or len(found) > MAX_FILES or not all(path.resolve().is_relative_to(below) for path in found):
            return None
    except (OSError, ValueError, NotImplementedError, RuntimeError):
        return None
    if not found and not set(pattern) & set("*?["):
        return None
    return [path for path in found if path.is_file() and path != file]


def _matching(root: Path, pattern: str) -> list[Path] | None:
    """The paths below `root` that match, in order; None where too many names would have to be looked at."""
    paths = [root]
    looked_at = 0
    for part in Path(pattern).parts:
        if not set(part) & set("*?["):
            paths = [path / part for path in paths if (path / part).exists()]
            continue
        matching: list[Path] = []
        for path in paths:
            if not path.is_dir():
                continue
            for name in os.listdir(path):
                looked_at += 1
                if fnmatchcase(name, part):
                    matching.append(path / name)
            if looked_at > MAX_LOOKED_AT:
                return None
        paths = matching
    return sorted(paths)
