"""HAProxy: what is wrong with its CORS rules. Read line by line, as HAProxy does.

Facts
-----
A header fetch without `f` (`req.hdr`) takes each piece between commas for a value of its own, and an ACL matches where
one value does; `req.fhdr` takes whole lines. A host may hold a comma, and browsers send it. Rules of `http-response`
run for answers of servers alone, those of `http-after-response` for HAProxy's own too. Request headers are gone when a
response is handled.
https://docs.haproxy.org/2.6/configuration.html#7.3.6 (fetching HTTP samples), #7.1 (ACLs), #2.2 (quoting)
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from corecors._origins.showing import shown
from corecors.cli.proxies.findings import (
    ANY_ORIGIN_REFLECTED,
    ANY_ORIGIN_WITH_CREDENTIALS,
    IGNORES_CASE,
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
    is_origin,
)
from corecors.cli.proxies.reading import check_number, read_text, unusable
from corecors.cli.proxies.regexes import Expressions
from corecors.cli.proxies.values import ALLOW_CREDENTIALS, ALLOW_ORIGIN, CORS, VARY, Sent, compared, value_findings

SPLITS_AT_COMMAS = Trap(
    "splits-at-commas",
    "error",
    "splits the header at commas: {example} counts as {listed}, a host may hold a comma, and the whole of it is echoed",
    "put the whole line into a variable, and match that: http-request set-var(txn.origin) req.fhdr(origin)",
)
TWO_ORIGIN_LINES = Trap(
    "two-origin-lines",
    "warning",
    "matches where any of several Origin lines does, and the last one is echoed; browsers send one",
    "put the line into a variable, and match that: http-request set-var(txn.origin) req.fhdr(origin)",
)
REQUEST_IN_RESPONSE = Trap(
    "request-header-in-response",
    "error",
    "asks for a header of the request ({acl}) where the response is handled: it never matches",
    "keep it in a variable: http-request set-var(txn.origin) req.fhdr(origin)",
)
OWN_ERRORS = Trap(
    "own-errors-without-headers",
    "warning",
    "does not run for HAProxy's own answers: where it answers 503 or denies, the page sees a network error instead",
    "write http-after-response instead of http-response",
)
ADDED_TO_UPSTREAM = Trap(
    "added-to-upstream",
    "warning",
    "stands next to the one of the server behind, if that sends one: two values leave, and browsers refuse the "
    "response",
    "write set-header, or del-header Access-Control-Allow-Origin before it",
)

MAX_WORDS = 1000  # HAProxy itself takes 64 a line
SECTIONS = "global defaults frontend backend listen cache userlist peers resolvers mailers ring program".split()
_FETCH = re.compile(
    r"(?P<of>req\.)?(?P<full>f)?hdr(?:_(?P<how>beg|dom|end|reg|sub|str|dir|len|cnt|found))?"
    r"\(\s*origin\s*(?:,\s*(?P<occurrence>-?[0-9]+)\s*)?\)(?P<converters>(?:,.*)?)",
    re.IGNORECASE,
)
_VARIABLE = re.compile(r"(?:%\[)?\s*var\(([\w.]+)\)\s*\]?")
_CAPTURED = re.compile(r"(?:%\[)?\s*capture\.req\.hdr\(([0-9]+)\)\s*\]?")
_SET_VARIABLE = re.compile(r"set-var(?:-fmt)?\(([\w.]+)(?:,[^)]*)?\)")


class Line(NamedTuple):
    words: list[str]
    section: str
    place: Place


class Acl(NamedTuple):
    """One condition. `how`: the match method; `fetch`: of the Origin header, None where it is of something else."""

    criterion: str
    how: str
    ignores_case: bool
    patterns: list[str]
    fetch: re.Match[str] | None
    of_variable: str | None
    place: Place


def findings_in(path: Path) -> list[Finding]:
    """The traps in the file at `path`. Raises `Unusable`."""
    lines = list(_lines(path))
    if not any(line.words[0] in SECTIONS for line in lines) and not any(_rule(line) for line in lines):
        raise unusable(path, "is not HAProxy's configuration: it has no section, such as frontend")
    analysis = _Analysis(path, lines)
    analysis.run()
    return in_order(analysis.findings)


def _lines(path: Path) -> Iterator[Line]:
    section = ""
    for number, text in enumerate(read_text(path).splitlines(), start=1):
        place = Place(str(path), number, text.strip())
        words = _words(text)
        if words is None:
            raise unusable(path, f"is not HAProxy's configuration: a quotation mark is not closed (line {number})")
        if len(words) > MAX_WORDS:
            raise unusable(path, f"is not HAProxy's configuration: line {number} has more than {MAX_WORDS} words")
        if words:
            if words[0] in SECTIONS:
                section = " ".join(words[:2])
            yield Line(words, section, place)


_PIECE = re.compile(r"""'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)|([^\s'"\\#]+)|(\s+)|(\#.*)|\\$""")


