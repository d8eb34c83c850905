"""The pages of the site, gathered in one folder: all of docs/, and those of the root, with links that lead there.

In the repository pages link to each other as files (`../SECURITY.md`), and to files that are no pages. On the site the
former are pages like any other, and the latter are named and lead nowhere.
"""

import html
import posixpath
import re
import shutil
from pathlib import Path

from options import write_options
from reference import copy_sources, write_reference

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "build" / "website" / "pages"
SOURCES = ROOT / "build" / "website" / "sources"  # of the package, for its docstrings
ONLY_HERE = ROOT / "website" / "pages"  # pages that use what only the site can do, such as tabs

FROM_THE_ROOT = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md", "SECURITY.md": "security.md"}
README_IS = "index.md"

DRAWING = re.compile(r"!\[([^\]]*)\]\(([\w/.-]*assets/[\w-]+\.svg)\)")
LIST_ITEM = re.compile(r"(?:[-*]|\d+\.) ")
SENTENCE = re.compile(r"(?![-*] |\d+\. )[^\s|#><]")  # the beginning of a line of a paragraph
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


def gather(pages: Path) -> None:
    """Fill the folder `pages`, which is emptied before, with everything that the site is built from."""
    shutil.rmtree(pages, ignore_errors=True)
    for folder in (ROOT / "docs", ONLY_HERE):
        shutil.copytree(folder, pages, dirs_exist_ok=True)
    for source in (ROOT / "docs").rglob("*.md"):
        rewrite(source, pages / source.relative_to(ROOT / "docs"), pages)
    for name, page in FROM_THE_ROOT.items():
        rewrite(ROOT / name, pages / page, pages)
    write_options(ROOT / "docs", pages / "reference" / "options.md")
    write_reference(pages / "reference")
    copy_sources(SOURCES)
    for page in pages.rglob("*.md"):
        page.write_text(as_the_site_has_it(page.read_text(encoding="utf-8"), page.parent), encoding="utf-8")


def rewrite(source: Path, page: Path, pages: Path) -> None:
    """Write `source`, a page of the repository, as `page` in the folder `pages`."""
    text = source.read_text(encoding="utf-8")
    here = page.relative_to(pages).parent.as_posix()

    def leading_there(link: re.Match[str]) -> str:
        picture, words, target = link.groups()
        target, hash_, fragment = target.partition("#")
        if "://" in target or target.startswith("mailto:") or not target:
            return link[0]
        file = posixpath.normpath((source.parent.relative_to(ROOT) / target).as_posix())
        on_the_site = place(file)
        if on_the_site is None:
            return words
        return f"{picture}[{words}]({posixpath.relpath(on_the_site, here)}{hash_}{fragment})"

    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(LINK.sub(leading_there, text), encoding="utf-8")


def place(file: str) -> str | None:
    """Where a file of the repository stands on the site, or None for one that doesn't."""
    if not (ROOT / file).exists():
        raise FileNotFoundError(f"a page links to {file}, which does not exist")
    if file == "README.md":
        return README_IS
    for folder, kept in (("docs/", ""), ("website/playground/", "playground/")):
        if file.startswith(folder):
            return kept + file.removeprefix(folder)
    return FROM_THE_ROOT.get(file)


def as_the_site_has_it(text: str, folder: Path) -> str:
    """The text of a page in `folder`, with what the site's Markdown wants otherwise than the repository's.

    A list begins after an empty line, and our drawings stand in the page itself, where they have its colours.
    """
    lines: list[str] = []
    in_code = False
    for line in text.splitlines():
        in_code ^= line.lstrip().startswith("```")
        if not in_code and LIST_ITEM.match(line) and lines and SENTENCE.match(lines[-1]):
            lines.append("")
        lines.append(line)
    return DRAWING.sub(lambda drawing: drawn(folder / drawing[2], drawing[1]), "\n".join(lines) + "\n")


def drawn(file: Path, words: str) -> str:
    """The drawing in `file` as a part of a page, told in `words` to those who do not see it."""
    lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    svg = "".join(line for line in lines if line).replace("<svg ", f'<svg aria-label="{html.escape(words)}" ', 1)
    return f'<div class="drawing">{svg}</div>'
