"""The follower: the one thread that talks to the store, so that no request ever does.

Every wait ends by itself after `max_staleness` at most, whatever a notification does or does not say.
"""

import contextlib
import random
import secrets
import threading
import time
from typing import Protocol

from corecors._origins.showing import printable
from corecors._policy.problems import Problem
from corecors.live.records import StoreError
from corecors.live.snapshot import Snapshot
from corecors.live.sources import Reader, Source, Update
from corecors.live.state import State

PIECE = 0.001  # seconds of work between two pauses
PAUSE = 0.000_2  # seconds: long enough that a thread that waits for the interpreter's lock gets it; sleep(0) is not
FIRST_BACKOFF = 0.1  # seconds before the second attempt; each further one waits twice as long
SNAPSHOT_EVERY = 60.0  # seconds between two notes in the snapshot that its state is still the store's own
TOLD_AT_ONCE = 20  # lines about bad records that one look at the store may write; the rest is a number
MAX_ERROR_LENGTH = 300  # characters


class Observer(Protocol):
    """Who is told what the follower finds. Called in its thread."""

    def beat(self) -> None:
        """The follower is at work."""

    def succeeded(self, started: float, version: str | None, changed: tuple[str, ...]) -> None:
        """The state is that of the store, as it was at `started` (`time.monotonic()`) or later."""

    def restored(self, version: str | None, age: float) -> None:
        """The state is that of the snapshot."""

    def failed(self, error: str) -> None:
        """The store could not be read."""

    def refused(self, tenant: str, problems: tuple[Problem, ...]) -> None:
        """A record cannot be used."""

    def refused_more(self, number: int) -> None:
        """So many records beyond those that were named cannot be used."""

    def snapshot_failed(self, error: str | None) -> None:
        """The snapshot cannot be used; None: it can again."""


class Follower:
    """Follows `source` in a thread of its own until it is stopped."""

    def __init__(
        self, source: Source, state: State, observer: Observer, snapshot: Snapshot | None, max_staleness: float
    ) -> None:
        self._source = source
        self._state = state
        self._observer = observer
        self._snapshot = snapshot
        self._max_staleness = max_staleness
        self._version: str | None = None
        self._loaded = False
        self._restored = False  # whether it was tried
        self._reader: Reader | None = None
        self._attention = threading.Event()
        self._stopping = False
        self._piece_began = 0.0
        self._snapshot_due = 0.0
        self._thread = threading.Thread(target=self._run, name="corecors-follower", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def look_now(self) -> None:
        """Look at the store without waiting for the next time."""
        self._attention.set()

    def stop(self) -> None:
        """End the thread as soon as it comes back from the store."""
        self._stopping = True
        self._attention.set()

    def abort(self) -> None:
        """Make a call to the store fail that does not come back. Never blocks."""
        reader = self._reader
        if reader is not None:
            with contextlib.suppress(Exception):
                reader.abort()

    def join(self, timeout: float) -> None:
        if self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _run(self) -> None:
        failures = 0
        while not self._stopping:
            self._attention.clear()
            self._observer.beat()
            started = time.monotonic()
            try:
                self._look(started)
                failures = 0
                if self._stopping:
                    break
                assert self._reader is not None
                self._reader.wait(max(0.0, started + self._max_staleness - time.monotonic()), self._attention)
            except Exception as error:  # a driver may raise anything, and nothing may end the follower
                self._disconnect()
                if self._stopping:
                    break
                self._restore()
                self._observer.failed(in_words(error))
                backoff = min(FIRST_BACKOFF * 2 ** min(failures, 20), self._max_staleness)
                failures += 1
                # Not all hosts at the same moment, when the store comes back.
                self._attention.wait(backoff * random.uniform(0.5, 1.0))
        self._disconnect()
        if self._snapshot is not None:
            self._snapshot.close()

    def _look(self, started: float) -> None:
        if self._reader is None:
            self._reader = self._source.open(max(1.0, self._max_staleness))
        update = self._reader.read(self._version)
        changes = {}
        if update is not None:
            changes = self._apply(update)
            if update.version is not None:
                self._version = update.version
            elif changes or self._version is None:
                self._version = secrets.token_hex(8)
        self._loaded = True
        self._observer.succeeded(started, self._version, tuple(changes))
        if self._snapshot is not None and (changes or started >= self._snapshot_due):
            self._snapshot_due = started + SNAPSHOT_EVERY
            try:
                self._snapshot.keep(self._version, changes, self._state.entries, self._pause)
            except (StoreError, OSError) as error:
                self._observer.snapshot_failed(in_words(error))
            else:
                self._observer.snapshot_failed(None)

    def _apply(self, update: Update) -> dict[str, str | None]:
        told = 0

        def report(tenant: str, problems: tuple[Problem, ...]) -> None:
            nonlocal told
            told += 1
            if told <= TOLD_AT_ONCE:
                self._observer.refused(tenant, problems)

        self._piece_began = time.perf_counter()
        try:
            return self._state.apply(update, self._pause, report)
        finally:
            close = getattr(update.records, "close", None)
            if close is not None:
                close()  # what a generator holds open: a transaction, say
            if told > TOLD_AT_ONCE:
                self._observer.refused_more(told - TOLD_AT_ONCE)

    def _restore(self) -> None:
        """Take the state from the snapshot where the store never answered."""
        if self._snapshot is None or self._loaded or self._restored:
            return
        self._restored = True
        try:
            saved = self._snapshot.load()
            if saved is not None:
                self._apply(Update(saved.version, saved.records, everything=True))
                self._observer.restored(saved.version, saved.age)
        except (StoreError, OSError, StoppedError) as error:
            self._observer.snapshot_failed(in_words(error))

    def _pause(self) -> None:
        """Let requests have the interpreter, where enough was done without them."""
        if time.perf_counter() - self._piece_began > PIECE:
            if self._stopping:
                raise StoppedError
            self._observer.beat()
            time.sleep(PAUSE)
            self._piece_began = time.perf_counter()

    def _disconnect(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            with contextlib.suppress(Exception):
                reader.close()


class StoppedError(Exception):
    """The follower is to end in the middle of its work."""


def in_words(error: BaseException) -> str:
    """An error on one line, short and printable. Drivers' own errors, without the statement that SQLAlchemy adds."""
    original = getattr(error, "orig", None)
    if isinstance(original, BaseException):
        error = original
    said = " ".join(str(error).split())
    text = said if isinstance(error, StoreError) else f"{type(error).__name__}: {said}".removesuffix(": ")
    return printable(text, MAX_ERROR_LENGTH)
