"""The playground answers as `corecors check` does, and refuses a policy as `corecors lint` does, in three browsers."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from corecors.cli.entry import commands
from corecors.cli.explanations import TOPICS

from .conftest import SITE

if TYPE_CHECKING:
    from .conftest import NotingServer, Page

PAGE = "https://app.example.com"
LISTED = f"""
allow_origins = ["{PAGE}", "https://*.example.org", "http://localhost:*"]
allow_methods = ["PUT"]
allow_headers = ["Content-Type", "X-Request-Id"]
expose_headers = ["X-Total"]
max_age = 600
"""
COOKIES = f'allow_origins = ["{PAGE}"]\nallow_credentials = true\n'
OPEN = 'allow_origins = ["*"]\nallow_headers = ["*"]\n'
PATHS = f"""
["/api/"]
allow_origins = ["{PAGE}"]

["/fonts/"]
allow_origins = ["*"]

["/health"]
"""
TIERS = f"""
[[tiers]]
allow_origins = ["{PAGE}"]
allow_credentials = true

[[tiers]]
allow_origins = ["*"]
"""
REGEX = 'allow_origin_regexes = ["https://pr-[0-9]+[.]example[.]com"]\ndebug = true\n'

# As they are typed after `corecors check FILE`.
QUESTIONS = [
    pytest.param(LISTED, f"--origin {PAGE} -X PUT -H 'Content-Type: application/json'", id="allowed with a preflight"),
    pytest.param(LISTED, "--origin https://evil.example", id="an origin that is not listed"),
    pytest.param(LISTED, f"--origin {PAGE} -X DELETE -H X-Other", id="a method and a header that are not listed"),
    pytest.param(LISTED, "--origin https://a.b.example.org --path /orders?all=1", id="a subdomain, no preflight"),
    pytest.param(LISTED, f"--origin {PAGE}/", id="an origin with a slash"),
    pytest.param(COOKIES, f"--origin {PAGE} --credentials", id="with cookies"),
    pytest.param(OPEN, f"--origin {PAGE} -H 'Authorization: Bearer x' --credentials", id="any origin, with cookies"),
    pytest.param(PATHS, "--origin https://elsewhere.example --path /fonts/a.woff2", id="policies by path"),
    pytest.param(TIERS, "--origin https://elsewhere.example -X PATCH", id="tiers"),
    pytest.param(REGEX, "--origin null -H Range", id="a regular expression, asked by null"),
]


def checked(policy: str, options: str, folder: Path) -> dict[str, Any]:
    """What `corecors check` says."""
    file = folder / "cors.toml"
    file.write_text(policy)
    result = CliRunner().invoke(commands, ["check", str(file), *shlex.split(options), "--json"])
    run: dict[str, Any] = json.loads(result.stdout)["runs"][0]
    return run


def fields_of(policy: str, options: str) -> dict[str, str]:
    """The playground's fields for the same question."""
    values: dict[str, list[str]] = {"--origin": [], "-X": [], "-H": [], "--path": []}
    words = iter(shlex.split(options))
    credentials = "same-origin"
    for word in words:
        if word == "--credentials":
            credentials = "include"
        else:
            values[word].append(next(words))
    return {
        "policy": policy,
        "origin": values["--origin"][0],
        "method": (values["-X"] or ["GET"])[0],
        "url": "https://api.invalid" + (values["--path"] or ["/"])[0],
        "headers": "\n".join(values["-H"]),
        "credentials": credentials,
    }


@pytest.mark.parametrize(("policy", "options"), QUESTIONS)
def test_the_answer_is_that_of_the_command_line(page: Page, policy: str, options: str, tmp_path: Path) -> None:
    run = checked(policy, options, tmp_path)
    page.ask(**fields_of(policy, options))
    assert page.text(".verdict") == ("allowed" if run["allowed"] else "refused")
    assert page.text(".explanation") == run["explanation"]
    steps = page.run("""
        return [...document.querySelectorAll(".step")].filter((step) => step.querySelector("pre")).map((step) => ({
          kind: step.querySelector("h3").textContent.split(" ").slice(0, 2).join(" "),
          status: step.querySelectorAll("h4")[1].textContent,
          lines: step.querySelectorAll("pre")[1].textContent,
          explanation: step.querySelector(":scope > p")?.textContent ?? "",
        }))
    """)
    assert steps == [
        {
            "kind": f"{'Preflight' if answer['preflight'] else 'Request'}: {answer['method']}",
            "status": f"The server answers {answer['status']}",
            "lines": "\n".join(f"{name}: {value}" for name, value in answer["headers"]) or "no header that matters",
            "explanation": "" if answer["explanation"] == run["explanation"] else answer["explanation"],
        }
        for answer in run["answers"]
    ]


