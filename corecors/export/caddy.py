"""A policy as the configuration of Caddy, 2.8 or newer: directives for a `route`, and for `handle_errors`.

Facts
-----
- Inside of `route` directives run as they stand; elsewhere Caddy sorts them, and would ask for a login before it
  answers a preflight.
- A header that is deferred is written when the response begins, the last directive first: so what the application said
  is taken out by the last one. On errors that Caddy makes itself nothing of it is left, and `handle_errors` says it
  again.
- `header >+Vary` adds nothing: what is added has to stand in a block with `defer`.
- Expressions are Go's, which are RE2's: linear, no repetition of more than 1,000, nested ones multiplied. They are
  searched for, so each is anchored by `\\A` and `\\z`. In `map` keys without "~" are compared whole, with their case,
  but for `default`.
- A method of more than 32 characters is answered with 405 before anything else happens.
- Several lines of one name are one value, joined by commas. Values of placeholders are not read again.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from corecors._decisions import headers
from corecors._decisions.sources import PolicySource
from corecors._origins.parsing import Origin
from corecors._policy.policy import Policy
from corecors.export.parts import (
    CHECKS,
    ECHOED,
    METHOD,
    ON_REQUEST,
    REPLACED,
    TOKEN,
    Condition,
    Grant,
    Parts,
    literal,
    take_apart,
)
from corecors.export.problems import one_policy, refuse
from corecors.export.re2 import too_long, too_many_repetitions
from corecors.export.text import TOLD_TWICE, TWICE, check_part, heading, not_carried, read_listen, read_upstream, remark

TARGET: Final = "caddy"
_ONE_ALONE: Final = (
    "Caddy can be told one Policy, for its matchers see a path without regard to case, and not as the application "
    "reads it: export each policy for a site of its own"
)
_CARRIED: Final = re.compile(".{1,32}")  # methods; others are answered before any of this is read
_ORIGIN = "{header.Origin}"


def render(
    policy: Policy | PolicySource,
    *,
    whole: bool = False,
    upstream: str | None = None,
    part: str | None = None,
    listen: str = "127.0.0.1:8080",
) -> str:
    """`policy` for Caddy.

    part: "route" or "errors" for one of the two parts; by default both, each below a line that says where it belongs.
    Raises `ExportError`, and `ValueError` for options that are none.
    """
    check_part(part, whole, ("route", "errors"))
    host, port = read_listen(listen)
    policy = one_policy(policy, TARGET, _ONE_ALONE)
    parts, problems = take_apart(policy, backtracks=False)
    repeated = too_many_repetitions(parts, "allow_origin_regexes", "Caddy")
    refuse(TARGET, [*problems, *repeated])
    route = "\n".join(_route(parts)) + "\n"
    errors = "\n".join(_responses(parts)) + "\n"
    top = heading(policy, TARGET) + not_carried([policy], _CARRIED, "Caddy itself answers these methods with 405")
    if whole:
        return top + _whole(route, errors, read_upstream(upstream), host, port)
    if part is not None:
        return top + (route if part == "route" else errors)
    return (
        f"{top}\n# ---- for route {{ }} of a site, before everything else in there (basic_auth, reverse_proxy)\n\n"
        f"{route}\n# ---- for handle_errors {{ }} of the same site, before its respond {{err.status_code}}\n\n{errors}"
    )


def quoted(text: str) -> str:
    """`text`, printable ASCII that does not end in a backslash, as one word. Within double quotes only they escape."""
    return '"' + text.replace('"', '\\"') + '"'


def _block(opening: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"{opening} {{"
    yield from (f"\t{line}" for line in lines)
    yield "}"


def _key(regex: str) -> str:
    return quoted(rf"~\A(?:{regex})\z")


def _exact_key(text: str) -> str:
    """The key of a map that is `text`, a token or an origin, and nothing else."""
    return _key(literal(text)) if text.startswith("~") or text == "default" else quoted(text)


def _map(source: str, variable: str, keys: Iterable[str], *, found: str = "1", default: str = '""') -> Iterator[str]:
    lines = [*(f"{key} {found}" for key in keys), f"default {default}"]
    yield from _block(f"map {source} {{corecors_{variable}}}", lines)


def _condition(source: str, variable: str, condition: Condition) -> Iterator[str]:
    """A variable that is 1 if the condition holds, else empty."""
    if condition.wanted:
        yield from _map(source, variable, [_key(condition.regex)])
    else:
        yield from _map(source, variable, [_key(condition.regex)], found='""', default="1")


# Requests


def _route(parts: Parts) -> Iterator[str]:
    yield "# Of two maps to one variable Caddy reads the first: a second policy for one request is an error."
    yield "@corecors_twice vars {corecors_once} 1"
    yield f"respond @corecors_twice {quoted(TOLD_TWICE)} {TWICE}"
    yield "map {header.Origin} {corecors_once} {"
    yield "\tdefault 1"
    yield "}"
    yield "# What the answer depends on; each is 1 or empty."
    if not parts.any_origin:
        yield from _origin(parts)
    method, names = f"{{header.{headers.REQUEST_METHOD}}}", f"{{header.{headers.REQUEST_HEADERS}}},"
    methods = [_key(METHOD)] if parts.methods is None else map(_exact_key, parts.methods)
    yield from _map(method, "method", methods)
    yield "# The comma behind the list makes every name end with one."
    conditions = (too_long(parts.longest_names + len(",")), *parts.names)
    for number, condition in enumerate(conditions):
        yield from _condition(names, f"names_{number}", condition)
    allowed = "1" if parts.any_origin else "{corecors_allowed}"
    named = "".join(f"{{corecors_names_{number}}}" for number in range(len(conditions)))
    yield "# The last check that a preflight passes: of its origin, then of its method, then of its names"
    all_named = quoted(f"1:1:{'1' * len(conditions)}")
    passed = [f"{all_named} names", f"{_key('1:1:.*')} method", f"{_key('1:.*')} origin", 'default ""']
    yield from _block(f"map {allowed}:{{corecors_method}}:{named} {{corecors_passed}}", passed)
    yield ""
    preflight = ("method OPTIONS", f"header {headers.ORIGIN} *", f"header {headers.REQUEST_METHOD} *")
    yield from _block("@corecors_preflight", preflight)
    yield f"header @corecors_preflight {headers.VARY} {quoted(ON_REQUEST)}"
    for number, check in enumerate(CHECKS):
        granted = [f"{header} {_value(header, value)}" for header, value, after in parts.preflight if after == check]
        if granted or check == "names":
            passes = f"vars {{corecors_passed}} {' '.join(CHECKS[number:])}"
            yield from _block(f"@corecors_passes_{check}", [*preflight, passes])
        if granted:
            yield from _block(f"header @corecors_passes_{check}", granted)
    if Grant(headers.ALLOW_HEADERS, None, "names") in parts.preflight:
        yield f'@corecors_no_names vars {{header.{headers.REQUEST_HEADERS}}} ""'
        yield f"header @corecors_no_names -{headers.ALLOW_HEADERS}"
    yield f"respond @corecors_passes_names {parts.preflight_status}"
    yield f"respond @corecors_preflight {parts.failed_status}"
    yield ""
    yield from _responses(parts)


def _value(header: str, value: str | None) -> str:
    return f"{{header.{ECHOED[header]}}}" if value is None else quoted(value)


def _origin(parts: Parts) -> Iterator[str]:
    yield from _map(_ORIGIN, "listed", map(_exact_key, parts.exact))
    if not parts.rules:
        yield from _map("{corecors_listed}", "allowed", ["1"])
        return
    yield "# What a browser may have written, and an entry of the policy lets in:"
    for number, condition in enumerate(parts.well_formed):
        yield from _condition(_ORIGIN, f"origin_{number}", condition)
    yield from (f"# {remark(rule.entry)}" for rule in parts.rules)
    yield from _map(_ORIGIN, "rule", (_key(rule.regex) for rule in parts.rules))
    formed = "".join(f"{{corecors_origin_{number}}}" for number in range(len(parts.well_formed)))
    by_rule = "1" * (len(parts.well_formed) + 1)
    source = f"{{corecors_listed}}:{formed}{{corecors_rule}}"
    yield from _map(source, "allowed", [_key(f"1:.*|:{by_rule}")])


# Responses


def _responses(parts: Parts) -> Iterator[str]:
    ours = []
    for name, value in parts.actual:
        ours.append(f"{'+' if name == headers.EXPOSE_HEADERS else ''}{name} {quoted(value)}")
    origin = "*" if parts.any_origin else _ORIGIN
    ours.append(f"{headers.ALLOW_ORIGIN} {origin}")
    if parts.timing:
        ours.append(f"{headers.TIMING_ALLOW_ORIGIN} {origin}")
    if parts.any_origin:
        yield from _block("header", [*ours, "defer"])
    else:
        yield "@corecors_allowed vars {corecors_allowed} 1"
        yield from _block("header @corecors_allowed", [*ours, "defer"])
        yield "@corecors_refused not vars {corecors_allowed} 1"
        yield f"header @corecors_refused -{headers.EXPOSE_HEADERS}"
    yield from _exposed(parts)
    yield "# The application's own words on CORS give way."
    vary = [] if parts.any_origin else [f"+{headers.VARY} {headers.ORIGIN}"]
    yield from _block("header", [*(f"-{name}" for name in REPLACED), *vary, "defer"])


def _exposed(parts: Parts) -> Iterator[str]:
    """What the application exposes, without what is not a name, and without `*` where a policy has credentials: a page
    that sends no cookies would take it for every header."""
    other = f"[^,{TOKEN[1:-1]}]"
    steps = [
        ("[ \\t]*,[ \\t]*|^[ \\t]*|[ \\t]*$", ",,"),  # each element now has two commas of its own
        (f",[^,]*{other}[^,]*,", ","),
        *([(",[*],", ",")] if parts.credentials else []),
        ("^,+|,+$", ""),
        (",+", ", "),
    ]
    yield "# What it exposes is merged, but for what is not a name; the last step comes first."
    for pattern, replacement in reversed(steps):
        yield f"header >{headers.EXPOSE_HEADERS} {quoted(pattern)} {quoted(replacement)}"


def _whole(route: str, errors: str, upstream: Origin, host: str, port: int) -> str:
    def inner(text: str) -> str:
        return "".join(f"\t\t{line}\n" if line else "\n" for line in text.splitlines())

    return f"""\
{{
	admin off
}}

http://:{port} {{
	bind {host}
	route {{
{inner(route)}\
		reverse_proxy {upstream}
	}}
	handle_errors {{
{inner(errors)}\
		respond {{err.status_code}}
	}}
}}
"""
