"""How CORS was broken in other libraries: each once more, here. docs/threat-model.md lists the same."""

import logging
import re
from pathlib import Path
from typing import Any

import pytest
from wsgi_client import send, values

from corecors import (
    CORSRequest,
    PathPolicies,
    Policy,
    PolicyError,
    RejectionLog,
    admission,
    evaluate,
    merge_headers,
    path_is_ambiguous,
    preflight_headers,
    response_headers,
)
from corecors.adapters.wsgi import CORSMiddleware

PAGE = Path(__file__).parents[1] / "docs" / "threat-model.md"

APP = "https://app.example.com"
POLICY = Policy(allow_origins=[APP], allow_credentials=True)


def refuses(*origins: str, **arguments: Any) -> None:
    """No origin of these is let in by the policy of these arguments, and that policy does let something in."""
    policy = Policy(**arguments)
    assert policy.allows_origin(APP)
    for origin in origins:
        assert not policy.allows_origin(origin)
        assert "Access-Control-Allow-Origin" not in response_headers(policy, origin)


def cannot_be_made(*codes: str, **arguments: Any) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy(**arguments)
    assert {problem.code for problem in caught.value.problems} == set(codes)


def paths_are_canonical() -> None:
    public = PathPolicies({"/public": Policy(allow_origins=["*"]), "/admin": POLICY})
    for path in ("/public/../admin", "/public/%2e%2e/admin", "/public//admin"):
        assert path_is_ambiguous(path, path)
    request = CORSRequest("GET", "/public/../admin", path_is_ambiguous=True, origin=APP)
    assert not isinstance(public.policy_for(request), Policy)


def the_log_has_one_line(caplog: pytest.LogCaptureFixture) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return []

    with caplog.at_level(logging.DEBUG, "corecors"):
        send(
            CORSMiddleware(app, POLICY, rejections=RejectionLog()),
            "GET",
            "/a\r\nforged",
            (("Origin", "x\r\nforged: 1"),),
        )
    messages = [record.getMessage() for record in caplog.records]
    assert messages
    assert not any("\n" in message or "\r" in message for message in messages)


def no_private_network_header() -> None:
    policy = Policy(allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])
    assert not any("private" in name.lower() for name in preflight_headers(policy, APP, "PUT", "x-token"))


def specific_is_by_segments() -> None:
    wide, narrow = Policy(allow_origins=["*"]), POLICY
    policies = PathPolicies({"/a-very-long-name-of-a-prefix": wide, "/a/b": narrow, "/a": wide})
    assert policies.policy_for(CORSRequest("GET", "/a/b/c")) is narrow


def a_plus_is_a_plus() -> None:
    policies = PathPolicies({"/a+b": POLICY, "/a b": None})
    assert policies.policy_for(CORSRequest("GET", "/a+b")) is POLICY


def paths_have_their_letters() -> None:
    policies = PathPolicies({"/admin": POLICY}, default=None)
    assert policies.policy_for(CORSRequest("GET", "/Admin")) is None


def regexes_are_matched_whole() -> None:
    refuses(
        f"{APP}.evil.test",
        "https://evil.test/" + APP,
        f"{APP}\n.evil.test",
        allow_origin_regexes=[r"https://(?:app|api)\.example\.com"],
    )


def text_is_no_regex() -> None:
    refuses("https://appxexample.com", "https://app.example.comx", "https://xapp.example.com", allow_origins=[APP])


def dots_are_escaped() -> None:
    cannot_be_made("regex-unescaped-dot", allow_origin_regexes=["https://app.example.com"])


def wildcards_end_at_a_dot() -> None:
    refuses(
        "https://evil-example.com",
        "https://evilexample.com",
        "https://example.com",
        allow_origins=["https://*.example.com"],
    )


def nothing_is_a_substring() -> None:
    refuses("https://app.example.co", "https://app.example.com.evil.test", "https://a", allow_origins=[APP])
    cannot_be_made("not-a-list", allow_origins=APP)


def a_star_ends_nothing() -> None:
    cannot_be_made("wildcard", allow_origins=["https://example.com*"])


def entries_do_not_mix() -> None:
    policy = Policy(allow_origins=["https://*.foo.com", "https://*.bar.com"])
    assert policy.allows_origin("https://a.foo.com")
    assert not policy.allows_origin("https://a.barfoo.com")
    assert not policy.allows_origin("https://barfoo.com")


def an_origin_is_read_before_it_is_matched() -> None:
    refuses(
        "https://evil.test:any.example.com",
        "https://evil.test#.example.com",
        f"{APP}, https://evil.test",
        "https://u@x.example.com",
        allow_origins=["https://*.example.com"],
    )


def any_origin_has_no_credentials() -> None:
    cannot_be_made("any-origin-with-credentials", allow_origins=["*"], allow_credentials=True)
    cannot_be_made("any-origin-with-credentials", allow_origin_regexes=[".*"], allow_credentials=True)
    assert response_headers(Policy(allow_origins=["*"]), "https://evil.test")["Access-Control-Allow-Origin"] == "*"


