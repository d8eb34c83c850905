"""The codes of problems: programs switch on them, so they change only on purpose."""

import ast
from pathlib import Path

import corecors
from corecors import Problem

POLICY = Path(corecors.__file__).parent / "_policy"
# Which argument of a call is the code
PLACES = {"Problem": 2, "refuse": 2, "_error": 2, "Fault": 0, "_UnreadableError": 0}

# Those of origins, patterns and regular expressions are listed by their own tests.
CODES = """
any-header any-origin-with-credentials any-port comma-in-regex cors-header debug duplicate-prefix empty
exposed-wildcard-with-credentials forbidden-header forbidden-method foreign-name function-among-origins
header-among-methods insecure-origin list-within-list max-age-capped max-age-range method-among-headers method-case
method-too-long name-pattern needless-entry next-to-tiers no-authorization no-origins no-paths no-table not-a-flag
not-a-function not-a-list not-a-mapping not-a-name not-a-number not-a-path not-a-policy not-a-prefix not-a-string
not-a-table not-json not-seconds not-toml not-whole-seconds null-origin null-with-credentials origin-among-headers
origin-among-methods other-variables outside-table pattern-among-regexes post-passes predicate-in-tier
preflight-status public-suffix public-suffixes-unknown redundant-entries regex-among-origins request-header
several-names unknown-name unreachable-tier wide-regex word-for-any wrong-type
""".split()


def written_codes() -> set[str]:
    """Every code that stands in a call of `_policy` that makes a problem."""
    found: set[str] = set()
    for path in POLICY.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            place = PLACES.get(name)
            if place is None or len(node.args) <= place:
                continue
            code = node.args[place]
            if isinstance(code, ast.Constant):
                found.add(str(code.value))
            elif isinstance(code, ast.JoinedStr):  # the one code that ends in a kind
                start = code.values[0]
                assert isinstance(start, ast.Constant)
                found |= {f"{start.value}{kind}s" for kind in ("method", "header")}
    return found


def test_no_code_comes_or_goes_unnoticed() -> None:
    assert sorted(written_codes()) == sorted(CODES)


def test_a_problem_is_a_value_with_these_fields() -> None:
    problem = Problem("max_age", -1, "max-age-range", "is outside 0..86400 seconds", 0)
    assert problem._fields == ("field", "value", "code", "message", "fix", "severity")
    assert problem.severity == "error"
    assert str(problem) == "max_age: -1 is outside 0..86400 seconds; write 0"