def _words(text: str) -> list[str] | None:
    """The words of a line, without quotes and comment; None where a quote is not closed."""
    words: list[str] = []
    word: str | None = None
    at = 0
    while at < len(text):
        piece = _PIECE.match(text, at)
        if piece is None:
            return None
        at = piece.end()
        single, double, escaped, bare, blank, comment = piece.groups()
        if blank is not None or comment is not None:
            words += [] if word is None else [word]
            word = None
            continue
        if double is not None:
            double = re.sub(r'\\(["\\$])', r"\1", double)
        if escaped is not None and escaped not in " #\"'\\":
            escaped = f"\\{escaped}"  # of an expression
        word = (word or "") + next((each for each in (single, double, escaped, bare) if each is not None), "")
    return words if word is None else [*words, word]


class Rule(NamedTuple):
    """A rule that changes a header of the response."""

    when: str  # http-response, http-after-response
    action: str  # set-header, add-header, del-header, replace-header, replace-value
    name: str
    value: str
    condition: tuple[str, ...]
    line: Line


def _rule(line: Line) -> Rule | None:
    words = line.words
    if words[0] not in ("http-response", "http-after-response") or len(words) < 3:
        return None
    action = words[1]
    if action not in ("set-header", "add-header", "del-header", "replace-header", "replace-value"):
        return None
    rest = words[3:]
    condition: tuple[str, ...] = ()
    for at, word in enumerate(rest):
        if word in ("if", "unless") and (at or action == "del-header"):
            condition = tuple(rest[at:])
            rest = rest[:at]
            break
    return Rule(words[0], action, words[2].lower(), " ".join(rest), condition, line)


