"""docs/refused.md: what its table says is refused is, under that code, and what it says to write is accepted."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from corecors import Policy, PolicyError

PAGE = (Path(__file__).parents[2] / "docs" / "refused.md").read_text(encoding="utf-8")
ROWS = [
    pytest.param(*row, id=row[0])
    for row in re.findall(r"^\| `(.*?)` \| `(.*?)` \| (.*) \|$", PAGE.replace(r"\|", "|"), re.MULTILINE)
]


def arguments(text: str) -> dict[str, Any]:
    """The keyword arguments of that text; `re.compile` is all that it may call."""
    call = ast.parse(f"f({text})", mode="eval").body
    assert isinstance(call, ast.Call)
    return {str(keyword.arg): eval(ast.unparse(keyword.value), {"re": re}) for keyword in call.keywords}


@pytest.mark.parametrize(("written", "code", "instead"), ROWS)
def test_what_is_refused_is_and_its_fix_is_what_stands_there(written: str, code: str, instead: str) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy(**arguments(written))
    [problem] = caught.value.problems
    assert problem.code == code
    fix = problem.fix
    if isinstance(fix, tuple | list) and fix:
        fix = str(list(fix)).replace("'", '"')
    if fix and code != "foreign-name":
        assert f"`{fix}`" in instead


def test_the_table_is_read() -> None:
    assert len(ROWS) > 25
