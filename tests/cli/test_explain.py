"""`corecors explain`: what a browser's message means, and what to run next."""

import json

import pytest
from click.testing import CliRunner, Result

from corecors.cli.entry import run
from corecors.cli.explain import explain
from corecors.cli.explanations import TOPICS

ACCESS = (
    "Access to fetch at 'https://api.example.com/x?token=s3cr3t-0123' from origin 'https://app.example.com' "
    "has been blocked"
)
AXIOS = ACCESS.replace("fetch", "XMLHttpRequest")


def asked(*arguments: str, given: str = "") -> Result:
    return CliRunner(env={"COLUMNS": "300"}).invoke(explain, arguments, input=given)


@pytest.mark.parametrize(
    ("message", "title", "command"),
    [
        pytest.param(
            f"{ACCESS} by CORS policy: No 'Access-Control-Allow-Origin' header is present on the requested resource.",
            "Missing header",
            "corecors doctor 'https://api.example.com/x?token=***' --origin https://app.example.com",
            id="an address and an origin",
        ),
        pytest.param(
            f"{AXIOS} by CORS policy: Request header field x-a is not allowed by Access-Control-Allow-Headers in "
            "preflight.",
            "Header not allowed",
            "corecors doctor 'https://api.example.com/x?token=***' --origin https://app.example.com -H 'x-a: x'",
            id="a header, by axios",
        ),
        pytest.param(
            f"{ACCESS} by CORS policy: Method patch is not allowed by Access-Control-Allow-Methods in preflight "
            "response.",
            "Method not allowed",
            "corecors doctor 'https://api.example.com/x?token=***' --origin https://app.example.com -X patch",
            id="a method",
        ),
        pytest.param(
            "Origin https://app.example.com is not allowed by Access-Control-Allow-Origin. Status code: 502",
            "Server error",
            "corecors doctor URL --origin https://app.example.com",
            id="Safari, an error of the server",
        ),
        pytest.param(
            "Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at "
            "https://api.example.com/. (Reason: CORS header ‘Access-Control-Allow-Origin’ missing). Status code: 500.",
            "Server error",
            "corecors doctor https://api.example.com/ --origin ORIGIN",
            id="Firefox, an error of the server",
        ),
        pytest.param(
            "Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at "
            "https://api.example.com/. (Reason: CORS request did not succeed). Status code: (null).",
            "No answer",
            "corecors doctor https://api.example.com/ --origin ORIGIN",
            id="Firefox, an address alone",
        ),
        pytest.param(
            "Access to XMLHttpRequest at 'localhost:8000/x' from origin 'https://app.example.com' has been blocked by "
            "CORS policy: Cross origin requests are only supported for protocol schemes: chrome, data, http, https.",
            "Address without http",
            "corecors doctor URL --origin https://app.example.com",
            id="Chromium, an address without http",
        ),
        pytest.param(
            "Access to script at 'file:///x.js' from origin 'null' has been blocked by CORS policy: Cross origin "
            "requests are only supported for protocol schemes: chrome, data, http, https.",
            "Null origin",
            "corecors doctor URL --origin null",
            id="Chromium, a file",
        ),
        pytest.param(
            "Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at "
            "file:///home/me/x.js. (Reason: CORS request not http).",
            "Null origin",
            "corecors doctor URL --origin ORIGIN",
            id="Firefox, a file",
        ),
        pytest.param(
            'Credentials flag is true, but Access-Control-Allow-Credentials is not "true".',
            "Credentials not allowed",
            "corecors doctor URL --origin ORIGIN --credentials",
            id="Safari, neither",
        ),
        pytest.param(
            "Response to preflight request doesn't pass access control check: It does not have HTTP ok status.",
            "Preflight failing",
            "corecors doctor URL --origin ORIGIN -X METHOD",
            id="a preflight, for a method that is not said",
        ),
        pytest.param("missing-header", "Missing header", "corecors doctor URL --origin ORIGIN", id="a name"),
        pytest.param("Missing header", "Missing header", "corecors doctor URL --origin ORIGIN", id="a title"),
    ],
)
def test_a_message_is_explained_with_what_to_run_next(message: str, title: str, command: str) -> None:
    for result in (asked(message), asked("-", given=message)):
        assert result.exit_code == 0
        first, *rest = result.output.splitlines()
        assert first == title
        assert f"Next: {command}" in rest
        assert "s3cr3t" not in result.output
    data = json.loads(asked(message, "--json").output)
    assert (data["title"], data["next"]) == (title, command)


def test_wrapped_messages_are_understood() -> None:
    assert asked(f"{ACCESS}\n   by CORS\npolicy: No 'Access-Control-Allow-Origin'\n header is present").exit_code == 0


def test_all_topics_are_listed() -> None:
    lines = asked().output.splitlines()
    assert [line.split()[0] for line in lines] == [topic.name for topic in TOPICS]
    assert json.loads(asked("--json").output)["topics"] == [topic.name for topic in TOPICS]


def test_what_is_not_known_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "segmentation fault"]) == 2
    assert "that is neither a browser's message about CORS" in capsys.readouterr().err
    for caught in ("TypeError: Failed to fetch", "Uncaught (in promise) TypeError: Load failed"):
        assert run(["explain", caught]) == 2
        assert "the reason stands next to it in the browser's console" in capsys.readouterr().err
    assert run(["explain", "missing-heder"]) == 2
    assert "did you mean 'missing-header'?" in capsys.readouterr().err
