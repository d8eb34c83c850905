"""OriginPolicies: tiers. One policy for those one knows, another for everybody else, at the same address."""

from collections.abc import Iterable
from typing import ClassVar, final

from corecors._decisions.request import CORSRequest
from corecors._policy.policy import Policy
from corecors._policy.problems import PolicyError, Problem


@final
class OriginPolicies:
    """Policies in tiers, a `PolicySource`: the first one that allows the request's origin governs, the last one is for
    everybody else.

        OriginPolicies([Policy(allow_origins=[own_site], allow_credentials=True), Policy(allow_origins=["*"])])

    Every answer varies by `Origin`, those of `*` too: the same address has several answers. A request without `Origin`
    is answered by the last tier. Only the last tier may have a predicate, for it is asked about nobody else.
    Raises `PolicyError` with every problem. Immutable and safe to share between threads.
    """

    __slots__ = ("policies",)

    policies: tuple[Policy, ...]
    varies_by_origin: ClassVar[bool] = True

    def __init__(self, policies: Iterable[Policy]) -> None:
        tiers: tuple[object, ...] = ()
        problems: list[Problem] = []
        if isinstance(policies, (str, bytes, Policy)) or not isinstance(policies, Iterable):
            message = f"is of type {type(policies).__name__} where a list of policies belongs"
            problems.append(Problem("policies", policies, "wrong-type", message))
        else:
            tiers = tuple(policies)
            if not tiers:
                problems.append(
                    Problem("policies", policies, "empty", "is empty: the last policy is for everybody else")
                )
        for number, tier in enumerate(tiers, start=1):
            if not isinstance(tier, Policy):
                message = f"is of type {type(tier).__name__} where a Policy belongs"
                problems.append(Problem("policies", tier, "wrong-type", message))
            elif number < len(tiers) and tier.allow_origin_predicate is not None:
                message = f"has a predicate in tier {number} of {len(tiers)}: only the last tier may have one"
                problems.append(Problem("policies", tier, "predicate-in-tier", message))
            elif number < len(tiers) and tier.allows_any_origin:
                message = f"allows any origin in tier {number} of {len(tiers)}, so no later tier would ever govern"
                problems.append(Problem("policies", tier, "unreachable-tier", message))
        if problems:
            raise PolicyError(problems)
        object.__setattr__(self, "policies", tiers)

    @classmethod
    def from_toml(cls, text: str, table: str = "cors") -> "OriginPolicies":
        """The tiers in the TOML document `text`: a table `[[cors.tiers]]` each, in their order.

        Raises `PolicyError` with every problem.
        """
        from corecors._policy.loading import origin_policies_from_toml

        return origin_policies_from_toml(text, table)

    def policy_for(self, request: CORSRequest) -> Policy:
        """The first policy that allows the request's origin, else the last one."""
        origin = request.origin
        if origin is not None:
            for policy in self.policies[:-1]:
                if policy.lines(origin) is not policy.refusal:
                    return policy
        return self.policies[-1]

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"OriginPolicies are immutable: make others instead of setting {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"OriginPolicies are immutable: {name} cannot be deleted")

    def __repr__(self) -> str:
        return f"OriginPolicies({list(self.policies)!r})"
