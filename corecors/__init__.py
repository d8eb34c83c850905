"""CORS decided in one place: a core of pure functions that depends on nothing but the standard library."""

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
from corecors.headers import UNRELATED_HEADERS, merge_headers
from corecors.loading import policy_from_env, policy_from_mapping, policy_from_toml
from corecors.matching import OriginMatcher
from corecors.origins import Origin, OriginError, parse_origin
from corecors.paths import PathPolicies, PolicySource
from corecors.patterns import OriginPattern, parse_pattern
from corecors.policy import Policy
from corecors.problems import PolicyError, Problem

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
