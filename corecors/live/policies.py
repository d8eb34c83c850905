"""LivePolicies: the policies of tenants, as a store has them.

The law of tenants: a request is answered under the policy of the tenant that it is for, in one of its versions, and
never under a union or anybody else's. Where that is not known, `default` governs.
"""

import contextlib
import math
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, final

from corecors._decisions.request import CORSRequest, Place
from corecors._decisions.sources import Undecided
from corecors._policy.policy import Policy
from corecors.live.following import Follower
from corecors.live.health import Health, OnChange
from corecors.live.records import Record, checked
from corecors.live.serving import Entry, Serving
from corecors.live.snapshot import Snapshot
from corecors.live.sources import Source
from corecors.live.state import State
from corecors.live.status import Status
from corecors.live.tenants import Tenant, by_host, fault_of_host, needs_request, varies_by_origin

LEAST_STALENESS = 0.1  # seconds; less would be a query per request again


@final
class LivePolicies:
    """Policies by tenant that follow a store, a `PolicySource`.

        policies = LivePolicies(SQLSource("sqlite:///tenants.db"), base=Policy(allow_credentials=True))
        app = CORSMiddleware(app, policies)

    source: where the records are: `SQLSource`, `RedisSource`, `FileSource`, `QuerySource`.
    base: has the arguments that a tenant's record leaves out.
    tenant: a function that gives the name of a request's tenant: `by_host`, `by_path_segment(1)`, or any function of a
        `CORSRequest`. One that never looks at `Origin` may say so: `function.varies_by_origin = False`.
    default: governs where the tenant is unknown, and as long as nothing was loaded. As it comes it allows nobody.
    max_staleness: seconds until a change is known at the latest, while the store can be reached.
    serve_stale_for: seconds for which the last good state serves while the store cannot be reached; then `default`
        governs everywhere. None: as long as it takes.
    snapshot: the path of a file that keeps the last good state, for processes that start while the store is down. Not a
        path that other users of the machine can write to: what it holds is served.
    on_change: called with the names of tenants whose policy changed, in the follower's thread, after it is in force.

    A request reads a dict: it takes no lock, does no I/O and never waits. The follower, a daemon thread, is started at
    the first request or by `start()`, and again in a process that is forked off. Nothing is read before: see
    `wait_ready`. Raises `TypeError` or `ValueError` for options that cannot be meant, and `RuntimeError` under uWSGI
    without `enable-threads`.
    """

    def __init__(
        self,
        source: Source,
        *,
        base: Policy | None = None,
        tenant: Tenant = by_host,
        default: Policy | None = None,
        max_staleness: float = 5.0,
        serve_stale_for: float | None = None,
        snapshot: str | os.PathLike[str] | None = None,
        on_change: OnChange | None = None,
    ) -> None:
        if not callable(getattr(source, "open", None)) or not isinstance(getattr(source, "name", None), str):
            raise TypeError(f"source is of type {type(source).__name__}, which cannot be followed")
        for name, value in (("base", base), ("default", default)):
            if not (value is None or isinstance(value, Policy)):
                raise TypeError(f"{name} is of type {type(value).__name__}, not a Policy")
        if not callable(tenant):
            raise TypeError("tenant is a function of a CORSRequest: by_host, by_path_segment(1) or one of your own")
        if not (on_change is None or callable(on_change)):
            raise TypeError("on_change is a function of the names of tenants")
        _require_seconds("max_staleness", max_staleness, LEAST_STALENESS)
        if serve_stale_for is not None:
            _require_seconds("serve_stale_for", serve_stale_for, max_staleness)
        _prepare_uwsgi()
        self.source = source
        self.base: Policy = base or Policy()
        self.varies_by_origin: bool = varies_by_origin(tenant)
        self._tenant = tenant
        self._max_staleness = max_staleness
        self._snapshot = snapshot
        self._state = State(self.base, fault_of_host if tenant is by_host else _no_fault)
        stale = math.inf if serve_stale_for is None else serve_stale_for
        self._serving = Serving(tenant, default or Policy(), self._policy_of, self._look_after)
        if type(self) is LivePolicies:  # a subclass may choose otherwise, whatever types say
            object.__setattr__(self, "policy_for", self._serving.policy_for)  # the same, without the price of a call
        self._health = Health(self._serving, source.name, self._state, max_staleness, stale, on_change)
        self._follower: Follower | None = None
        self._closed = False
        self._starting = threading.Lock()
        self._process = os.getpid()
        _followed.add(self)

    @property
    def needs_request(self) -> bool:
        """Whether a `Place` is not enough: the tenant is told by a function of the application's own."""
        return needs_request(self._tenant)

    @property
    def default(self) -> Policy:
        """Governs where the tenant is unknown, from the beginning to the end."""
        return self._serving.default

    def policy_for(self, request: CORSRequest | Place) -> Policy | Undecided:
        """The policy of the request's tenant; `default` for an unknown one."""
        return self._serving.policy_for(request)

    def _policy_of(self, entry: Entry) -> Policy:
        return self._state.policy_of(entry)

    # Its life

    def start(self) -> None:
        """Start following, in this process. It is done by the first request otherwise, which `default` governs then."""
        self._notice_fork()
        if self._closed:
            raise RuntimeError("these LivePolicies are closed")
        with self._starting:
            if self._follower is not None and self._follower.is_alive():
                return
            snapshot = None if self._snapshot is None else Snapshot(self._snapshot, self.source.name)
            follower = Follower(self.source, self._state, self._health, snapshot, self._max_staleness)
            self._health.beat()
            follower.start()
            self._follower = follower

    def _look_after(self) -> None:
        """What a request sees to where it is time to: that somebody follows, and how old the state may get."""
        self._notice_fork()
        follower = self._follower
        is_alive = follower is not None and follower.is_alive()
        if self._health.check(is_alive=is_alive):
            follower.abort()  # type: ignore[union-attr]  # it is alive
        if not is_alive and not self._closed and self._starting.acquire(blocking=False):
            self._starting.release()  # nobody else is starting one, so nothing is waited for
            with contextlib.suppress(RuntimeError):  # no thread can be started at the interpreter's end
                self.start()

    def wait_ready(self, timeout: float) -> bool:
        """Start, and wait for the first state, at most `timeout` seconds; whether there is one."""
        self.start()
        return self._health.ready.wait(timeout)

    def look_now(self) -> None:
        """Have the follower look at the store at once, and return without waiting for it."""
        follower = self._follower
        if follower is not None:
            follower.look_now()

    def close(self, timeout: float = 5.0) -> None:
        """End the follower; what is in force stays so. Waits for its thread, at most `timeout` seconds."""
        self._closed = True
        self._health.close()
        with self._starting:
            follower, self._follower = self._follower, None
        _followed.discard(self)
        if follower is not None:
            follower.stop()
            follower.join(min(timeout, 1.0))
            follower.abort()  # where it is in a call that hangs
            follower.join(max(0.0, timeout - 1.0))

    def __enter__(self) -> "LivePolicies":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def put(self, tenant: str, record: Record) -> None:
        """Write a tenant's record to the store, checked as the follower will check it: under `base`.

        Raises `PolicyError` with what is wrong, which the customer can be shown, and what the store's driver raises.
        """
        checked(tenant, record, self.base)
        self._store().put(tenant, record)
        self.look_now()

    def remove(self, tenant: str) -> bool:
        """Remove a tenant from the store; whether it was there."""
        found = self._store().remove(tenant)
        self.look_now()
        return bool(found)

    def _store(self) -> Any:
        if not hasattr(self.source, "put"):
            raise TypeError(f"{self.source.name} can only be read")
        return self.source

    def status(self) -> Status:
        """How the follower is doing, for health checks and metrics."""
        follower = self._follower
        if follower is not None and time.monotonic() >= self._serving.due:
            self._look_after()
        return self._health.status(is_followed=follower is not None and follower.is_alive())

    # Forks

    def _notice_fork(self) -> None:
        """In a process that was forked off: the follower's thread is not here, and a lock that it held is held on."""
        process = os.getpid()
        if process == self._process:
            return
        self._process = process
        was_followed, self._follower = self._follower is not None, None
        self._starting = threading.Lock()
        self._state = self._state.copied()
        self._health.forked(self._state)
        if was_followed and not self._closed:
            with contextlib.suppress(RuntimeError):
                self.start()

    def __repr__(self) -> str:
        return f"LivePolicies({self.source.name}, tenants={len(self._state.entries)})"


