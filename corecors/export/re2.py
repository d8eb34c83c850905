"""What RE2 and Go's `regexp`, which is made like it, do not take, and how the same is said to them.

Neither has lookaround, and a repetition is of at most 1,000, where repetitions within repetitions are multiplied.
Source: https://github.com/google/re2/wiki/Syntax
"""

import re
from collections.abc import Iterator
from typing import Final

from corecors._origins.regex.syntax import Node, Repeat, children, parse_regex
from corecors._policy.problems import Problem
from corecors.export.parts import Condition, Parts

MAX_REPETITION: Final = 1000


def too_many_repetitions(parts: Parts, field: str, target: str) -> Iterator[Problem]:
    """A problem for each entry whose regex repeats more often than these engines do."""
    for rule in parts.rules:
        if _repetitions(parse_regex(rule.regex)) > MAX_REPETITION:
            message = f"repeats a piece more than {MAX_REPETITION:,} times, which {target}'s expressions cannot"
            yield Problem(field, rule.entry, "not-exportable", message)


def _repetitions(node: Node) -> int:
    inner = max(map(_repetitions, children(node)), default=1)
    if not isinstance(node, Repeat) or (node.least, node.most) in ((0, None), (1, None), (0, 1)):
        return inner
    return inner * max(node.least, node.most or 1)


def without_last_comma(condition: Condition) -> Condition:
    """A condition on a list with a comma behind it, as one on the list itself."""
    regex = condition.regex
    if repeated := re.fullmatch(r"\(\?:(.*),\)\*", regex):
        regex = f"{repeated[1]}(?:,{repeated[1]})*"
    elif counted := re.fullmatch(r"\(\?:(.*),\)\{([0-9]+)\}\.\*", regex):
        regex = f"(?:{counted[1]},){{{int(counted[2]) - 1}}}{counted[1]}(?:,.*)?"
    else:
        assert regex.endswith(",.*"), regex
        regex = f"{regex.removesuffix(',.*')}(?:,.*)?"
    return Condition(regex, condition.wanted)


def too_long(longest: int) -> Condition:
    """Not more than `longest` characters of ASCII."""
    thousands, rest = divmod(longest + 1, MAX_REPETITION)
    char = "[\\t-~]"
    return Condition(f"{f'{char}{{{MAX_REPETITION}}}' * thousands}{char}{{{rest}}}{char}*", wanted=False)
