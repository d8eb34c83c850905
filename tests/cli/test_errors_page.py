"""docs/errors.md quotes `corecors doctor`: the quotations are what it says of a server that is broken that way."""

import json
import re
from pathlib import Path

import pytest
from broken_servers import PAGE, SERVERS, application, serving
from click.testing import CliRunner

from corecors.cli.doctor import doctor

TEXT = (Path(__file__).parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")

SECTIONS = {
    "Missing header": "no header on the response",
    "Wildcard with credentials": "a star beside credentials",
    "Preflight failing": "the preflight is not found",
    "Wrong port, scheme or slash": "another port",
    "More than one origin": "two headers",
    "Credentials not allowed": "credentials missing",
    "Method not allowed": "the preflight lacks the method",
    "Header not allowed": "the preflight lacks the header",
    "Preflight redirected": "the preflight is redirected",
    "Unreadable list": "the preflight quotes its list",
    "A cache in between": "no Vary",
}


def section(title: str) -> str:
    (text,) = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE)
    return str(text)


def test_the_four_that_people_meet_most_come_first():
    titles = re.findall(r"^## (.*)$", TEXT, re.MULTILINE)
    assert titles[:5] == ["Contents", *list(SECTIONS)[:4]]


def test_the_contents_list_every_section():
    titles = re.findall(r"^## (.*)$", TEXT, re.MULTILINE)[1:]
    assert re.findall(r"^\|[^|]*\| \[(.*?)\]\(#", TEXT, re.MULTILINE) == titles


@pytest.mark.parametrize("title", SECTIONS)
def test_the_quoted_sentence_is_the_doctors_own(title):
    broken = SERVERS[SECTIONS[title]]
    with serving(application(broken.serve)) as url:
        result = CliRunner().invoke(doctor, [url, "--origin", PAGE, *broken.options, "--json"])
    said = json.loads(result.output)["finding"]["explanation"]
    (quoted,) = re.findall(r"\*\*Doctor\.\*\* `([^`]*)`", section(title))
    pieces = [piece for piece in " ".join(quoted.split()).split("…") if piece]
    assert pieces
    assert all(piece.rstrip(".") in said for piece in pieces), said


@pytest.mark.parametrize("title", SECTIONS)
def test_each_section_has_a_cause_and_a_fix(title):
    text = section(title)
    assert "**Cause.**" in text
    assert "**Fix.**" in text


@pytest.mark.parametrize("title", [title for title in SECTIONS if title != "A cache in between"])
def test_the_doctor_links_to_the_section(title):
    broken = SERVERS[SECTIONS[title]]
    with serving(application(broken.serve)) as url:
        arguments = [url, "--origin", PAGE, "--no-hazards", *broken.options]
        found = json.loads(CliRunner().invoke(doctor, [*arguments, "--json"]).output)
        shown = CliRunner().invoke(doctor, arguments).output
    anchor = re.sub("[^a-z -]", "", title.lower()).replace(" ", "-")
    assert found["finding"]["page"] == f"docs/errors.md#{anchor}"
    assert f"More: docs/errors.md#{anchor}\n" in shown
