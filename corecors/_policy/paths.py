"""PathPolicies: which policy governs a path.

Facts
-----
Paths are where a configuration and a framework disagree: one normalises `..`, folds case, merges slashes or decodes
twice, the other does not, and a policy for /public ends up on /admin. So a path is compared as the application gets it
(decoded once, by the server), byte for byte and by whole segments, and a path that anything on the way might read in
more than one way has no policy at all: segments `.` and `..`, an empty segment (`//`), a backslash, and a slash,
backslash or dot that is still percent-encoded. Browsers never send dot segments, encoded or not: they resolve them
before they ask (https://url.spec.whatwg.org/#path-state).

WSGI hands the path over as SCRIPT_NAME and PATH_INFO, percent-decoded, each byte one character (PEP 3333, "URL
Reconstruction"). An encoded slash has become a slash by then, and some servers have merged slashes (waitress, wsgiref)
or resolved dot segments (uWSGI). RAW_URI or REQUEST_URI still shows what was sent, where a server sets one (gunicorn,
uWSGI, waitress and Werkzeug's do, wsgiref and granian do not).
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol, final

from corecors._policy.policy import Policy
from corecors._policy.problems import PolicyError, Problem

_AMBIGUOUS = re.compile(r"//|\\|/\.\.?(?:/|\Z)|%(?:2[ef]|5c)", re.IGNORECASE)
_ENCODED = re.compile("%[0-9A-Fa-f]{2}")
_PATTERN = re.compile(r"[*<>{}\[\]^|]")  # what route templates and regular expressions are made of


class PolicySource(Protocol):
    """What tells an adapter which policy governs a request: `PathPolicies`, or whatever knows a framework's routes."""

    def for_environ(self, environ: Mapping[str, Any]) -> Policy | None:
        """The policy that governs the request of a WSGI `environ`; None to leave the request alone."""
        ...


@final
class PathPolicies:
    """Policies by path prefix: the most specific prefix governs, by whole segments.

    policies: prefixes ("/api/", which is the same as "/api") to policies; None where no policy shall govern. A prefix
        is plain text as a person reads it, not percent-encoded; "/" governs every path.
    default: what governs where no prefix does.

    "/api" governs /api, /api/ and /api/users, never /apiary or /API. Raises `PolicyError` with every problem.
    Immutable and safe to share between threads. The time of a look-up grows with the depth of the prefixes, not with
    their number.
    """

    __slots__ = ("_by_prefix", "_depth", "default", "policies")

    policies: Mapping[str, Policy | None]
    default: Policy | None
    _by_prefix: dict[str, Policy | None]
    _depth: int

    def __init__(self, policies: Mapping[str, Policy | None], *, default: Policy | None = None) -> None:
        problems: list[Problem] = []
        if not isinstance(policies, Mapping):
            wrong = f"is of type {type(policies).__name__} where a mapping of path prefixes to policies belongs"
            problems.append(Problem("policies", policies, wrong))
            policies = {}
        spelled: dict[str, str] = {}
        by_prefix: dict[str, Policy | None] = {}
        for prefix, policy in policies.items():
            fault = _fault(prefix)
            if fault is not None:
                problems.append(fault)
            else:
                key = _wsgi_text(prefix.removesuffix("/"))
                if key in by_prefix:
                    wrong = f"is the same prefix as {spelled[key]!r}; leave one of them out"
                    problems.append(Problem("policies", prefix, wrong))
                spelled[key] = prefix
                by_prefix[key] = policy
            _require_policy(problems, "policies", prefix, policy)
        _require_policy(problems, "default", default, default)
        if problems:
            raise PolicyError(problems)
        put = object.__setattr__
        put(self, "policies", MappingProxyType(dict(policies)))
        put(self, "default", default)
        put(self, "_by_prefix", by_prefix)
        put(self, "_depth", max((key.count("/") for key in by_prefix), default=0))

    def for_path(self, path: str) -> Policy | None:
        """The policy that governs `path`, or None.

        `path` is the path of a request's URL, percent-decoded once and read as UTF-8; "" is the same as "/".
        """
        return self._find(path if path.isascii() else _wsgi_text(path))

    def for_environ(self, environ: Mapping[str, Any]) -> Policy | None:
        """The policy that governs the request of a WSGI `environ`, or None. The path is SCRIPT_NAME + PATH_INFO."""
        target = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
        if target[:1] != "/":
            target = target.partition("://")[2]  # a whole URL, which proxies are asked with
        if _is_ambiguous(target.partition("?")[0]):
            return None
        return self._find(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""))

    def _find(self, path: str) -> Policy | None:
        if path[:1] not in {"", "/"}:
            return None  # `OPTIONS *`, or a whole URL as the request target
        if _is_ambiguous(path):
            return None
        by_prefix = self._by_prefix
        # Not one cut more than the deepest prefix has: a path of a million slashes costs what any path of its length
        # does.
        segments = path.split("/", self._depth + 1)[: self._depth + 1]
        while segments:
            prefix = "/".join(segments)
            if prefix in by_prefix:
                return by_prefix[prefix]
            segments.pop()
        return self.default

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"PathPolicies are immutable: make others rather than set {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"PathPolicies are immutable: {name} cannot be deleted")

    def __repr__(self) -> str:
        return f"PathPolicies({dict(self.policies)!r}, default={self.default!r})"


