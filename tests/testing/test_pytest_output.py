"""What a failing test of a user's shows: why the page cannot read it, and what to change."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from judging import ACAC, ACAM, ACAO, INCLUDE, PAGE, judge

TESTS = """
from flask import Flask

from corecors import Policy
from corecors.adapters.flask import CORS
from corecors.testing import Page

app = Flask(__name__)
CORS(app, Policy(allow_origins=["https://app.example.com"]))


@app.route("/orders", methods=["GET", "DELETE"])
def orders():
    return []


page = Page("https://app.example.com", app)


def test_with_cookies():
    assert page.fetch("/orders", credentials="include").readable


def test_delete():
    assert page.fetch("/orders", method="DELETE").readable


def test_plain():
    assert not page.fetch("/orders").readable


def test_no_question():
    assert page.fetch("/orders", method="DELETE")
"""


def test_a_failing_assertion_shows_the_explanation_and_the_fix(tmp_path: Path) -> None:
    (tmp_path / "test_orders.py").write_text(TESTS)
    # In the order of the file: a plugin that is installed may shuffle.
    plugins = ["-p", "no:cacheprovider", "-p", "no:randomly"]
    command = [sys.executable, "-m", "pytest", *plugins, "--rootdir", str(tmp_path), "test_orders.py"]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120).stdout
    assert "4 failed" in shown
    _, cookies, delete, plain, no_question = re.split(r"_{5,} test_\w+ _{5,}", shown)
    assert "has no Access-Control-Allow-Credentials" in cookies
    assert "Fix: Send `Access-Control-Allow-Credentials: true`, or let the page make the request without" in cookies
    # Which of the three it was is known to the server alone, whose log pytest shows.
    assert "the server refuses the origin" in delete
    assert "allow its origin, the method and the headers on the server" in delete
    assert "The method 'DELETE' is not allowed. If it should be, add it to allow_methods" in delete
    assert "where True = <Verdict: readable, 200>.readable" in plain
    assert "TypeError: a Verdict is neither true nor false: ask whether it is .readable" in no_question


@pytest.mark.parametrize(
    ("verdict", "shown"),
    [
        pytest.param(judge(), "<Verdict: readable, 200>", id="readable"),
        pytest.param(
            judge("PUT", answer=((ACAO, PAGE), (ACAM, "PUT"))),
            "<Verdict: readable, 200 after a preflight>",
            id="after a preflight",
        ),
        pytest.param(
            judge(answer=()),
            "<Verdict: The response (200) has no Access-Control-Allow-Origin header. Fix: Send "
            f"`Access-Control-Allow-Origin: {PAGE}` if the page may read this.>",
            id="not readable",
        ),
    ],
)
def test_a_verdict_says_how_it_ended(verdict: object, shown: str) -> None:
    assert repr(verdict) == shown


@pytest.mark.parametrize(
    "verdict",
    [
        pytest.param(judge(answer=((ACAO, PAGE), (ACAC, "x" * 90)), credentials=INCLUDE), id="a long value"),
        pytest.param(judge(answer=((ACAO, "https://" + "a" * 300),)), id="a long origin"),
        pytest.param(judge(answer=(), origin="http://" + "a" * 300), id="a long page"),
    ],
)
def test_it_is_never_longer_than_what_pytest_shows(verdict: object) -> None:
    from _pytest._io.saferepr import DEFAULT_REPR_MAX_SIZE

    assert len(repr(verdict)) <= DEFAULT_REPR_MAX_SIZE
    assert "..." in repr(verdict)
    assert repr(verdict).endswith(">")
    assert "\n" not in repr(verdict)
