"""Two policies for one request: nothing reaches the application. Each proxy would have made something else of
them: anyone that either lets in, or the words of one for the origins of the other."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from corecors import Policy
from corecors.export import render
from proxies.kinds import KINDS
from proxies.upstream import Upstream

ORIGINS = ("https://one.example", "https://two.example")
ONE = Policy(allow_origins=[ORIGINS[0]], allow_methods=["PUT"], expose_headers=["X-One"])
TWO = Policy(allow_origins=[ORIGINS[1]], allow_methods=["DELETE"], allow_credentials=True)
Place = Callable[[str, int], str]  # the text of the first, and the application's port: the text of both


def behind(text: str, upstream: int) -> str:
    """HAProxy and Apache: both in one frontend, in one <VirtualHost>."""
    return text + render(TWO, "apache" if "SetEnvIf" in text else "haproxy")


def in_the_backend(text: str, upstream: int) -> str:
    backend = f"    use_backend inner\nbackend inner\n    server application 127.0.0.1:{upstream}\n"
    return text + backend + render(TWO, "haproxy")


def in_the_main_server(text: str, upstream: int) -> str:
    host = f"ProxyPass / http://127.0.0.1:{upstream}/\n</VirtualHost>\n"
    return text + host + render(TWO, "apache") + "<VirtualHost 127.0.0.1:1>\nServerName unused.test\n"


def in_one_server(text: str, upstream: int) -> str:
    return text + render(TWO, "nginx", name="other", part="http" if "map " in text else "server")


def in_a_location(text: str, upstream: int) -> str:
    if "map " in text:
        return in_one_server(text, upstream)
    inner = render(TWO, "nginx", name="other", part="server")
    return f"{text}location /inner {{\nproxy_pass http://application;\n{inner}}}\nlocation = / {{ return 204; }}\n"


def in_another_route(text: str, upstream: int) -> str:
    return text if "@corecors_passes" not in text else "}\nroute {\n".join([text, render(TWO, "caddy", part="route")])


def in_one_chain(text: str, upstream: int) -> str:
    return text + render(TWO, "envoy", part="routes" if "- match:" in text else "filters")


@pytest.mark.parametrize(
    ("name", "place"),
    [
        pytest.param("haproxy", behind, id="HAProxy, one frontend"),
        pytest.param("haproxy", in_the_backend, id="HAProxy, a frontend and its backend"),
        pytest.param("apache", behind, id="Apache, one VirtualHost"),
        pytest.param("apache", in_the_main_server, id="Apache, the server and a VirtualHost"),
        pytest.param("nginx", in_one_server, id="nginx, one server"),
        pytest.param("nginx", in_a_location, id="nginx, a server and a location"),
        pytest.param("caddy", in_another_route, id="Caddy, one route after the other"),
        pytest.param("envoy", in_one_chain, id="Envoy, one chain of filters"),
    ],
)
def test_no_request_with_two_policies_reaches_the_application(name: str, place: Place, upstream: Upstream) -> None:
    (kind,) = (kind.insisted() for kind in KINDS if kind.name == name)
    with kind.with_policies([ONE], upstream.port, lambda text: place(text, upstream.port)) as proxy:
        upstream.seen.clear()
        for method in ("GET", "PUT", "DELETE"):
            for origin in [None, *ORIGINS]:
                answer = proxy.ask(0, method, "/inner", [] if origin is None else [("Origin", origin)])
                assert (answer.status, answer.header("X-One")) == (500, None)
        assert upstream.seen == []


def test_caddy_accepts_no_two_policies_in_one_route(tmp_path: Path) -> None:
    (kind,) = (kind.insisted() for kind in KINDS if kind.name == "caddy")
    routes = [render(policy, "caddy", part="route") for policy in (ONE, TWO)]
    file = tmp_path / "Caddyfile"
    file.write_text("http://localhost {\nroute {\n" + "".join(routes) + "}\n}\n")
    command = [str(kind.path()), "adapt", "--adapter", "caddyfile", "--config", str(file)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode != 0
    assert "matcher is defined more than once: @corecors_" in said.stderr


def test_nginx_takes_one_policy_in_a_server_and_again_in_its_locations(upstream: Upstream) -> None:
    (kind,) = (kind.insisted() for kind in KINDS if kind.name == "nginx")

    def again(text: str) -> str:
        if "map " in text:
            return text
        return f"{text}location /again {{\nproxy_pass http://application/;\nadd_header X-Own 1;\n{text}}}\n"

    with kind.with_policies([ONE], upstream.port, again) as proxy:
        answer = proxy.ask(0, "GET", "/again", [("Origin", ORIGINS[0])])
        assert (answer.status, answer.header("Access-Control-Allow-Origin")) == (200, ORIGINS[0])