def _is_ambiguous(path: str) -> bool:
    suspicious = "/." in path or "//" in path or "%" in path or "\\" in path  # a tenth of what the search costs
    return suspicious and _AMBIGUOUS.search(path) is not None


def _wsgi_text(text: str) -> str:
    """`text` as WSGI spells it: UTF-8, each byte one character. Never fails: lone surrogates are bytes like others."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


def _require_policy(problems: list[Problem], field: str, shown: object, policy: object) -> None:
    if policy is not None and not isinstance(policy, Policy):
        subject = "has a value" if field == "policies" else "is"
        problems.append(Problem(field, shown, f"{subject} of type {type(policy).__name__} where a Policy belongs"))


def _fault(prefix: object) -> Problem | None:
    """What is wrong with `prefix`, if anything."""
    if not isinstance(prefix, str):
        return Problem("policies", prefix, f"is no path but of type {type(prefix).__name__}")
    wrong = _first_fault(prefix)
    if wrong is None:
        return None
    mend = _mended(prefix)
    return Problem("policies", prefix, wrong, None if mend is None else repr(mend))


def _first_fault(prefix: str) -> str | None:
    if not prefix:
        return "is empty; the prefix of every path is '/'"
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", prefix):
        return "is a URL where a path belongs"
    if re.search(r"[\x00-\x1f\x7f]", prefix) or prefix != prefix.strip():
        return "has white space around it or a control character in it"
    if "?" in prefix or "#" in prefix:
        return "has a query or a fragment, which are no part of a path"
    if _PATTERN.search(prefix):
        return "is a pattern: prefixes are plain text, and cover everything below them"
    if "\\" in prefix:
        return "has a backslash"
    if _ENCODED.search(prefix):
        return "is percent-encoded: paths are compared decoded"
    if not prefix.startswith("/"):
        return "has no leading slash"
    if "//" in prefix:
        return "has an empty segment"
    if _AMBIGUOUS.search(prefix):
        return "has a dot segment, which no path that is governed has"
    return None


def _mended(prefix: str) -> str | None:
    """The prefix that was surely meant, if there is one."""
    path = re.sub(r"\A[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*", "", prefix.strip()) or "/"
    path = re.split(r"[?#]", path)[0]
    if _ENCODED.search(path) or "\\" in path:
        return None  # what it decodes to is not for us to guess
    path = re.sub("/{2,}", "/", "/" + path.removeprefix("^").removesuffix("$"))
    path = re.sub(r"/(?:\.?\*+|<path:\w+>)\Z", "/", path)
    return path if _first_fault(path) is None else None
