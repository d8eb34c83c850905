"""What a browser makes of a policy in the application, and of the same policy on a proxy: it must be the same.

In both cases the proxy stands in front of the application. What it never hands on (nginx a method in lower case, Caddy
one of more than 32 characters) it answers by itself in both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from law import Application, Config

from corecors import Decision, Policy, evaluate
from corecors.browser import Received, Request, SentRequest, Verdict, simulate
from corecors.browser.header_lines import HeaderLines
from proxies.kinds import Proxy, ProxyKind
from servers.http_connection import Answer, MalformedAnswer

Server = Callable[[SentRequest], Received]
ProxysOwn = Callable[[SentRequest], Received | None]
Seen = Sequence[object]


def through_corecors(policy: Policy, application: Application, proxys_own: ProxysOwn) -> Server:
    """A server that does what `evaluate` says and merges it with what the application says, behind a proxy that says
    nothing of CORS."""

    def send(sent: SentRequest) -> Received:
        decision = evaluate(
            policy,
            sent.method,
            sent.get("Origin"),
            sent.get("Access-Control-Request-Method"),
            sent.get("Access-Control-Request-Headers"),
        )
        if decision.status is not None:
            return Received(decision.status, decision.lines)
        if (own := proxys_own(sent)) is not None:
            return own
        return Received(application.status, decision.merge([*application.headers, *application.meddling]))

    return send


def through_proxy(proxy: Proxy, number: int) -> Server:
    """The proxy, under the policy of that number."""

    def send(sent: SentRequest) -> Received:
        target = "/" + sent.url.split("/", 3)[3]
        lines: dict[str, str] = {}  # a browser sends one line for each name
        for name, value in sent.headers:
            lines[name.lower()] = f"{lines[name.lower()]}, {value}" if name.lower() in lines else value
        answer = proxy.ask(number, sent.method, target, list(lines.items()), sent.body or b"")
        return Received(answer.status, answer.headers)

    return send


def elements(lines: Iterable[tuple[str, str]], name: str) -> set[str]:
    values = [value for key, value in lines if key.lower() == name.lower()]
    return {part.strip().lower() for value in values for part in value.split(",") if part.strip()}


def _list(value: str) -> str:
    """`value` as it is read: white space around commas means nothing, and proxies that join lines write none."""
    return ",".join(part.strip() for part in value.split(","))


def said(answer: Received | Answer | Decision) -> tuple[int | None, list[tuple[str, str]]]:
    """What an answer to a preflight says, but for `Vary`."""
    lines = answer.lines if isinstance(answer, Decision) else answer.headers
    found = [(name.lower(), _list(value)) for name, value in lines]
    return answer.status, sorted(line for line in found if line[0].startswith("access-control-"))


def differences(want: Verdict, got: Verdict, names: Sequence[str]) -> list[str]:
    """What differs for the page, or for a cache. `names`: of the headers that the application sent."""
    wrong = []
    shown = {name.lower() for name in names} - {"server", "date"}  # the proxy's own
    if want.status == 304:
        shown.discard("content-type")  # it has no content: RFC 9110 15.4.5
    for what in ("readable", "readable_in_practice", "status"):
        one, other = getattr(want, what), getattr(got, what)
        if one != other:
            wrong.append(f"{what}: {other} instead of {one}")
    if want.readable and got.readable:
        one, other = (
            sorted((name, _list(value)) for name, value in each.readable_headers if name in shown)
            for each in (want, got)
        )
        if one != other:
            wrong.append(f"readable headers {other} instead of {one}")
        if want.timing_readable != got.timing_readable:
            wrong.append(f"timing_readable: {got.timing_readable} instead of {want.timing_readable}")
    if len(want.exchanges) != len(got.exchanges):
        wrong.append(f"{len(got.exchanges)} requests instead of {len(want.exchanges)}")
    for one, other in zip(want.exchanges, got.exchanges, strict=False):
        lacking = elements(one.received.headers, "Vary") - elements(other.received.headers, "Vary")
        if lacking:
            wrong.append(f"Vary lacks {lacking} in {list(other.received.headers)}")
        if one.sent.get("Access-Control-Request-Method") is not None and said(one.received) != said(other.received):
            wrong.append(f"preflight: {said(other.received)} instead of {said(one.received)}")
        doubled = [value for name, value in other.received.headers if name.lower() == "access-control-allow-origin"]
        if len(doubled) > 1:
            wrong.append(f"{len(doubled)} lines of Access-Control-Allow-Origin")
    return wrong


def compare(
    kind: ProxyKind, proxy: Proxy, number: int, config: Config, request: Request, application: Application, seen: Seen
) -> list[str]:
    """seen: what has reached the application."""

    def proxys_own(sent: SentRequest) -> Received | None:
        """How it answers what it never hands on, be it no request of CORS: without `Origin`."""
        if not kind.cannot_carry(sent.method):
            return None
        before = len(seen)
        plain = HeaderLines([line for line in sent.headers if line[0] != "Origin"])
        answer = through_proxy(proxy, number)(replace(sent, headers=plain))
        return answer if len(seen) == before else None

    want = simulate(request, through_corecors(config.policy(), application, proxys_own))
    try:
        got = simulate(request, through_proxy(proxy, number))
    except MalformedAnswer as error:
        return [f"the proxy closed: {error}"]
    return differences(want, got, [name for name, _ in application.headers])
