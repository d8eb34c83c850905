"""Apache: what is wrong with its CORS headers. Read line by line, as Apache does.

Facts
-----
`Header` has two tables: what is set with `always` stands next to what the server behind sent, and to what is set
without. Errors that Apache makes have the table of `always` alone. `SetEnvIf` searches for its expression anywhere;
`$0` is the piece that it found, so that only an expression that takes a foreign origin whole lets it in.
https://httpd.apache.org/docs/2.4/mod/mod_headers.html#header, mod_setenvif.html#setenvif
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from corecors.cli.proxies.findings import (
    ANY_ORIGIN_REFLECTED,
    ANY_ORIGIN_WITH_CREDENTIALS,
    DOUBLED_HEADER,
    IGNORES_CASE,
    MISSING_VARY,
    UPSTREAM_HEADER_KEPT,
    VARY_OVERWRITTEN,
    Finding,
    Place,
    Trap,
    found,
    in_order,
)
from corecors.cli.proxies.reading import MAX_DEPTH, check_number, read_text, unusable
from corecors.cli.proxies.regexes import Expressions
from corecors.cli.proxies.values import ALLOW_CREDENTIALS, ALLOW_ORIGIN, CORS, VARY, Sent, value_findings

MISSING_ALWAYS = Trap(
    "missing-always",
    "warning",
    "is left out of errors that Apache makes: where it answers 401 or 503, the page sees a network error instead",
    "write Header always set, and Header onsuccess unset {name} next to it",
)
TWO_TABLES = UPSTREAM_HEADER_KEPT._replace(code="two-tables")

_TRANSPARENT = ("ifmodule", "ifdefine", "ifversion")
_PROXYING = ("proxypass", "proxypassmatch")
_INCLUDES = ("include", "includeoptional")
_ORIGIN = r"(?:%\{(?:HTTP|req):Origin\}|%\{HTTP_ORIGIN\}|(?:req|http|req_novary)\(\s*['\"]Origin['\"]\s*\))"
_ECHO = re.compile(rf"expr=\s*{_ORIGIN}\s*", re.IGNORECASE)
_ASKS = re.compile(_ORIGIN, re.IGNORECASE)
_SEARCH = re.compile(
    rf"{_ORIGIN}\s*=~\s*(?:m(?P<mark>[^\w\s])(?P<long>.*?)(?P=mark)|/(?P<short>.*?)/)(?P<flags>[a-z]*)", re.IGNORECASE
)
_VARIABLE = re.compile(r"%\{(\w+)\}e")
_ACTIONS = ("set", "add", "append", "merge", "setifempty", "unset", "edit", "edit*", "echo", "note")


class Directive(NamedTuple):
    """`scope`: the sections around it, each by the number of its line."""

    name: str
    args: list[str]
    scope: tuple[int, ...]
    place: Place


class Header(NamedTuple):
    always: bool
    action: str
    name: str
    value: str
    condition: str  # env=..., expr=...
    directive: Directive


class Assignment(NamedTuple):
    """A variable that is set where an expression is found in the origin. `whole`: to what was found."""

    variable: str
    source: str
    whole: bool | None
    ignores_case: bool
    directive: Directive


def findings_in(path: Path) -> list[Finding]:
    """The traps in the file at `path`. Raises `Unusable`."""
    analysis = _Analysis(path, list(_directives(path)))
    analysis.run()
    return in_order(analysis.findings)


def _directives(path: Path) -> Iterator[Directive]:
    open_sections: list[tuple[str, int]] = []
    text = ""
    first = 0
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        first = first if text else number
        text += line
        if len(text) - len(text.rstrip("\\")) & 1:
            text = text[:-1]
            continue
        said, text = text.strip(), ""
        if not said or said.startswith("#"):
            continue
        place = Place(str(path), first, " ".join(said.split()))
        if said.startswith("</"):
            name = said[2:].rstrip("> \t").lower()
            if not open_sections or open_sections.pop()[0] != name:
                raise unusable(path, f"is not Apache's configuration: </{name}> closes no section (line {first})")
            continue
        if said.startswith("<"):
            words = _words(said[1:].rstrip().removesuffix(">"))
            if not words or not said.rstrip().endswith(">"):
                raise unusable(path, f"is not Apache's configuration: a section is not closed (line {first})")
            yield Directive(f"<{words[0].lower()}", words[1:], _scope(open_sections), place)
            open_sections.append((words[0].lower(), first))
            if len(open_sections) > MAX_DEPTH:
                raise unusable(path, "has more sections within sections than a configuration has")
            continue
        words = _words(said)
        if not re.fullmatch(r"[A-Za-z][\w.-]*", words[0]):
            raise unusable(path, f"is not Apache's configuration: {words[0][:20]!r} is not a directive (line {first})")
        if words[-1] in ("{", "{}", "}"):  # another server's file, in which nothing would be found
            raise unusable(path, f"is not Apache's configuration: it has blocks in braces (line {first})")
        yield Directive(words[0].lower(), words[1:], _scope(open_sections), place)
    if open_sections:
        raise unusable(path, "is not Apache's configuration: <{}> is not closed (line {})".format(*open_sections[-1]))


def _scope(sections: list[tuple[str, int]]) -> tuple[int, ...]:
    return tuple(line for name, line in sections if name not in _TRANSPARENT)


def _words(text: str) -> list[str]:
    """The words of a line, without quotes; a quotation mark may be escaped within them."""
    words = []
    for quoted, single, bare in re.findall(r'"((?:\\.|[^"\\])*)"?|\'((?:\\.|[^\'\\])*)\'?|(\S+)', text):
        words.append(bare or re.sub(r"\\([\"'])", r"\1", quoted or single))
    return words


def _header(directive: Directive) -> Header | None:
    args = list(directive.args)
    always = bool(args) and args[0].lower() == "always"
    if args and args[0].lower() in ("always", "onsuccess"):
        args.pop(0)
    if len(args) < 2 or args[0].lower() not in _ACTIONS:
        return None
    action, name, *rest = args
    value = "" if action.lower() == "unset" or not rest else rest.pop(0)
    condition = next((arg for arg in rest if arg.lower().startswith(("env=", "expr="))), "")
    return Header(always, action.lower(), name.lower().removesuffix(":"), value, condition, directive)


class _Analysis:
    def __init__(self, path: Path, directives: list[Directive]) -> None:
        self.expressions = Expressions(path)
        self.directives = directives
        self.findings: list[Finding] = []
        self.headers = [
            header for each in directives if each.name == "header" and (header := _header(each)) is not None
        ]
        check_number(path, len(self.headers))
        self.variables = {each.variable for each in self.assignments()}
        self.asking = {each.place.line for each in directives if each.name in ("<if", "<elseif", "<else")}
        self.whole = not any(each.name in _INCLUDES for each in directives)
        self.proxies = any(
            each.name in _PROXYING
            or (each.name == "sethandler" and any(arg.startswith("proxy:") for arg in each.args))
            or (each.name == "rewriterule" and re.search(r"[\[,]P[,\]]", each.args[-1] if each.args else ""))
            for each in directives
        )
        self.sets = [
            each for each in self.headers if each.name == ALLOW_ORIGIN and each.action not in ("unset", "edit", "edit*")
        ]

    def run(self) -> None:
        used = {name for each in self.sets for name in _VARIABLE.findall(each.value)}
        echoes = [each for each in self.sets if _ECHO.fullmatch(each.value)]
        guards = {each.condition[4:] for each in echoes if each.condition.lower().startswith("env=")}
        for each in self.assignments():
            if each.whole is True and each.variable in used:
                self.about_regex(each.directive, each.source, whole=True, ignores=each.ignores_case)
            elif each.whole is False and each.variable in used | guards:
                self.about_regex(each.directive, each.source, whole=False, ignores=each.ignores_case)
        if echoes:
            for directive in self.directives:
                if directive.name in ("<if", "<elseif", "header"):
                    for search in _SEARCH.finditer(" ".join(directive.args)):
                        source = search["long"] or search["short"] or ""
                        self.about_regex(directive, source, whole=False, ignores="i" in search["flags"])
        for header in self.headers:
            if header.name == VARY and header.action == "set" and not header.always:
                line = f"Header merge Vary {header.value}"
                self.findings.append(found(header.directive.place, "Vary", VARY_OVERWRITTEN, line=line))
        for header in self.sets:
            self.about_origin(header)
        self.about_values()

    def about_regex(self, directive: Directive, source: str, *, whole: bool, ignores: bool) -> None:
        field = directive.name.removeprefix("<")
        self.findings += self.expressions.findings(directive.place, field, source, whole=whole, ignore_case=ignores)
        if ignores:
            self.findings.append(found(directive.place, field, IGNORES_CASE, line="mind case: SetEnvIf, or no flag"))

    def assignments(self) -> Iterator[Assignment]:
        condition: tuple[str, bool] | None = None  # of a RewriteCond that asks for the origin
        for each in self.directives:
            args = each.args
            if each.name in ("setenvif", "setenvifnocase") and len(args) >= 3 and args[0].lower() == "origin":
                for assigned in args[2:]:
                    variable, _, value = assigned.partition("=")
                    whole = _takes_whole(args[1], value)
                    yield Assignment(variable, args[1], whole, each.name == "setenvifnocase", each)
            elif each.name == "rewritecond" and len(args) >= 2:
                asks = args[0].lower() in ("%{http:origin}", "%{http_origin}") and not args[1].startswith("!")
                condition = (args[1], len(args) > 2 and "NC" in args[2]) if asks and condition is None else None
            elif each.name == "rewriterule":
                for variable, value in re.findall(r"\bE=(\w+):([^,\]]*)", args[-1] if args else ""):
                    if condition is not None:
                        whole = False if _ASKS.fullmatch(value) else (True if value == "%0" else None)
                        yield Assignment(variable, condition[0], whole, condition[1], each)
                condition = None

    def about_origin(self, header: Header) -> None:
        place, condition = header.directive.place, header.condition
        asked = any(line in self.asking for line in header.directive.scope)
        dynamic = "%{" in header.value or header.value.startswith("expr=")
        if not header.always:
            self.findings.append(found(place, "Header", MISSING_ALWAYS, name="Access-Control-Allow-Origin"))
        if _ECHO.fullmatch(header.value) and not condition and not asked:
            credentials = any(
                each.name == ALLOW_CREDENTIALS
                and each.value == "true"
                and each.directive.scope == header.directive.scope
                for each in self.headers
            )
            trap = ANY_ORIGIN_WITH_CREDENTIALS if credentials else ANY_ORIGIN_REFLECTED
            self.findings.append(found(place, "Header", trap))
        varies = any(each.name == VARY and "origin" in each.value.lower() for each in self.headers)
        if self.whole and not varies and (dynamic or (condition and self.asks_for_origin(condition))):
            self.findings.append(found(place, "Header", MISSING_VARY, line="Header always merge Vary Origin"))
        unset = any(each.name == ALLOW_ORIGIN and each.action == "unset" and not each.always for each in self.headers)
        if not self.proxies or not self.whole or unset:
            return
        line = "Header onsuccess unset Access-Control-Allow-Origin"
        if header.always:
            what = "it stands in another table, so that two lines leave, and browsers refuse them"
            self.findings.append(found(place, "Header", TWO_TABLES, what=what, line=line))
        elif condition or asked:
            what = "where this line does not count, it lets in whom it likes"
            self.findings.append(
                found(place, "Header", UPSTREAM_HEADER_KEPT, what=what, line=f"{line}, before this one")
            )

    def asks_for_origin(self, condition: str) -> bool:
        variable = condition.partition("=")[2].removeprefix("!")
        return bool(_ASKS.search(condition)) or variable in self.variables

    def about_values(self) -> None:
        together: dict[tuple[tuple[int, ...], str], list[Header]] = {}
        for header in self.headers:
            if header.action in ("set", "add", "append", "merge", "setifempty") and header.name.startswith(CORS):
                together.setdefault((header.directive.scope, header.condition), []).append(header)
        for headers in together.values():
            self.findings += value_findings([_sent(header) for header in headers])
            lines = [each for each in headers if each.name == ALLOW_ORIGIN and each.action in ("set", "add")]
            for before, each in pairwise(lines):
                if each.always != before.always or each.action == "add":
                    other = f"line {before.directive.place.line}"
                    self.findings.append(found(each.directive.place, "Header", DOUBLED_HEADER, other=other))


def _sent(header: Header) -> Sent:
    constant = "%" not in header.value and "${" not in header.value and not header.value.startswith("expr=")
    return Sent(header.name, header.value if constant else None, header.directive.place)


def _takes_whole(source: str, value: str) -> bool | None:
    """Whether a variable is set to all that was found; False where to something else, None where to a part."""
    if value == "$0":
        return True
    bare = source.removeprefix("^").removesuffix("$")
    if value == "$1" and bare.startswith("(") and bare.endswith(")") and bare.count("(") == 1:
        return True
    return None if "$" in value else False
