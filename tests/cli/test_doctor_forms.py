"""Several origins, pages for origins, and the forms of the doctor's output."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from broken_servers import PAGE, SERVERS, application, right, serving
from click.testing import CliRunner, Result

from corecors.cli.diagnosis import SCHEMA
from corecors.cli.doctor import doctor
from corecors.cli.page_request import page_origin


def run(url: str, *options: str) -> Result:
    return CliRunner().invoke(doctor, [url, "--timeout", "120", *options])


@pytest.mark.parametrize(
    ("origins", "code"),
    [
        pytest.param([PAGE, PAGE], 0, id="all are allowed"),
        pytest.param([PAGE, "https://b.example"], 1, id="one is refused"),
        pytest.param(["https://b.example", PAGE, "null"], 1, id="two are"),
    ],
)
def test_one_origin_that_is_refused_is_enough(origins: list[str], code: int) -> None:
    options = [part for origin in origins for part in ("--origin", origin)]
    with serving(application(right)) as url:
        result = run(url, *options, "--no-hazards")
        found = json.loads(run(url, *options, "--no-hazards", "--json").output)
    assert result.exit_code == code
    assert [line for line in result.output.splitlines() if line.startswith("Origin ")] == [
        f"Origin {o}" for o in origins
    ]
    assert [each["origin"] for each in found["runs"]] == origins
    assert [each["works"] for each in found["runs"]] == [origin == PAGE for origin in origins]


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        pytest.param("https://app.example.com", "https://app.example.com", id="an origin"),
        pytest.param("https://app.example.com/", "https://app.example.com", id="a slash"),
        pytest.param("https://app.example.com/cart?id=1#top", "https://app.example.com", id="a page"),
        pytest.param("HTTPS://App.Example.com:443/", "https://app.example.com", id="as somebody typed it"),
        pytest.param("http://localhost:5173/index.html", "http://localhost:5173", id="a port"),
        pytest.param("http://[0:0:0:0:0:0:0:1]:80/x", "http://[::1]", id="IPv6"),
        pytest.param("null", "null", id="null"),
        pytest.param("chrome-extension://abc", "chrome-extension://abc", id="an extension"),
        pytest.param("app.example.com", "app.example.com", id="no scheme, which is refused later"),
        pytest.param("https://user:pw@a.example/", "https://user:pw@a.example/", id="a password, refused later"),
    ],
)
def test_the_address_of_a_page_stands_for_its_origin(text: str, origin: str) -> None:
    assert page_origin(text) == origin


def test_a_body_means_post() -> None:
    with serving(application(right)) as url:
        (found,) = json.loads(run(url, "--origin", PAGE, "-d", "a=1", "-d", "b=2", "--json").output)["runs"]
    assert found["stopped"]["method"] == "POST"


def test_the_data_names_its_schema() -> None:
    with serving(application(right)) as url:
        assert json.loads(run(url, "--origin", PAGE, "--json").output)["schema"] == SCHEMA
        assert run(url, "--origin", PAGE, "--json").output == run(url, "--origin", PAGE, "--format", "json").output


def test_no_answer_is_data_as_well() -> None:
    result = run("https://127.0.0.1:9999/", "--origin", PAGE, "--json")
    (found,) = json.loads(result.output)["runs"]
    assert result.exit_code == 2
    assert found["works"] is None
    assert found["cause"]["code"] == "no-answer-refused"
    assert (found["stopped"]["end"], found["stopped"]["code"]) == ("no-answer", "refused")


def test_annotations_for_github_are_one_line_each() -> None:
    with serving(application(SERVERS["anybody with credentials"].serve)) as url:
        lines = run(url, "--origin", PAGE, "--format", "github").output.splitlines()
    assert lines
    assert all(line.startswith(("::error title=CORS%3A ", "::warning title=CORS%3A ")) for line in lines)
    assert "::error title=CORS%3A any origin with credentials::" in lines[0]
    with serving(application(SERVERS["the preflight lacks several"].serve)) as url:
        options = SERVERS["the preflight lacks several"].options
        lines = run(url, "--origin", PAGE, "--format", "github", "--no-hazards", *options).output.splitlines()
    assert len(lines) == 1
    assert "%0AAccess-Control-Allow-Methods: PATCH, DELETE%0A" in lines[0]
    with serving(application(right)) as url:
        assert run(url, "--origin", PAGE, "--format", "github").output == ""


@pytest.mark.parametrize("name", ["nothing is wrong", "the preflight lacks several", "anybody with credentials"])
def test_piped_output_is_not_wrapped_and_has_no_trailing_blanks(name: str) -> None:
    """As `corecors doctor ... | grep`, in a process of its own."""
    broken = SERVERS[name]
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    with serving(application(broken.serve)) as url:
        command = [
            sys.executable,
            "-m",
            "corecors",
            "doctor",
            url,
            "--timeout",
            "120",
            "--origin",
            PAGE,
            *broken.options,
        ]
        found = json.loads(
            subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=60, env=environment).stdout
        )
        output = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment).stdout
    lines = output.splitlines()
    assert [line for line in lines if line != line.rstrip()] == []
    for check in found["runs"][0]["checks"]:
        assert any(check["says"] in line for line in lines)
    for danger in found["runs"][0]["dangers"]:
        assert any(line.endswith(danger["says"]) for line in lines)


def test_a_terminals_width_is_kept() -> None:
    with serving(application(SERVERS["the preflight lacks several"].serve)) as url:
        options = SERVERS["the preflight lacks several"].options
        output = (
            CliRunner(env={"COLUMNS": "60"})
            .invoke(doctor, [url, "--timeout", "120", "--origin", PAGE, *options])
            .output
        )
    wide = [line for line in output.splitlines() if len(line) > 60]
    # What is to be copied is never wrapped.
    assert all(line.lstrip().startswith(("Access-Control-", "> ", "< ", "Rule:", "More:")) for line in wide), wide
