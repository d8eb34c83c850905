"""Both corpora of attacks, whole: through the pure functions and through the WSGI adapter, and the configuration's."""

from collections import Counter
from typing import Any
from wsgiref.validate import validator

import attack_corpora
import naive_matcher
import pytest
from attack_corpora import HostileOrigin, HostilePattern, HostilePreflight, is_latin_1
from wsgi_exchange import Application, Headers, asked, environ_of

from corecors import Policy, PolicyError, RejectionLog, evaluate, preflight_headers, response_headers
from corecors._decisions.headers import SAFELISTED_METHODS, is_token
from corecors.adapters.wsgi import CORSMiddleware


def by_id(entries: list[Any]) -> list[Any]:
    return [pytest.param(entry, id=entry.id) for entry in entries]


def cors_headers(headers: Headers) -> dict[str, str]:
    found = [(name, value) for name, value in headers if name.startswith("Access-Control-")]
    assert all(count == 1 for count in Counter(name.lower() for name, _ in found).values())
    for name, value in headers:
        assert is_token(name)
        assert value.isprintable()
        assert value.isascii()
    return dict(found)


def assert_logged_once(caplog: pytest.LogCaptureFixture, *, refused: bool) -> None:
    """However hostile, a refusal is one line of printable ASCII, and its repetition is none."""
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == refused
    for message in messages:
        assert message.isascii()
        assert message.isprintable()
        assert len(message) < 1500


# Origins

ORIGINS = attack_corpora.origins()


def test_the_corpus_of_origins_is_whole() -> None:
    assert len(ORIGINS) == 503
    assert Counter(entry.allowed for entry in ORIGINS) == {True: 24, False: 479}
    assert sum(is_latin_1(*entry.lines) for entry in ORIGINS) == 503 - 30


@pytest.mark.parametrize("entry", by_id(ORIGINS))
def test_a_hostile_origin_through_the_pure_functions(entry: HostileOrigin) -> None:
    policy = Policy(allow_origins=attack_corpora.ALLOW_LIST)
    answer = response_headers(policy, entry.value)
    assert answer["Vary"] == "Origin"
    assert answer.get("Access-Control-Allow-Origin") == (entry.value if entry.allowed else None)
    assert len(answer) == 1 + entry.allowed
    assert policy.allows_origin(entry.value) is entry.allowed
    assert naive_matcher.matches(entry.value, attack_corpora.ALLOW_LIST) is entry.allowed
    decision = evaluate(policy, "OPTIONS", entry.value, "GET")
    assert decision.allowed is entry.allowed
    assert ("Access-Control-Allow-Origin" in preflight_headers(policy, entry.value, "GET")) is entry.allowed


