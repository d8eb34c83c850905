"""The attack corpora in tests/support/data/attack, read.

Where a corpus leaves a choice, it is made here once:

- An underscore in a host label is allowed, for real preview hosts have it.
- `Access-Control-Request-Headers` may have its names in any order, in any case and more than once (as in the corpus'
  "lenient" profile); white space and empty elements are bounded (as in its "strict" one).
- A `*` inside the leftmost label is part of our grammar, below a domain of at least two labels. The corpus knows `*` as
  a whole label alone.
- Punycode has to stand for text that a browser writes so; the corpus takes any label that begins with `xn--`.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

_DATA = Path(__file__).parent / "data" / "attack"


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_DATA / f"{name}.json").read_text(encoding="utf-8"))
    return found


class HostileOrigin(NamedTuple):
    id: str
    lines: list[str]  # the values of the Origin lines, decoded as latin-1
    allowed: bool

    @property
    def value(self) -> str:
        return ",".join(self.lines)


class HostilePreflight(NamedTuple):
    id: str
    config: str
    method: str
    target: str
    headers: list[tuple[str, str]]
    outcome: str  # ok, fail or app

    def value(self, name: str) -> str | None:
        """What a request's header `name` is, its lines joined; None without it."""
        lines = [value for key, value in self.headers if key.lower() == name.lower()]
        return ",".join(lines) if lines else None


class HostilePattern(NamedTuple):
    id: str
    text: str
    accepted: bool
    accepted_with_credentials: bool


def _generated(gen: dict[str, Any]) -> str:
    return str(gen["prefix"]) + str(gen["unit"]) * int(gen["times"]) + str(gen["suffix"])


_NO_PUNYCODE = {"https://xn--x.example.org"}
_LABEL_WITH_A_WILDCARD = {"https://*a.example.org"}


def _is_about_underscores(entry: dict[str, Any]) -> bool:
    return str(entry.get("debatable", entry["why"])).startswith("underscore")


ALLOW_LIST: list[str] = _read("origins")["allow_list"]


def origins() -> list[HostileOrigin]:
    found = []
    for entry in _read("origins")["entries"]:
        text = entry["origin"] if entry["origin"] is not None else _generated(entry["gen"])
        below_an_allowed_domain = _is_about_underscores(entry) and text.endswith(".example.org")
        allowed = (entry["must_be"] == "allowed" and text not in _NO_PUNYCODE) or below_an_allowed_domain
        found.append(HostileOrigin(entry["id"], entry.get("origin_lines", [text]), allowed))
    return found


def preflight_policies() -> dict[str, dict[str, Any]]:
    """Arguments of the policies that the preflights are sent to, by their names in the corpus."""
    renamed = {
        "origins": "allow_origins",
        "methods": "allow_methods",
        "request_headers": "allow_headers",
        "credentials": "allow_credentials",
        "max_age": "max_age",
    }
    configs = _read("preflights")["configs"]
    return {name: {renamed[key]: value for key, value in config.items()} for name, config in configs.items()}


def preflights() -> list[HostilePreflight]:
    found = []
    for entry in _read("preflights")["entries"]:
        request = entry["request"]
        headers = [(name, value) for name, value in request["headers"]]
        if "gen" in request:
            headers.append((request["gen"]["header"], _generated(request["gen"])))
        preflight = HostilePreflight(entry["id"], entry["config"], request["method"], request["target"], headers, "")
        found.append(preflight._replace(outcome=entry[_profile(preflight)]))
    return found


def _profile(preflight: HostilePreflight) -> str:
    method = preflight.value("Access-Control-Request-Method") or ""
    elements = (preflight.value("Access-Control-Request-Headers") or "x").split(",")
    has_space = any(text != text.strip() for text in [method, *elements])
    return "strict" if has_space or "" in elements else "lenient"


def patterns() -> list[HostilePattern]:
    found = []
    for entry in _read("config_patterns")["entries"]:
        accepted = (
            entry["must_be"] != "refuse" or _is_about_underscores(entry) or entry["pattern"] in _LABEL_WITH_A_WILDCARD
        )
        with_credentials = accepted and entry["must_be"] != "refuse-with-credentials"
        found.append(HostilePattern(entry["id"], entry["pattern"], accepted, with_credentials))
    return found


def is_latin_1(*texts: str) -> bool:
    """Whether a server could hand these texts over: an environ holds bytes, decoded as latin-1."""
    return all(ord(character) < 256 for text in texts for character in text)