def test_a_policy_is_refused_with_the_problems_and_fixes_that_lint_has(page: Page, tmp_path: Path) -> None:
    policy = f'allow_origins = ["*", "{PAGE}/"]\nallow_credentials = true\nmax_age = -1\nallow_origin = "x"\n'
    (tmp_path / "cors.toml").write_text(policy)
    result = CliRunner().invoke(commands, ["lint", str(tmp_path / "cors.toml"), "--json"])
    problems = json.loads(result.stdout)["problems"]
    page.ask(policy=policy)
    shown = page.texts(".problems > li")
    assert len(shown) == len(problems) == 4
    for text, problem in zip(shown, problems, strict=True):
        assert text.startswith(f"{problem['field']}: ")
        assert problem["message"] in text
        assert not problem["advice"] or f"Fix: {problem['advice']}." in text


def test_a_policy_in_python_is_read(page: Page) -> None:
    page.ask(
        policy=f'from corecors import Policy\n\npolicy = Policy(allow_origins=["{PAGE}"], max_age=60 * 10)\n',
        origin=PAGE,
        method="GET",
        url="https://api.example.com/",
        headers="X-A: 1",
        credentials="omit",
    )
    assert page.text(".verdict") == "refused"
    assert "'x-a' is not allowed" in page.text(".explanation")


def test_a_message_of_the_console_leads_to_its_cause(page: Page) -> None:
    page.paste(
        "Access to fetch at 'https://api.example.com/a?token=abcdefgh' from origin 'https://b.example' has been "
        "blocked by CORS policy: Method PUT is not allowed by Access-Control-Allow-Methods in preflight response."
    )
    assert page.text("#meaning h3") == "The message means: Method not allowed"
    assert page.text("#meaning .fix").startswith("Fix: List the method in Access-Control-Allow-Methods")
    assert page.run("return document.querySelector('#meaning a').getAttribute('href')") == (
        "../errors.html#method-not-allowed"
    )
    form = page.form()
    assert (form["origin"], form["method"]) == ("https://b.example", "PUT")
    assert form["url"] == "https://api.example.com/a?token=***"


def test_every_message_leads_to_a_section_of_the_errors_page() -> None:
    page = (SITE / "errors.html").read_text(encoding="utf-8")
    assert [topic.name for topic in TOPICS if f'id="{topic.name}"' not in page] == []


def test_a_copied_command_is_the_request(page: Page) -> None:
    page.paste(
        "curl 'https://api.example.com/orders' -X 'PUT' -H 'origin: https://app.example.com' -H 'user-agent: x' "
        "-H 'authorization: Bearer s3cretive' -H 'content-type: application/json' -b 'a=s3cretive' --data-raw '{}'"
    )
    form = page.form()
    assert form["headers"] == "authorization: Bearer ***\ncontent-type: application/json"
    assert (form["method"], form["credentials"], form["origin"]) == ("PUT", "include", PAGE)
    assert "user-agent, Cookie" in page.text("#meaning")
    assert page.text(".verdict") in ("allowed", "refused")


def test_nothing_was_asked_of_any_server_since_python_started(page: Page, server: NotingServer) -> None:
    before = list(server.asked)
    page.ask(policy=LISTED, origin=PAGE)
    page.ask(policy="Policy(")
    page.paste("Cross-Origin Request Blocked: ... (Reason: CORS request did not succeed).")
    assert server.asked == before
    assert {path.partition("?")[0] for path in before} <= {
        "/playground/" + name
        for name in (
            *("index.html", "playground.css", "playground.js", "worker.js", "runtime.js"),
            *("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm.bin", "modules.zip.bin"),
        )
    }
