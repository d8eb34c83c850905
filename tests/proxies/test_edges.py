"""Entries, names and values at the edges of what a policy may hold, through real proxies: quoting loses nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from export_edges import NEAR, ODD_METHODS, ODD_NAMES, PATTERNS, POLICY

from corecors import Policy
from corecors.cli.entry import commands
from corecors.export import ExportError, render
from proxies.kinds import Proxy, ProxyKind
from proxies.upstream import Response, Upstream
from proxies.verdicts import elements

ORIGIN = "https://app.example.com"
IPV6 = Policy(allow_origin_regexes=[r"https?://.*:3000", r"chrome-extension://.*"])
ECHOING = Policy(allow_origins=[ORIGIN], allow_methods=["*"], allow_headers=["*"], allow_credentials=True, debug=True)
ADDRESSES = [
    "[::1]", "[1::]", "[1:0::1]", "[0:0::1]", "[::]", "[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7::]", "[01::1]", "[1::0:0:1]",
    "[1:0:0:2::3]", "[2001:db8::1]", "[2001:DB8::1]", "[1::2::3]", "[1:2:3:4:5:6:7:8:9]", "[::ffff:102:304]", "[]",
]  # fmt: skip
FALSE_PUNYCODE = {"https://xn--a.foo.example.com"}


@pytest.fixture(scope="module")
def proxy(kind: ProxyKind, upstream: Upstream) -> Iterator[Proxy]:
    methods = [method for method in ODD_METHODS if not kind.cannot_carry(method)]
    odd = Policy(
        allow_origins=[ORIGIN],
        allow_headers=ODD_NAMES,
        expose_headers=ODD_NAMES,
        allow_methods=methods or ["PUT"],
        allow_credentials=True,
    )
    policies = [POLICY, IPV6, odd, odd.replace(allow_credentials=False), odd.replace(debug=True), ECHOING]
    with kind.with_policies(policies, upstream.port) as running:
        yield running


def echoed(proxy: Proxy, number: int, origin: str) -> str | None:
    return proxy.ask(number, "GET", "/", [("Origin", origin)]).header("Access-Control-Allow-Origin")


@pytest.mark.parametrize("origin", [*NEAR, *(entry.replace("*", "a") for entry in PATTERNS)])
def test_an_origin_at_the_edge_is_allowed_as_the_policy_says(proxy: Proxy, origin: str) -> None:
    origin = origin.strip()  # white space around a value is no part of it
    assert (echoed(proxy, 0, origin) == origin) == POLICY.allows_origin(origin) or origin in FALSE_PUNYCODE


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_ipv6_address_has_one_spelling(proxy: Proxy, address: str) -> None:
    for origin in (f"http://{address}:3000", f"chrome-extension://{address}"):
        assert (echoed(proxy, 1, origin) == origin) == IPV6.allows_origin(origin)


@pytest.mark.parametrize("number", [2, 3], ids=["with credentials", "without credentials"])
@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_odd_name_is_allowed_and_exposed_as_it_stands(proxy: Proxy, number: int, name: str) -> None:
    asked = [("Origin", ORIGIN), ("Access-Control-Request-Method", "GET")]
    passing = proxy.ask(number, "OPTIONS", "/", [*asked, ("Access-Control-Request-Headers", name.lower())])
    assert passing.status == 204
    assert str(passing.header("Access-Control-Allow-Headers")).split(", ") == ODD_NAMES
    failing = proxy.ask(number, "OPTIONS", "/", [*asked, ("Access-Control-Request-Headers", f"{name}x")])
    assert failing.status == 403
    answer = proxy.ask(number, "GET", "/", [("Origin", ORIGIN)])
    assert {each.lower() for each in ODD_NAMES} == elements(answer.headers, "Access-Control-Expose-Headers")


@pytest.mark.parametrize("method", ODD_METHODS)
def test_an_odd_method_is_allowed_as_it_stands(kind: ProxyKind, proxy: Proxy, method: str) -> None:
    passes = not kind.cannot_carry(method)
    for asked, allowed in ((method, passes), (method.swapcase(), passes and method.swapcase() == method)):
        headers = [("Origin", ORIGIN), ("Access-Control-Request-Method", asked)]
        answer = proxy.ask(2, "OPTIONS", "/", headers)
        assert answer.status == (204 if allowed else 403)
        if allowed:
            assert method in str(answer.header("Access-Control-Allow-Methods")).split(", ")


def test_in_debug_odd_names_are_listed_and_odd_methods_echoed_as_they_stand(proxy: Proxy) -> None:
    def told(number: int, method: str, names: str) -> list[str | None]:
        asked = [("Access-Control-Request-Method", method), ("Access-Control-Request-Headers", names)]
        answer = proxy.ask(number, "OPTIONS", "/", [("Origin", ORIGIN), *asked])
        assert answer.status == 204
        return [answer.header(f"Access-Control-Allow-{what}") for what in ("Origin", "Methods", "Headers")]

    origin, methods, names = told(4, "GET", "x-unlisted")
    assert (origin, names) == (ORIGIN, ", ".join(ODD_NAMES))
    assert told(4, "UNLISTED", "x-unlisted") == [ORIGIN, methods, None]
    assert set(str(methods).split(", ")) <= {*ODD_METHODS, "PUT"}
    for method in ODD_METHODS:
        assert told(5, method, "x unlisted") == [ORIGIN, method, None]
        assert told(5, f"{method} ;", "x-a") == [None, None, None]


def test_errors_of_the_proxy_itself_have_their_headers(kind: ProxyKind, upstream: Upstream) -> None:
    policy = Policy(allow_origins=[ORIGIN], allow_credentials=True)
    with kind.with_policies([policy], _nobody_listens()) as running:
        answer = running.ask(0, "GET", "/", [("Origin", ORIGIN)])
        assert answer.status in (502, 503)
        assert answer.header("Access-Control-Allow-Origin") == ORIGIN
        assert "origin" in elements(answer.headers, "Vary")


def _nobody_listens() -> int:
    return 1  # tcpmux, for which one needs to be root, and which nobody is


@pytest.mark.parametrize(
    ("theirs", "credentials", "exposed"),
    [
        pytest.param(["X-Own"], True, {"x-ours", "x-own"}, id="a name"),
        pytest.param(["X-Own, X-Two"], False, {"x-ours", "x-own", "x-two"}, id="two names"),
        pytest.param(["*"], True, {"x-ours"}, id="everything, with credentials"),
        pytest.param(["*"], False, {"x-ours", "*"}, id="everything"),
        pytest.param(["X-Own, *, X-Two"], True, {"x-ours", "x-own", "x-two"}, id="everything among names"),
        pytest.param(["*, *"], True, {"x-ours"}, id="everything, twice"),
        pytest.param(["X Own, X-Two"], True, {"x-ours", "x-two"}, id="what is no name"),
        pytest.param(['"X-Own"'], False, {"x-ours"}, id="a name in quotes"),
        pytest.param([""], True, {"x-ours"}, id="nothing"),
        pytest.param([" , ,X-Own,"], True, {"x-ours", "x-own"}, id="empty elements"),
    ],
)
def test_what_the_application_exposes_is_merged(
    kind: ProxyKind, upstream: Upstream, theirs: list[str], credentials: bool, exposed: set[str]
) -> None:
    policy = Policy(allow_origins=[ORIGIN], allow_credentials=credentials, expose_headers=["X-Ours"])
    path = upstream.add(Response(200, tuple(("Access-Control-Expose-Headers", each) for each in theirs)))
    with kind.with_policies([policy], upstream.port) as running:
        allowed = running.ask(0, "GET", path, [("Origin", ORIGIN)])
        assert elements(allowed.headers, "Access-Control-Expose-Headers") == exposed
        refused = running.ask(0, "GET", path, [("Origin", "https://evil.example")])
        assert refused.lines("Access-Control-Expose-Headers") == []


@pytest.mark.parametrize("field", ["allow_headers", "allow_methods", "expose_headers", "allow_origins"])
def test_the_longest_list_that_is_written_is_read(kind: ProxyKind, upstream: Upstream, field: str) -> None:
    def policy(count: int) -> Policy:
        if field == "allow_origins":  # each stands in every regex for well-formed origins
            entries = [f"http://[2001:db8:{number:x}:2:3:4:5:6]:*" for number in range(1, count + 1)]
        else:
            entries = [name(number) for number in range(count)]
        return Policy(**{"allow_origins": [ORIGIN], field: entries})

    counts = [count for count in range(1, 200, 3) if is_written(policy(count), kind.name)]
    assert len(counts) > 5
    asked = [("Access-Control-Request-Method", "GET")]
    origin = f"http://[2001:db8:{max(counts):x}:2:3:4:5:6]:9" if field == "allow_origins" else ORIGIN
    if field == "allow_headers":
        asked.append(("Access-Control-Request-Headers", name(max(counts) - 1).lower()))
    elif field == "allow_methods":
        asked = [("Access-Control-Request-Method", name(max(counts) - 1))]
    with kind.with_policies([policy(max(counts))], upstream.port) as running:
        assert running.ask(0, "OPTIONS", "/", [("Origin", origin), *asked]).status in (200, 204)
        assert running.ask(0, "GET", "/", [("Origin", origin)]).header("Access-Control-Allow-Origin") == origin


def name(number: int) -> str:
    """One of 32 upper case letters, which every proxy carries as a method too."""
    return f"X-{chr(65 + number // 26)}{chr(65 + number % 26)}".ljust(32, "A")


def is_written(policy: Policy, target: str) -> bool:
    try:
        return bool(render(policy, target))
    except ExportError:
        return False


def test_the_proxys_own_program_accepts_a_whole_file(kind: ProxyKind, tmp_path: Path) -> None:
    file = tmp_path / "cors.toml"
    text = f"allow_origins = {json.dumps(PATTERNS)}\nallow_headers = {json.dumps(ODD_NAMES)}\n"
    file.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(commands, ["export", kind.name, str(file), "--whole", "--check"])
    assert result.exit_code == 0, result.stderr
    assert result.stderr.endswith("accepts it.\n")
