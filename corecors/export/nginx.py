"""A policy as the configuration of nginx, 1.18 or newer with PCRE.

It has two parts: a `map` can only stand in `http`, and what uses the maps stands in `server`.

Facts
-----
- Exact keys of a `map` ignore case, so every key here is a regex, anchored by `\\A` and `\\z`, or empty.
- `add_header` without `always` leaves error pages out; one in an inner block drops all of the outer ones, and so does
  `proxy_hide_header`. That cannot be told from here: the text says so to anyone who includes it.
- An `if` that does nothing but `return`, in `server`, is safe, and is read before any location is chosen.
- "$" in a value begins a variable, and nothing escapes it: `geo` makes a variable that holds one.
- A word of the configuration has at most 4,095 bytes.
- Of two maps to one variable the last one holds, for all servers; that is not an error. Two formats of logs with one
  name are one.
- Of two lines with the same name, nginx before 1.23 sees the first; later ones join them.
- nginx before 1.29 takes a 103 for the whole answer. Nobody sends one to HTTP/1.0, which it speaks by default.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from corecors._decisions import headers
from corecors._decisions.merging import Lines
from corecors._decisions.sources import PolicySource
from corecors._origins.parsing import Origin
from corecors._policy.policy import Policy
from corecors.export.parts import ECHOED, METHOD, ON_REQUEST, TOKEN, Parts, literal, together
from corecors.export.paths import (
    MOVES,
    PLAIN_PATH,
    UNDECIDED,
    UNTOUCHED,
    Branch,
    Governed,
    Limits,
    prefix_regex,
    take_all_apart,
)
from corecors.export.text import TWICE, check_listen, check_part, heading, not_carried, read_upstream, remark

TARGET: Final = "nginx"
_LIMITS: Final = Limits(
    word=4000,  # quotes and anchors are not counted
    names=3500,
    why="is longer than a word of nginx's configuration can be, 4,095 bytes",
    addresses="fit into a word of nginx's configuration",
)
FAILED: Final = "403"
_CARRIED: Final = re.compile(r"[A-Z_-]+")  # methods; others are answered before any of this is read
# Without "_", so that no variable of one name is one of another; and not what nginx's own variables begin with.
_NAME = re.compile(r"(?!(?:arg|cookie|http|request|sent|upstream)\Z)[a-z][a-z0-9]{0,19}")
_HIDING = ("proxy", "fastcgi", "uwsgi", "scgi", "grpc")
# Beside the names of an answer: what an application may have set for a browser that asks for it.
_HIDDEN = (
    headers.ALLOW_ORIGIN,
    headers.ALLOW_CREDENTIALS,
    headers.ALLOW_METHODS,
    headers.ALLOW_HEADERS,
    headers.EXPOSE_HEADERS,
    headers.MAX_AGE,
    "Access-Control-Allow-Private-Network",
)
_STRIPPED: Final = 2  # elements of an upstream's list of exposed names that are dropped; with more, all of it is


def render(
    policy: Policy | PolicySource,
    *,
    whole: bool = False,
    upstream: str | None = None,
    part: str | None = None,
    name: str = "corecors",
    listen: str = "127.0.0.1:8080",
) -> str:
    """`policy` for nginx.

    part: "http" or "server" for one of the two parts; by default both, each below a line that says where it belongs.
    name: what all variables begin with; several policies in one nginx need several.
    Raises `ExportError`, and `ValueError` for options that are none.
    """
    check_part(part, whole, ("http", "server"))
    check_listen(listen)
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is not the beginning of variables of one's own: up to 20 of a-z and 0-9, "
            "and none of arg, cookie, http, request, sent, upstream"
        )
    governed, taken = take_all_apart(policy, TARGET, _LIMITS)
    writer = _Writer(name)
    writer.preflight()
    for branch, parts in taken:
        writer.policy(branch, parts)
    answers = writer.choose(governed)
    statuses = {branch.policy.preflight_status for branch in governed.branches}
    maps, server = writer.http(), _server(name, answers, f"${name}_outcome", statuses)
    listed = [branch.policy for branch in governed.branches]
    top = heading(policy, TARGET) + not_carried(listed, _CARRIED, "nginx itself answers these methods with 400")
    if whole:
        return top + _whole(maps, server, read_upstream(upstream), listen)
    if part is not None:
        return top + (maps if part == "http" else server)
    return (
        f"{top}\n# ---- for http {{ }}: a file in /etc/nginx/conf.d, say (--part http writes it alone)\n\n{maps}"
        f"\n# ---- for server {{ }}: a file to include there (--part server writes it alone)\n\n{server}"
    )


class _Answers(NamedTuple):
    """What stands in the answer, as values of the configuration; one without a value is not sent."""

    outcome: str
    lines: Lines
    timing: str


class _Writer:
    """Writes maps; every variable is `$<name>_...`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.blocks: list[str] = []
        self.dollar = False
        self.made: list[tuple[Branch, _Answers]] = []

    def value(self, text: str) -> str:
        """A value that is `text` and nothing else."""
        if "$" in text:
            self.dollar = True
        return text.replace("\\", "\\\\").replace('"', '\\"').replace("$", f"${{{self.name}_dollar}}")

    def map(self, variable: str, source: str, entries: Iterable[tuple[str, str]], default: str, *why: str) -> str:
        """A map; `entries` are regexes (or "", for the empty text) and values. Returns the variable."""
        lines = [f"# {line}\n" for line in why]
        lines.append(f'map "{source}" ${self.name}_{variable} {{\n')
        for regex, value in entries:
            key = f"~\\A{regex}\\z".replace('"', '\\"') if regex else ""
            lines.append(f'    "{key}" "{value}";\n')
        lines.append(f'    default "{default}";\n}}\n')
        self.blocks.append("".join(lines))
        return f"${{{self.name}_{variable}}}"

    def http(self) -> str:
        dollar = f'geo ${self.name}_dollar {{ default "$"; }}  # the only way to write one\n' if self.dollar else ""
        only = (
            "# Of two maps to one variable nginx uses the last; two formats with one name it refuses. So a second\n"
            "# policy with the same variables is an error: --name gives it others.\n"
            f"log_format {self.name}_policy -;\n\n"
            'map "" $corecors { default ""; }  # the name of the policy that governs a request; none yet\n\n'
        )
        return only + dollar + "\n".join(self.blocks)

    def preflight(self) -> None:
        origin = self.map("has_origin", "${http_origin}", [("", "")], "1")
        method = self.map("asks", "${http_access_control_request_method}", [("", "")], "1")
        self.map(
            "preflight",
            f"${{request_method}}:{origin}{method}",
            [("OPTIONS:11", "1")],
            "",
            "1 for a preflight: OPTIONS with Origin and Access-Control-Request-Method",
        )

    # What one policy answers

    def policy(self, branch: Branch, parts: Parts) -> None:
        tag = branch.tag
        origin = "*" if parts.any_origin else self._origin(tag, parts)
        passed = self._passed(tag, parts, "1" if parts.any_origin else origin)
        statuses = [("actual", "actual"), ("names", str(parts.preflight_status))]
        outcome = self.map(f"{tag}outcome", passed, statuses, str(parts.failed_status))
        allowed = self.map(
            f"{tag}allow_origin",
            passed,
            [(_any_of(["actual", *parts.preflight[0].passed]), origin)],
            "",
            "Access-Control-Allow-Origin; empty: no such line",
        )
        found: dict[str, str] = {headers.ALLOW_ORIGIN: allowed}
        if parts.credentials:
            found[headers.ALLOW_CREDENTIALS] = self.map(f"{tag}allow_credentials", allowed, [("", "")], "true")
        found[headers.EXPOSE_HEADERS] = self._exposed(tag, parts, outcome, allowed)
        for grant in parts.preflight:
            if grant.header not in found:
                variable = tag + _in_a_name(grant.header.removeprefix("Access-Control-"))
                if grant.value is None:
                    value = f"${{http_{_in_a_name(ECHOED[grant.header])}}}"
                else:
                    value = self.value(grant.value)
                found[grant.header] = self.map(variable, passed, [(_any_of(grant.passed), value)], "")
        found[headers.VARY] = self.map(
            f"{tag}vary", outcome, [("actual", "" if parts.any_origin else headers.ORIGIN)], ON_REQUEST
        )
        timing = ""
        if parts.timing:
            timing = self.map(
                f"{tag}timing",
                f"{outcome}:{allowed}",
                [("actual:.+", allowed)],
                "${upstream_http_timing_allow_origin}",
            )
        self.made.append((branch, _Answers(outcome, tuple(found.items()), timing)))

    def _origin(self, tag: str, parts: Parts) -> str:
        by_rule = ""
        if parts.rules:
            well_formed = self.map(
                f"{tag}well_formed",
                "${http_origin}",
                [(together(parts.well_formed), "${http_origin}")],
                "",
                "The Origin, if it is one that a browser may have written",
            )
            by_rule = self.map(
                f"{tag}by_rule",
                well_formed,
                [(rule.regex, "${http_origin}") for rule in parts.rules],
                "",
                *(remark(rule.entry) for rule in parts.rules),
            )
        exact = [(literal(origin), "${http_origin}") for origin in parts.exact]
        return self.map(f"{tag}origin", "${http_origin}", exact, by_rule, "The Origin, if it is allowed; else empty")

    def _passed(self, tag: str, parts: Parts, origin: str) -> str:
        methods = METHOD if parts.methods is None else _any_of(map(literal, parts.methods))
        method = self.map(
            f"{tag}method", "${http_access_control_request_method}", [(methods, "1")], "", "1 for a method that passes"
        )
        names = self.map(
            f"{tag}names",
            "${http_access_control_request_headers},",
            [(f"(?=.{{0,{parts.longest_names}}},\\z){together(parts.names)}", "1")],
            "",
            "1 for a list of headers that passes; the comma behind it makes every name end with one",
        )
        return self.map(
            f"{tag}passed",
            f"${{{self.name}_preflight}}:{method}:{names}:{origin}",
            [("1:1:1:.+", "names"), ("1:1:1?:.+", "method"), ("1:1?:1?:.+", "origin"), ("1:.*", "nothing")],
            "actual",
            "The last check that a preflight passes: of its origin, then of its method, then of its names",
        )

    def _exposed(self, tag: str, parts: Parts, outcome: str, allowed: str) -> str:
        """What the policy exposes, and what the application does, as far as it can be."""
        star = "(?![*][ \\t]*(?:,|\\z))" if parts.credentials else ""
        blank = "[ \\t]*"
        element = f"{blank}(?:{star}{TOKEN}+{blank})?"
        rest = "${upstream_http_access_control_expose_headers}"
        for number in range(1, _STRIPPED + 1):
            before, after = f"{self.name}_{tag}before{number}", f"{self.name}_{tag}after{number}"
            rest = self.map(
                f"{tag}theirs{number}",
                rest,
                [(f"(?<{before}>(?:{element},)*+)(?!{element}\\z)[^,]*(?<{after}>(?:,.*)?)", f"${before}${after}")],
                rest,
                *(() if number > 1 else ("What the application exposes, without what cannot be: each drops one",)),
            )
        theirs = self.map(f"{tag}theirs", rest, [(f"{element}(?:,{element})*", rest)], "")
        ours = self.value(dict(parts.actual).get(headers.EXPOSE_HEADERS, ""))
        exposed = self.map(f"{tag}exposed", theirs, [("", ours)], f"{ours}, {theirs}") if ours else theirs
        return self.map(f"{tag}expose_headers", f"{outcome}:{allowed}", [("actual:.+", exposed)], "")

    # Which policy answers

    def choose(self, governed: Governed) -> _Answers:
        """The answers of the policy that governs a path."""
        if governed.paths is None:
            return self.made[0][1]
        target = self.map(
            "plain_target",
            "${request_uri}",
            [(f"{PLAIN_PATH}(?:[?].*)?", "${uri}")],
            "",
            "The path, decoded; empty where it can be read in more than one way",
        )
        moves = self.map(
            "moves",
            "${http_access_control_request_headers},",
            [(MOVES, "?")],
            "",
            "? where a preflight asks for a header from which servers take another path",
        )
        choices = [("", UNDECIDED), ("[?].*", UNDECIDED)]
        choices += [(prefix_regex(prefix), number) for prefix, number in governed.paths]
        governor = self.map("governor", f"{moves}{target}", choices, governed.default, "Which policy governs")
        numbered = [(str(branch.number), answers) for branch, answers in self.made]
        outcome = self.map(
            "outcome",
            f"{governor}:${{{self.name}_preflight}}",
            [(f"{UNDECIDED}:1", FAILED), *((f"{number}:.*", answers.outcome) for number, answers in numbered)],
            "actual",
        )
        lines = []
        for header in (*_HIDDEN, headers.VARY):
            theirs = f"${{upstream_http_{_in_a_name(header)}}}"
            untouched = [(UNTOUCHED, theirs)] if header != headers.VARY else []
            undecided = [(UNDECIDED, headers.ORIGIN)] if header == headers.VARY else []
            chosen = [(number, dict(answers.lines).get(header, "")) for number, answers in numbered]
            variable = f"chosen_{_in_a_name(header.removeprefix('Access-Control-'))}"
            lines.append((header, self.map(variable, governor, [*untouched, *undecided, *chosen], "")))
        timing = ""
        if any(answers.timing for _, answers in numbered):
            upstream = "${upstream_http_timing_allow_origin}"
            timed = [(number, answers.timing) for number, answers in numbered if answers.timing]
            timing = self.map("chosen_timing", governor, timed, upstream)
        return _Answers(outcome, tuple(lines), timing)


