"""The traps that lint finds are real: each is shown on the proxy itself, and not with the right configuration."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from proxy_configurations import RIGHT, Attack, Change
from proxy_traps import CHANGES

from proxies.kinds import KINDS
from proxies.upstream import Response, Upstream
from servers.caches import SYSTEM_PROGRAMS
from servers.http_connection import ask, request
from servers.processes import Server, running

ATTACKS = [change for change in CHANGES if change.attack is not None]


def started(proxy: str, program: str, text: str, port: int, upstream: int, folder: Path) -> Sequence[str]:
    """Write a configuration to the folder; returns the command that runs it."""
    text = text.replace("PORT", str(port)).replace("UPSTREAM", str(upstream)).replace("FOLDER", str(folder))
    if os.getuid() == 0:
        text = {"nginx": "user root;\n", "apache": "User www-data\nGroup www-data\n"}.get(proxy, "") + text
    file = folder / "proxy.yaml"
    if proxy == "nginx":
        text = "daemon off;\nworker_processes 1;\npid nginx.pid;\n" + text
    file.write_text(text)
    return {
        "nginx": [program, "-p", f"{folder}/", "-c", str(file), "-e", "stderr"],
        "haproxy": [program, "-db", "-f", str(file)],
        "apache": [program, "-D", "FOREGROUND", "-f", str(file)],
        "envoy": [program, "-c", str(file), "--concurrency", "1", "--log-level", "error", "--disable-hot-restart"],
        "caddy": [program, "run", "--adapter", "caddyfile", "--config", str(file)],
    }[proxy]


@contextmanager
def proxy_with(proxy: str, text: str, upstream: int) -> Iterator[Server]:
    (kind,) = (kind for kind in KINDS if kind.name == proxy)
    program = kind.insisted().path()
    assert program is not None
    with tempfile.TemporaryDirectory(prefix="cc-") as name:

        def command(port: int, folder: Path) -> Sequence[str]:
            return started(proxy, program, text, port, upstream, folder)

        with running(proxy, command, Path(name), {"PATH": SYSTEM_PROGRAMS}) as server:
            yield server


@pytest.fixture(scope="module")
def right(upstream: Upstream) -> Iterator[dict[str, Server]]:
    """Right configurations, each started when it is first asked for."""
    with ExitStack() as stack:

        class Started(dict[str, Server]):
            def __missing__(self, name: str) -> Server:
                self[name] = stack.enter_context(proxy_with(*RIGHT[name], upstream.port))
                return self[name]

        yield Started()


def shown(server: Server, upstream: Upstream, attack: Attack) -> list[str]:
    """The lines of the header that the attack looks at."""
    path = attack.path
    if path == "/":
        path = upstream.add(Response(attack.status, attack.upstream))
    headers = [("Host", "localhost"), ("Connection", "close")]
    if attack.origin is not None:
        headers.append(("Origin", attack.origin))
    if attack.method == "OPTIONS":
        headers.append(("Access-Control-Request-Method", "PUT"))
    return ask(server.port, request(attack.method, path, headers)).lines(attack.header)


@pytest.mark.parametrize("change", [pytest.param(change, id=change.name) for change in ATTACKS])
def test_what_lint_finds_is_what_the_proxy_does(change: Change, right: dict[str, Server], upstream: Upstream) -> None:
    attack = change.attack
    assert attack is not None
    with proxy_with(change.proxy, change.text, upstream.port) as server:
        got = shown(server, upstream, attack)
    assert sorted(got) == sorted(attack.shows)
    assert sorted(shown(right[change.right], upstream, attack)) != sorted(attack.shows)
