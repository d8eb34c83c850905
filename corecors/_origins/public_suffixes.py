"""Whether a domain is a public suffix: one below which anybody can register a name, such as `com` or `github.io`.

The list of https://publicsuffix.org comes with the package `publicsuffixlist` (extra `psl`) and is read when a policy
first needs it. Without that package only the shape is known: a single label is taken for a public suffix.
"""

from functools import cache
from typing import Protocol


class _SuffixList(Protocol):
    def is_public(self, domain: str) -> bool: ...


def is_public_suffix(domain: str) -> bool:
    """Whether anybody may register names directly below `domain` (lower case, no trailing dot)."""
    if domain == "localhost" or domain.endswith(".localhost"):
        return False  # RFC 6761 6.3: never registered
    suffixes = _suffix_list()
    return "." not in domain if suffixes is None else suffixes.is_public(domain)


def knows_public_suffixes() -> bool:
    """Whether the whole list is installed, or only single labels are known."""
    return _suffix_list() is not None


@cache
def _suffix_list() -> _SuffixList | None:
    try:
        from publicsuffixlist import PublicSuffixList
    except ImportError:
        return None
    suffixes: _SuffixList = PublicSuffixList()
    return suffixes
