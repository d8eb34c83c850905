"""A follower lives in every process that serves: forked before or after it was started, by whomever."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from live.conftest import origins_of
from live.stores import MemoryStore
from live.waiting import LONG, until

from corecors.live import LivePolicies, SQLSource
from servers.availability import leave_out
from servers.http_connection import ask, request
from servers.processes import running

A, B = "https://a.example", "https://b.example"
TESTS = Path(__file__).parent.parent
WORKERS = 2


@pytest.mark.parametrize(
    ("options", "started"),
    [
        pytest.param([], "", id="each worker imports the application"),
        pytest.param(["--preload"], "", id="the master imports it, and serves nothing"),
        pytest.param(["--preload"], "1", id="the master follows the store before it forks"),
        pytest.param(["--preload", "--threads", "4"], "1", id="workers with threads"),
        pytest.param(["--worker-class", "gevent"], "", id="gevent"),
        pytest.param(["--worker-class", "gevent", "--preload"], "1", id="gevent, and the master follows"),
    ],
)
def test_every_worker_of_gunicorn_follows(options: list[str], started: str, tmp_path: Path) -> None:
    for needed in ("gunicorn", *(["gevent"] if "gevent" in options else [])):
        if find_spec(needed) is None:
            leave_out(f"{needed} is not installed")
    store = SQLSource(f"sqlite:///{tmp_path / 'tenants.db'}")
    store.init()
    store.put("shop", {"allow_origins": [A]})

    def command(port: int, folder: Path) -> list[str]:
        bound = ["--bind", f"127.0.0.1:{port}", "--workers", str(WORKERS), "--timeout", "120"]
        return [sys.executable, "-m", "gunicorn", *bound, *options, "live.served_live:application"]

    environment = {
        "LIVE_STORE": f"sqlite:///{tmp_path / 'tenants.db'}",
        "LIVE_START": started,
        "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS / "support")]),
    }
    with running("gunicorn", command, tmp_path / "gunicorn", environment) as server:
        answers: dict[str, str | None] = defaultdict(lambda: None)

        def all_workers_answer(origin: str) -> bool:
            for _ in range(WORKERS * 2):
                asked = [("Host", "shop"), ("Origin", origin), ("Connection", "close")]
                headers = {name.lower(): value for name, value in ask(server.port, request("GET", "/", asked)).headers}
                answers[headers["x-worker"]] = headers.get("access-control-allow-origin")
            return len(answers) == WORKERS and set(answers.values()) == {origin}

        until(lambda: all_workers_answer(A), "the first state in every worker")
        store.put("shop", {"allow_origins": [B]})
        until(lambda: all_workers_answer(B), "the change in every worker")
        assert "Traceback" not in server.log()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_process_that_is_forked_off_follows_by_itself(
    memory: MemoryStore, follow: Callable[..., LivePolicies]
) -> None:
    memory.put("shop", {"allow_origins": [A]})
    policies = follow(memory, max_staleness=1000.0)  # so that only what happens at the fork can help
    assert policies.wait_ready(LONG)
    child = os.fork()
    if child == 0:  # nothing of pytest may run here, and no assertion can be told but by the status
        try:
            inherited = origins_of(policies, "shop") == (A,)
            memory.put("shop", {"allow_origins": [B]})  # of the child's own copy
            policies.look_now()
            until(lambda: origins_of(policies, "shop") == (B,))
            os._exit(0 if inherited and policies.status().connected else 1)
        except BaseException:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert origins_of(policies, "shop") == (A,)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_follower_that_was_closed_or_never_started_stays_so_in_a_child(memory: MemoryStore) -> None:
    closed = LivePolicies(memory)
    closed.start()
    closed.close()
    idle = LivePolicies(memory)
    connections = memory.connections
    child = os.fork()
    if child == 0:
        os._exit(0 if memory.connections == connections and not idle.status().connected else 1)
    assert os.waitpid(child, 0)[1] == 0
    idle.close()


def test_nothing_keeps_an_interpreter_from_exiting(tmp_path: Path) -> None:
    import subprocess

    store = SQLSource(f"sqlite:///{tmp_path / 'tenants.db'}")
    store.init()
    code = (
        "from corecors.live import LivePolicies, SQLSource\n"
        f"policies = LivePolicies(SQLSource({f'sqlite:///{tmp_path}/tenants.db'!r}), max_staleness=1000)\n"
        "assert policies.wait_ready(60)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=LONG, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
