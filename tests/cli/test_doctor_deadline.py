"""Whatever a server does, the doctor answers soon after `--timeout`, and needs no more memory for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from types import SimpleNamespace
from typing import Any

import pytest
from broken_servers import PAGE, application, bare, right, serving
from click.testing import CliRunner
from hostile_servers import WITH_ANSWER, WITHOUT_ANSWER, Pieces, writing

from corecors.cli import bounded_client
from corecors.cli.doctor import doctor

TIMEOUT = 0.5
# Seconds for what is to end with the timeout: what the servers do has no end at all, and this machine may be busy. That
# nothing is waited for beyond the timeout is held by a clock of the test's own, below.
SOON = 5
MOST_MORE = 24 * 1024  # KiB; http.client by itself reads 100 lines of 64 KiB


def servers(table: dict[str, tuple[Callable[[], Pieces], bool]]) -> pytest.MarkDecorator:
    cases = [pytest.param(*behaviour, id=name) for name, behaviour in table.items()]
    return pytest.mark.parametrize(("pieces", "pauses"), cases)


@servers(WITHOUT_ANSWER)
def test_headers_that_never_end_are_no_answer_and_are_not_awaited(pieces: Callable[[], Pieces], pauses: bool) -> None:
    with writing(pieces, pauses) as url:
        began = time.monotonic()
        result = CliRunner().invoke(doctor, [url, "--origin", PAGE, "--timeout", str(TIMEOUT)])
        took = time.monotonic() - began
    assert result.exit_code == 2, result.output
    assert "There is no answer from" in result.output
    assert took < SOON


@servers(WITH_ANSWER)
def test_the_headers_are_enough_for_an_answer(pieces: Callable[[], Pieces], pauses: bool) -> None:
    with writing(pieces, pauses) as url:
        began = time.monotonic()
        result = CliRunner().invoke(doctor, [url, "--origin", PAGE, "--timeout", "20", "--json"])
        took = time.monotonic() - began
    found = json.loads(result.output)["runs"][0]
    assert found["works"]
    assert found["unfinished"] is None
    assert found["requests"] > 1
    assert took < 10


def test_the_time_is_that_of_the_whole_run() -> None:
    """Each of twenty requests is answered in time, and all of them together are not."""

    def slow(environ: dict[str, object], start_response: Callable[..., object]) -> list[bytes]:
        time.sleep(0.2)
        return list(application(right)(environ, start_response))

    with serving(slow) as url:
        began = time.monotonic()
        result = CliRunner().invoke(doctor, [url, "--origin", PAGE, "--timeout", str(TIMEOUT), "--json"])
        took = time.monotonic() - began
    found = json.loads(result.output)["runs"][0]
    assert took < SOON
    assert found["works"]
    assert found["unfinished"] == "no answer within 0.5 seconds"
    assert result.exit_code == 0


class Clock:
    """Time that passes only while an answer is awaited: `costs` is how long each takes, None: there is none."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *costs: float | None) -> None:
        self.now = 1000.0
        self.waits: list[float] = []
        self._costs = iter(costs)
        # Whoever sleeps, or asks another clock, finds nothing here.
        monkeypatch.setattr(bounded_client, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(bounded_client, "queue", SimpleNamespace(SimpleQueue=lambda: Waiting(self), Empty=Empty))

    def pass_until(self, answered: SimpleQueue[Any], timeout: float) -> Any:
        self.waits.append(timeout)
        cost = next(self._costs, 0.0)
        answer = answered.get(timeout=60)  # the server does answer: it is the clock that says when
        if cost is None or cost > timeout:
            self.now += timeout
            raise Empty
        self.now += cost
        return answer


class Waiting:
    """A queue whose `get` takes the time that the clock says."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._answered: SimpleQueue[Any] = SimpleQueue()

    def put(self, item: Any) -> None:
        self._answered.put(item)

    def get(self, timeout: float) -> Any:
        return self._clock.pass_until(self._answered, timeout)


@pytest.mark.parametrize(
    ("costs", "origins", "passed"),
    [
        pytest.param([None], 1, 2.0, id="no answer at all"),
        pytest.param([0.3] * 30, 1, 2.0, id="each in time, and all of them not"),
        pytest.param([0.1, 1.8, 0.2], 1, 2.0, id="the third is too late"),
        pytest.param([1.0, None], 1, 2.0, id="the second never comes"),
        pytest.param([0.5, *[0.0] * 30], 1, 0.5, id="in time"),
        pytest.param([None] * 30, 3, 2.0, id="several origins share the time"),
        pytest.param([0.3] * 60, 3, 2.0, id="several origins that are answered"),
    ],
)
def test_nothing_is_awaited_beyond_the_timeout(
    costs: list[float | None], origins: int, passed: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = [part for number in range(origins) for part in ("--origin", f"https://page-{number}.example")]
    clock = Clock(monkeypatch, *costs)
    with serving(application(right)) as url:
        result = CliRunner().invoke(doctor, [url, *options, "--timeout", "2", "-X", "PUT", "--json"])
    assert result.exit_code in (0, 1, 2), result.output
    assert len(json.loads(result.output)["runs"]) == origins
    assert clock.now - 1000 == pytest.approx(passed)
    assert clock.waits[0] == 2
    assert all(0 < wait <= 2 for wait in clock.waits)


def test_a_handshake_that_trickles_is_not_awaited_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """The port is asked whether it speaks TLS where it answers 400."""
    clock = Clock(monkeypatch, 0.5, None)
    with serving(application(bare(400))) as url:
        result = CliRunner().invoke(doctor, [url, "--origin", PAGE, "--timeout", "2", "--json"])
    assert json.loads(result.output)["runs"][0]["cause"]["code"] == "error-without-headers"
    assert clock.now - 1000 == pytest.approx(2)
    assert clock.waits == [2, 1.5]


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="NOT TESTED: memory is measured on Unix only")
@pytest.mark.parametrize(
    "name", [name for table in (WITHOUT_ANSWER, WITH_ANSWER) for name, (_, pauses) in table.items() if not pauses]
)
def test_no_flood_fills_the_memory(name: str) -> None:
    def peak(url: str) -> int:
        arguments = ["doctor", url, "--origin", PAGE, "--timeout", "2", "--no-hazards"]
        process = subprocess.Popen(
            [sys.executable, "-m", "corecors", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode in (0, 2)
        return usage.ru_maxrss

    with serving(application(right)) as url:
        usual = peak(url)
    with writing(*(WITHOUT_ANSWER | WITH_ANSWER)[name]) as url:
        assert peak(url) < usual + MOST_MORE
