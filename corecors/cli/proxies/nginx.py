"""nginx: what is wrong with its CORS headers. Read by crossplane.

Facts
-----
nginx has no CORS of its own: people write `map` and `add_header`. A level (http, server, location, `if` in a location)
takes the `add_header` lines of the level above only where it has none itself, and so for `proxy_hide_header`. Keys of
`map` are compared without regard to case; an expression, which begins with `~`, is searched for anywhere.
https://nginx.org/en/docs/http/ngx_http_headers_module.html#add_header
https://nginx.org/en/docs/http/ngx_http_map_module.html#map
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from corecors.cli.proxies.findings import (
    ANY_ORIGIN_REFLECTED,
    ANY_ORIGIN_WITH_CREDENTIALS,
    IGNORES_CASE,
    MISSING_VARY,
    UPSTREAM_HEADER_KEPT,
    Finding,
    Place,
    Trap,
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
from corecors.cli.proxies.values import (
    ALLOW_CREDENTIALS,
    ALLOW_ORIGIN,
    CORS,
    NULL_ORIGIN,
    VARY,
    Sent,
    compared,
    doubled,
    value_findings,
)
from corecors.cli.terminal import Unusable

ADD_HEADER_DROPPED = Trap(
    "add-header-dropped",
    "warning",
    "takes the place of every add_header outside of this block: here nothing sends {lost} (line {line})",
    "repeat the add_header lines of the outer block here",
)
PREFLIGHT_WITHOUT_ORIGIN = ADD_HEADER_DROPPED._replace(severity="error")
MISSING_ALWAYS = Trap(
    "missing-always",
    "warning",
    "is left out of errors: where the answer is a 401 or 502, the page sees a network error instead of it",
    "end the line in `always`",
)
HIDE_HEADER_DROPPED = Trap(
    "hide-header-dropped",
    "warning",
    "takes the place of every {directive} outside of this block: the Access-Control-Allow-Origin of the server behind, "
    "hidden on line {line}, passes here",
    "repeat `{directive} Access-Control-Allow-Origin;` here",
)

MAX_WORD = 4095  # bytes, of which nginx reads no more: "too long parameter"
ECHO = "$http_origin"
PASSING = {
    "proxy_pass": "proxy_hide_header",
    "fastcgi_pass": "fastcgi_hide_header",
    "uwsgi_pass": "uwsgi_hide_header",
    "scgi_pass": "scgi_hide_header",
    "grpc_pass": "grpc_hide_header",
}
_OPERATOR = {"~": False, "!~": False, "~*": True, "!~*": True}  # of `if`: whether it ignores case


class Directive(NamedTuple):
    name: str
    args: list[str]
    place: Place
    block: "list[Directive] | None"


class Level(NamedTuple):
    """What holds in a block. `added`, `hidden`: the lines that count there, with the block that they stand in.

    `whole`: whether every file that is included there was read. `guarded`: an `if` asks for the origin.
    """

    added: list[Directive]
    hidden: dict[str, list[Directive]]
    whole: bool = True
    guarded: bool = False
    inherits: bool = False  # add_header_inherit merge


def findings_in(path: Path) -> list[Finding]:
    """The traps in the file at `path` and in what it includes from its folder and below. Raises `Unusable`."""
    try:
        import crossplane  # type: ignore[import-untyped]  # noqa: F401
    except ImportError:
        raise Unusable("reading nginx's configuration needs crossplane: pip install 'corecors[proxies]'") from None
    tree, whole = _Reader(path).read()
    analysis = _Analysis(path, tree)
    try:
        analysis.block(tree, Level([], {}, whole), depth=0)
    except RecursionError:
        raise unusable(path, "has more blocks within blocks than a configuration has") from None
    return in_order(analysis.findings)


class _Reader:
    """A file and what it includes, as one tree. What lies outside of the file's folder is not read."""

    def __init__(self, path: Path) -> None:
        self.root = path.parent
        self.path = path
        self.files = 0
        self.length = 0  # characters of all of them

    def read(self) -> tuple[list[Directive], bool]:
        return self.file(self.path, ())

    def file(self, path: Path, above: tuple[Path, ...]) -> tuple[list[Directive], bool]:
        import crossplane

        self.files += 1
        if self.files > MAX_FILES or len(above) > MAX_DEPTH:
            raise unusable(self.path, f"includes more than {MAX_FILES} files")
        self.length += len(read_text(path))
        if self.length > MAX_FILE_LENGTH:  # some ten seconds
            raise unusable(self.path, f"includes more than {MAX_FILE_LENGTH:,} characters")
        try:
            read = crossplane.parse(str(path), single=True, check_ctx=False, check_args=False)
        except RecursionError:
            raise unusable(path, "has more blocks within blocks than a configuration has") from None
        except Exception as error:  # crossplane raises what its code runs into
            raise unusable(path, f"is not nginx's configuration: {type(error).__name__}") from None
        for fault in read["errors"]:
            where = f" (line {fault['line']})" if fault.get("line") else ""
            raise unusable(path, f"is not nginx's configuration: {_words(fault['error'], path)}{where}")
        return self.block(read["config"][0]["parsed"], path, (*above, path))

    def block(self, parsed: list[dict[str, Any]], path: Path, above: tuple[Path, ...]) -> tuple[list[Directive], bool]:
        directives: list[Directive] = []
        whole = True
        for each in parsed:
            name, args, line = each["directive"], each["args"], each["line"]
            # A block of Lua is one word here, and none to nginx.
            if max(map(len, (name, *args))) > MAX_WORD and not name.endswith("_by_lua_block"):
                raise unusable(path, f"is not nginx's: line {line} has a word of more than {MAX_WORD:,} bytes")
            if name == "include" and args:
                paths = included(args[0], path, self.root)
                whole = whole and paths is not None and not any(inner in above for inner in paths)
                for inner in paths or ():
                    if inner not in above:
                        more, all_read = self.file(inner, above)
                        directives += more
                        whole = whole and all_read
                continue
            inner_block = None
            if "block" in each:
                inner_block, all_read = self.block(each["block"], path, above)
                # What is missing from a block is missing from nothing outside of it.
                if not all_read:
                    inner_block.append(Directive("include", [], Place(str(path), line, ""), None))
            text = " ".join([name, *args])
            directives.append(Directive(name, args, Place(str(path), line, text), inner_block))
        return directives, whole


