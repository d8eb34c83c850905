"""A policy taken apart into what the configuration of a proxy is made of.

Facts
-----
No proxy has corecors' parser, but all have regular expressions. Listed origins are compared whole, which needs none. A
wildcard or a regex needs two things: the text fits the entry, and it is a well-formed origin, for corecors looks at
nothing else. Two simple regexes that must both match are short enough to be read by a person; one that does
the work of both is not.

Every regex in here is written in what PCRE, RE2, Go and Python read alike: literals, sets, `.`, `(?:...)`, `|`, counted
and endless repetitions, `(?i:...)` around names. There is no lookaround, hardly a backslash (a dot is `[.]`, so that no
quoting can lose it) and no anchor: each target anchors them at both ends in its own way. The regexes of a policy are
written anew from their parsed trees, for `{,2}`, `\\uXXXX` and `[[:alpha:]]` mean something else elsewhere.

What cannot be told by a regular expression: whether a label that begins with `xn--` stands for any text. Of browsers
Chromium alone sends one that does not, from below a domain that an entry names.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from corecors._decisions import headers
from corecors._decisions.decision import FAILED_STATUS
from corecors._decisions.merging import Lines
from corecors._decisions.rules import VARY_PREFLIGHT, Terms
from corecors._origins.addresses import DEFAULT_PORTS
from corecors._origins.parsing import (
    MAX_HOST_LENGTH,
    MAX_LABEL_LENGTH,
    MAX_ORIGIN_LENGTH,
    MAX_SCHEME_LENGTH,
    PUNYCODE,
    SCHEMES_OF_NO_PAGE,
)
from corecors._origins.patterns import OriginPattern, parse_pattern
from corecors._origins.regex.syntax import (
    ORIGIN_ALPHABET,
    Alternatives,
    Anchor,
    Chars,
    Node,
    Repeat,
    Sequence,
    parse_regex,
)
from corecors._policy.policy import Policy, terms_of
from corecors._policy.problems import Problem
from corecors.export import ipv6
from corecors.export.backtracking import takes_bounded_steps

ON_REQUEST = VARY_PREFLIGHT[1]  # what the answer to a preflight varies by
# What an application may have set itself, beside the names that it exposes.
REPLACED = (
    headers.ALLOW_ORIGIN,
    headers.ALLOW_CREDENTIALS,
    headers.ALLOW_METHODS,
    headers.ALLOW_HEADERS,
    headers.MAX_AGE,
    "Access-Control-Allow-Private-Network",
)
# What is checked of a preflight, in this order.
CHECKS: Final = ("origin", "method", "names")
# What an answer repeats, by the header that it does so in.
ECHOED: Final = {
    headers.ALLOW_ORIGIN: headers.ORIGIN,
    headers.ALLOW_METHODS: headers.REQUEST_METHOD,
    headers.ALLOW_HEADERS: headers.REQUEST_HEADERS,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A regex that has to match the whole of a text, or (`wanted` False) must not."""

    regex: str
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of a policy that is more than one origin. `regex` matches the whole of those well-formed origins."""

    entry: str
    regex: str


class Grant(NamedTuple):
    """A line of the answer to a preflight.

    value: None for what the request says.
    after: the check that has to pass, with those before it: the last one, but for what a policy with `debug` tells
        about a preflight that fails.
    """

    header: str
    value: str | None
    after: str

    @property
    def passed(self) -> tuple[str, ...]:
        """What may be the last check that a preflight has passed, for it to be given this line."""
        return CHECKS[CHECKS.index(self.after) :]


@dataclass(frozen=True, slots=True)
class Parts:
    """One policy.

    any_origin: `*` is sent to everybody, with or without `Origin`, and nothing varies. Then there is nothing below that
        is about origins.
    exact: what is compared whole, `null` among it where that is allowed; in the order of the policy.
    rules: what else allows an origin that is well-formed.
    well_formed: what has to hold of a text for that, in this order: the first bounds the work of the others.
    actual: the lines of every allowed answer but the origin's own, `Vary` and `Timing-Allow-Origin`.
    preflight: the lines of the answer to a preflight but `Vary`, the origin's own first.
    methods: the methods for which a preflight passes, or None for any token of at most `headers.MAX_METHOD_LENGTH`.
    names: what has to hold of the value of `Access-Control-Request-Headers` with a comma put behind it; of no value,
        nothing has to hold.
    longest_names: and how long it may be, without that comma.
    failed_status: of the answer to a preflight that fails.
    """

    any_origin: bool
    exact: tuple[str, ...]
    rules: tuple[Rule, ...]
    well_formed: tuple[Condition, ...]
    credentials: bool
    actual: Lines
    preflight: tuple[Grant, ...]
    methods: tuple[str, ...] | None
    names: tuple[Condition, ...]
    longest_names: int
    preflight_status: int
    failed_status: int
    timing: bool


def take_apart(policy: Policy, *, backtracks: bool, field: str = "{}") -> tuple[Parts, list[Problem]]:
    """The parts of a policy, and what of it no proxy can say.

    backtracks: whether the proxy's regex engine does. Then a regex that may take it too many steps is a problem too.
    field: how a field of the policy is called in problems.
    """
    problems: list[Problem] = []
    if policy.allow_origin_predicate is not None:
        message = "is a function of this program, which a proxy cannot call"
        field_name = field.format("allow_origin_predicate")
        problems.append(Problem(field_name, policy.allow_origin_predicate, "not-exportable", message))
    terms = terms_of(policy)
    exact: list[str] = []
    rules: list[Rule] = []
    ipv6_hosts: list[str] = []  # with `:*`; one that is listed whole needs no regex
    if not policy.allows_any_origin:
        for entry in policy.allow_origins:
            pattern = parse_pattern(entry)
            if pattern.is_exact:
                exact.append(entry)
            else:
                rules.append(Rule(entry, pattern_regex(pattern)))
                if pattern.origin.host.startswith("["):
                    ipv6_hosts.append(pattern.origin.host)
        if policy.dangerously_allow_null_origin and not policy.allow_credentials:
            exact.append(headers.NULL_ORIGIN)
        rules += _regexes(policy, backtracks, field.format("allow_origin_regexes"), problems)
    parts = Parts(
        any_origin=policy.allows_any_origin,
        exact=tuple(dict.fromkeys(exact)),
        rules=tuple(rules),
        well_formed=_well_formed(dict.fromkeys(ipv6_hosts), _reaches_ipv6(policy)) if rules else (),
        credentials=terms.credentials,
        actual=terms.actual,
        preflight=tuple(_grants(policy, terms)),
        methods=None if terms.any_method else tuple(sorted(terms.method_names)),
        names=_names_tests(terms.credentials, sorted(terms.header_names)),
        longest_names=terms.longest_names,
        preflight_status=terms.preflight_status,
        failed_status=terms.preflight_status if terms.debug else FAILED_STATUS,
        timing=terms.timing,
    )
    return parts, problems


def _grants(policy: Policy, terms: Terms) -> Iterator[Grant]:
    after_origin, after_method = (terms.failing(passes) if terms.debug else () for passes in (False, True))
    yield Grant(
        headers.ALLOW_ORIGIN,
        headers.WILDCARD if policy.allows_any_origin else None,
        "origin" if after_origin else "method" if terms.debug else "names",
    )
    for line in terms.preflight:
        yield Grant(*line, "origin" if line in after_origin else "method" if line in after_method else "names")
    if terms.any_method and terms.credentials:
        yield Grant(headers.ALLOW_METHODS, None, "method" if terms.debug else "names")
    if terms.any_header and terms.credentials:
        yield Grant(headers.ALLOW_HEADERS, None, "names")


# Literals


def literal(text: str) -> str:
    """A regex that matches `text`, printable ASCII, and nothing else."""
    return "".join(map(_literal, text))


def _literal(char: str) -> str:
    if char in "^[\\":
        return f"\\{char}"
    return f"[{char}]" if char in ".*+?()]{}|$" else char


# Origins

_LABEL = f"[a-z0-9_](?:[a-z0-9_-]{{0,{MAX_LABEL_LENGTH - 2}}}[a-z0-9_])?"
_SCHEME = f"[a-z][a-z0-9+.-]{{0,{MAX_SCHEME_LENGTH - 1}}}"
_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = f"{_BYTE}(?:[.]{_BYTE}){{3}}"
_PORT = "(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
# What is no number: URL, "ends in a number checker"
_LAST_LABEL = "(?:[a-z_-]|(?:[1-9][0-9]*|0[0-9]+)[a-z_-]|0[a-wyz_-]|0x[0-9a-f]*[g-z_-])[a-z0-9_-]*"
_ANY_PORT = "(?::[0-9]+)?"


def _reaches_ipv6(policy: Policy) -> bool:
    sources = (regex if isinstance(regex, str) else regex.pattern for regex in policy.allow_origin_regexes)
    return any(ipv6.may_match_ipv6(parse_regex(source)) for source in sources)


def _well_formed(ipv6_hosts: Iterable[str], any_ipv6: bool) -> tuple[Condition, ...]:
    """What holds of every origin that corecors calls well-formed; of IPv6 addresses those given, or any."""
    listed = "".join(f"|{literal(host)}" for host in ipv6_hosts)
    schemes = "|".join(sorted(SCHEMES_OF_NO_PAGE))
    defaults = "|".join(f"{scheme}://.*:{DEFAULT_PORTS[scheme]}" for scheme in ("http", "https"))
    bound, shape = listed, listed
    spelled: tuple[Condition, ...] = ()
    if any_ipv6:
        bound, shape = f"|{ipv6.ADDRESS}", f"|{ipv6.shape()}"
        spelled = (Condition(f"[^:]+://\\[{ipv6.misspelled()}[]]{_ANY_PORT}", wanted=False),)
    return (
        Condition(f"[^:]{{1,{MAX_SCHEME_LENGTH}}}://(?:[^:]{{1,{MAX_HOST_LENGTH}}}{bound})(?::[0-9]{{1,5}})?"),
        Condition(f"{_SCHEME}://(?:{_LABEL}(?:[.]{_LABEL})*{shape})(?::{_PORT})?"),
        Condition(f"[^:]+://(?:{_IPV4}|(?:[^:]*[.])?{_LAST_LABEL}{bound}){_ANY_PORT}"),
        Condition(f"(?:{schemes})://.*", wanted=False),
        Condition(f"(?:{defaults})", wanted=False),
        *spelled,
    )


def pattern_regex(pattern: OriginPattern) -> str:
    """Which well-formed origins an entry with a wildcard matches."""
    origin = pattern.origin
    host = literal(origin.host)
    if pattern.any_subdomain:
        host = f"[a-z0-9_.-]+[.]{host}"
    elif pattern.label is not None:
        before, after = pattern.label
        host = f"{literal(before)}{_wildcard(before, after)}{literal(after)}[.]{host}"
    port = _ANY_PORT if pattern.any_port else "" if origin.port is None else f":{origin.port}"
    return f"{literal(origin.scheme)}://{host}{port}"


def _wildcard(before: str, after: str) -> str:
    """What `*` stands for inside a label: letters, digits and hyphens, but nothing that makes the label Punycode."""
    if not PUNYCODE.startswith(before):
        return "[a-z0-9-]+"
    rest = PUNYCODE[len(before) :]
    branches = []
    for length, char in enumerate(rest):
        begin = rest[:length]
        if begin and not after.startswith(rest[length:]):
            branches.append(begin)  # the wildcard ends within what would be Punycode
        others = "".join(each for each in "abcdefghijklmnopqrstuvwxyz0123456789-" if each != char)
        branches.append(f"{begin}{_set(frozenset(others))}[a-z0-9-]*")
    return f"(?:{'|'.join(branches)})"


def _regexes(policy: Policy, backtracks: bool, field: str, problems: list[Problem]) -> Iterable[Rule]:
    for regex in policy.allow_origin_regexes:
        source = regex if isinstance(regex, str) else regex.pattern
        rewritten = written(parse_regex(source))
        if backtracks and not takes_bounded_steps(rewritten):
            message = (
                "may take an engine that backtracks, as this proxy has, more steps than a request should cost; "
                "write it with fewer wildcards, or as entries of allow_origins"
            )
            problems.append(Problem(field, source, "not-exportable", message))
        else:
            yield Rule(source, rewritten)


def written(node: Node) -> str:
    """A parsed regex as text that PCRE, RE2, Go and Python read alike; the same for every well-formed origin."""
    match node:
        case Chars(accepted=accepted):
            return _set(accepted)
        case Sequence(items=items):
            return "".join(map(written, items))
        case Alternatives(branches=branches):
            return f"(?:{'|'.join(map(written, branches))})"
        case Repeat():
            item = written(node.item)
            if not isinstance(node.item, Chars):
                item = f"(?:{item})"
            return item + _times(node.least, node.most)
        case Anchor():
            return ""


def _times(least: int, most: int | None) -> str:
    """A repetition. Numbers are cut off where no origin is long enough to tell: RE2 has none above 1,000."""
    least = min(least, MAX_ORIGIN_LENGTH + 1)
    if most is not None and most > MAX_ORIGIN_LENGTH:
        most = None
    signs = {(0, None): "*", (1, None): "+", (0, 1): "?"}
    if (least, most) in signs:
        return signs[least, most]
    if least == most:
        return f"{{{least}}}"
    return f"{{{least},{'' if most is None else most}}}"


def _set(accepted: frozenset[str]) -> str:
    if accepted == frozenset(ORIGIN_ALPHABET):
        return "."
    if not accepted:
        return "A"  # a character that no origin has: this piece matches nothing
    if len(accepted) == 1:
        return literal(*accepted)
    # "]" goes first, "[" behind something and "-" last: there each stands for itself.
    letters = "".join(_ranges(sorted(accepted - set("[]-"))))
    found = "]" * ("]" in accepted) + letters + "\\[" * ("[" in accepted) + "-" * ("-" in accepted)
    return f"[{found}]"


def _ranges(chars: list[str]) -> Iterator[str]:
    """Letters and digits that follow each other as ranges: "a-f"."""
    at = 0
    while at < len(chars):
        end = at
        while end + 1 < len(chars) and ord(chars[end + 1]) == ord(chars[end]) + 1 and chars[end + 1].isalnum():
            end += 1
        if end - at > 1 and chars[at].isalnum():
            yield f"{chars[at]}-{chars[end]}"
            at = end + 1
        else:
            yield chars[at]
            at += 1


def together(conditions: tuple[Condition, ...]) -> str:
    """One regex for what all conditions say, for engines of Perl's kind: lookaheads, in their order, then any text."""
    return "".join(f"(?{'=' if each.wanted else '!'}{each.regex}\\z)" for each in conditions) + ".*"


