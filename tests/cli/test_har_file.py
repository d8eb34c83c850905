"""`doctor --har`: a recording judged again, nothing sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from corecors.browser.urls import parse_url
from corecors.cli import har_file
from corecors.cli.doctor import doctor
from corecors.cli.har_file import NET_ERRORS, HarError, read_har
from corecors.cli.unanswered import ADVICE

PAGE = "https://app.example.com"
API = "https://api.example.com/orders"
ALLOWED = {"access-control-allow-origin": PAGE, "vary": "Origin"}


def in_chromium(entry: dict[str, Any], error: str = "net::ERR_FAILED", kind: str = "fetch") -> dict[str, Any]:
    """The same as Chromium records it. What was not sent has no Origin there."""
    kept = [each for each in entry["request"]["headers"] if each["name"] != "Origin" or entry["response"]["status"]]
    request, response = entry["request"] | {"headers": kept}, entry["response"] | {"_error": error}
    return {"request": request, "response": response, "_resourceType": kind}


def entry(
    method: str = "GET",
    url: str = API,
    status: int = 200,
    asked: dict[str, str] | None = None,
    answered: dict[str, str] | None = None,
    body: str | None = None,
) -> dict[str, Any]:
    def pairs(headers: dict[str, str]) -> list[dict[str, str]]:
        return [{"name": name, "value": value} for name, value in headers.items()]

    request: dict[str, Any] = {"method": method, "url": url, "headers": pairs({"Origin": PAGE} | (asked or {}))}
    if body is not None:
        request["postData"] = {"mimeType": "application/json", "text": body}
    return {"request": request, "response": {"status": status, "headers": pairs(answered or {})}}


def preflight(method: str, names: str = "", asked_too: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    asked = {"Access-Control-Request-Method": method} | ({"Access-Control-Request-Headers": names} if names else {})
    return entry("OPTIONS", asked=asked | (asked_too or {}), **more)


LISTED = {"access-control-allow-methods": "PUT", "access-control-allow-headers": "content-type"}
JSON = {"content-type": "application/json"}
OWN = entry(url=f"{PAGE}/page", answered={})
RECORDINGS = {
    "a request that works": ([OWN, entry(answered=ALLOWED)], [None]),
    "no header": ([entry(answered={})], ["missing-header"]),
    "an error behind it": ([entry(status=502)], ["gateway-error"]),
    "a preflight that passes, and its request": (
        [
            preflight("PUT", "content-type", status=204, answered=ALLOWED | LISTED),
            entry("PUT", asked=JSON, body="{}", answered=ALLOWED),
        ],
        [None],
    ),
    "a preflight that fails, and its request, blocked": (
        [
            entry("PUT", asked=JSON, body="{}", status=0),
            preflight("PUT", "content-type", status=204, answered=ALLOWED | {"access-control-allow-methods": "PATCH"}),
        ],
        ["not-listed"],
    ),
    "a preflight that fails, alone": ([preflight("DELETE", status=403)], ["preflight-refused"]),
    "a preflight that is not recorded": ([entry("PUT", asked=JSON, body="{}", answered=ALLOWED)], [None]),
    "a preflight that fails, and its request, which has no Origin": (
        [
            in_chromium(entry("PUT", asked=JSON, status=0)),
            preflight("PUT", "content-type", status=204, answered=ALLOWED | {"access-control-allow-methods": "PUT"}),
        ],
        ["header-not-allowed"],
    ),
    "a blocked preflight that is not recorded": (
        [in_chromium(entry("PUT", asked=JSON | {"Referer": f"{PAGE}/"}, status=0))],
        ["no-answer-not-recorded"],
    ),
    "blocked though it passes without credentials": (
        [in_chromium(entry(answered={"access-control-allow-origin": "*"}))],
        ["wildcard-with-credentials"],
    ),
    "aborted though it passes": (
        [in_chromium(entry(answered={"access-control-allow-origin": "*"}), "net::ERR_ABORTED")],
        [None],
    ),
    "blocked by who knows what": (
        [in_chromium(entry(answered=ALLOWED | {"access-control-allow-credentials": "true"}))],
        [None],
    ),
    "credentials without any cookie": (
        [entry(asked={"Sec-Fetch-Storage-Access": "none"}, answered=ALLOWED)],
        ["credentials-not-allowed"],
    ),
    "a preflight of one with credentials": (
        [preflight("PUT", status=204, asked_too={"Sec-Fetch-Storage-Access": "active"}, answered=ALLOWED | LISTED)],
        ["credentials-not-allowed"],
    ),
    "an ad blocker": (
        [in_chromium(entry(asked={"Referer": f"{PAGE}/"}, status=0), "net::ERR_BLOCKED_BY_CLIENT")],
        ["no-answer-blocked"],
    ),
    "nobody there": (
        [in_chromium(entry(asked={"Referer": f"{PAGE}/x"}, status=0), "net::ERR_CONNECTION_REFUSED", "xhr")],
        ["no-answer-refused"],
    ),
    "an image that did not load": (
        [in_chromium(entry(asked={"Referer": f"{PAGE}/"}, status=0), "net::ERR_ABORTED", "image")],
        [],
    ),
    "a login at another host, which answers": (
        [
            entry(status=302, answered=ALLOWED | {"location": "https://login.example.org/"}),
            entry(url="https://login.example.org/", asked={"Origin": "null"}),
        ],
        ["login", "null-origin"],
    ),
    "a request that got no answer": ([entry(status=0)], ["no-answer-not-recorded"]),
    "cookies": (
        [entry(asked={"Cookie": "sid=1"}, answered={"access-control-allow-origin": "*"})],
        ["wildcard-with-credentials"],
    ),
    "a redirect to a login": ([entry(status=302, answered={"location": "/login"})], ["login"]),
    "a redirect that is followed": (
        [
            entry(status=302, answered=ALLOWED | {"location": "/moved"}),
            entry(url="https://api.example.com/moved", answered=ALLOWED),
        ],
        [None, None],
    ),
    "two lines of Firefox": ([entry(answered={"access-control-allow-origin": f"{PAGE}\n{PAGE}"})], ["doubled"]),
    "HTTP/2": ([entry(asked={":authority": "api.example.com", "user-agent": "x"}, answered=ALLOWED)], [None]),
    "the page's own requests only": ([OWN], []),
}


def run(path: Path, entries: list[dict[str, Any]], *options: str) -> Result:
    path.write_text("\ufeff" + json.dumps({"log": {"version": "1.2", "entries": entries}}), encoding="utf-8")
    return CliRunner().invoke(doctor, ["--har", str(path), *options])


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_failure_of_a_file_is_found(name: str, tmp_path: Path) -> None:
    entries, causes = RECORDINGS[name]
    result = run(tmp_path / "a.har", entries, "--json")
    runs = json.loads(result.output)["runs"]
    assert [each["cause"] and each["cause"]["code"] for each in runs] == causes
    assert all(each["requests"] == 0 for each in runs)
    assert (result.exit_code == 0) == (not any(causes))


def test_the_list_says_how_many_fail_and_why(tmp_path: Path) -> None:
    entries = [OWN, entry(answered=ALLOWED), entry("PUT", f"{API}?token=abcdefgh", 502, asked=JSON)]
    result = run(tmp_path / "a.har", entries)
    assert result.exit_code == 1
    first, *rest = result.output.splitlines()
    assert first == "1 of 2 requests across origins fail."
    assert rest[0] == f"  passed 2  GET {API}  from {PAGE}"
    assert rest[1] == f"  FAILED 3  PUT {API}?token=***  from {PAGE}"
    assert "The proxy in front got no answer" in rest[2]


def test_the_list_has_the_lines_to_send(tmp_path: Path) -> None:
    answered = ALLOWED | {"access-control-allow-methods": "PUT"}
    result = run(tmp_path / "a.har", [preflight("PUT", "content-type", status=204, answered=answered)])
    assert "Fix: Answer the preflight with:\n" in result.output
    assert "Access-Control-Allow-Headers: content-type\n" in result.output


def test_one_entry_has_a_report_of_its_own(tmp_path: Path) -> None:
    result = run(tmp_path / "a.har", [OWN, entry(answered=ALLOWED), entry(status=502)], "--entry", "3")
    assert result.exit_code == 1
    assert result.output.startswith("A browser would say no: The proxy in front got no answer")
    assert "0 requests sent." in result.output
    missing = run(tmp_path / "a.har", [OWN], "--entry", "7")
    assert missing.exit_code == 2
    assert "no such entry" in missing.output


def test_no_request_across_origins_is_said(tmp_path: Path) -> None:
    assert run(tmp_path / "a.har", [OWN]).output == "No request in this file crosses origins.\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("{}", id="no log"),
        pytest.param('{"log": {"entries": 5}}', id="no list"),
        pytest.param('{"log": {"entries": [{}]}}', id="no request"),
        pytest.param(
            '{"log": {"entries": [{"request": {"method": "GET", "url": "x", "headers": [1]}}]}}', id="no headers"
        ),
        pytest.param(
            '{"log": {"entries": [{"request": {"method": "GET", "url": "x", "headers": []},'
            ' "response": {"status": 1e999, "headers": []}}]}}',
            id="a status without an end",
        ),
        pytest.param("[" * 100_000, id="nested too deeply"),
    ],
)
def test_what_is_not_a_recording_is_said_in_words(text: str, tmp_path: Path) -> None:
    with pytest.raises(HarError):
        read_har(text)
    (tmp_path / "a.har").write_text(text)
    result = CliRunner().invoke(doctor, ["--har", str(tmp_path / "a.har")])
    assert result.exit_code == 2
    assert "Error: --har: it is " in result.output


def test_there_is_advice_for_each_error_of_the_browser() -> None:
    assert set(NET_ERRORS.values()) <= set(ADVICE)


def test_a_long_recording_is_gone_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = []
    for number in range(500):
        url = f"{API}/{number}"
        entries += [preflight("PUT", url=url, status=204, answered=ALLOWED | LISTED), entry("PUT", url=url)]
    parsed: list[str] = []
    monkeypatch.setattr(har_file, "parse_url", lambda url: parsed.append(url) or parse_url(url))
    recording = read_har(json.dumps({"log": {"entries": entries}}))
    found = [recording.examine(each) for each in recording.cross_origin()]
    assert [each.works for each in found] == [False] * 500
    assert len(parsed) < 20 * len(entries)


def test_of_several_preflights_the_nearest_counts() -> None:
    refused, passed = (preflight("PUT", status=204, answered=answered) for answered in ({}, ALLOWED | LISTED))
    asked = entry("PUT", answered=ALLOWED)
    recording = read_har(json.dumps({"log": {"entries": [refused, OWN, asked, passed, OWN, refused]}}))
    (only,) = (each for each in recording.cross_origin() if not each.is_preflight)
    assert recording.examine(only).works is True


def test_a_method_in_lower_case_is_listed_as_servers_know_it(tmp_path: Path) -> None:
    file = tmp_path / "recording.har"
    file.write_text(json.dumps({"log": {"entries": [preflight("patch", status=204)]}}), encoding="utf-8")
    output = CliRunner(env={"COLUMNS": "200"}).invoke(doctor, ["--har", str(file)]).output
    assert "Access-Control-Allow-Methods: GET, HEAD, POST, PATCH\n" in output
