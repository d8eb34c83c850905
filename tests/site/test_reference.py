"""The reference is complete: every public name, every option, every command's exit codes; and every page is found."""

import inspect
import re
from importlib import import_module

import pytest
from gathering import ROOT
from reference import PARTS, parts, public_names

from corecors import Policy
from corecors.cli import COMMANDS

from .test_links import READ, SITE

NAMES = [(part, name) for part in parts() for name in public_names(part.module)]


def test_every_public_module_has_a_page() -> None:
    assert parts() == list(PARTS)


@pytest.mark.parametrize(("part", "name"), [pytest.param(*both, id=f"{both[0].module}.{both[1]}") for both in NAMES])
def test_every_public_name_is_documented(part: object, name: str) -> None:
    module, file = part.module, part.file  # type: ignore[attr-defined]
    assert f"{module}.{name}" in READ[SITE / "reference" / file.replace(".md", ".html")].names
    value = getattr(import_module(module), name)
    if callable(value):
        assert (inspect.getdoc(value) or "").strip(), f"{module}.{name} has no docstring"


@pytest.mark.parametrize("option", Policy.__init__.__kwdefaults__)
def test_every_option_of_a_policy_has_its_section(option: str) -> None:
    page = (SITE / "reference" / "options.html").read_text(encoding="utf-8")
    (section,) = re.findall(rf'<h2 id="{option}">.*?(?=<h2|</article>)', page, re.DOTALL)
    if option != "allow_origin_predicate":
        assert f"CORS_{option.upper()}" in section


def test_every_command_tells_its_exit_codes() -> None:
    text = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8").partition("## Exit codes")[2]
    told = set(re.findall(r"`(\w+)`", text.partition("130 is")[0]))
    assert set(COMMANDS) - told == set()


def test_every_page_is_reached_from_the_first() -> None:
    seen, new = set(), {SITE / "index.html"}
    while new:
        seen |= new
        links = {(page.parent / link.partition("#")[0]).resolve() for page in new for link in READ[page].links}
        new = {page for page in links if page in READ} - seen
    assert {page.name for page in set(READ) - seen} == {"404.html"}