# Names of methods and headers

TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]"  # one character of it; RFC 9110 5.6.2
METHOD = f"{TOKEN}{{1,{headers.MAX_METHOD_LENGTH}}}"
BLANK = "[ \\t]"


def _names_tests(credentials: bool, names: list[str]) -> tuple[Condition, ...]:
    """The grammar of `headers.parse_request_headers`, and which names are allowed.

    Each is unambiguous, so that an engine that backtracks needs a number of steps in proportion to the text.
    """
    any_name = headers.WILDCARD in names
    name = f"{TOKEN}+" if any_name else f"(?i:{'|'.join(map(literal, names))})" if names else ""
    element = f"(?:{name}{BLANK}{{0,2}})?" if name else ""
    not_empty = f"{BLANK}*[^ \\t,][^,]*,"
    found: tuple[Condition, ...] = (
        Condition(f"(?:{BLANK}{{0,{headers.MAX_WHITESPACE}}}{element},)*"),
        # three or four bytes of white space around one name
        Condition(
            f"(?:[^,]*,)*(?:{BLANK}[^ \\t,]+{BLANK}{{2}}|{BLANK}{{2}}[^ \\t,]+{BLANK}{{1,2}}),.*",
            wanted=False,
        ),
        Condition(f"(?:(?:{not_empty})*{BLANK}*,){{{headers.MAX_EMPTY_ELEMENTS + 1}}}.*", wanted=False),
    )
    if any_name and not credentials and headers.NON_WILDCARD_REQUEST_HEADER not in names:
        # Fetch, "CORS non-wildcard request-header name": `*` does not cover it.
        found += (Condition(f"(?:[^,]*,)*{BLANK}*(?i:{headers.NON_WILDCARD_REQUEST_HEADER}){BLANK}*,.*", wanted=False),)
    return found
