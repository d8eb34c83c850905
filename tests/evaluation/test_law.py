"""The law that ties both halves together.

For any policy and any request that a browser can send: the script can read the answer if and only if the policy allows
that origin, method, headers and credentials. No exceptions list. The server's half is `evaluate`, and the WSGI
middleware around an application that meddles; the browser's half is `corecors.browser`; what the policy means is worked
out by `law.allows`, which knows neither.

CORECORS_EXAMPLES sets the number of examples for each test: few by default, 20,000 before a release.
"""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from wsgiref.util import setup_testing_defaults

import pytest
from hypothesis import HealthCheck, Phase, example, given, note, settings
from hypothesis import strategies as st
from law import (
    OPAQUE,
    Application,
    Ask,
    Config,
    Entry,
    Header,
    Site,
    allows,
    applications,
    asks,
    cases,
    configs,
    pages,
    readable,
    sequences,
)

from corecors import Kind, Policy, evaluate
from corecors.adapters.wsgi import CORSMiddleware
from corecors.browser import Credentials, Received, SentRequest, Verdict, simulate

EXAMPLES = int(os.environ.get("CORECORS_EXAMPLES", "250"))
LAW = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])

Server = Callable[[SentRequest], Received]
REASON = "Status"


def through_evaluate(policy: Policy, application: Application) -> Server:
    """A server that does what `evaluate` says; the application's own words on CORS are not let out."""

    def send(sent: SentRequest) -> Received:
        decision = evaluate(
            policy,
            sent.method,
            sent.get("Origin"),
            sent.get("Access-Control-Request-Method"),
            sent.get("Access-Control-Request-Headers"),
        )
        assert (decision.kind is Kind.PREFLIGHT) is sent.preflight
        if decision.status is not None:
            return Received(decision.status, tuple(decision.headers.items()))
        return Received(application.status, (*application.headers, *decision.headers.items()))

    return send


def through_wsgi(policy: Policy, application: Application) -> Server:
    """The WSGI middleware around an application that has its own words on CORS."""
    called: list[bool] = []

    def app(environ: dict[str, object], start_response: Callable[..., object]) -> list[bytes]:
        called.append(True)
        start_response(f"{application.status} {REASON}", application.headers + application.meddling)
        return []

    middleware = CORSMiddleware(app, policy)

    def send(sent: SentRequest) -> Received:
        environ: dict[str, object] = {}
        setup_testing_defaults(environ)
        environ["REQUEST_METHOD"] = sent.method
        for name in {name.lower() for name, _ in sent.headers}:
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = sent.get(name)
        answers: list[Received] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
            answers.append(Received(int(status.split()[0]), tuple(headers)))

        called.clear()
        middleware(environ, start_response)
        assert len(answers) == 1
        assert bool(called) is not sent.preflight, "the application answers all but preflights"
        return answers[0]

    return send


SERVERS = pytest.mark.parametrize("server", [through_evaluate, through_wsgi], ids=["evaluate", "wsgi"])
Make = Callable[[Policy, Application], Server]


def tell(config: Config, ask: Ask, verdict: Verdict) -> None:
    note(f"{config.policy()!r}\n{ask.request!r}\n{verdict.step} {verdict.explanation}\n{verdict.exchanges}")


APP = Site("https", "app.example.com")
OPEN = Config(entries=(Entry(APP),), methods=("*",), headers=("*",), debug=True)
OVERLONG = Ask(APP, "M" * 65, (), Credentials.OMIT)
NO_METHODS = Config(entries=(Entry(APP),), methods=(), debug=True)
WATCHED = Ask(APP, "PUT", (), Credentials.OMIT, watched=True)
AUTHORIZED = Ask(APP, "GET", (Header("Authorization", "x", "asks"),), Credentials.OMIT)


@SERVERS
@LAW
@example(case=(OPEN, OVERLONG, Application()))  # in debug, `*` in the refusal let it pass
@example(case=(NO_METHODS, WATCHED, Application()))  # an upload that is listened to, and no list at all
@example(case=(OPEN, replace(OVERLONG, watched=True), Application()))
@example(case=(OPEN, AUTHORIZED, Application()))  # and this one in browsers, though not by the standard
@given(case=cases())
def test_a_script_can_read_the_answer_iff_the_policy_allows_the_request(
    server: Make, case: tuple[Config, Ask, Application]
) -> None:
    config, ask, application = case
    verdict = simulate(ask.request, server(config.policy(), application))
    tell(config, ask, verdict)
    allowed = allows(config, ask)
    assert verdict.readable is allowed
    # Today's browsers let `*` stand for Authorization, and the server refuses it by itself.
    assert verdict.readable_in_practice is allowed
    assert verdict.status == (application.status if allowed else None)
    assert verdict.timing_readable is (allowed and (ask.is_own or config.timing))
    # It sees the exposed headers and no others.
    seen = {
        name: value
        for name, value in verdict.readable_headers
        if not name.startswith("access-control-") and name not in ("vary", "timing-allow-origin")
    }
    merges = server is through_wsgi
    assert seen == (readable(config, ask, application, merges=merges) if allowed else {})
    # A refused request that is asked for first is never sent.
    sent = [exchange.sent.preflight for exchange in verdict.exchanges]
    assert sent == [True] * ask.needs_leave + [False] * (allowed or not ask.needs_leave)