def null_is_nobody() -> None:
    refuses("null", allow_origins=[APP])
    refuses("null", allow_origin_predicate=lambda origin: True)


def cookies_change_nothing() -> None:
    without = CORSRequest("POST", "/", scheme="https", host="api.example.com", origin="https://evil.test")
    with_them = CORSRequest(
        "POST", "/", scheme="https", host="api.example.com", origin="https://evil.test", has_credentials=True
    )
    assert admission(POLICY, without).status == admission(POLICY, with_them).status == 403


def lists_are_bounded() -> None:
    for names in ("," * 65_536, "x," * 32_768, " " * 65_536, "a" * 65_536):
        assert evaluate(POLICY, "OPTIONS", APP, "PUT", names).status == 403


def vary_is_the_responses_own() -> None:
    for origin in (None, APP, "https://evil.test"):
        assert response_headers(POLICY, origin)["Vary"] == "Origin"
    merged = merge_headers([("Vary", "Accept")], POLICY.lines(APP))
    assert [value for name, value in merged if name.lower() == "vary"] == ["Accept, Origin"]


def a_refused_request_does_not_run() -> None:
    calls: list[str] = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        calls.append(environ["REQUEST_METHOD"])
        start_response("200 OK", [])
        return []

    answer = send(CORSMiddleware(app, POLICY, block_disallowed=True), "POST", "/", (("Origin", "https://evil.test"),))
    assert (answer.status, calls) == (403, [])
    assert values(answer, "vary") == ["Origin"]


def handshakes_are_checked() -> None:
    request = CORSRequest(
        "GET", "/", scheme="https", host="api.example.com", origin="https://evil.test", is_websocket=True
    )
    assert admission(POLICY, request).status == 403


def one_policy_for_both() -> None:
    policies = PathPolicies(
        {"/pay": Policy(allow_origins=[APP], allow_methods=["PUT"])},
        default=Policy(allow_origins=["*"], allow_methods=["*"]),
    )
    preflight = CORSRequest("OPTIONS", "/pay", origin="https://evil.test", request_method="PUT")
    actual = CORSRequest("PUT", "/pay", origin="https://evil.test")
    assert policies.policy_for(preflight) is policies.policy_for(actual)


def nothing_grows() -> None:
    import tracemalloc

    def ask(first: int) -> None:
        for number in range(first, first + 2_000):
            response_headers(POLICY, f"https://x{number}.evil.test")
            preflight_headers(POLICY, f"https://x{number}.evil.test", f"M{number}", f"x-{number}")

    ask(0)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        ask(2_000)
        assert tracemalloc.get_traced_memory()[0] - before < 20_000
    finally:
        tracemalloc.stop()


CVES = {
    "CVE-2020-25032": paths_are_canonical,
    "CVE-2024-1681": the_log_has_one_line,
    "CVE-2024-6221": no_private_network_header,
    "CVE-2024-6839": specific_is_by_segments,
    "CVE-2024-6844": a_plus_is_a_plus,
    "CVE-2024-6866": paths_have_their_letters,
    "CVE-2026-37737, CVE-2026-40110": regexes_are_matched_whole,
    "CVE-2017-11173, CVE-2022-1996": text_is_no_regex,
    "CVE-2026-25478": dots_are_escaped,
    "CVE-2024-27302, CVE-2023-36829": wildcards_end_at_a_dot,
    "CVE-2025-50864": nothing_is_a_substring,
    "CVE-2019-25211": a_star_ends_nothing,
    "GHSA-vhxv-fg4m-p2w8": entries_do_not_mix,
    "CVE-2018-20744, CVE-2024-25124, CVE-2026-54290, CVE-2023-49803, CVE-2021-39185, CVE-2018-8014": (
        any_origin_has_no_credentials
    ),
    "CVE-2024-47165, CVE-2019-9580": null_is_nobody,
    "CVE-2024-47084": cookies_change_nothing,
    "CVE-2025-47908, CVE-2026-69207": lists_are_bounded,
    "CVE-2025-71381, CVE-2017-7674": vary_is_the_responses_own,
    "CVE-2022-4147": a_refused_request_does_not_run,
    "CVE-2019-13611": handshakes_are_checked,
    "CVE-2015-9236": one_policy_for_both,
    "CVE-2026-41135": nothing_grows,
    "fiber, rs/cors": an_origin_is_read_before_it_is_matched,
}


@pytest.mark.parametrize("names", CVES)
def test_what_broke_elsewhere_holds_here(names: str, request: pytest.FixtureRequest) -> None:
    check = CVES[names]
    if check is the_log_has_one_line:
        check(request.getfixturevalue("caplog"))
    else:
        check()


def test_the_page_lists_them_all() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("## CVEs of other libraries")[2]
    assert re.findall(r"^\| (?!CVE \||---)(.*?) \|", table, re.MULTILINE) == list(CVES)
