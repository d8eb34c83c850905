"""The attack corpora through real proxies: what the policy refuses is refused, as it was sent on the wire."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import attack_corpora
import pytest
from attack_corpora import ALLOW_LIST, HostilePreflight

from corecors import Decision, Policy, evaluate
from corecors.export import TARGETS, ExportError, render
from proxies.kinds import Proxy, ProxyKind
from proxies.upstream import Upstream
from proxies.verdicts import said
from servers.http_connection import Answer, MalformedAnswer

ORIGINS = attack_corpora.origins()
# What a proxy does otherwise with requests that no browser sends.
FIRST_LINE_ONLY = {"origin-015": "ok", "acrm-list-011": "ok", "acrh-multi-line-009": "ok"}
KNOWN = {
    "nginx": {
        "identification-009": "fail",  # a method in lower case, and OPTIONS *, are 400
        "identification-011": "fail",
        "origin-003": "app",  # an Origin that is empty is as good as none
    },
    "haproxy": {f"acrh-multi-line-00{number}": "fail" for number in (2, 3, 7, 8)},  # a list on several lines is none
    "apache": {"identification-011": "fail", "origin-003": "app"},
    "envoy": {"identification-011": "fail", "acrh-multi-line-009": "ok"},  # lines without text are left out
    "caddy": {"identification-011": "fail"},
}
LISTED = {False: Policy(allow_origins=ALLOW_LIST), True: Policy(allow_origins=ALLOW_LIST, allow_credentials=True)}
PREFLIGHT_POLICIES = {name: Policy(**given) for name, given in attack_corpora.preflight_policies().items()}
DEBUGGING = {name: policy.replace(debug=True) for name, policy in PREFLIGHT_POLICIES.items()}
# White space around a value is no part of it (RFC 9110 5.5): a proxy that parses HTTP never sees it.
PREFLIGHTS = [
    hostile._replace(headers=[(name, value.strip(" \t")) for name, value in hostile.headers])
    for hostile in attack_corpora.preflights()
]
# A regular expression cannot tell a label of Punycode that stands for no text; of browsers Chromium alone sends one.
FALSE_PUNYCODE = {"https://xn--x.example.org"}


@pytest.fixture(scope="module")
def proxy(kind: ProxyKind, upstream: Upstream) -> Iterator[Proxy]:
    policies = [*LISTED.values(), *PREFLIGHT_POLICIES.values(), *DEBUGGING.values()]
    with kind.with_policies(policies, upstream.port) as running:
        yield running


def asked(
    proxy: Proxy, number: int, method: str, target: str, headers: list[tuple[str, str]], body: bytes = b""
) -> Answer | None:
    """The answer; None where the proxy closed without one, which is as good as a refusal."""
    try:
        return proxy.ask(number, method, target, headers, body)
    except (MalformedAnswer, ConnectionError):
        return None


def sendable(text: str) -> bool:
    """Whether a client that writes lines can send it: no line feed, no NUL, nothing beyond latin-1."""
    return attack_corpora.is_latin_1(text) and not set(text) & set("\r\n\0")


@pytest.mark.parametrize("credentials", [False, True], ids=["without credentials", "with credentials"])
def test_a_hostile_origin_gets_what_the_policy_says(kind: ProxyKind, proxy: Proxy, credentials: bool) -> None:
    policy, number = LISTED[credentials], int(credentials)
    first_only = kind.sees_first_line_only()
    sent = 0
    wrong = []
    for hostile in ORIGINS:
        lines = [line.strip(" \t") for line in hostile.lines]
        if not all(map(sendable, lines)) or hostile.value in FALSE_PUNYCODE:
            continue
        sent += 1
        value = lines[0] if first_only else ",".join(lines)
        want = policy.actual(value).headers.get("Access-Control-Allow-Origin")
        answer = asked(proxy, number, "GET", "/", [("Origin", line) for line in lines])
        got = None if answer is None else answer.header("Access-Control-Allow-Origin")
        if got != want:
            wrong.append((hostile.id, hostile.value[:100], got, want))
    assert wrong == []
    assert sent > 0.9 * len(ORIGINS)


def test_false_punycode_below_a_wildcard_is_the_one_difference(proxy: Proxy) -> None:
    # Named here so that it is known: corecors refuses it, a proxy cannot, and no browser has such a page.
    (origin,) = FALSE_PUNYCODE
    assert not LISTED[False].allows_origin(origin)
    answer = proxy.ask(0, "GET", "/", [("Origin", origin)])
    assert answer.header("Access-Control-Allow-Origin") == origin


@pytest.mark.parametrize("end", ["\0", "\0.evil.example", "\0, https://evil.example"], ids=["NUL", "a host", "a list"])
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_a_text_does_not_end_at_a_nul(proxy: Proxy, method: str, end: str) -> None:
    (listed, *_) = (origin for origin in ALLOW_LIST if "*" not in origin)
    for origin, asks in [(listed + end, "GET"), (listed, "PUT" + end)]:
        answer = asked(proxy, 0, method, "/", [("Origin", origin), ("Access-Control-Request-Method", asks)])
        if answer is None or answer.status == 400:
            continue
        if origin != listed:
            assert answer.header("Access-Control-Allow-Origin") is None
        elif method == "OPTIONS":
            assert answer.status == 403


def body_of(hostile: HostilePreflight) -> bytes:
    """The body that the headers promise."""
    if hostile.value("Transfer-Encoding") == "chunked":
        return b"0\r\n\r\n"
    return b"x" * int(hostile.value("Content-Length") or 0)


def decided(hostile: HostilePreflight, policies: dict[str, Policy]) -> Decision:
    return evaluate(
        policies[hostile.config],
        hostile.method,
        hostile.value("Origin"),
        hostile.value("Access-Control-Request-Method"),
        hostile.value("Access-Control-Request-Headers"),
    )


def outcome(hostile: HostilePreflight) -> str:
    """What has to become of a preflight, by the policy: ok, fail or app."""
    decision = decided(hostile, PREFLIGHT_POLICIES)
    return "app" if decision.status is None else "ok" if decision.allowed else "fail"


def test_a_hostile_preflight_gets_what_the_policy_says(kind: ProxyKind, proxy: Proxy, upstream: Upstream) -> None:
    wrong = []
    known = KNOWN.get(kind.name, {}) | (FIRST_LINE_ONLY if kind.sees_first_line_only() else {})
    for hostile in PREFLIGHTS:
        if not all(sendable(text) for text in [hostile.method, hostile.target, *chain(*hostile.headers)]):
            continue
        number = len(LISTED) + list(PREFLIGHT_POLICIES).index(hostile.config)
        before = len(upstream.seen)
        answer = asked(proxy, number, hostile.method, hostile.target, hostile.headers, body_of(hostile))
        reached = len(upstream.seen) > before
        if answer is None:
            got = "fail"
        elif reached:
            got = "app"
        else:
            passes = answer.status in (200, 204) and answer.lines("Access-Control-Allow-Origin")
            got = "ok" if passes else "fail"
        if got != known.get(hostile.id, outcome(hostile)):
            wrong.append((hostile.id, got, outcome(hostile)))
    shown = "\n".join(map(str, wrong))
    assert wrong == [], shown


def test_a_hostile_preflight_is_told_in_debug_what_the_policy_tells(kind: ProxyKind, proxy: Proxy) -> None:
    known = KNOWN.get(kind.name, {}) | (FIRST_LINE_ONLY if kind.sees_first_line_only() else {})
    told, wrong = 0, []
    for hostile in PREFLIGHTS:
        want = decided(hostile, DEBUGGING)
        sent = [hostile.method, hostile.target, *chain(*hostile.headers)]
        if hostile.id in known or want.status is None or want.allowed or not all(map(sendable, sent)):
            continue
        if sum(map(len, sent)) > 16_384:
            continue  # more than some proxies read
        number = len(LISTED) + len(DEBUGGING) + list(DEBUGGING).index(hostile.config)
        answer = asked(proxy, number, hostile.method, hostile.target, hostile.headers, body_of(hostile))
        if answer is None or answer.status == 400:
            continue  # the proxy takes it for no request at all, and tells nobody
        told += len(want.lines) > 1
        if said(answer) != said(want):
            wrong.append((hostile.id, said(answer), said(want)))
    assert wrong == []
    assert told > 20


@pytest.mark.parametrize("target", TARGETS)
def test_no_pattern_of_the_corpus_is_exported_that_a_policy_refuses(target: str) -> None:
    exported = 0
    for pattern in attack_corpora.patterns():
        try:
            policy = Policy(allow_origins=[pattern.text])
        except ValueError:
            continue
        assert pattern.accepted
        try:
            exported += bool(render(policy, target))
        except ExportError:
            pytest.fail(f"{pattern.text!r} cannot be exported")
    assert exported