class _Analysis:
    def __init__(self, path: Path, lines: list[Line]) -> None:
        self.expressions = Expressions(path)
        self.lines = lines
        self.findings: list[Finding] = []
        self.rules = [rule for line in lines if (rule := _rule(line)) is not None]
        check_number(path, len(self.rules))
        self.acls: dict[tuple[str, str], list[Acl]] = {}
        for line in lines:
            if line.words[0] == "acl" and len(line.words) >= 3:
                self.acls.setdefault((line.section, line.words[1]), []).append(_acl(line.words[2:], line.place))
        self.captures: dict[str, list[bool]] = {}  # of each section: whether it is the origin
        self.variables: dict[str, list[tuple[str, tuple[str, ...]]]] = {}  # what sets them, and under which condition
        for line in lines:
            self.read_request_rule(line)
        self.origins = [rule for rule in self.rules if rule.name == ALLOW_ORIGIN and rule.action != "del-header"]
        self.echoes = any("%[" in rule.value for rule in self.origins)
        # With -m it is a piece of a name, or an expression: whether it fits is not looked into.
        self.deletes = any(
            rule.action == "del-header" and (rule.name == ALLOW_ORIGIN or (CORS in rule.name and "-m" in rule.value))
            for rule in self.rules
        )
        self.varies = any(
            rule.name == VARY and "origin" in rule.value.lower() and rule.action != "del-header" for rule in self.rules
        )

    def read_request_rule(self, line: Line) -> None:
        words = line.words
        if words[:3] == ["capture", "request", "header"] and len(words) > 3:
            self.captures.setdefault(line.section, []).append(words[3].lower() == "origin")
        elif words[:2] == ["http-request", "capture"] and len(words) > 2 and "len" in words:
            self.captures.setdefault(line.section, []).append(_FETCH.fullmatch(words[2]) is not None)
        elif words[0] == "http-request" and len(words) > 2 and (set_variable := _SET_VARIABLE.fullmatch(words[1])):
            at = next((at for at, word in enumerate(words) if word in ("if", "unless")), len(words))
            source = " ".join(words[2:at])
            self.variables.setdefault(set_variable[1], []).append((source, tuple(words[at:])))

    def run(self) -> None:
        if self.origins:  # else an ACL on the origin has another purpose
            for acls in self.acls.values():
                for acl in acls:
                    self.about_acl(acl)
            for line in self.lines:
                if line.words[0] != "acl":
                    together = list(_anonymous(line))
                    is_one_line = not {"or", "||"} & set(line.words) and any(map(_counts_one, together))
                    for acl in together:
                        self.about_acl(acl, is_one_line=is_one_line)
        for rule in self.rules:
            if rule.action != "del-header" and (rule.name.startswith(CORS) or rule.name == VARY):
                self.about_rule(rule)
        at_once: dict[tuple[str, tuple[str, ...]], list[Sent]] = {}
        for rule in self.rules:
            if rule.action in ("set-header", "add-header"):
                value = None if "%" in rule.value or "${" in rule.value else rule.value
                sent = Sent(rule.name, value, rule.line.place)
                at_once.setdefault((rule.line.section, rule.condition), []).append(sent)
        for sent_together in at_once.values():
            self.findings += value_findings(sent_together)

    # What is compared

    def about_acl(self, acl: Acl, *, is_one_line: bool = False) -> None:
        """`is_one_line`: another condition that has to hold as well sees to it that there is one Origin line."""
        if acl.fetch is None and not self.is_origin(acl.of_variable):
            return
        if acl.how == "reg":
            for pattern in acl.patterns:
                self.findings += self.expressions.findings(acl.place, "acl", pattern, ignore_case=acl.ignores_case)
        else:
            for pattern in acl.patterns:
                example = example_of(acl.how, pattern.lower() if acl.ignores_case else pattern)
                if example is not None:
                    self.findings.append(found(acl.place, "acl", PART_OF_ORIGIN, example=example))
                elif acl.how == "str":
                    self.findings += compared(acl.place, "acl", pattern.lower() if acl.ignores_case else pattern)
        if not self.echoes:
            return
        if acl.ignores_case and acl.patterns and acl.how in ("str", "reg"):
            self.findings.append(found(acl.place, "acl", IGNORES_CASE, line="leave out -i"))
        if acl.fetch is None or acl.how in ("found", "len", "cnt"):
            return
        occurrence = acl.fetch["occurrence"]
        if not acl.fetch["full"] and occurrence in (None, "1"):
            listed = next(filter(is_origin, acl.patterns), "https://app.example.com")
            self.findings.append(
                found(acl.place, "acl", SPLITS_AT_COMMAS, listed=listed, example=f"{listed},.evil.example")
            )
        elif occurrence is None and not is_one_line:
            self.findings.append(found(acl.place, "acl", TWO_ORIGIN_LINES))

    def is_origin(self, variable: str | None) -> bool:
        """Whether a variable holds the Origin header and nothing else."""
        sources = self.variables.get(variable or "", [])
        return bool(sources) and all(_FETCH.fullmatch(source) for source, _ in sources)

    # What is sent

    def about_rule(self, rule: Rule) -> None:
        place, name = rule.line.place, rule.name
        if name == VARY:
            if rule.action == "set-header":
                line = f"{rule.when} add-header Vary {rule.value}"
                self.findings.append(found(place, name, VARY_OVERWRITTEN, line=line))
            return
        if rule.when == "http-response":
            for acl_name, acls in self.named_in(rule):
                if all(acl.fetch is not None for acl in acls):
                    self.findings.append(found(place, name, REQUEST_IN_RESPONSE, acl=shown(acl_name)))
        if name != ALLOW_ORIGIN or rule.action not in ("set-header", "add-header"):
            return
        if rule.when == "http-response":
            self.findings.append(found(place, name, OWN_ERRORS))
        if not self.deletes:
            if rule.action == "add-header":
                self.findings.append(found(place, name, ADDED_TO_UPSTREAM))
            elif rule.condition:
                self.findings.append(
                    found(
                        place,
                        name,
                        UPSTREAM_HEADER_KEPT,
                        what="where this rule does not run, it lets in whom it likes",
                        line=f"{rule.when} del-header Access-Control-Allow-Origin, before this rule",
                    )
                )
        if "%[" in rule.value:
            if self.reflects(rule):
                trap = ANY_ORIGIN_WITH_CREDENTIALS if self.sends_credentials(rule) else ANY_ORIGIN_REFLECTED
                self.findings.append(found(place, name, trap))
            if not self.varies:
                line = f"{rule.when} add-header Vary Origin"
                self.findings.append(found(place, name, MISSING_VARY, line=line))

    def named_in(self, rule: Rule) -> Iterator[tuple[str, list[Acl]]]:
        """The conditions of a rule that are not turned round: names, and braces."""
        for acl in _anonymous(rule.line):
            yield acl.criterion, [acl]
        for word in rule.condition[1:]:
            if acls := self.acls.get((rule.line.section, word)):
                yield word, acls

    def reflects(self, rule: Rule) -> bool:
        """Whether a rule sends back whatever Origin there is."""
        only_found = not rule.condition or all(
            acl.how == "found" for _, acls in self.named_in(rule) for acl in acls
        ) == (rule.condition[0] == "if")
        if rule.condition and not list(self.named_in(rule)):
            return False
        if not only_found or "or" in rule.condition or "||" in rule.condition or "!" in " ".join(rule.condition):
            return False
        if captured := _CAPTURED.fullmatch(rule.value):
            slots = self.captures.get(rule.line.section, [])
            return int(captured[1]) < len(slots) and slots[int(captured[1])]
        if variable := _VARIABLE.fullmatch(rule.value):
            sources = self.variables.get(variable[1], [])
            return self.is_origin(variable[1]) and all(not condition for _, condition in sources)
        return False

    def sends_credentials(self, rule: Rule) -> bool:
        return any(
            other.name == ALLOW_CREDENTIALS
            and other.value == "true"
            and other.line.section == rule.line.section
            and other.condition in ((), rule.condition)
            for other in self.rules
        )


