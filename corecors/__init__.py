"""CORS decided in one place: a core of pure functions that depends on nothing but the standard library."""

from corecors._decisions.headers import UNRELATED_HEADERS, merge_headers
from corecors._origins.matching import OriginMatcher
from corecors._origins.parsing import Origin, OriginError, parse_origin
from corecors._origins.patterns import OriginPattern, parse_pattern
from corecors._policy.loading import policy_from_env, policy_from_mapping, policy_from_toml
from corecors._policy.paths import PathPolicies, PolicySource
from corecors._policy.policy import Policy
from corecors._policy.problems import PolicyError, Problem
from corecors.answers import Answers
from corecors.evaluation import (
    Decision,
    Kind,
    Reason,
    evaluate,
    is_same_origin,
    preflight_headers,
    response_headers,
)

__all__ = [
    "UNRELATED_HEADERS",
    "Answers",
    "Decision",
    "Kind",
    "Origin",
    "OriginError",
    "OriginMatcher",
    "OriginPattern",
    "PathPolicies",
    "Policy",
    "PolicyError",
    "PolicySource",
    "Problem",
    "Reason",
    "evaluate",
    "is_same_origin",
    "merge_headers",
    "parse_origin",
    "parse_pattern",
    "policy_from_env",
    "policy_from_mapping",
    "policy_from_toml",
    "preflight_headers",
    "response_headers",
]

# Tracebacks, pickles and reference pages show the name that users import, wherever the code stands.
for _name in __all__:
    if callable(globals()[_name]):
        globals()[_name].__module__ = __name__
