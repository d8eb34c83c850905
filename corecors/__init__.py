"""CORS decided in one place: a core of pure functions that depends on nothing but the standard library."""

from typing import TYPE_CHECKING, Any

from corecors._decisions.admission import admission, is_same_origin
from corecors._decisions.decision import Decision, Kind, Reason
from corecors._decisions.merging import merge_headers, unrelated_headers
from corecors._decisions.request import CORSRequest, Place, path_is_ambiguous, possible_methods
from corecors._decisions.sources import UNDECIDED, PolicySource, Undecided
from corecors._origins.errors import CORSError, OriginError
from corecors._origins.matching import OriginMatcher
from corecors._origins.parsing import Origin, parse_origin
from corecors._origins.patterns import OriginPattern, parse_pattern
from corecors._policy.loading import (
    policy_from_env,
    policy_from_mapping,
    policy_from_toml,
    source_from_env,
    source_from_mapping,
    source_from_toml,
)
from corecors._policy.paths import PathPolicies
from corecors._policy.policy import Policy
from corecors._policy.problems import PolicyError, Problem
from corecors._policy.tiers import OriginPolicies
from corecors.evaluation import evaluate, preflight_headers, response_headers

if TYPE_CHECKING:
    from corecors._observing.door import Door
    from corecors._observing.rejections import RejectionLog
    from corecors._policy.unknown_names import foreign_call_error

__version__ = "0.2.0"
__compiled__: bool = not hasattr(evaluate, "__code__")  # bytecode, which a compiled function does not have

__all__ = [
    "UNDECIDED",
    "CORSError",
    "CORSRequest",
    "Decision",
    "Door",
    "Kind",
    "Origin",
    "OriginError",
    "OriginMatcher",
    "OriginPattern",
    "OriginPolicies",
    "PathPolicies",
    "Place",
    "Policy",
    "PolicyError",
    "PolicySource",
    "Problem",
    "Reason",
    "RejectionLog",
    "Undecided",
    "admission",
    "evaluate",
    "foreign_call_error",
    "is_same_origin",
    "merge_headers",
    "parse_origin",
    "parse_pattern",
    "path_is_ambiguous",
    "policy_from_env",
    "policy_from_mapping",
    "policy_from_toml",
    "possible_methods",
    "preflight_headers",
    "response_headers",
    "source_from_env",
    "source_from_mapping",
    "source_from_toml",
    "unrelated_headers",
]

# Doors need these, the first two with `logging`, the third a long table; who calls the functions alone does not.
_LATE = {
    "Door": "corecors._observing.door",
    "RejectionLog": "corecors._observing.rejections",
    "foreign_call_error": "corecors._policy.unknown_names",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(_LATE[name]), name)
    found.__module__ = __name__
    globals()[name] = found
    return found


# Tracebacks, pickles and reference pages show the name that users import, wherever the code stands.
for _name in __all__:
    if _name not in _LATE and callable(globals()[_name]):
        globals()[_name].__module__ = __name__
