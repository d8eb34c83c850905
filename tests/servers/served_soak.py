"""An application whose policy is replaced, again and again, by a thread beside those that serve: for test_soak.py.

Each answer tells in `X-In-Force` between which two policies it was made: the number of the one that was surely in force
when the request came, and of the last one that may have been when the answer began; and which process made it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from itertools import count
from queue import SimpleQueue
from threading import Lock, Thread
from time import sleep
from typing import TYPE_CHECKING

from corecors.adapters.wsgi import CORSMiddleware
from servers.soak_policies import IN_FORCE, REQUESTS_PER_REPLACEMENT, in_force_as, policy_number

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

BODY = b"answered"

sys.setswitchinterval(1e-6)  # seconds: threads take turns as often as they can, also in the middle of the middleware


def page(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    sleep(0)  # as any application that waits for something: other threads go on, the one that replaces the policy too
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))])
    return [BODY]


class Replacer:
    """Puts the next policy in force whenever enough requests have come: counted, not timed."""

    def __init__(self, middleware: CORSMiddleware) -> None:
        self.middleware = middleware
        self.in_force = 0
        self.announced = 0
        self._requests = count(1)
        self._due: SimpleQueue[None] = SimpleQueue()
        self._starting = Lock()
        self._thread: Thread | None = None

    def request_came(self) -> None:
        if self._thread is None:
            self._start()  # at the first request: by then a server that forks has forked
        if next(self._requests) % REQUESTS_PER_REPLACEMENT == 0:
            self._due.put(None)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = Thread(target=self._replace_when_due, daemon=True)
                self._thread.start()

    def _replace_when_due(self) -> None:
        while True:
            self._due.get()
            self.announced += 1
            self.middleware.policy = in_force_as(self.announced, policy_number(self.announced))
            self.in_force = self.announced


middleware = CORSMiddleware(page, policy_number(0))
governed: WSGIApplication = middleware
replacer = Replacer(middleware)


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    replacer.request_came()
    before = replacer.in_force

    def start(status, headers, exc_info=None):  # type: ignore[no-untyped-def]
        in_force = (IN_FORCE, f"{before} {replacer.announced} {os.getpid()}")
        return start_response(status, [*headers, in_force], exc_info)

    return governed(environ, start)