def _acl(words: list[str], place: Place) -> Acl:
    """A condition: a criterion, flags, patterns."""
    criterion, rest = words[0], words[1:]
    how = None
    ignores = False
    at = 0
    while at < len(rest) and rest[at].startswith("-") and len(rest[at]) > 1:
        flag = rest[at]
        at += 1
        if flag == "--":
            break
        if flag == "-i":
            ignores = True
        elif flag == "-m":
            how = rest[at] if at < len(rest) else None
            at += 1
        elif flag in ("-f", "-M", "-u"):  # patterns in a file: what they are, nothing here tells
            at += flag != "-M"
    fetch = _FETCH.fullmatch(criterion)
    if fetch is not None:
        how = how or (fetch["how"] or "str").lower()
        ignores = ignores or ",lower" in fetch["converters"].lower()
    variable = _VARIABLE.fullmatch(criterion)
    patterns = [pattern for pattern in rest[at:] if pattern]
    return Acl(criterion, how or "str", ignores, patterns, fetch, variable[1] if variable else None, place)


def _counts_one(acl: Acl) -> bool:
    """Whether a condition holds where there is one Origin line, and not where there are more."""
    return (
        acl.fetch is not None and acl.how == "cnt" and bool(acl.fetch["full"]) and acl.patterns in (["eq", "1"], ["1"])
    )


def _anonymous(line: Line) -> Iterator[Acl]:
    """The conditions between braces."""
    words = line.words
    for at, word in enumerate(words):
        if word == "{" and "}" in words[at:]:
            inner = words[at + 1 : at + words[at:].index("}")]
            if inner and words[at - 1] != "!":
                yield _acl(inner, line.place)
