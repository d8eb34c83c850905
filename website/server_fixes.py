"""docs/server-fixes.md: what the doctor would say to write on each kind of server, for one page that needs most of it.

`python website/server_fixes.py` writes the page; a test holds it against the doctor's own text.
"""

from pathlib import Path

from corecors.cli.servers import SOFTWARE, Needs, Software, header_lines

PAGE = Path(__file__).parents[1] / "docs" / "server-fixes.md"
NEEDS = Needs(
    "https://app.example.com", "/orders", methods=("PUT",), names=("authorization", "content-type"), credentials=True
)
LANGUAGES = {
    "Express": "js",
    "Next.js": "js",
    "Rails": "ruby",
    "Spring": "java",
    "PHP": "php",
    "ASP.NET": "csharp",
    "AWS API Gateway": "sh",
    "Amazon S3": "json",
    "Caddy": "text",
    "Apache": "apache",
    "nginx": "nginx",
    "HAProxy": "text",
}
INTRODUCTION = """# What to write on each kind of server

A page of `https://app.example.com` sends `PUT` with `Authorization` and a JSON body, with cookies. This is what
lets it, on each kind of server that `corecors doctor` knows; it prints the same for *your* page, address and
headers, and only what is missing:

    corecors doctor URL --origin ORIGIN -X PUT -H "Content-Type: application/json"

Whatever the server: answer `OPTIONS` before any login is checked, send the headers with errors too, name the
origins, and let one place do it. Take what you do not need out: without cookies, no `Credentials`; for anyone's
pages, `*`. This page is written by `python website/server_fixes.py`.

The headers themselves, for anything that is not here:

"""


def text() -> str:
    """The whole page."""
    lines = "\n".join(f"{name}: {value}" for name, value in header_lines(NEEDS))
    parts = [f"{INTRODUCTION}```text\n{lines}\n```\n"]
    seen: dict[str, list[Software]] = {}
    for software in SOFTWARE:
        seen.setdefault(software.lines(NEEDS), []).append(software)
    for code, alike in seen.items():
        if code != lines:
            names = ", ".join(software.name.removeprefix("a ") for software in alike)
            language = LANGUAGES.get(alike[0].name, "python")
            parts.append(
                f"## {names}\n\n{alike[0].where[0].upper()}{alike[0].where[1:]}:\n\n```{language}\n{code}\n```\n"
            )
    those = "".join(f"| {software.name} | {software.where} |\n" for software in seen[lines])
    parts.append(f"## Others\n\nThe lines at the top, here:\n\n| | where |\n| --- | --- |\n{those}")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
