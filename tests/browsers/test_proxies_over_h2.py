"""Chromium at the proxies themselves, with their own TLS and HTTP/2: no recorder stands between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from corecors import Policy
from proxies.kinds import KINDS, ProxyKind
from proxies.upstream import Response, Upstream, answering

if TYPE_CHECKING:
    from .engines import Engine

NOBODY = 1  # tcpmux, for which one needs to be root, and which nobody is
# What the script sees of an answer: its status, a header that is exposed, one that is not, and over what it came.
FETCH = """
const [url, options] = arguments
return fetch(url, options).then(
  (answer) => answer.text().then(() => [
    answer.status, answer.headers.get("X-Shown"), answer.headers.get("X-Hidden"),
    performance.getEntriesByName(url)[0].nextHopProtocol,
  ]),
  () => "blocked",
)
"""
WITH_COOKIES = {"credentials": "include"}
TOKEN = {"X-Token": "1"}
SEEN = [200, "1", None, "h2"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import trustme

    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    trustme.CA().issue_cert("api.localhost").private_key_and_cert_chain_pem.write_to_path(file)
    return file


@pytest.fixture(scope="module")
def pages() -> Iterator[tuple[str, str]]:
    """Two origins with a page each: one that the policy allows, and another."""
    with answering() as server:
        yield f"http://app.localhost:{server.port}", f"http://stranger.localhost:{server.port}"


@pytest.fixture(scope="module")
def api() -> Iterator[Upstream]:
    with answering() as server:
        words = (("X-Shown", "1"), ("X-Hidden", "1"), ("Access-Control-Allow-Origin", "*"))
        for path, status in (("/", 200), ("/missing", 404)):
            server.responses[path] = Response(status, words)
        yield server


@pytest.mark.parametrize("engine", ["Chromium"], indirect=True, scope="session")
@pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.name) for kind in KINDS])
def test_the_page_sees_what_the_policy_means_over_http_2(
    engine: Engine, kind: ProxyKind, certificate: Path, pages: tuple[str, str], api: Upstream
) -> None:
    page, stranger = pages
    policy = Policy(
        allow_origins=[page],
        allow_methods=["PUT"],
        allow_headers=["X-Token"],
        expose_headers=["X-Shown"],
        allow_credentials=True,
        allow_timing=True,
    )

    def fetch(port: int, path: str = "/", **options: Any) -> Any:
        return engine.run_script(FETCH, f"https://api.localhost:{port}{path}", options)

    with kind.insisted().with_policies([policy], api.port, certificate=certificate) as proxy:
        assert proxy.tls is not None
        port = proxy.tls.port
        engine.open(f"{page}/")
        assert fetch(port) == SEEN
        assert fetch(port, **WITH_COOKIES) == SEEN
        assert fetch(port, method="PUT", headers=TOKEN, body="x", **WITH_COOKIES) == SEEN
        assert fetch(port, method="DELETE") == "blocked"
        assert fetch(port, headers={"X-Other": "1"}) == "blocked"
        assert fetch(port, "/missing", headers=TOKEN) == [404, *SEEN[1:]]
        engine.open(f"{stranger}/")
        assert fetch(port) == "blocked"
        assert fetch(port, method="PUT", headers=TOKEN) == "blocked"
    with kind.with_policies([policy], NOBODY, certificate=certificate) as proxy:
        assert proxy.tls is not None
        engine.open(f"{page}/")
        status, *_, protocol = fetch(proxy.tls.port, headers=TOKEN)
        assert (status in (502, 503), protocol) == (True, "h2")
