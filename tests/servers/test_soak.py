"""Load: the policy is replaced a thousand times while twenty thousand requests run, in four threads or workers.

`CORECORS_SOAK_REQUESTS` sets another number of requests, of which every sixteenth replaces the policy. It is bounded
in count: a slow machine takes longer, and nothing else changes.
"""

from __future__ import annotations

import gc
import os
import re
import tracemalloc
import weakref
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from corecors import Policy
from corecors.adapters.wsgi import CORSMiddleware
from servers.http_connection import Answer, Connection
from servers.processes import Server
from servers.soak_policies import (
    IN_FORCE,
    REQUESTS_PER_REPLACEMENT,
    SoakRequest,
    expected,
    in_force_as,
    policy_number,
    soak_request,
)
from servers.truth import cors_headers
from servers.wsgi_servers import CONCURRENCY, ServerKind

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

REQUESTS = int(os.environ.get("CORECORS_SOAK_REQUESTS", "20000"))
WARM_UP = 0.3  # of the requests: pools, memories and the allocator's arenas have their size by then
TROUBLE = re.compile(r"traceback|exception|\berror\b|critical", re.IGNORECASE)
# What a log may say of requests that are all in order: four connections keep four threads busy; an origin is refused.
ORDINARY = re.compile(
    r"^(WARNING:waitress\.queue:Task queue depth is \d+|(WARNING:corecors:)?CORS(:| refused) .*)\n", re.MULTILINE
)

# Bytes, of all processes together. What was seen: 50 to 200 KiB, up to 500 KiB on uWSGI; if every policy stayed, 3 MiB.
GROWTH_ALLOWED = 3 << 19
ONE_ARENA = {"MALLOC_ARENA_MAX": "1"}  # glibc's arenas, one for each thread, come and go: 1 MiB of noise


class Soak:
    """What one client thread has seen."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.in_force: dict[str, int] = {}
        """By process, the highest number of a policy that was in force."""
        self.overtaken = 0
        """How many answers were made while the policy was being replaced."""

    def note(self, asked: SoakRequest, answer: Answer) -> None:
        first, last, process = str(answer.header(IN_FORCE)).split()
        self.in_force[process] = max(self.in_force.get(process, 0), int(first))
        self.overtaken += first != last
        got = answer.status, cors_headers(answer)
        if not any(got == expected(n, asked) for n in range(int(first), int(last) + 1)):
            self.wrong.append(f"{asked} got {got} while the policies {first} to {last} were in force")

    def run(self, port: int, numbers: Iterable[int]) -> None:
        """Send one request after the other, on one connection for as long as the server keeps it."""
        remaining = iter(numbers)
        number = next(remaining, None)
        while number is not None:
            with Connection(port) as connection:
                while number is not None and not connection.will_close:
                    asked = soak_request(number)
                    self.note(asked, connection.exchange(asked.data()))
                    number = next(remaining, None)


def send(server: Server, numbers: range) -> list[Soak]:
    """Send these requests from four threads at once."""
    soaks = [Soak() for _ in range(CONCURRENCY)]
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        shares = [numbers[turn::CONCURRENCY] for turn in range(CONCURRENCY)]
        for running in [pool.submit(soak.run, server.port, share) for soak, share in zip(soaks, shares, strict=True)]:
            running.result()
    return soaks


@pytest.fixture
def soaked(kind: ServerKind, tmp_path: Path) -> Iterator[Server]:
    with kind.serving("servers.served_soak:application", tmp_path, **ONE_ARENA) as server:
        yield server


def test_every_answer_is_right_while_the_policy_is_replaced(soaked: Server) -> None:
    warm_up = int(REQUESTS * WARM_UP)
    soaks = send(soaked, range(warm_up))
    log, memory = soaked.log(), soaked.resident_bytes()
    soaks += send(soaked, range(warm_up, REQUESTS))
    growth = soaked.resident_bytes() - memory

    assert [wrong for soak in soaks for wrong in soak.wrong][:10] == []
    replaced = {
        process: max(soak.in_force.get(process, 0) for soak in soaks) for soak in soaks for process in soak.in_force
    }
    assert sum(replaced.values()) >= REQUESTS // 20
    overtaken = sum(soak.overtaken for soak in soaks)
    assert overtaken > 0, "no request was under way while the policy was replaced, so nothing was tried"
    assert ORDINARY.sub("", soaked.log()) == ORDINARY.sub("", log), (
        "the server complains of requests that were all in order"
    )
    assert not TROUBLE.search(log)
    print(
        f"{soaked.name}: {REQUESTS} requests, {sum(replaced.values())} replacements, {overtaken} answers overtaken"
        f" by one, {growth / 1024:.0f} KiB more"
    )
    assert growth <= GROWTH_ALLOWED


def page(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return []


def call(middleware: CORSMiddleware, asked: SoakRequest) -> None:
    """One request, without a server."""
    variables = {
        "REQUEST_METHOD": asked.method,
        "PATH_INFO": "/",
        "SCRIPT_NAME": "",
        "HTTP_ORIGIN": asked.origin,
        "HTTP_ACCESS_CONTROL_REQUEST_METHOD": asked.request_method,
    }
    environ = {name: value for name, value in variables.items() if value is not None}
    middleware(environ, lambda status, headers, exc_info=None: lambda data: None)


def growth_of_memory(work: Callable[[range], None]) -> int:
    """How many bytes more are held after `work` on all requests but those of the warm-up."""
    warm_up = int(REQUESTS * WARM_UP)
    work(range(warm_up))
    gc.collect()
    tracemalloc.start()
    try:
        work(range(warm_up, REQUESTS))
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_a_policy_that_was_replaced_leaves_nothing_behind() -> None:
    middleware = CORSMiddleware(page, policy_number(0))
    replaced: list[weakref.ref[Policy]] = []

    def serve(numbers: range) -> None:
        for number in numbers:
            if number % REQUESTS_PER_REPLACEMENT == 0:
                n = number // REQUESTS_PER_REPLACEMENT
                policy = policy_number(n)
                replaced.append(weakref.ref(policy))
                middleware.policy = in_force_as(n, policy)
            call(middleware, soak_request(number))

    def serve_in_threads(numbers: range) -> None:
        quarter = len(numbers) // CONCURRENCY  # not every fourth: then one thread would replace all policies
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            list(pool.map(serve, [numbers[turn * quarter :][:quarter] for turn in range(CONCURRENCY)]))

    growth = growth_of_memory(serve_in_threads)
    assert len(replaced) >= REQUESTS // 20
    middleware.policy = policy_number(0)
    gc.collect()
    assert [policy for policy in replaced if policy() is not None] == []
    own_notes = len(replaced) * 128  # the list above: a weak reference each
    assert growth <= own_notes + 64_000, "some thirty policies, where hundreds were replaced"


def test_origins_that_were_never_seen_before_fill_no_memory() -> None:
    middleware = CORSMiddleware(page, policy_number(1))

    def serve(numbers: range) -> None:
        for number in numbers:
            call(middleware, SoakRequest("GET", f"https://t{number}.tenants.example"))
            call(middleware, SoakRequest("OPTIONS", f"https://t{number}.tenants.example", "PUT"))
            call(middleware, SoakRequest("GET", f"https://t{number}.refused.example"))

    assert growth_of_memory(serve) <= 2 << 20, "beyond what a bounded memory of answers takes"
