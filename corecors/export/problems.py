"""What a target cannot say, all at once."""

from collections.abc import Iterable

from corecors._decisions.sources import PolicySource
from corecors._origins.errors import CORSError
from corecors._policy.policy import Policy
from corecors._policy.problems import Problem


class ExportError(CORSError, ValueError):
    """A policy that `target` cannot say. `problems` holds a `Problem` for each field, its message being the reason."""

    def __init__(self, target: str, problems: Iterable[Problem]) -> None:
        self.target = target
        self.problems: tuple[Problem, ...] = tuple(problems)
        count = f"{len(self.problems)} things" if len(self.problems) > 1 else "1 thing"
        told = [f"  - {problem}" for problem in self.problems]
        super().__init__("\n".join([f"{target} cannot say {count} in this policy:", *told]))

    def __reduce__(self) -> tuple[type["ExportError"], tuple[str, tuple[Problem, ...]]]:
        return type(self), (self.target, self.problems)


def refuse(target: str, problems: Iterable[Problem]) -> None:
    """Raise `ExportError` if there are any problems."""
    found = tuple(problems)
    if found:
        raise ExportError(target, found)


def one_policy(policy: Policy | PolicySource, target: str, why: str) -> Policy:
    """`policy`, for a target that can be told no more than one. `why`: what is said of anything else."""
    if isinstance(policy, Policy):
        return policy
    problem = Problem("policy", policy, "not-exportable", f"is of type {type(policy).__name__}; {why}")
    raise ExportError(target, [problem])
