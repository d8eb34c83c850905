"""A follower lives in every process that serves: forked before or after it was started, by whomever."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest
from live.conftest import origins_of
from live.stores import MemoryStore
from live.waiting import LONG, until

from corecors.live import LivePolicies, SQLSource
from servers.availability import leave_out
from servers.http_connection import ask
from servers.http_connection import request as get
from servers.processes import ServerError, running

A, B = "https://a.example", "https://b.example"
TESTS = Path(__file__).parent.parent
WORKERS = 2
UWSGI = Path(sys.executable).with_name("uwsgi")
Command = Callable[[int, Path], Sequence[str]]


def gunicorn(*options: str) -> Command:
    def command(port: int, folder: Path) -> list[str]:
        bound = ["--bind", f"127.0.0.1:{port}", "--workers", str(WORKERS), "--timeout", "120", "--no-control-socket"]
        return [sys.executable, "-m", "gunicorn", *bound, *options, "live.served_live:application"]

    return command


def uwsgi(*options: str) -> Command:
    def command(port: int, folder: Path) -> list[str]:
        bound = ["--http-socket", f"127.0.0.1:{port}", "--virtualenv", sys.prefix, "--master", "--die-on-term"]
        served = ["--module", "live.served_live", "--callable", "application", "--need-app", "--single-interpreter"]
        return [str(UWSGI), *bound, *served, "--processes", str(WORKERS), "--worker-reload-mercy", "1", *options]

    return command


def granian(*options: str) -> Command:
    def command(port: int, folder: Path) -> list[str]:
        bound = ["--host", "127.0.0.1", "--port", str(port), "--http", "1", "--no-ws", "--workers", str(WORKERS)]
        return [sys.executable, "-m", "granian", *bound, *options]

    return command


@pytest.mark.parametrize(
    ("command", "started"),
    [
        pytest.param(gunicorn(), "", id="gunicorn, each worker imports the application"),
        pytest.param(gunicorn("--preload"), "", id="gunicorn, the master imports it, and serves nothing"),
        pytest.param(gunicorn("--preload"), "1", id="gunicorn, the master follows the store before it forks"),
        pytest.param(gunicorn("--preload", "--threads", "4"), "1", id="gunicorn, workers with threads"),
        pytest.param(gunicorn("--worker-class", "gevent"), "", id="gevent"),
        pytest.param(gunicorn("--worker-class", "gevent", "--preload"), "1", id="gevent, and the master follows"),
        pytest.param(uwsgi("--enable-threads"), "", id="uWSGI, the master imports it, and serves nothing"),
        pytest.param(uwsgi("--enable-threads"), "1", id="uWSGI, the master follows the store before it forks"),
        pytest.param(uwsgi("--enable-threads", "--lazy-apps"), "", id="uWSGI, each worker imports the application"),
        pytest.param(uwsgi("--threads", "4"), "1", id="uWSGI, workers with threads"),
        pytest.param(granian("--interface", "wsgi", "live.served_live:application"), "", id="granian"),
        pytest.param(granian("--interface", "asgi", "live.served_live:asgi_application"), "1", id="granian, ASGI"),
    ],
)
def test_every_worker_follows(command: Command, started: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    need(request.node.callspec.id)
    store, environment = followed(tmp_path, started)
    with running("server", command, tmp_path / "server", environment) as server:
        answers: dict[str, str | None] = defaultdict(lambda: None)

        def all_workers_answer(origin: str) -> bool:
            for _ in range(WORKERS * 2):
                asked = [("Host", "shop"), ("Origin", origin), ("Connection", "close")]
                headers = {name.lower(): value for name, value in ask(server.port, get("GET", "/", asked)).headers}
                answers[headers["x-worker"]] = headers.get("access-control-allow-origin")
            return len(answers) == WORKERS and set(answers.values()) == {origin}

        until(lambda: all_workers_answer(A), "the first state in every worker")
        store.put("shop", {"allow_origins": [B]})
        until(lambda: all_workers_answer(B), "the change in every worker")
        assert "Traceback" not in server.log()


def test_uwsgi_as_it_comes_refuses_to_start_and_names_the_option(tmp_path: Path) -> None:
    need("uWSGI")
    _, environment = followed(tmp_path, "")
    with pytest.raises(ServerError, match="enable-threads"), running("uWSGI", uwsgi(), tmp_path / "u", environment):
        pass


def followed(folder: Path, started: str) -> tuple[SQLSource, dict[str, str]]:
    """A store, and what tells `served_live` of it."""
    store = SQLSource(f"sqlite:///{folder / 'tenants.db'}")
    store.init()
    store.put("shop", {"allow_origins": [A]})
    path = os.pathsep.join([str(TESTS), str(TESTS / "support")])
    return store, {"LIVE_STORE": f"sqlite:///{folder / 'tenants.db'}", "LIVE_START": started, "PYTHONPATH": path}


def need(server: str) -> None:
    """Leave a test out whose server is not installed."""
    name = server.partition(",")[0]
    needed = {"gevent": ["gunicorn", "gevent"], "uWSGI": []}.get(name, [name])
    for module in needed:
        if find_spec(module) is None:
            leave_out(f"{module} is not installed")
    if name == "uWSGI" and not UWSGI.exists():
        leave_out("pyuwsgi is not installed")


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
def test_a_lock_that_the_follower_held_at_the_fork_holds_up_nobody_in_the_child(
    memory: MemoryStore, follow: Callable[..., LivePolicies]
) -> None:
    memory.put("shop", {"allow_origins": [A]})
    policies = follow(memory, max_staleness=1000.0)
    assert policies.wait_ready(LONG)
    with policies._health._lock:  # as its thread does at every look
        child = os.fork()
        if child == 0:
            try:
                memory.put("shop", {"allow_origins": [B]})
                policies.look_now()
                until(lambda: origins_of(policies, "shop") == (B,) and policies.status().connected)
                os._exit(0)
            except BaseException:
                os._exit(2)
    assert os.waitpid(child, 0)[1] == 0


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
