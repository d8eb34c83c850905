"""A policy as the configuration of HAProxy, 2.6 or newer with PCRE: lines for a `frontend` or a `listen`.

Facts
-----
- `req.hdr` splits a header at its commas; `req.fhdr` does not, but in an `acl` it tries every line of that name, and in
  a format it is the last one. So what is compared, and echoed, is a variable, set where there is one line only.
- `-m str` compares up to a NUL, which it takes in a header: nothing that has one is compared.
- Within single quotes every character is itself, but for the quote. In a format "%" begins a variable: "%%" is one.
- `http-after-response` covers answers that HAProxy makes itself: errors, and those to preflights.
- `replace-value` is handed the elements of a list one by one; `add-header` leaves the lines that are there.
- `url_dec` fails at a percent sign that begins no escape.
- A line has at most 64 words.
- Acls of one name in one frontend are one acl: any of them will do. Variables of `txn` are those of the backend too.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from corecors._decisions import headers
from corecors._decisions.sources import PolicySource
from corecors._origins.parsing import Origin
from corecors._policy.policy import Policy
from corecors.export.parts import CHECKS, METHOD, ON_REQUEST, TOKEN, Grant, Parts, together
from corecors.export.paths import (
    MOVES,
    PLAIN_PATH,
    UNDECIDED,
    UNTOUCHED,
    Branch,
    Governed,
    prefix_regex,
    take_all_apart,
)
from corecors.export.text import TOLD_TWICE, TWICE, check_listen, heading, read_upstream, remark

TARGET: Final = "haproxy"
FAILED: Final = 403
_ESCAPED: Final = 'regsub("%(?![0-9A-Fa-f][0-9A-Fa-f])","%25",g)'
_ECHOES: Final = {
    headers.ALLOW_ORIGIN: "txn.corecors_allowed",
    headers.ALLOW_METHODS: "txn.corecors_method",
    headers.ALLOW_HEADERS: "txn.corecors_allow_headers",
}
_PRINTABLE: Final = r"'\A[!-~]+\z'"  # an origin, or a method


def render(
    policy: Policy | PolicySource, *, whole: bool = False, upstream: str | None = None, listen: str = "127.0.0.1:8080"
) -> str:
    """`policy` for HAProxy. Raises `ExportError`, and `ValueError` for options that are none."""
    check_listen(listen)
    governed, taken = take_all_apart(policy, TARGET)
    lines = [*_request(governed, taken), "", *_response(governed, taken)]
    fragment = "".join(f"    {line}\n" if line else "\n" for line in lines)
    top = heading(policy, TARGET)
    if whole:
        return top + _whole(fragment, read_upstream(upstream), listen)
    return f"{top}# For a frontend or a listen, before its other rules.\n\n{fragment}"


def quoted(text: str) -> str:
    """`text` as one word."""
    return "'" + text.replace("'", "'\\''") + "'"


def _format(text: str) -> str:
    """A format that is `text` and nothing else, as one word."""
    return quoted(text.replace("%", "%%"))


def _acl(name: str, what: str, method: str, *values: str) -> list[str]:
    """One acl, a line for each value: any of them will do. Behind `--` a value that begins with "-" is a value."""
    return [f"acl corecors_{name} {what} -m {method} -- {quoted(value)}" for value in values]


def _whole_text(regex: str) -> str:
    return rf"\A{regex}\z"


def _guard(branch: Branch) -> str:
    return "" if branch.number is None else f" corecors_governed_by_{branch.number}"


# Requests


def _request(governed: Governed, taken: list[tuple[Branch, Parts]]) -> Iterator[str]:
    yield "# A second policy for one request would let in anyone that either lets in: it is an error."
    twice = "{ var(txn.corecors_outcome) -m found }"
    yield f"http-request return status {TWICE} content-type text/plain string {quoted(TOLD_TWICE)} if {twice}"
    yield "# What the answer depends on. Two lines of one name are nobody's origin, method or list."
    yield "http-request set-var(txn.corecors_outcome) str(actual)"
    for variable, header in (("origin", headers.ORIGIN), ("method", headers.REQUEST_METHOD)):
        name = header.lower()
        yield f"http-request set-var(txn.corecors_{variable}) req.fhdr({name}) if {{ req.fhdr_cnt({name}) eq 1 }}"
        printable = f"{{ var(txn.corecors_{variable}) -m reg -- {_PRINTABLE} }}"
        yield f"http-request unset-var(txn.corecors_{variable}) if !{printable}"
    name = headers.REQUEST_HEADERS.lower()
    # The comma behind the list makes every name end with one.
    yield (f"http-request set-var-fmt(txn.corecors_names) '%[req.fhdr({name})],' if {{ req.fhdr_cnt({name}) le 1 }}")
    yield "acl corecors_preflight method OPTIONS"
    yield from (
        f"acl corecors_has_{variable} req.fhdr_cnt({header.lower()}) gt 0"
        for variable, header in (("origin", headers.ORIGIN), ("method", headers.REQUEST_METHOD))
    )
    yield "# The last check that a preflight passes: of its origin, then of its method, then of its names"
    for number, check in enumerate(CHECKS):
        yield from _acl(f"passes_{check}", "var(txn.corecors_passed)", "str", *CHECKS[number:])
    yield from _governor(governed)
    for branch, parts in taken:
        yield ""
        yield from _origins(branch, parts)
        yield from _preflight(branch, parts)
    yield ""
    for status in sorted({FAILED, *(parts.preflight_status for _, parts in taken)}):
        yield f"http-request return status {status} if {{ var(txn.corecors_outcome) -m str {status} }}"


def _governor(governed: Governed) -> Iterator[str]:
    if governed.paths is None:
        return
    yield ""
    yield "# Which policy governs the path; a path that can be read in more than one way has none."
    yield from _acl("plain_path", quoted(f"path,{_ESCAPED}"), "reg", _whole_text(PLAIN_PATH))
    yield f"http-request set-var(txn.corecors_governor) str({UNDECIDED})"
    yield f"http-request set-var(txn.corecors_governor) str({governed.default}) if corecors_plain_path"
    for index, (prefix, governor) in reversed(list(enumerate(governed.paths))):
        yield from _acl(f"below_{index}", quoted(f"path,{_ESCAPED},url_dec"), "reg", _whole_text(prefix_regex(prefix)))
        below = f"corecors_plain_path corecors_below_{index}"
        yield f"http-request set-var(txn.corecors_governor) str({governor}) if {below}"
    yield "# Nor has a preflight that asks for a header from which servers take another path."
    yield from _acl("moves", "var(txn.corecors_names)", "reg", _whole_text(MOVES))
    yield f"http-request set-var(txn.corecors_governor) str({UNDECIDED}) if corecors_moves"
    governors = [(str(number), f"governed_by_{number}") for number in range(len(governed.branches))]
    for governor, acl in [*governors, (UNTOUCHED, "untouched"), (UNDECIDED, UNDECIDED)]:
        yield from _acl(acl, "var(txn.corecors_governor)", "str", governor)
    yield (
        f"http-request set-var(txn.corecors_outcome) str({FAILED}) if corecors_undecided"
        " corecors_preflight corecors_has_origin corecors_has_method"
    )


def _origins(branch: Branch, parts: Parts) -> Iterator[str]:
    tag, guard = branch.tag, _guard(branch)
    if parts.any_origin:
        yield f"http-request set-var(txn.corecors_allowed) str(*){' if' + guard if guard else ''}"
        return
    origin = "var(txn.corecors_origin)"
    if parts.exact:
        yield from _acl(f"{tag}listed", origin, "str", *parts.exact)
        yield f"http-request set-var(txn.corecors_allowed) {origin} if{guard} corecors_{tag}listed"
    if parts.rules:
        yield "# What a browser may have written, and an entry of the policy lets in:"
        yield from _acl(f"{tag}well_formed", origin, "reg", _whole_text(together(parts.well_formed)))
        for rule in parts.rules:
            yield f"# {remark(rule.entry)}"
            yield from _acl(f"{tag}rule", origin, "reg", _whole_text(rule.regex))
        acls = f"corecors_{tag}well_formed corecors_{tag}rule"
        yield f"http-request set-var(txn.corecors_allowed) {origin} if{guard} {acls}"


def _preflight(branch: Branch, parts: Parts) -> Iterator[str]:
    tag, guard = branch.tag, _guard(branch)
    method = "var(txn.corecors_method)"
    if parts.methods is None:
        yield from _acl(f"{tag}method", method, "reg", _whole_text(METHOD))
    else:
        yield from _acl(f"{tag}method", method, "str", *parts.methods)
    names = f"(?=.{{0,{parts.longest_names}}},\\z){together(parts.names)}"
    yield from _acl(f"{tag}names", "var(txn.corecors_names)", "reg", _whole_text(names))
    preflight = f"if{guard} corecors_preflight corecors_has_origin corecors_has_method"
    yield f"http-request set-var(txn.corecors_outcome) str({parts.failed_status}) {preflight}"
    yield f"http-request set-var(txn.corecors_passed) str(origin) {preflight} {{ var(txn.corecors_allowed) -m found }}"
    for passed, check in pairwise(CHECKS):
        passes = f"if{guard} corecors_passes_{passed} corecors_{tag}{check}"
        yield f"http-request set-var(txn.corecors_passed) str({check}) {passes}"
    passes = f"if{guard} corecors_passes_names"
    yield f"http-request set-var(txn.corecors_outcome) str({parts.preflight_status}) {passes}"
    if Grant(headers.ALLOW_HEADERS, None, "names") in parts.preflight:
        asked = f"req.fhdr({headers.REQUEST_HEADERS.lower()})"
        yield f"http-request set-var({_ECHOES[headers.ALLOW_HEADERS]}) {asked} {passes}"


# Responses


def _response(governed: Governed, taken: list[tuple[Branch, Parts]]) -> Iterator[str]:
    yield from _acl("actual", "var(txn.corecors_outcome)", "str", "actual")
    yield "acl corecors_allowed var(txn.corecors_allowed) -m found"
    touched = "" if governed.paths is None else " !corecors_untouched"
    yield "# The application's own words on CORS give way; what it exposes to an origin that is allowed is merged."
    yield (
        "http-after-response del-header "
        + quoted(r"(?i)\Aaccess-control-(?!expose-headers\z)")
        + " -m reg"
        + (f" if{touched}" if touched else "")
    )
    expose = headers.EXPOSE_HEADERS
    yield f"http-after-response del-header {expose} if{touched} !corecors_allowed or{touched} !corecors_actual"
    if governed.paths is not None:
        yield f"http-after-response add-header {headers.VARY} {headers.ORIGIN} if corecors_undecided"
    for branch, parts in taken:
        yield ""
        yield from _answer(parts, _guard(branch))


def _answer(parts: Parts, guard: str) -> Iterator[str]:
    shared = f"if{guard} corecors_allowed corecors_actual"
    star = "[*]|" if parts.credentials else ""
    theirs = quoted(rf"\A(?:{star}(?!{TOKEN}+\z).*)\z")
    yield f"http-after-response replace-value {headers.EXPOSE_HEADERS} {theirs} '%[var(txn.corecors_nothing)]' {shared}"
    for header, value, after in parts.preflight:
        condition = f"if{guard} corecors_passes_{after}"
        if header in (headers.ALLOW_ORIGIN, headers.ALLOW_CREDENTIALS):
            condition = f"{shared} or{guard} corecors_passes_{after}"
        elif header == headers.ALLOW_HEADERS and value is None:
            condition += f" {{ var({_ECHOES[header]}),length gt 0 }}"
        text = f"'%[var({_ECHOES[header]})]'" if value is None else _format(value)
        yield f"http-after-response set-header {header} {text} {condition}"
    for header, value in parts.actual:
        if header != headers.ALLOW_CREDENTIALS:
            yield f"http-after-response add-header {header} {_format(value)} {shared}"
    if parts.timing:
        yield f"http-after-response set-header {headers.TIMING_ALLOW_ORIGIN} '%[var(txn.corecors_allowed)]' {shared}"
    if not parts.any_origin:
        yield f"http-after-response add-header {headers.VARY} {headers.ORIGIN} if{guard} corecors_actual"
    yield f"http-after-response add-header {headers.VARY} {quoted(ON_REQUEST)} if{guard} !corecors_actual"


def _whole(fragment: str, upstream: Origin, listen: str) -> str:
    port = upstream.port or (443 if upstream.scheme == "https" else 80)
    tls = f" ssl verify required ca-file @system-ca sni str({upstream.host})" if upstream.scheme == "https" else ""
    return f"""\
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s

frontend corecors
    bind {listen}
    default_backend application

{fragment}
backend application
    server application {upstream.host}:{port}{tls}
"""
