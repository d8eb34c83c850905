"""The built site: every link between its pages leads to a page that exists, and every fragment to an element of it."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
from gathering import ROOT

SITE = ROOT / "build" / "website" / "html"
PAGES = sorted(SITE.rglob("*.html"))


class Page(HTMLParser):
    """The links of a page, what it loads, and the names that a fragment can have there."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.names = {"", "__top"}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.names |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag in ("link", "script", "img", "iframe") and values.get("rel") not in ("canonical", "next", "prev"):
            self.loaded += [values[name] for name in ("href", "src") if name in values]


READ = {path: Page(path) for path in PAGES}


def test_the_site_is_built() -> None:
    assert SITE / "index.html" in READ, "build it first: python website"


@pytest.mark.parametrize("page", [pytest.param(path, id=path.relative_to(SITE).as_posix()) for path in PAGES])
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in READ[page].links:
        address, fragment = urldefrag(link)
        if "://" in address or address.startswith("mailto:"):
            continue
        target = (SITE / address.lstrip("/") if address.startswith("/") else page.parent / unquote(address)).resolve()
        target = page if not address else target / "index.html" if target.is_dir() else target
        if not target.exists() or (target in READ and unquote(fragment) not in READ[target].names):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", [pytest.param(path, id=path.relative_to(SITE).as_posix()) for path in PAGES])
def test_nothing_is_loaded_from_another_host(page: Path) -> None:
    assert [address for address in READ[page].loaded if address.startswith(("http:", "https:", "//"))] == []
