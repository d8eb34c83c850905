"""PathPolicies: which policy governs a path.

A path is compared as the application gets it, decoded once, byte for byte and by whole segments. One that anything on
the way might read in more than one way is `UNDECIDED`: see `corecors.path_is_ambiguous`. So is one that an ASGI
application's `root_path` makes another one's equal, where different prefixes govern the two.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, final

from corecors._decisions.request import CORSRequest, path_is_ambiguous
from corecors._decisions.sources import UNDECIDED, PolicySource, Undecided
from corecors._policy.policy import Policy
from corecors._policy.problems import PolicyError, Problem

MAX_DEPTH = 100  # segments of a prefix; a look-up tries each of them

Governor = Policy | PolicySource | None

_ENCODED = "%[0-9A-Fa-f]{2}"
# What no prefix has, and what is said of it; the first one is told.
_FAULTS = (
    (r"\A\Z", "is empty; the prefix of every path is '/'"),
    (r"\A[A-Za-z][A-Za-z0-9+.-]*://", "is a URL where a path belongs"),
    (r"[\x00-\x1f\x7f]|\A\s|\s\Z", "has white space around it or a control character in it"),
    (r"[?#]", "has a query or a fragment, which are not part of a path"),
    # What route templates and regular expressions are made of
    (r"[*<>{}\[\]^|]", "is a pattern: prefixes are plain text, and cover everything below them"),
    (r"\\", "has a backslash"),
    (_ENCODED, "is percent-encoded: paths are compared decoded"),
    (r"\A[^/]", "has no leading slash"),
    (r"//", "has an empty segment"),
)


@final
class PathPolicies:
    """Policies by path prefix, a `PolicySource`: the most specific prefix governs, by whole segments.

    policies: prefixes ("/api/", which is the same as "/api") to policies, or to sources that choose further; None where
        the owner opts out: responses stay untouched. A prefix is plain text as a person reads it, not percent-encoded;
        "/" governs every path.
    default: what governs where no prefix does.

    "/api" governs /api, /api/ and /api/users, never /apiary or /API. A path that can be read in more than one way is
    `UNDECIDED`. Raises `PolicyError` with every problem. Immutable and safe to share between threads. The time of a
    look-up grows with the depth of the prefixes, not with their number.
    """

    __slots__ = ("_depth", "_root", "default", "policies", "varies_by_origin")

    policies: Mapping[str, Governor]
    default: Governor
    varies_by_origin: bool
    _root: "_Node"
    _depth: int

    def __init__(self, policies: Mapping[str, Governor], *, default: Governor = None) -> None:
        problems: list[Problem] = []
        if not isinstance(policies, Mapping):
            message = f"is of type {type(policies).__name__} where a mapping of path prefixes to policies belongs"
            problems.append(Problem("policies", policies, "not-a-mapping", message))
            policies = {}
        spelled: dict[str, str] = {}
        by_prefix: dict[str, Governor] = {}
        entries: Iterable[tuple[Any, Governor]] = policies.items()  # whatever their types say
        for prefix, policy in entries:
            fault = _fault(prefix)
            if fault is not None:
                problems.append(fault)
            else:
                key = prefix.removesuffix("/")
                if key in by_prefix:
                    message = f"is the same prefix as {spelled[key]!a}; leave one of them out"
                    problems.append(Problem("policies", prefix, "duplicate-prefix", message))
                spelled[key] = prefix
                by_prefix[key] = policy
            _require_governor(problems, "policies", prefix, policy)
        _require_governor(problems, "default", default, default)
        if problems:
            raise PolicyError(problems)
        varies = any(varies_by_origin(each) for each in (default, *by_prefix.values()))
        # Spelled out each time: the compiler refuses another name for it.
        object.__setattr__(self, "policies", MappingProxyType(dict(policies)))
        object.__setattr__(self, "default", default)
        object.__setattr__(self, "varies_by_origin", varies)
        object.__setattr__(self, "_root", _tree(by_prefix, default))
        object.__setattr__(self, "_depth", 1 + max((key.count("/") for key in by_prefix), default=0))

    @classmethod
    def from_toml(cls, text: str, table: str = "cors") -> "PathPolicies":
        """The policies in the TOML document `text`: `[cors."/api/"]` and the like, `[cors.default]` for the default.

        Raises `PolicyError` with every problem.
        """
        from corecors._policy.loading import path_policies_from_toml

        return path_policies_from_toml(text, table)

    def for_path(self, path: str) -> Policy | Undecided | None:
        """What governs `path`: a policy, None where the owner opted out, `UNDECIDED` where it cannot be told.

        `path` is the path of a request's URL, percent-decoded once and read as UTF-8; "" is the same as "/".
        """
        return self.policy_for(CORSRequest("GET", path, path_is_ambiguous(path)))

    def policy_for(self, request: CORSRequest) -> Policy | Undecided | None:
        """What governs `request`, by its path."""
        found = self.governor_of(request.path, request.path_is_ambiguous, request.mount)
        if found is None or found is UNDECIDED or isinstance(found, Policy):
            return found
        return found.policy_for(request)

    def governor_of(self, path: str, is_ambiguous: bool, mount: str = "") -> Governor | Undecided:
        """The value of the prefix that governs `path`, a source as it stands; `UNDECIDED` for a path that is ambiguous.

        All as in `CORSRequest`: for a door that makes no request.
        """
        if is_ambiguous:
            return UNDECIDED
        node = self._root
        # Not one cut more than the deepest prefix has: a path of a million slashes costs what any path of its length
        # does.
        for segment in path.split("/", self._depth):
            longer = node.below.get(segment)
            if longer is None:
                break
            node = longer
        return self._unless_mounted(node.governor, path, mount.rstrip("/")) if mount else node.governor

    def _unless_mounted(self, governor: Governor | Undecided, path: str, mount: str) -> Governor | Undecided:
        """`governor`, which governs `path` as it is written; `UNDECIDED` where what runs may be that of another path.

        With a mount, frameworks run the same for "/mount/x" as for "/x", and servers differ in which of the two they
        write. Which of them a prefix is written for can be told by whether some prefix is below the mount. Some run it
        for "/mountx" as well (asgiref and hypercorn around a WSGI application), Quart even for "/y/mount/x".
        """
        if not mount:
            return governor
        before, found, after = path.partition(mount)
        is_below = not before and bool(found) and after[:1] in ("", "/")
        node: _Node | None = self._root
        for segment in mount.split("/"):
            node = None if node is None else node.below.get(segment)
        is_written = node is not None
        if is_below and is_written:
            return governor
        rest = "/" + after.lstrip("/")
        others = [rest] if found else []
        if not is_below and is_written:
            others.append(mount + path)
            if found:
                others.append(mount + rest)
        return governor if all(self.governor_of(other, False) is governor for other in others) else UNDECIDED

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"PathPolicies are immutable: make others instead of setting {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"PathPolicies are immutable: {name} cannot be deleted")

    def __repr__(self) -> str:
        return f"PathPolicies({dict(self.policies)!r}, default={self.default!r})"


class _Node:
    """What governs at a prefix and below, and the prefixes that are longer by a segment."""

    __slots__ = ("below", "governor")

    def __init__(self, governor: Governor | Undecided) -> None:
        self.governor = governor
        self.below: dict[str, _Node] = {}


def _tree(by_prefix: Mapping[str, Governor], default: Governor) -> _Node:
    """Every path begins with an empty segment, whose node is the only one below the root. What doesn't is `OPTIONS *`,
    or a whole URL as the request target."""
    root = _Node(UNDECIDED)
    root.below[""] = _Node(default)
    for prefix in sorted(by_prefix, key=lambda prefix: prefix.count("/")):
        node = root
        for segment in prefix.split("/"):  # what is new begins with what governs above: that is there already
            node = node.below.setdefault(segment, _Node(node.governor))
        node.governor = by_prefix[prefix]
    return root


def varies_by_origin(governor: Governor) -> bool:
    """Whether what `governor` answers may depend on the request's `Origin` beyond what a policy's own `Vary` says."""
    if governor is None or isinstance(governor, Policy):
        return False
    return bool(getattr(governor, "varies_by_origin", True))


def _require_governor(problems: list[Problem], field: str, shown: object, governor: object) -> None:
    if (
        governor is not None
        and not isinstance(governor, Policy)
        and not callable(getattr(governor, "policy_for", None))
    ):
        subject = "has a value" if field == "policies" else "is"
        message = f"{subject} of type {type(governor).__name__} where a Policy or a policy source belongs"
        if isinstance(governor, dict):
            message += "; policy_from_mapping makes a policy of it"
        problems.append(Problem(field, shown, "not-a-policy", message))


def _fault(prefix: object) -> Problem | None:
    """What is wrong with `prefix`, if anything."""
    if not isinstance(prefix, str):
        return Problem("policies", prefix, "not-a-prefix", f"is not a path but of type {type(prefix).__name__}")
    message = _first_fault(prefix)
    return None if message is None else Problem("policies", prefix, "not-a-prefix", message, _fixed(prefix))


def _first_fault(prefix: str) -> str | None:
    for pattern, message in _FAULTS:
        if re.search(pattern, prefix):
            return message
    if prefix.count("/") > MAX_DEPTH:
        return f"has more than {MAX_DEPTH} segments"
    if path_is_ambiguous(prefix):
        return "has a dot segment: such paths are ambiguous, and no policy governs them"
    return None


def _fixed(prefix: str) -> str | None:
    """The prefix that was surely meant, if there is one."""
    path = re.sub(r"\A[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*", "", prefix.strip()) or "/"
    path = re.split(r"[?#]", path)[0]
    if re.search(_ENCODED, path) or "\\" in path:
        return None  # what it decodes to is not for us to guess
    path = re.sub("/{2,}", "/", "/" + path.removeprefix("^").removesuffix("$"))
    path = re.sub(r"/(?:\.?\*+|<path:\w+>)\Z", "/", path)
    return path if _first_fault(path) is None else None