def _words(error: str, path: Path) -> str:
    # crossplane has no words for a file that ends before a semicolon or a quotation mark does.
    return error.replace(f" in {path}", "").partition(":")[0] or "it ends within a directive"


class _Analysis:
    def __init__(self, path: Path, tree: list[Directive]) -> None:
        self.expressions = Expressions(path)
        self.findings: list[Finding] = []
        self.maps: dict[str, list[Directive]] = {}
        self.echoing: set[str] = {ECHO}  # variables that are any Origin at all
        self.by_origin: set[str] = {ECHO}  # variables that depend on the origin
        self.assigned: set[str] = set()  # by `set`: what they are at a place, nothing here tells
        everything = list(_all(tree))
        check_number(path, sum(each.name in ("add_header", *PASSING.values()) for each in everything))
        used = _variables_of_cors(everything)
        for each in everything:
            if each.name == "map" and len(each.args) == 2 and each.block is not None:
                self.maps[each.args[1]] = each.block
                if ECHO in each.args[0]:
                    self.by_origin.add(each.args[1])
                    self.about_map(each, is_used=used is None or each.args[1] in used)
            elif each.name == "set" and len(each.args) == 2:
                self.assigned.add(each.args[0])
                if ECHO in each.args[1]:
                    self.by_origin.add(each.args[0])

    def about_map(self, each: Directive, *, is_used: bool) -> None:
        is_hostnames = any(entry.name == "hostnames" for entry in each.block or ())
        for entry in each.block or ():
            value = entry.args[0] if entry.args else ""
            key = entry.name
            if key in ("default", "hostnames", "volatile", "include") or not value:
                if key == "default" and value == ECHO:
                    self.echoing.add(each.args[1])
                continue
            if each.args[0] != ECHO or not is_used:
                continue
            if key.startswith("~"):
                ignores = key.startswith("~*")
                source = key[2 if ignores else 1 :]
                self.findings += self.expressions.findings(entry.place, "map", source, ignore_case=ignores)
                if ignores and ECHO in value:
                    self.findings.append(found(entry.place, "map", IGNORES_CASE, line="write `~` instead of `~*`"))
                continue
            exact = key.removeprefix("\\")
            wrong = [] if is_hostnames else list(compared(entry.place, "map", exact.lower()))
            if exact.lower() == "null" and (ECHO in value or value == "null"):
                wrong = [found(entry.place, "map", NULL_ORIGIN)]
            self.findings += wrong
            if ECHO in value and not wrong:
                exact = re.escape(exact).replace("\\-", "-")
                line = f"write the key as an expression, which minds case: ~^{exact}$"
                self.findings.append(found(entry.place, "map", IGNORES_CASE, line=line))

    def block(self, directives: list[Directive], outer: Level, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise RecursionError
        own = [each for each in directives if each.name == "add_header" and len(each.args) >= 2]
        whole = not any(each.name == "include" for each in directives) and outer.whole
        merges = outer.inherits
        for each in directives:
            if each.name == "add_header_inherit" and each.args:
                merges = each.args[0] == "merge"
        hidden = dict(outer.hidden)
        for directive in PASSING.values():
            hides = [each for each in directives if each.name == directive and each.args]
            if hides:
                self.about_hiding(directive, hides, hidden.get(directive, []))
                hidden[directive] = hides
        added = [*outer.added, *own] if merges else (own or outer.added)
        if own:
            self.about_added(own, added, outer, whole)
        level = Level(added, hidden, whole, outer.guarded, merges)
        for each in directives:
            if each.name in PASSING:
                self.about_upstream(PASSING[each.name], level)
            if each.block is not None and each.name not in ("map", "types", "geo", "upstream"):
                guarded = level.guarded
                if each.name == "if":
                    guarded = self.about_condition(each) or guarded
                self.block(each.block, level._replace(guarded=guarded), depth + 1)

    def about_condition(self, each: Directive) -> bool:
        """What is wrong with an `if` that asks for the origin. Returns whether it asks which one it is."""
        if not any(ECHO in arg for arg in each.args):
            return any(arg in self.by_origin or arg in self.assigned for arg in each.args)
        if len(each.args) == 3 and each.args[0] == ECHO and each.args[1] in _OPERATOR:
            ignores = _OPERATOR[each.args[1]]
            self.findings += self.expressions.findings(each.place, "if", each.args[2], ignore_case=ignores)
        elif len(each.args) == 3 and each.args[0] == ECHO and each.args[1] == "=":
            self.findings += compared(each.place, "if", each.args[2])
        return len(each.args) > 1

    def about_hiding(self, directive: str, hides: list[Directive], outer: list[Directive]) -> None:
        before = [each for each in outer if each.args[0].lower() == ALLOW_ORIGIN]
        if before and not any(each.args[0].lower() == ALLOW_ORIGIN for each in hides):
            line = before[0].place.line
            self.findings.append(found(hides[0].place, directive, HIDE_HEADER_DROPPED, directive=directive, line=line))

    def about_added(self, own: list[Directive], added: list[Directive], outer: Level, whole: bool) -> None:
        names = {each.args[0].lower() for each in added}
        if whole and ALLOW_ORIGIN not in names:
            lost = [each for each in outer.added if each.args[0].lower() == ALLOW_ORIGIN]
            if lost:
                trap = PREFLIGHT_WITHOUT_ORIGIN if any(name.startswith(CORS) for name in names) else ADD_HEADER_DROPPED
                line = lost[0].place.line
                self.findings.append(found(own[0].place, "add_header", trap, lost=lost[0].args[0], line=line))
        sent = [_sent(each) for each in added]
        self.findings += value_findings(sent)
        self.findings += doubled(sent)
        for each in own:
            name, value = each.args[0].lower(), each.args[1]
            if name != ALLOW_ORIGIN or not value:
                continue
            if each.args[2:] != ["always"]:
                self.findings.append(found(each.place, each.args[0], MISSING_ALWAYS))
            variables = set(re.findall(r"\$\w+", value.replace("{", "").replace("}", "")))
            if value.strip("\"'") in self.echoing and not outer.guarded:
                credentials = any(each.name == ALLOW_CREDENTIALS and each.value == "true" for each in sent)
                trap = ANY_ORIGIN_WITH_CREDENTIALS if credentials else ANY_ORIGIN_REFLECTED
                self.findings.append(found(each.place, each.args[0], trap))
            if whole and (variables & self.by_origin or outer.guarded) and VARY not in names:
                self.findings.append(
                    found(each.place, each.args[0], MISSING_VARY, line="add_header Vary Origin always;")
                )

    def about_upstream(self, directive: str, level: Level) -> None:
        lines = [each for each in level.added if each.args[0].lower() == ALLOW_ORIGIN and each.args[1]]
        hides = level.hidden.get(directive, [])
        if level.whole and lines and not any(each.args[0].lower() == ALLOW_ORIGIN for each in hides):
            self.findings.append(
                found(
                    lines[0].place,
                    lines[0].args[0],
                    UPSTREAM_HEADER_KEPT,
                    what="next to this one it makes two, which browsers refuse; where this one is empty, it lets in "
                    "whom it likes",
                    line=f"{directive} Access-Control-Allow-Origin;",
                )
            )


def _sent(each: Directive) -> Sent:
    value = each.args[1]
    return Sent(each.args[0].lower(), None if "$" in value else value, each.place)


def _all(directives: list[Directive]) -> Iterator[Directive]:
    waiting = list(directives)
    while waiting:
        each = waiting.pop()
        yield each
        waiting += each.block or ()


def _variables_of_cors(directives: list[Directive]) -> set[str] | None:
    """The variables that decide about CORS: in its headers, in any `if`, and in what those are made of.

    None where no header of CORS is sent: then these are the maps of something that includes them.
    """
    values = [
        each.args[1]
        for each in directives
        if each.name == "add_header" and len(each.args) > 1 and each.args[0].lower().startswith(CORS)
    ]
    if not values:
        return None
    waiting = set(
        re.findall(
            r"\$\w+", " ".join([*values, *(arg for each in directives if each.name == "if" for arg in each.args)])
        )
    )
    made_of = {each.args[1]: each.args[0] for each in directives if each.name == "map" and len(each.args) == 2}
    made_of |= {each.args[0]: each.args[1] for each in directives if each.name == "set" and len(each.args) == 2}
    used: set[str] = set()
    while waiting:
        variable = waiting.pop()
        used.add(variable)
        waiting |= set(re.findall(r"\$\w+", made_of.get(variable, ""))) - used
    return used
