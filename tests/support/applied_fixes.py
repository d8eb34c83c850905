"""What a program makes of the fixes that a `PolicyError` offers: the arguments with each fix in its place."""

from collections.abc import Iterable, Mapping
from typing import Any

from corecors import Problem


def applied(arguments: Mapping[str, Any], problems: Iterable[Problem]) -> dict[str, Any]:
    """`arguments` as they are once the fix of each problem stands where `value` stood, as `Problem` describes it."""
    fixed = dict(arguments)
    for problem in problems:
        if problem.fix is None:
            continue
        if problem.field not in fixed:
            raise AssertionError(f"{problem.field} is offered a fix, and was not given")
        given = fixed[problem.field]
        if isinstance(problem.fix, Mapping):
            del fixed[problem.field]
            fixed.update(problem.fix)
        elif isinstance(given, (list, tuple)) and not isinstance(problem.fix, list):
            texts = [getattr(entry, "pattern", entry) for entry in given]  # of a compiled regex, its text
            place = (given if problem.value in given else texts).index(problem.value)
            entries = list(problem.fix) if isinstance(problem.fix, tuple) else [problem.fix]
            fixed[problem.field] = [*given[:place], *entries, *given[place + 1 :]]
        else:
            fixed[problem.field] = problem.fix
    return fixed