@SERVERS
@LAW
@given(sequence=sequences())
def test_one_preflight_serves_all_that_the_policy_lists(server: Make, sequence: tuple[Config, Ask, Ask]) -> None:
    config, first, second = sequence
    send = server(config.policy(), Application())
    before = simulate(first.request, send)
    verdict = simulate(second.request, send, cache=before.cache, now=0.5)
    tell(config, second, verdict)
    remembered = first.needs_leave and allows(config, first) and config.max_age != 0
    spared = second.needs_leave and remembered and is_covered(config, first, second)
    assert verdict.preflights == (second.needs_leave and not spared)
    # What a `*` has granted once is not asked for again, however long the names are.
    assert verdict.readable is (allows(config, second) or spared)


def is_covered(config: Config, first: Ask, second: Ask) -> bool:
    """Whether the answer to the first preflight speaks about the second request too."""
    methods, names = set(config.methods), {name.lower() for name in config.headers}
    if config.credentials:  # a `*` cannot be sent: what was asked for is echoed
        methods = {first.sent_method} if "*" in methods else methods
        names = first.asked_names if "*" in names else names
    by_star = second.asked_names - {"authorization"} if "*" in names else set[str]()
    method = second.sent_method in {"GET", "HEAD", "POST"} | methods or "*" in methods
    return method and second.asked_names <= names | by_star


@SERVERS
@LAW
@given(data=st.data(), first=configs(), second=configs(), application=applications)
def test_across_a_redirect_both_policies_have_to_allow(
    server: Make, data: st.DataObject, first: Config, second: Config, application: Application
) -> None:
    """The second server sees `null`: the page's origin did not choose to go there."""
    ask = data.draw(asks(first))
    credentials, elsewhere = ask.credentials, "https://api.elsewhere.example/item"
    redirect = Application(307, [("Location", elsewhere)], application.meddling)
    servers = {ask.url: server(first.policy(), redirect), elsewhere: server(second.policy(), application)}
    verdict = simulate(ask.request, lambda sent: servers[sent.url](sent))
    tell(first, ask, verdict)
    tell(second, ask, verdict)
    # Authorization is left behind where the origin changes; from its own origin a page arrives under its own name.
    kept = tuple(header for header in ask.headers if header.name.lower() != "authorization")
    page = ask.page if ask.is_own else OPAQUE
    onwards = Ask(page, ask.method, kept, credentials, url=elsewhere)
    reaches = not ask.is_own and not allows(first, ask)
    assert verdict.readable is (not reaches and allows_elsewhere(second, onwards))


def allows_elsewhere(config: Config, ask: Ask) -> bool:
    if ask.credentials is Credentials.INCLUDE and not config.credentials:
        return False
    return (
        config.means_origin(ask.page) and config.means_method(ask.sent_method) and config.means_headers(ask.asked_names)
    )


@LAW
@given(data=st.data(), config=configs())
def test_allows_origin_is_what_the_policy_means(data: st.DataObject, config: Config) -> None:
    page = data.draw(pages(config))
    assert config.policy().allows_origin(page.origin) is config.means_origin(page)


SITUATIONS: dict[str, Callable[[Config, Ask], bool]] = {
    "allowed after a preflight with credentials": lambda config, ask: (
        allows(config, ask) and ask.needs_leave and ask.credentials is Credentials.INCLUDE
    ),
    "allowed with a listed method in lower case": lambda config, ask: (
        allows(config, ask) and not ask.is_own and ask.sent_method == "patch" and "*" not in config.methods
    ),
    "allowed without a preflight": lambda config, ask: allows(config, ask) and not ask.needs_leave and not ask.is_own,
    "allowed below a wildcard": lambda config, ask: (
        allows(config, ask) and any(entry.below and entry.means(ask.page) for entry in config.entries)
    ),
    "allowed by a regex alone": lambda config, ask: (
        allows(config, ask)
        and not (config.entries or config.tenants or config.any_origin or ask.is_own or ask.page.host is None)
    ),
    "allowed null with credentials": lambda config, ask: (
        allows(config, ask) and ask.page.host is None and ask.credentials is Credentials.INCLUDE
    ),
    "only the origin is wrong": lambda config, ask: (
        not config.means_origin(ask.page) and not ask.is_own and config.means_method(ask.sent_method)
    ),
    "only the method is wrong, by its case": lambda config, ask: (
        config.means_origin(ask.page)
        and not config.means_method(ask.sent_method)
        and config.means_method(ask.method.upper())
    ),
    "only a header is wrong": lambda config, ask: (
        config.means_origin(ask.page) and config.means_method(ask.sent_method) and not allows(config, ask)
        and not config.means_headers(ask.asked_names)
    ),
    "Authorization under a star": lambda config, ask: (
        config.headers == ("*",) and "authorization" in ask.asked_names and config.means_origin(ask.page)
    ),
    "only the credentials are wrong": lambda config, ask: (
        config.means_origin(ask.page) and not ask.is_own and not config.credentials
        and ask.credentials is Credentials.INCLUDE
    ),
    "more names than are read": lambda config, ask: len(",".join(ask.asked_names)) > 4096,
    "a request to the own origin": lambda config, ask: ask.is_own and not config.means_origin(ask.page),
}  # fmt: skip


def test_the_generators_meet_every_situation() -> None:
    met = Counter[str]()

    @settings(max_examples=1000, derandomize=True, database=None, deadline=None, phases=[Phase.generate])
    @given(cases())
    def meet(case: tuple[Config, Ask, Application]) -> None:
        met.update(name for name, meets in SITUATIONS.items() if meets(case[0], case[1]))

    meet()
    assert set(met) == set(SITUATIONS)
