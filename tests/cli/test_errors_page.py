"""docs/errors.md quotes browsers and the doctor: `corecors explain` knows the former, and the latter says just that."""

import re
import socket
from pathlib import Path
from typing import Any

import pytest
from broken_servers import PAGE, SERVERS, Broken, application, right, serving
from click.testing import CliRunner

from corecors.cli.doctor import doctor
from corecors.cli.explanations import TOPICS, explanation_of

TEXT = (Path(__file__).parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")
MIXED = "mixed content"

# For each quotation of the doctor, a server of which it says that.
SECTIONS = {
    "Missing header": ["no header at all", "no header on the response"],
    "Wildcard with credentials": ["a star with credentials"],
    "Preflight failing": ["the preflight is not found"],
    "Wrong port, scheme or slash": ["another port", "another scheme", "a slash at the end"],
    "More than one origin": ["two headers"],
    "Credentials not allowed": ["credentials missing"],
    "Method not allowed": ["the preflight lacks the method"],
    "Header not allowed": ["the preflight lacks the header"],
    "Preflight redirected": ["the preflight is redirected"],
    "Unreadable list": ["the preflight quotes its list"],
    "A cache in between": ["no Vary"],
    "Header not readable": ["nothing is wrong"],
    "No answer": ["nobody"],
    "Server error": ["the server failed"],
    "Login": ["you are not logged in"],
    "Cookies": ["a cookie that stays at home"],
    "Mixed content": [MIXED],
    "Null origin": ["null asks"],
}


def section(title: str) -> str:
    (text,) = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE)
    return str(text)


def anchor(title: str) -> str:
    return re.sub("[^a-z -]", "", title.lower()).replace(" ", "-")


def said(name: str) -> str:
    """What the doctor says of the server of that name, on one line."""
    broken: Broken = SERVERS.get(name, Broken(right, (), None))
    options: list[Any] = ["--send", *broken.options]
    origin = "null" if name == "null asks" else PAGE
    with serving(application(broken.serve)) as address, socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        listener.close()
        url = {MIXED: "http://api.example.com/", "nobody": nobody}.get(name, address)
        output = (
            CliRunner(env={"COLUMNS": "1000"})
            .invoke(doctor, [url, "--timeout", "120", "--origin", origin, *options])
            .output
        )
    return " ".join(output.split())


def test_the_four_that_people_meet_most_come_first() -> None:
    titles = re.findall(r"^## (.*)$", TEXT, re.MULTILINE)
    assert titles[:5] == ["Contents", *list(SECTIONS)[:4]]


def test_the_contents_list_every_section() -> None:
    titles = re.findall(r"^## (.*)$", TEXT, re.MULTILINE)[1:]
    assert re.findall(r"^\|[^|]*\| \[(.*?)\]\(#", TEXT, re.MULTILINE) == titles


def test_the_sections_are_the_topics_that_an_installation_explains() -> None:
    titles = re.findall(r"^## (.*)$", TEXT, re.MULTILINE)[1:]
    assert sorted(map(anchor, titles)) == sorted(topic.name for topic in TOPICS)


@pytest.mark.parametrize("title", SECTIONS)
def test_every_quoted_sentence_is_the_doctors_own(title: str) -> None:
    (paragraph,) = re.findall(r"\*\*Doctor\.\*\* (.*?)\n\n", section(title), re.DOTALL)
    quotations = re.findall(r"`([^`]*)`", " ".join(paragraph.split()))
    assert len(quotations) == len(SECTIONS[title])
    for quoted, name in zip(quotations, SECTIONS[title], strict=True):
        pieces = [piece for piece in quoted.split("\u2026") if piece]
        assert pieces
        found = said(name)
        assert all(piece in found for piece in pieces), (quoted, found)


@pytest.mark.parametrize("title", SECTIONS)
def test_each_section_has_a_cause_and_a_fix(title: str) -> None:
    text = section(title)
    assert "**Cause.**" in text
    assert "**Fix.**" in text


MESSAGES = [
    pytest.param(title, browser, message, id=f"{title}: {browser}, {message[:40]}")
    for title in re.findall(r"^## (.*)$", TEXT, re.MULTILINE)[1:]
    for browser, message in re.findall(r"^\| (Chromium|Firefox|Safari) \| (.*) \|$", section(title), re.MULTILINE)
]
PREFIXES = {
    "Chromium": "Access to fetch at 'https://api.example.com/x' from origin 'https://app.example.com' has been "
    "blocked by "
    "CORS policy: ",
    "Firefox": "Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at "
    "https://api.example.com/x. ",
    "Safari": "",
}


@pytest.mark.parametrize(("title", "browser", "message"), MESSAGES)
def test_every_message_is_explained(title: str, browser: str, message: str) -> None:
    alone = re.search(
        "net::|[Mm]ixed|^Access to|^Fetch API|^(?:Type|Security)Error|[Cc]ookie|^Local|^Loading|^Firefox|^The res|^Web",
        message,
    )
    url = "wss://api.example.com/x" if title == "WebSocket refused" else "https://api.example.com/x"
    named = re.sub(r"\bURL\b(?! scheme)", url, message.replace("ORIGIN", "https://app.example.com"))
    text = ("" if alone else PREFIXES[browser]) + named
    found = explanation_of(text)
    assert found is not None
    # Safari says the same of a missing header and a wrong one.
    same = {"wrong-port-scheme-or-slash", "missing-header"} if "Origin https" in text and browser == "Safari" else set()
    assert found.topic.name in {anchor(title), *same}
    if not alone and browser != "Safari":
        assert found.url == "https://api.example.com/x"
