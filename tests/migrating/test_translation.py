"""Configurations of other libraries, translated: a browser decides as before, but for the differences that are named.

Each random configuration is served by the library itself and, translated, by a policy of ours; the model of the browser
judges the same requests of both. Where the two verdicts differ, a difference that the translation names has to explain
that very request.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from random import Random
from typing import Any, NamedTuple

import old_libraries
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from old_libraries import EVERY_METHOD, EXPOSED, LIBRARIES, NAMES, ORIGINS, OTHER, OWN, Send, some

from corecors import CORSRequest, Policy, PolicySource
from corecors._policy.foreign_names import FOREIGN_NAMES
from corecors.adapters.asgi import CORSMiddleware
from corecors.browser import Credentials, Received, Request, SentRequest, Verdict, simulate
from corecors.browser.preflight_cache import preflight_max_age
from corecors.cli.migrate import program
from corecors.cli.translation import DIFFERENCES, Difference, Translation, Untranslatable, translated
from corecors.cli.translation import LIBRARIES as TRANSLATED
from corecors.testing import Page

CONFIGURATIONS = int(os.environ.get("CORECORS_CONFIGURATIONS", "200"))  # of each library
REQUESTS = 8  # for each configuration
IMPOSSIBLE = re.compile("itself fails where any origin|not a list, so every preflight fails|would be governed by")
SAFELISTED = {"GET", "HEAD", "POST"}


@pytest.fixture(autouse=True, scope="module")
def one_loop() -> Iterator[None]:
    yield
    old_libraries.close()


class Seen(NamedTuple):
    """What a browser makes of a request, as far as a page or a server could notice it."""

    readable: bool
    in_practice: bool
    is_sent: bool  # the request itself, and not only a preflight
    exposed: frozenset[str]
    kept: int | None  # seconds for which a preflight that passed is remembered


def seen(verdict: Verdict) -> Seen:
    preflights = [exchange.received for exchange in verdict.exchanges if exchange.sent.preflight]
    is_sent = len(verdict.exchanges) > len(preflights)
    kept = None
    if preflights and is_sent:
        kept = min(preflight_max_age(preflights[0].headers.lines("Access-Control-Max-Age")), 86_400)
    exposed = frozenset(name for name in EXPOSED if verdict.readable_headers.get(name) is not None)
    return Seen(verdict.readable, verdict.readable_in_practice, is_sent, exposed, kept)


def printed(name: str, translation: Translation) -> Any:
    """The policy that the program ends in which `corecors migrate` prints."""
    namespace: dict[str, Any] = {}
    exec(compile(program(name, translation), "migrated", "exec"), namespace)
    return namespace["policy"]


def served_here(policy: Policy | PolicySource) -> Send:
    def send(sent: SentRequest) -> Received:
        origin, method = sent.get("Origin"), sent.get("Access-Control-Request-Method")
        names = sent.get("Access-Control-Request-Headers")
        governing: Any = policy
        if not isinstance(policy, Policy):
            governing = policy.policy_for(
                CORSRequest(sent.method, "/", False, "https", "api.test", origin, method, names)
            )
        if sent.preflight and origin is not None and method is not None:
            decision = governing.preflight(origin, method, names)
        else:
            decision = governing.actual(origin)
        return Received(decision.status or 200, [*old_libraries.ANSWER, *decision.lines])

    return send


def request_of(random: Random) -> Request:
    values = {"Content-Type": "application/json", "Accept": "(needs permission)"}
    names = some(random, NAMES)[:3]
    return Request(
        url="https://api.test/",
        origin=random.choice([*ORIGINS, OWN, OWN, OWN, OTHER, OTHER]),
        method=random.choice([*EVERY_METHOD, "GET", "PUT"]),
        headers=tuple((name, values.get(name, "1")) for name in names) if random.random() < 0.6 else (),
        credentials=random.choice([Credentials.OMIT, Credentials.INCLUDE]),
    )


# Which difference explains which request


def explains(difference: Difference, translation: Translation, request: Request, before: Seen, after: Seen) -> bool:
    gained = after.is_sent and not before.is_sent
    if difference.code == "safelisted-methods":
        return gained and request.method in SAFELISTED
    if wider(before, after):
        return False
    names = {name.lower() for name, _ in request.headers}
    match difference.code:
        case "any-origin-with-credentials":
            return request.credentials is Credentials.INCLUDE
        case "whole-origin":
            regex = str(difference.value)
            return re.match(regex, request.origin) is not None and re.fullmatch(regex, request.origin) is None
        case "narrower-pattern":
            return fnmatch(request.origin, str(difference.value))
        case "star-and-authorization":
            return "authorization" in names and before.readable == after.readable
        case "star-with-credentials" if difference.argument == "allow_methods":
            return request.method not in SAFELISTED and request.credentials is Credentials.OMIT
        case "star-with-credentials":
            return bool(names) and request.credentials is Credentials.OMIT
        case "route-methods":
            return request.method not in SAFELISTED
        case "method-case":
            return request.method != request.method.upper()
        case "left-out":
            return left_out_explains(difference, request, names, before, after)
    return False


def left_out_explains(difference: Difference, request: Request, names: set[str], before: Seen, after: Seen) -> bool:
    value = difference.value
    entries = [str(getattr(each, "pattern", each)) for each in (value if isinstance(value, (list, tuple)) else [value])]
    match difference.argument:
        case "allow_origins":
            return any(matched_there(entry, request.origin) for entry in entries)
        case "allow_origin_regexes":
            return any(re.match(entry, request.origin, re.IGNORECASE) for entry in entries)
        case "allow_methods":
            return request.method in entries
        case "allow_headers":
            return any(re.match(entry, name, re.IGNORECASE) for entry in entries for name in names if entry != "*")
        case "expose_headers":
            return after._replace(exposed=before.exposed) == before
        case "max_age":
            return after._replace(kept=before.kept) == before
    return False


def matched_there(entry: str, origin: str) -> bool:
    """Whether any of the libraries, which read an entry in one way each, lets `origin` in for the sake of it."""
    if entry == "*":  # whose parts are the same as those of "null" to django-cors-headers
        return origin == "null"
    return origin in entry or fnmatch(origin, entry)  # Starlette looks for the origin within a string


def wider(before: Seen, after: Seen) -> bool:
    """Whether anything is allowed after that was not before."""
    longer = before.kept is not None and after.kept is not None and after.kept > before.kept
    return (
        after.readable > before.readable
        or after.in_practice > before.in_practice
        or after.is_sent > before.is_sent
        or not after.exposed <= before.exposed
        or longer
    )


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_browser_decides_as_before_but_for_what_is_named(name: str, record_property: Any) -> None:
    library, random = LIBRARIES[name], Random(20_26)
    read, unexplained, reasons, refused, impossible = 0, [], Counter[str](), 0, list[str]()
    compared = 0
    while compared < CONFIGURATIONS:
        options = library.configuration(random)
        try:
            translation = translated(name, options)
        except Untranslatable as error:
            impossible.append(str(error))
            continue
        compared += 1
        before_there, after_here = library.served(options), served_here(printed(name, translation))
        for _ in range(REQUESTS):
            request = request_of(random)
            before, after = seen(simulate(request, before_there)), seen(simulate(request, after_here))
            read += before.readable
            refused += not before.readable
            if before == after:
                continue
            why = [each.code for each in translation.differences if explains(each, translation, request, before, after)]
            reasons.update(why[:1])
            if not why:
                unexplained.append((options, translation, request, before, after))
    figures = f"{compared * REQUESTS} requests, {read} readable there, {len(impossible)} configurations refused"
    record_property("figures", f"{figures}, differences {dict(reasons)}")
    print(f"{name}: {figures}, differences {dict(reasons)}")
    assert unexplained[:1] == [], f"{len(unexplained)} of {CONFIGURATIONS * REQUESTS}"
    assert read > CONFIGURATIONS * REQUESTS // 40
    assert refused > CONFIGURATIONS * REQUESTS // 40
    assert set(reasons) <= set(DIFFERENCES)
    assert [each for each in impossible if IMPOSSIBLE.search(each) is None] == []
    assert len(impossible) < CONFIGURATIONS


# What is easily taken for something else


@pytest.mark.parametrize(
    ("name", "options", "arguments"),
    [
        pytest.param(
            "flask-cors", {"origins": [OWN, "https://*.c.test"]}, {"allow_origins": [OWN]}, id="a * that is no wildcard"
        ),
        pytest.param("flask-cors", {"origins": "HTTPS://App.Test"}, {"allow_origins": [OWN]}, id="capitals"),
        pytest.param("flask-cors", {"origins": f"{OWN}, {OTHER}"}, {}, id="two origins in one string"),
        pytest.param(
            "flask-cors",
            {"origins": [OWN, re.compile(r"https://[a-z]+\.c\.test", re.IGNORECASE)]},
            {"allow_origins": [OWN]},
            id="a regular expression with flags",
        ),
        pytest.param("flask-cors", {"CORS_ORIGINS": OWN}, {"allow_origins": [OWN]}, id="a setting of Flask"),
        pytest.param("quart-cors", {"QUART_CORS_ALLOW_ORIGIN": OWN}, {"allow_origins": [OWN]}, id="a setting of Quart"),
        pytest.param("django", {"CORS_ORIGIN_WHITELIST": [OWN]}, {"allow_origins": [OWN]}, id="an old name"),
        pytest.param(
            "django",
            {"CORS_ORIGIN_WHITELIST": [OTHER], "CORS_ALLOWED_ORIGINS": [OWN], "CORS_REPLACE_HTTPS_REFERER": True},
            {"allow_origins": [OWN]},
            id="an old name next to the new",
        ),
        pytest.param(
            "django",
            {"CORS_ALLOWED_ORIGINS": [OWN, "http://user@app.test/#", OTHER], "CORS_ALLOW_CREDENTIALS": True},
            {"allow_origins": [OWN, OTHER]},
            id="an entry that is wrong in several ways",
        ),
        pytest.param("django", {"CORS_ALLOWED_ORIGINS": ["*"]}, {}, id="an origin that is a *"),
        pytest.param("starlette", {"allow_origins": f"{OWN},{OTHER}"}, {}, id="a string that is searched"),
        pytest.param("wsgicors", {"origin": f"{OWN} *"}, {"allow_origins": [OWN]}, id="a * among origins"),
        pytest.param(
            "wsgicors",
            {"origin": "http://localhost:*"},
            {"allow_origin_regexes": ["http://localhost:[0-9]+"]},
            id="any port, but one",
        ),
    ],
)
def test_origins_are_those_that_the_library_lets_in(
    name: str, options: dict[str, Any], arguments: dict[str, Any]
) -> None:
    (found,) = translated(name, options).tiers
    assert {each: value for each, value in found.items() if each.startswith("allow_origin")} == arguments


# What is no configuration at all

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=6,
)
OPTIONS = {
    name: [each.name for each in FOREIGN_NAMES if each.library == library] for name, library in TRANSLATED.items()
}


@pytest.mark.parametrize("name", OPTIONS)
@given(data=st.data())
@settings(max_examples=100)
def test_whatever_is_given_becomes_a_policy_or_an_error_that_says_so(name: str, data: st.DataObject) -> None:
    options = data.draw(st.dictionaries(st.sampled_from(OPTIONS[name]), JUNK, max_size=4))
    try:
        translation = translated(name, options)
    except Untranslatable:
        return
    assert repr(printed(name, translation)) == repr(translation.policy)


def test_a_preflight_that_the_application_refused_under_asgi_cors_is_answered_here() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        status = 405 if scope["method"] == "OPTIONS" else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    options = {"hosts": [OWN], "methods": ["PUT"]}
    translation = translated("asgi-cors", options)
    assert [each.code for each in translation.differences] == ["preflights-answered"]
    with Page(OWN, pytest.importorskip("asgi_cors").asgi_cors(app, **options)) as page:
        assert not page.fetch("/", method="PUT").readable
    with Page(OWN, CORSMiddleware(app, translation.policy)) as page:
        assert page.fetch("/", method="PUT").readable