def _in_a_name(header: str) -> str:
    """How a header is called in the name of a variable."""
    return header.lower().replace("-", "_")


def _any_of(texts: Iterable[str]) -> str:
    return f"(?:{'|'.join(texts)})"


def _server(name: str, answers: _Answers, outcome: str, statuses: set[int]) -> str:
    hidden = [*_HIDDEN, *([headers.TIMING_ALLOW_ORIGIN] if answers.timing else [])]
    lines = [
        "# Directives in an inner block drop those of an outer one: a location with an add_header or a",
        "# proxy_hide_header of its own has to include this file again.",
        "",
        "# A second policy for one request would let in anyone that either lets in: it is an error.",
        f'if ($corecors !~ "^(?:{name})?$") {{ return {TWICE}; }}',
        f'set $corecors "{name}";',
        *(f'if ({outcome} = "{status}") {{ return {status}; }}' for status in (FAILED, *sorted(statuses))),
        "",
        "# The application's own words on CORS give way.",
        *(f"{prefix}_hide_header {header};" for prefix in _HIDING for header in hidden),
        "",
        "# A header without a value is not sent.",
        *(f'add_header {header} "{value}" always;' for header, value in answers.lines if value),
    ]
    if answers.timing:
        lines.append(f'add_header {headers.TIMING_ALLOW_ORIGIN} "{answers.timing}" always;')
    return "\n".join(lines) + "\n"


def _whole(maps: str, server: str, upstream: Origin, listen: str) -> str:
    inner = "".join(f"        {line}\n" if line else "\n" for line in server.splitlines())
    outer = "".join(f"    {line}\n" if line else "\n" for line in maps.splitlines())
    return f"""\
events {{ }}

http {{
{outer}
    server {{
        listen {listen};

{inner}
        location / {{
            proxy_pass {upstream};
            proxy_set_header Host $host;
        }}
    }}
}}
"""