@pytest.mark.parametrize("entry", by_id([entry for entry in ORIGINS if is_latin_1(*entry.lines)]))
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_a_hostile_origin_through_the_wsgi_adapter(
    entry: HostileOrigin, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    application = Application()
    policy = Policy(allow_origins=attack_corpora.ALLOW_LIST)
    middleware = CORSMiddleware(validator(application), policy, rejections=RejectionLog())
    headers = [("Origin", line) for line in entry.lines]
    if method == "OPTIONS":
        headers.append(("Access-Control-Request-Method", "GET"))
    for _ in range(2):  # remembered or not, the same
        status, answer = asked(middleware, environ_of(method, "/x", headers))
        found = cors_headers(answer)
        assert found.get("Access-Control-Allow-Origin") == (entry.value if entry.allowed else None)
        assert entry.allowed or not found
        assert dict(answer)["Vary"].startswith("Origin")
        assert status == (200 if method == "GET" else 204 if entry.allowed else 403)
    assert application.calls == (2 if method == "GET" else 0)
    assert_logged_once(caplog, refused=not entry.allowed)


# Preflights

PREFLIGHTS = attack_corpora.preflights()
POLICIES = attack_corpora.preflight_policies()


def test_the_corpus_of_preflights_is_whole() -> None:
    assert len(PREFLIGHTS) == 222
    assert Counter(entry.outcome for entry in PREFLIGHTS) == {"fail": 160, "ok": 56, "app": 6}
    assert set(POLICIES) == {"A", "B", "C"}


def requested_names(entry: HostilePreflight) -> set[str]:
    names = (entry.value("Access-Control-Request-Headers") or "").split(",")
    return {name.strip(" \t").lower() for name in names} - {""}


def assert_covers(entry: HostilePreflight, found: dict[str, str]) -> None:
    """What a browser demands of the answer to a preflight, and nothing that was not configured or asked for."""
    credentials = POLICIES[entry.config].get("allow_credentials", False)
    assert found["Access-Control-Allow-Origin"] == entry.value("Origin")
    assert found.get("Access-Control-Allow-Credentials") == ("true" if credentials else None)
    methods = set(found["Access-Control-Allow-Methods"].split(", "))
    names = {name.lower() for name in found.get("Access-Control-Allow-Headers", "").split(", ")} - {""}
    method = entry.value("Access-Control-Request-Method") or ""
    assert method in SAFELISTED_METHODS | methods or (methods == {"*"} and not credentials)
    covered = names if credentials or "*" not in names else requested_names(entry) - {"authorization"} | names
    assert requested_names(entry) <= covered
    if not credentials:
        assert methods == set(POLICIES[entry.config]["allow_methods"])
        assert names == {name.lower() for name in POLICIES[entry.config]["allow_headers"]}
    else:
        assert methods == {method}
        assert names == requested_names(entry)


@pytest.mark.parametrize("entry", by_id(PREFLIGHTS))
def test_a_hostile_preflight_through_the_pure_functions(entry: HostilePreflight) -> None:
    policy = Policy(**POLICIES[entry.config])
    names = entry.value("Access-Control-Request-Headers")
    request_method = entry.value("Access-Control-Request-Method")
    decision = evaluate(policy, entry.method, entry.value("Origin"), request_method, names)
    found = cors_headers(list(decision.headers.items()))
    if entry.outcome == "app":
        assert decision.status is None
        assert not set(found) & {"Access-Control-Allow-Methods", "Access-Control-Allow-Headers"}
        return
    assert decision.allowed is (entry.outcome == "ok")
    assert decision.status == (204 if entry.outcome == "ok" else 403)
    assert {"Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"} == set(
        decision.headers["Vary"].split(", ")
    )
    if entry.outcome == "ok":
        assert_covers(entry, found)
    else:
        assert not found


@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
@pytest.mark.parametrize(
    "entry", by_id([entry for entry in PREFLIGHTS if is_latin_1(*(value for _, value in entry.headers))])
)
def test_a_hostile_preflight_through_the_wsgi_adapter(
    entry: HostilePreflight, caplog: pytest.LogCaptureFixture
) -> None:
    application = Application()
    policy = Policy(**POLICIES[entry.config])
    middleware = CORSMiddleware(validator(application), policy, rejections=RejectionLog())
    for target in (entry.target, "/nowhere"):  # at every path the same
        status, answer = asked(middleware, environ_of(entry.method, target, entry.headers))
        found = cors_headers(answer)
        if entry.outcome == "app":
            assert status == 200
            assert found == {"Access-Control-Allow-Origin": entry.value("Origin")}
        elif entry.outcome == "ok":
            assert status == 204
            assert_covers(entry, found)
        else:
            assert status == 403
            assert not found
    assert application.calls == (2 if entry.outcome == "app" else 0)
    assert_logged_once(caplog, refused=entry.outcome == "fail")


# Configuration

PATTERNS = attack_corpora.patterns()


def test_the_corpus_of_patterns_is_whole() -> None:
    assert len(PATTERNS) == 57
    assert Counter((entry.accepted, entry.accepted_with_credentials) for entry in PATTERNS) == {
        (True, True): 11,
        (True, False): 3,
        (False, False): 43,
    }


@pytest.mark.parametrize("entry", by_id(PATTERNS))
def test_a_hostile_entry_of_the_configuration(entry: HostilePattern) -> None:
    for credentials, accepted in ((False, entry.accepted), (True, entry.accepted_with_credentials)):
        if accepted:
            Policy(allow_origins=[entry.text], allow_credentials=credentials)
            continue
        with pytest.raises(PolicyError) as caught:
            Policy(allow_origins=[entry.text], allow_credentials=credentials)
        (problem,) = caught.value.problems
        assert problem.field == "allow_origins"
        assert problem.value == entry.text
