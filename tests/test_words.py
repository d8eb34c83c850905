"""Plain English: words that a reader in a hurry stumbles over stand in no sentence that a user reads."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import corecors

ROOT = Path(__file__).parents[1]
PACKAGE = Path(corecors.__file__).parent
ADAPTERS = Path(__import__("corecors.adapters").adapters.__file__).parent
MODULES = sorted({*PACKAGE.rglob("*.py"), *ADAPTERS.rglob("*.py")})
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *(ROOT / "website").rglob("*.md"), *ROOT.glob("*.md")])

# What to write instead: fix; with, next to; instead of; needs no permission; expensive; rarely; anyone who; anyone;
# "is not a".
UNPLAIN = re.compile(
    r"\bmend(?:s|ed|ing)?\b|\bbeside\b|\bin (?:the )?place of\b|\bno leave\b|\bdear(?:er|est)?\b|\bseldom\b|\bwhoever\b"
    r"|\bstrangers\b|(?<!\bthere )\b(?:is|are) no (?!longer|more\b|less\b)",
    re.IGNORECASE,
)


def sentences(path: Path) -> Iterator[tuple[int, str]]:
    """The texts of a module that have words in them: messages and docstrings, each with its line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in PAGES])
def test_a_page_is_in_plain_words(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    said = [re.sub("`[^`]*`", "", line) for line in lines]  # names in code are what they are
    assert [f"{number}: {line}" for number, line in enumerate(said, start=1) if UNPLAIN.search(line)] == []


@pytest.mark.parametrize(
    "path", [pytest.param(path, id=path.relative_to(path.parents[2]).as_posix()) for path in MODULES]
)
def test_what_a_module_says_is_in_plain_words(path: Path) -> None:
    found = [f"{line}: {text}" for line, text in sentences(path) if UNPLAIN.search(" ".join(text.split()))]
    assert found == []


@pytest.mark.parametrize(
    "text", ["is no origin", "beside credentials", "one mend is certain", "Whoever asks", "are  no data"]
)
def test_unplain_words_are_noticed(text: str) -> None:
    assert UNPLAIN.search(" ".join(text.split()))


@pytest.mark.parametrize(
    "text", ["there is no file", "it is no longer sent", "recommended", "besides", "is not a name"]
)
def test_plain_words_are_not(text: str) -> None:
    assert UNPLAIN.search(text) is None
