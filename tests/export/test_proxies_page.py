"""The pages about proxies: what they show is what is written, and each target has its page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from corecors import policy_from_toml
from corecors.export import TARGETS, render

DOCS = Path(__file__).parents[2] / "docs"
SHOWN = re.compile(r"<!-- policy -->\n```toml\n(.*?)```.*?<!-- exported: (\w+) -->\n```\w+\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_has_a_page_in_the_table(target: str) -> None:
    table = (DOCS / "proxies.md").read_text(encoding="utf-8")
    assert re.search(rf"^\| `{target}` \| \[.*?\]\(proxy-{target}\.md\)", table, re.MULTILINE)
    assert (DOCS / f"proxy-{target}.md").is_file()


@pytest.mark.parametrize("page", [pytest.param(page, id=page.stem) for page in sorted(DOCS.glob("proxy-*.md"))])
def test_what_a_page_shows_is_what_is_written(page: Path) -> None:
    found = SHOWN.findall(page.read_text(encoding="utf-8"))
    assert found
    for policy, target, shown in found:
        lines = iter(render(policy_from_toml(policy), target).splitlines())
        for line in shown.splitlines():
            assert line in lines, f"{line!r} does not come next"