_followed: "weakref.WeakSet[LivePolicies]" = weakref.WeakSet()


def _after_fork() -> None:
    for policies in list(_followed):
        policies._notice_fork()


def _after_fork_and(before: Callable[[], object]) -> None:
    _after_fork()
    before()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _no_fault(name: str) -> None:
    return None


def _require_seconds(name: str, value: object, least: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} is a number of seconds, not of type {type(value).__name__}")
    if not (least <= value < math.inf):
        raise ValueError(f"{name} is {value}; it is a number of seconds from {least} up")


def _prepare_uwsgi() -> None:
    """Refuse uWSGI as it comes: no thread of an application ever runs there, so nothing would be followed.

    It forks its workers without telling Python, so its own hook is taken as well. Where an application sets that later,
    a request notices, as soon as one has to look after the follower.
    """
    uwsgi: Any = sys.modules.get("uwsgi")
    options = getattr(uwsgi, "opt", None)
    if not isinstance(options, dict):
        return
    names = {name.decode() if isinstance(name, bytes) else name for name in options}
    if names.isdisjoint({"enable-threads", "threads"}):
        raise RuntimeError("LivePolicies need a thread: start uWSGI with --enable-threads (enable-threads = true)")
    before = getattr(uwsgi, "post_fork_hook", None)
    if before is None:
        uwsgi.post_fork_hook = _after_fork
    elif before is not _after_fork and getattr(before, "func", None) is not _after_fork_and:
        uwsgi.post_fork_hook = partial(_after_fork_and, before)
