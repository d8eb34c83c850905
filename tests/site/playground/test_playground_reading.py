"""A policy written in Python is read as data: what it may be, and what is told of everything else."""

from __future__ import annotations

import json
import sys

import pytest
from corecors_playground import handle
from corecors_playground.policy_text import TextError, is_python, read_policy_text

from corecors import OriginPolicies, PathPolicies, Policy, PolicyError

PAGE = "https://app.example.com"


@pytest.fixture(scope="session", autouse=True)
def _python_is_in_it() -> None:
    """Of the tests next to this one; what is tested here needs no build."""


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        pytest.param(f'Policy(allow_origins=["{PAGE}"])', Policy(allow_origins=[PAGE]), id="an expression"),
        pytest.param(
            f'"""CORS."""\nfrom corecors import Policy\n\nORIGINS = ["{PAGE}"]\n'
            'policy: Policy = Policy(\n    allow_origins=[*ORIGINS, "https://b.example"],  # both\n'
            "    max_age=60 * 10,\n)",
            Policy(allow_origins=[PAGE, "https://b.example"], max_age=600),
            id="a module",
        ),
        pytest.param(
            "import corecors, datetime, re\ncors = corecors.Policy(max_age=datetime.timedelta(minutes=10), "
            'allow_origin_regexes=[re.compile(r"https://pr-[0-9]+\\.example\\.com")])',
            Policy(max_age=600, allow_origin_regexes=[r"https://pr-[0-9]+\.example\.com"]),
            id="names with their modules",
        ),
        pytest.param(
            'PathPolicies({"/fonts/": Policy(allow_origins=["*"]), "/health": None}, default=Policy())',
            PathPolicies({"/fonts/": Policy(allow_origins=["*"]), "/health": None}, default=Policy()),
            id="by path",
        ),
        pytest.param(
            f'a = Policy(allow_origins=["{PAGE}"], allow_credentials=True)\n'
            'both = OriginPolicies([a, Policy(allow_origins=("*",))])',
            OriginPolicies([Policy(allow_origins=[PAGE], allow_credentials=True), Policy(allow_origins=["*"])]),
            id="tiers",
        ),
    ],
)
def test_python_is_read_as_it_would_run(text: str, policy: object) -> None:
    assert is_python(text)
    assert repr(read_policy_text(text)) == repr(policy)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f'allow_origins = ["{PAGE}"]', id="keys"),
        pytest.param(
            '[cors."/api/"]\nallow_origins = ["*"]  # Policy(allow_origins=["*"])', id="a comment with a call"
        ),
        pytest.param('allow_origins = [\n  "https://a.example",\n]', id="lines"),
    ],
)
def test_toml_is_not_taken_for_python(text: str) -> None:
    assert not is_python(text)
    read_policy_text(text)


CODE = "that is code, and no code is run here"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("Policy(allow_origins=open('/etc/passwd'))", CODE, id="a call"),
        pytest.param("Policy(max_age=().__class__.__base__)", CODE, id="an attribute"),
        pytest.param("Policy(max_age=(lambda: 1)())", CODE, id="a function"),
        pytest.param("Policy(allow_origins=[x for x in 'ab'])", CODE, id="a comprehension"),
        pytest.param("Policy(allow_origins=f'{1}')", CODE, id="an f-string"),
        pytest.param("Policy(**{'debug': True})", CODE, id="keywords of a mapping"),
        pytest.param("import js\njs.document.title = 'x'\nPolicy()", f"Line 2: {CODE}", id="an attribute that is set"),
        pytest.param("app = FastAPI()\nPolicy()", f"Line 1: {CODE}", id="an application"),
        pytest.param("if True:\n    policy = Policy()\nPolicy()", CODE, id="a condition"),
        pytest.param("Policy(max_age=9**9**9)", CODE, id="a power"),
        pytest.param("Policy(max_age='9' * 10)", CODE, id="a text many times"),
        pytest.param("Policy(allow_origin_predicate=lambda origin: True)", "a predicate is code", id="a predicate"),
        pytest.param("Policy(allow_origin_predicate=ask)", "a predicate is code", id="a predicate with a name"),
        pytest.param("Policy(allow_origins=ORIGINS)", "the name ORIGINS is set nowhere above", id="a name"),
        pytest.param("Policy(debug=True, debug=False)", "debug is given twice", id="twice"),
        pytest.param("Policy(1)", "positional argument", id="an argument without a name"),
        pytest.param("Policy(debug=True", "is not closed", id="a bracket that is open"),
        pytest.param("Policy()\n  x", "Line 2: unexpected indent", id="an indent"),
        pytest.param("import corecors", "There is no policy in it", id="nothing"),
        pytest.param("Policy(" + "[" * 3000 + "]" * 3000 + ")", "nested too deeply", id="brackets"),
        pytest.param("Policy(max_age=" + "-" * 5000 + "1)", CODE, id="signs"),
        pytest.param("x = 1 " + ".a" * 4000 + "\nPolicy(", "nested too deeply", id="a chain"),
        pytest.param(
            "a = []\n" + "a = [a, a]\n" * 200 + "Policy(allow_origins=a)",
            "with all that its names",
            id="names of names",
        ),
        pytest.param("Policy(max_age=" + "lambda: " * 500 + "1)", "nested too deeply", id="functions"),
        pytest.param("Policy(max_age=" + "1 * " * 4000 + "1)", "nested too deeply", id="a product"),
        pytest.param("Policy(max_age=" + "9" * 5000 + ")", "Exceeds the limit", id="a number of 5,000 digits"),
        pytest.param("Policy(allow_origins=['" + "x" * 20_000 + "'])", "longer than 20,000 characters", id="long"),
    ],
)
def test_everything_else_is_told_with_its_line_and_not_run(text: str, said: str) -> None:
    with pytest.raises(TextError) as caught:
        read_policy_text(text)
    assert said in str(caught.value)


def test_a_policy_that_is_refused_is_refused_with_its_problems() -> None:
    with pytest.raises(PolicyError) as caught:
        read_policy_text('Policy(allow_origins="https://app.example.com/", max_age=-1, origins=["*"])')
    assert [problem.field for problem in caught.value.problems] == ["allow_origins", "max_age", "origins"]


def test_what_runs_in_the_browser_needs_the_standard_library_alone() -> None:
    import subprocess

    program = (
        "import sys; import corecors_playground; "
        "print([name for name in ('click', 'rich', 'urllib3', 'werkzeug', 'ssl', 'socket') if name in sys.modules])"
    )
    path = next(entry for entry in sys.path if entry.endswith("playground/python"))
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {path!r}); {program}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("url", "https://[/", id="an address"),
        pytest.param("headers", "x" * 8_001, id="a long text"),
        pytest.param("headers", "\n".join(f"X-{number}: 1" for number in range(101)), id="many headers"),
        pytest.param("credentials", "always", id="a mode"),
        pytest.param("policy", "Policy(", id="a policy"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(field: str, value: str) -> None:
    question = {
        "policy": "allow_origins = []",
        "origin": PAGE,
        "method": "GET",
        "url": "https://api.example.com/",
        "headers": "",
        "credentials": "omit",
    }
    said = json.loads(handle("answer", json.dumps(question | {field: value})))
    assert said["unusable"]["field"] == field
    assert said["unusable"]["message"]
    assert "course" not in said
