"""Whatever a server does, the doctor answers soon after `--timeout`, and needs no more memory for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from broken_servers import PAGE, application, right, serving
from click.testing import CliRunner
from hostile_servers import WITH_ANSWER, WITHOUT_ANSWER, Pieces, writing

from corecors.cli.doctor import doctor

TIMEOUT = 0.5
SOON = 5  # seconds: what the servers do has no end at all, and this machine may be busy
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
