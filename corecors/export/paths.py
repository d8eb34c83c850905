"""Which policies a configuration has to hold, and which paths each of them governs.

Facts
-----
A proxy decodes a path, merges its slashes and resolves its dots by rules of its own, and so does the application. So
what `corecors.path_is_ambiguous` calls ambiguous is told by the target as it was received, before anybody has decoded
it, and by the names of headers that a preflight asks for; and nobody is let in. What browsers never send is ambiguous
here too: bytes beyond ASCII that are not percent-encoded. A percent sign that begins no escape, which they do send, is
400 to nginx and Apache.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from corecors._decisions import headers
from corecors._decisions.request import MOVING
from corecors._decisions.sources import PolicySource
from corecors._policy.paths import PathPolicies
from corecors._policy.policy import Policy
from corecors._policy.problems import Problem
from corecors.export.parts import BLANK, Parts, literal, take_apart, together
from corecors.export.problems import refuse

UNTOUCHED: Final = "none"  # the governor of paths whose owner opted out
UNDECIDED: Final = "undecided"  # and of those that can be read in more than one way

# Percent-encoded, one character: printable ASCII but dot, slash, backslash and percent, and UTF-8 (RFC 3629 4) but for
# U+FFFD, which stands for bytes that were none
_MORE = "%[89AB][0-9A-F]"
# Behind a percent sign, what would be a dot, a slash or a backslash if it were decoded twice; any of it may be encoded
_ONCE_MORE = "(?:2|%32)(?:[EF]|%[46][56])|(?:5|%35)(?:C|%[46]3)"
_ENCODED = "|".join(
    [
        "%2[0-46-9A-D]",
        "%[346][0-9A-F]",
        "%5[0-9ABD-F]",
        "%7[0-9A-E]",
        f"%25(?!{_ONCE_MORE})",
        f"%(?:C[2-9A-F]|D[0-9A-F]){_MORE}",
        f"%E0%[AB][0-9A-F]{_MORE}",
        f"%(?:E[1-9ABCE]){_MORE}{_MORE}",
        f"%EF(?!%BF%BD){_MORE}{_MORE}",
        f"%ED%[89][0-9A-F]{_MORE}",
        f"%F0%[9AB][0-9A-F]{_MORE}{_MORE}",
        f"%F[1-3]{_MORE}{_MORE}{_MORE}",
        f"%F4%8[0-9A-F]{_MORE}{_MORE}",
    ]
)
# The path of a target that can be read in one way only: for engines of Perl's kind, whole up to the query.
PLAIN_PATH: Final = (
    rf"(?i:(?:/(?!/|[.][.]?(?:[/?]|\z)))(?:[!-$&-.0-\[\]-~](?<![?])|{_ENCODED}|/(?!/|[.][.]?(?:[/?]|\z)))*+)"
)
# A list of header names, with a comma behind it, one of which takes the place of the path.
MOVES: Final = (
    f"(?=.{{0,{headers.MAX_REQUEST_HEADERS_LENGTH}}},\\z)"
    f"(?:[^,]*,)*{BLANK}*(?i:{'|'.join(map(literal, MOVING))}){BLANK}*,.*"
)


class Branch(NamedTuple):
    """One policy. `number`: None where it is the only one; `field`: how its fields are called in problems."""

    policy: Policy
    number: int | None = None
    field: str = "{}"

    @property
    def tag(self) -> str:
        """What names that are about it begin with, behind those of the target."""
        return "" if self.number is None else f"{self.number}_"


class Governed(NamedTuple):
    """paths: prefixes and what governs them (the number of a branch, `UNTOUCHED`), the most specific one first; None
    where one policy governs everything. default: what governs all other paths."""

    branches: tuple[Branch, ...]
    paths: tuple[tuple[str, str], ...] | None = None
    default: str = UNTOUCHED


class Limits(NamedTuple):
    """How much a target reads: characters of a regex, and of a list of names, which stands in one with the grammar of
    such lists.

    why: what is said of what is longer; addresses: how the message about too many IPv6 addresses ends, after "than".
    """

    word: int
    names: int
    why: str
    addresses: str


def take_all_apart(
    policy: Policy | PolicySource, target: str, limits: Limits | None = None
) -> tuple[Governed, list[tuple[Branch, Parts]]]:
    """The policies in `policy`, each taken apart for an engine that backtracks. Raises `ExportError`."""
    problems: list[Problem] = []
    governed = branches(policy, target, problems)
    taken = []
    for branch in governed.branches:
        parts, found = take_apart(branch.policy, backtracks=True, field=branch.field)
        problems += found
        if limits is not None:
            problems += too_long(branch, parts, limits)
        taken.append((branch, parts))
    refuse(target, problems)
    return governed, taken


def branches(policy: Policy | PolicySource, target: str, problems: list[Problem]) -> Governed:
    """The policies in `policy`. What is neither a policy nor policies by path is a problem."""
    if isinstance(policy, Policy):
        return Governed((Branch(policy),))
    if not isinstance(policy, PathPolicies):
        problems.append(
            Problem(
                "policy",
                policy,
                "not-exportable",
                f"is of type {type(policy).__name__}; {target} can be told a Policy or PathPolicies",
            )
        )
        return Governed(())
    found: list[Branch] = []

    def number(governor: object, field: str) -> str:
        if governor is None:
            return UNTOUCHED
        if not isinstance(governor, Policy):
            message = f"is of type {type(governor).__name__} where {target} can be told a Policy alone"
            problems.append(Problem(field.format("policies"), governor, "not-exportable", message))
            return UNTOUCHED
        found.append(Branch(governor, len(found), field))
        return str(len(found) - 1)

    by_prefix = [
        (prefix.removesuffix("/"), number(governor, f"policies[{prefix!a}].{{}}"))
        for prefix, governor in policy.policies.items()
    ]
    by_prefix.sort(key=lambda entry: -entry[0].count("/"))
    default = number(policy.default, "default.{}")
    return Governed(tuple(found), tuple(by_prefix), default)


def too_long(branch: Branch, parts: Parts, limits: Limits) -> Iterator[Problem]:
    """What is longer than a target reads."""
    for rule in parts.rules:
        if len(rule.regex) > limits.word:
            yield Problem(branch.field.format("allow_origin_regexes"), rule.entry, "not-exportable", limits.why)
    for field in ("allow_methods", "allow_headers", "expose_headers"):
        listed = getattr(branch.policy, field)
        if len(", ".join(map(literal, listed))) > limits.names:
            yield Problem(branch.field.format(field), listed, "not-exportable", limits.why)
    if len(together(parts.well_formed)) > limits.word:
        message = f"has more IPv6 addresses with any port than {limits.addresses}"
        yield Problem(branch.field.format("allow_origins"), branch.policy.allow_origins, "not-exportable", message)


def prefix_regex(prefix: str) -> str:
    """Which decoded paths a prefix without its last slash governs."""
    return f"{literal(prefix)}(?:/.*)?"
