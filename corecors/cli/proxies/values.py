"""What is wrong with the constant headers of one response, whichever proxy sends them."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from corecors import OriginError, parse_origin
from corecors._decisions import headers
from corecors._origins.showing import shown
from corecors.cli.proxies.findings import DOUBLED_HEADER, Finding, Place, Trap, found

ALLOW_ORIGIN = headers.ALLOW_ORIGIN.lower()
ALLOW_CREDENTIALS = headers.ALLOW_CREDENTIALS.lower()
VARY = headers.VARY.lower()
CORS = "access-control-"
LISTS = [headers.ALLOW_METHODS.lower(), headers.ALLOW_HEADERS.lower(), headers.EXPOSE_HEADERS.lower()]
KNOWN = {ALLOW_ORIGIN, ALLOW_CREDENTIALS, *LISTS, headers.MAX_AGE.lower()}

WILDCARD_WITH_CREDENTIALS = Trap(
    "wildcard-with-credentials",
    "error",
    "stands next to Access-Control-Allow-Credentials: true, and browsers refuse that pair: no page that sends cookies "
    "can read a response",
    "leave the credentials out, or send the origin that asks, once it was compared with those that you allow",
)
SEVERAL_ORIGINS = Trap(
    "several-origins",
    "error",
    "is a list, and browsers take one origin: they refuse every response",
    "choose the one that asks, by comparing it with each",
)
NOT_AN_ORIGIN = Trap(
    "not-an-origin", "error", "{wrong}: no browser sends such an origin, so every page is refused", "{fix}"
)
NEVER_SENT = NOT_AN_ORIGIN._replace(seen="{wrong}: no browser sends such an origin, so no page is let in by it")
NULL_ORIGIN = Trap(
    "null-origin",
    "error",
    "lets in what every site can send, from a sandboxed frame",
    "leave `null` out, and name the origins of the pages that need it",
)
CREDENTIALS_NOT_TRUE = Trap(
    "credentials-not-true",
    "warning",
    "means nothing to a browser: the only value is `true`, in lower case",
    "write true",
)
WILDCARD_TAKEN_LITERALLY = Trap(
    "wildcard-taken-literally",
    "warning",
    "is taken for the name `*` where cookies are sent: with credentials browsers want {what} written out",
    "list {what}",
)
METHOD_CASE = Trap(
    "method-case",
    "warning",
    "is compared by browsers with its case, and they send {method}: the preflight fails",
    "write {method}",
)
MISSPELT_HEADER = Trap("misspelt-header", "error", "is a header that no browser knows", "write {name}")
MAX_AGE_NOT_SECONDS = Trap(
    "max-age-not-seconds",
    "warning",
    "is not a number of seconds, so browsers ignore it and ask again after 5 seconds",
    "write digits alone, such as 7200",
)
METHODS = frozenset("CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT QUERY TRACE".split())


class Sent(NamedTuple):
    """A header that is sent; `name` in lower case. `value` is None where it is not a constant."""

    name: str
    value: str | None
    place: Place


def value_findings(sent: Sequence[Sent]) -> Iterator[Finding]:
    """What is wrong with headers that leave together."""
    credentials = any(each.name == ALLOW_CREDENTIALS and each.value == "true" for each in sent)
    for each in sent:
        if each.value is not None and each.name in KNOWN:
            yield from _about(each, each.value, credentials)
        elif each.name.startswith(CORS) and each.name not in KNOWN:
            nearest = get_close_matches(each.name, sorted(KNOWN), n=1, cutoff=0.85)
            if nearest:
                yield found(each.place, each.name, MISSPELT_HEADER, name=headers_name(nearest[0]))


def headers_name(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))


def doubled(sent: Sequence[Sent]) -> Iterator[Finding]:
    """Constant lines of `Access-Control-Allow-Origin` that leave together."""
    lines = [each for each in sent if each.name == ALLOW_ORIGIN and each.value]
    for each in lines[1:]:
        yield found(each.place, ALLOW_ORIGIN, DOUBLED_HEADER, other=f"line {lines[0].place.line}")


def _about(sent: Sent, value: str, credentials: bool) -> Iterator[Finding]:
    if sent.name == ALLOW_ORIGIN:
        yield from _about_origin(sent, value.strip(), credentials)
    elif sent.name == ALLOW_CREDENTIALS:
        if value.strip().lower() != "false" and value.strip() != "true":
            yield found(sent.place, sent.name, CREDENTIALS_NOT_TRUE)
    elif sent.name in LISTS:
        yield from _about_list(sent, [item.strip() for item in value.split(",") if item.strip()], credentials)
    elif not value.strip().isascii() or not value.strip().isdigit():
        yield found(sent.place, sent.name, MAX_AGE_NOT_SECONDS)


def _about_origin(sent: Sent, value: str, credentials: bool) -> Iterator[Finding]:
    if value == "*":
        if credentials:
            yield found(sent.place, sent.name, WILDCARD_WITH_CREDENTIALS)
    elif value == "null":
        yield found(sent.place, sent.name, NULL_ORIGIN)
    elif len(value.replace(",", " ").split()) > 1:
        yield found(sent.place, sent.name, SEVERAL_ORIGINS)
    elif value:
        yield from _unless_origin(NOT_AN_ORIGIN, sent.place, sent.name, value)


def compared(place: Place, field: str, value: str) -> Iterator[Finding]:
    """What is wrong with a text that the whole Origin is compared with."""
    if value and value != "null":
        yield from _unless_origin(NEVER_SENT, place, field, value)


def _unless_origin(trap: Trap, place: Place, field: str, value: str) -> Iterator[Finding]:
    try:
        parse_origin(value)
    except OriginError as error:
        fix = "write one origin, such as https://app.example.com"
        if error.fix is not None:
            fix = f"write {shown(error.fix)}"
        yield found(place, field, trap, wrong=error.message.partition(";")[0], fix=fix)


def _about_list(sent: Sent, items: list[str], credentials: bool) -> Iterator[Finding]:
    if "*" in items and credentials:
        what = {LISTS[0]: "the methods", LISTS[1]: "the headers", LISTS[2]: "the headers"}[sent.name]
        yield found(sent.place, sent.name, WILDCARD_TAKEN_LITERALLY, what=what)
    if sent.name != LISTS[0]:
        return
    for item in items:
        if item not in METHODS and item.upper() in METHODS - headers.SAFELISTED_METHODS:  # those need no entry
            yield found(sent.place, sent.name, METHOD_CASE, method=item.upper())
            return
