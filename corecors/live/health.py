"""Whether the store is followed: what is told, to whom, and what is served while it is not.

Every event is one line of the logger `corecors`: an outage, a recovery, a bad record (WARNING); a follower that is
stuck, a state that has become too old, a start without any state (ERROR).
"""

import logging
import math
import threading
import time
from collections.abc import Callable
from types import MappingProxyType

from corecors._policy.problems import Problem
from corecors.live.following import in_words
from corecors.live.serving import Serving
from corecors.live.state import State
from corecors.live.status import Status, counted

LOGGER = logging.getLogger("corecors")
OVERDUE = 3  # times max_staleness without a sign of the follower, until it is taken as stuck
TOLD_OF_ONE = 50  # problems of one record in its line of the log

OnChange = Callable[[tuple[str, ...]], object]


class Health:
    """What one process knows of its follower. The follower tells it, and it tells `serving` what requests are answered
    by, and when one of them has to look after the follower: so what has to happen in time happens without any thread.
    """

    def __init__(
        self,
        serving: Serving,
        store: str,
        state: State,
        max_staleness: float,
        serve_stale_for: float,
        on_change: OnChange | None,
    ) -> None:
        self.serving: Serving = serving
        self.ready: threading.Event = threading.Event()
        self._store = store
        self._state = state
        self._max_staleness = max_staleness
        self._serve_stale_for = serve_stale_for
        self._on_change = on_change
        self._lock = threading.Lock()  # never held while anything is waited for
        self._closed = False
        self._beat = -math.inf
        self._fresh: float | None = None  # when the state was last known to be the store's own
        self._version: str | None = None
        self._connected = False
        self._error: str | None = None
        self._lost_at: float | None = None
        self._stuck = False
        self._expired = False
        self._snapshot_error: str | None = None

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self.serving.due = math.inf

    def forked(self, state: State) -> None:
        """In a process that was forked off: the thread that told is not here, and what it held is held forever."""
        self._lock = threading.Lock()
        ready = threading.Event()
        if self.ready.is_set():
            ready.set()
        self.ready = ready
        self._state = state
        self.serving.replace({} if self._expired else state.entries)
        self.serving.due = math.inf if self._closed else -math.inf

    def status(self, *, is_followed: bool) -> Status:
        fresh, state = self._fresh, self._state
        return Status(
            ready=self.ready.is_set() and not self._expired,
            version=self._version,
            age=None if fresh is None else max(0.0, time.monotonic() - fresh),
            connected=is_followed and self._connected and not self._stuck,
            tenants=len(state.entries),
            origins=state.origins,
            problems=MappingProxyType({tenant: bad.problems for tenant, bad in state.bad.copy().items()}),
            last_error=self._error or self._snapshot_error,
        )

    # What a request sees to

    def check(self, *, is_alive: bool) -> bool:
        """Whether the follower is stuck. `is_alive`: whether there is a thread at all."""
        if not self._lock.acquire(blocking=False):
            return False  # another request does it
        said = []
        stuck = False
        try:
            now = time.monotonic()
            if now < self.serving.due:
                return False
            stuck = is_alive and now >= self._beat + OVERDUE * self._max_staleness
            if stuck and not self._stuck:
                self._stuck = True
                self._lost_at = self._lost_at or now
                said.append(f"{self._store} has not answered for {now - self._beat:.1f} s; {self._served()}")
            if self._fresh is not None and not self._expired and now >= self._fresh + self._serve_stale_for:
                self._expired = True
                self.serving.replace({})
                old = f"could not be read for {now - self._fresh:.1f} s"
                said.append(f"{self._store} {old}; from now on default governs every tenant")
            self._plan(now)
        finally:
            self._lock.release()
        for text in said:
            _say(logging.ERROR, text)
        return stuck

    def _served(self) -> str:
        if not self.ready.is_set():
            return "there is no snapshot, so default governs every tenant"
        return "default governs every tenant" if self._expired else "the last good state serves"

    def _plan(self, now: float) -> None:
        stuck_at = self._beat + OVERDUE * self._max_staleness
        due = stuck_at if stuck_at > now else now + self._max_staleness
        if self._fresh is not None and not self._expired:
            due = min(due, self._fresh + self._serve_stale_for)
        self.serving.due = math.inf if self._closed else due

    # What the follower tells

    def beat(self) -> None:
        self._beat = now = time.monotonic()
        self._plan(now)

    def succeeded(self, started: float, version: str | None, changed: tuple[str, ...]) -> None:
        with self._lock:
            first = not self.ready.is_set()
            lost_at, self._lost_at = self._lost_at, None
            self.serving.replace(self._state.entries)  # first: `status` takes no lock, and what it tells is in force
            self._error = None
            self._connected = True
            self._stuck = self._expired = False
            self._version = version
            self._fresh = started
            self.beat()
        self.ready.set()
        state = self._state
        if lost_at is not None:
            _say(logging.WARNING, f"{self._store} is back after {time.monotonic() - lost_at:.1f} s")
        elif first:
            held = f"{counted(len(state.entries), 'tenant')}, {counted(state.origins, 'origin')}"
            _say(logging.INFO, f"following {self._store}: {held}")
        if changed and not state.entries:
            _say(logging.WARNING, f"{self._store} has no tenants any more; default governs everywhere")
        self._tell(changed)

    def restored(self, version: str | None, age: float) -> None:
        with self._lock:
            is_expired = age >= self._serve_stale_for
            self.serving.replace({} if is_expired else self._state.entries)  # first, as above
            self._expired = is_expired
            self._version = version
            self._fresh = time.monotonic() - age
            self.beat()
        self.ready.set()
        if self._expired:
            old = f"is {age:.0f} s old, which is longer than serve_stale_for"
            _say(logging.ERROR, f"the snapshot {old}; default governs every tenant")
            return
        tenants = counted(len(self.serving.entries), "tenant")
        _say(logging.WARNING, f"serving {tenants} from a snapshot that is {age:.0f} s old")
        self._tell(tuple(self._state.entries))

    def failed(self, error: str) -> None:
        with self._lock:
            first = self._error is None and not self._stuck
            self._error = error
            self._connected = False
            self._lost_at = self._lost_at or time.monotonic()
            self.beat()
        if first:
            level = logging.WARNING if self.ready.is_set() else logging.ERROR
            _say(level, f"{self._store} cannot be read, {self._served()}: {error}")

    def refused(self, tenant: str, problems: tuple[Problem, ...]) -> None:
        kept = "keeps its last good policy" if tenant in self._state.entries else "has no policy, so default governs it"
        told = "; ".join(str(problem) for problem in problems[:TOLD_OF_ONE])
        more = f"; and {len(problems) - TOLD_OF_ONE} more" if len(problems) > TOLD_OF_ONE else ""
        _say(logging.WARNING, f"the record of {tenant!a:.300} is refused, and it {kept}: {told}{more}")

    def refused_more(self, number: int) -> None:
        _say(logging.WARNING, f"{number:,} more records are refused; status().problems has them")

    def snapshot_failed(self, error: str | None) -> None:
        if error is not None and error != self._snapshot_error:
            _say(logging.WARNING, error)
        self._snapshot_error = error

    def _tell(self, changed: tuple[str, ...]) -> None:
        if self._on_change is None or not changed:
            return
        try:
            self._on_change(changed)
        except Exception as error:
            LOGGER.error("CORS policies: on_change failed: %s", in_words(error), exc_info=True)


def _say(level: int, text: str) -> None:
    LOGGER.log(level, "CORS policies: %s", text)
