"""What the matcher has to decide, written as plainly as can be: every entry is looked at, one after the other.

It shares nothing with the package: an origin is taken apart by hand, by the rules in DESIGN's words, and an entry of
`allow_origins` is compared as text. Slow, and obviously right.
"""

import re
from collections.abc import Callable, Iterable

DEFAULT_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21"}
LOWER = "abcdefghijklmnopqrstuvwxyz"
DIGITS = "0123456789"
PUNYCODE = "xn--"  # how a label begins that stands for other letters


def split_origin(text: str) -> tuple[str, str, str] | None:
    """Scheme, host and port (text, empty for none) of a serialised origin; None for any other text."""
    if "://" not in text:
        return None
    scheme, rest = text.split("://", 1)
    if rest.startswith("["):
        end = rest.find("]") + 1
        host, port = rest[:end], rest[end:]
    else:
        colon = rest.find(":")
        host, port = (rest, "") if colon < 0 else (rest[:colon], rest[colon:])
    if not (_is_scheme(scheme) and _is_host(host) and (port == "" or _is_port(port, scheme))):
        return None
    return scheme, host, port[1:]


def _is_scheme(scheme: str) -> bool:
    if not 1 <= len(scheme) <= 64 or scheme in ("about", "blob", "data", "file", "javascript", "ws", "wss", "ftp"):
        return False
    return scheme[0] in LOWER and all(letter in LOWER + DIGITS + "+-." for letter in scheme)


def _is_port(port: str, scheme: str) -> bool:
    digits = port[1:]
    if port[0] != ":" or not 1 <= len(digits) <= 5 or any(digit not in DIGITS for digit in digits) or digits[0] == "0":
        return False
    return int(digits) <= 65535 and digits != DEFAULT_PORTS.get(scheme)


def _is_host(host: str) -> bool:
    if host.startswith("["):
        return _is_ipv6(host)
    labels = host.split(".")
    if len(host) > 253 or not all(map(_is_label, labels)):
        return False
    last = labels[-1]
    looks_numeric = all(digit in DIGITS for digit in last) or (
        last.startswith("0x") and all(digit in DIGITS + "abcdef" for digit in last[2:])
    )
    return not looks_numeric or (len(labels) == 4 and all(map(_is_octet, labels)))


def _is_label(label: str) -> bool:
    if not 1 <= len(label) <= 63 or label[0] == "-" or label[-1] == "-":
        return False
    return all(letter in LOWER + DIGITS + "-_" for letter in label) and (label[:4] != PUNYCODE or _is_unicode(label))


def _is_unicode(label: str) -> bool:
    """Whether a label in Punycode stands for text, as an older standard has it (IDNA 2003, in Python's own codec)."""
    try:
        return not label.encode("ascii").decode("idna").isascii()
    except UnicodeError:
        return False


def _is_octet(label: str) -> bool:
    return label in map(str, range(256))


def _is_ipv6(host: str) -> bool:
    """Written as browsers do: eight groups in lower-case hexadecimal, the first longest run of zeros compressed."""
    inner = host[1:-1]
    if not host.endswith("]") or any(letter not in DIGITS + "abcdef:" for letter in inner) or inner.count("::") > 1:
        return False
    before, double, after = inner.partition("::")
    left, right = (before.split(":") if before else []), (after.split(":") if after else [])
    zeros = 8 - len(left) - len(right) if double else 0
    groups = [*left, *["0"] * zeros, *right]
    if len(groups) != 8 or (double and zeros < 2) or any(not 1 <= len(group) <= 4 for group in groups):
        return False
    if any(group != "0" and group[0] == "0" for group in groups):
        return False
    runs = {start: _run_of_zeros(groups, start) for start in range(8)}
    longest = max(runs.values())
    if longest < 2:
        return not double
    return bool(double) and zeros == longest and runs[len(left)] == longest and _first(runs, longest) == len(left)


def _run_of_zeros(groups: list[str], start: int) -> int:
    length = 0
    while start + length < 8 and groups[start + length] == "0":
        length += 1
    return length


def _first(runs: dict[int, int], length: int) -> int:
    return min(start for start, run in runs.items() if run == length)


def entry_matches(entry: str, origin: str) -> bool:
    """Whether one entry of `allow_origins` lets a serialised origin in."""
    parts = split_origin(origin)
    if parts is None:
        return False
    if entry == "*":
        return True
    scheme, host, port = parts
    entry_scheme, _, entry_rest = entry.partition("://")
    if entry_rest.endswith(":*"):
        entry_host, any_port, entry_port = entry_rest[:-2], True, ""
    elif entry_rest.startswith("["):
        entry_host, _, entry_port = entry_rest.partition("]:")
        entry_host, any_port = entry_host.removesuffix("]") + "]", False
    else:
        entry_host, _, entry_port = entry_rest.partition(":")
        any_port = False
    if scheme != entry_scheme or not (any_port or port == entry_port):
        return False
    first, *domain = entry_host.split(".")
    labels = host.split(".")
    if "*" not in first:
        return host == entry_host
    if first == "*":
        return len(labels) > len(domain) and labels[-len(domain) :] == domain
    return labels[1:] == domain and _label_matches(first, labels[0])


def _label_matches(pattern: str, label: str) -> bool:
    """Whether a label is what is left of a pattern's `*`, one or more of letters, digits and hyphens, and the rest."""
    before, after = pattern.split("*")
    if not label.startswith(before) or not label.endswith(after) or label.startswith(PUNYCODE):
        return False
    between = label[len(before) : len(label) - len(after)]
    return len(before + after) < len(label) and all(letter in LOWER + DIGITS + "-" for letter in between)


def matches(
    origin: str,
    entries: Iterable[str] = (),
    regexes: Iterable[str] = (),
    predicate: Callable[[str], bool] | None = None,
    *,
    allow_null: bool = False,
    credentials: bool = False,
) -> bool:
    """Whether a policy with these fields lets `origin`, the value of an `Origin` header, in."""
    listed = list(entries)
    if "*" in listed:
        return True
    if origin == "null":
        return allow_null and (not credentials or (predicate is not None and predicate("null") is True))
    if split_origin(origin) is None:
        return False
    if any(entry_matches(entry, origin) for entry in listed):
        return True
    if any(re.fullmatch(regex, origin) for regex in regexes):
        return True
    return predicate is not None and predicate(origin) is True
