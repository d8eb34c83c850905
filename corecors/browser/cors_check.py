"""The CORS check: whether a page of some origin may have a response.

Facts
-----
The check compares bytes. `Access-Control-Allow-Origin` is one origin or `*`, never a list or a pattern, and two lines
of it are read as a list. With credentials `*` is an ordinary value that matches nothing real, and
`Access-Control-Allow-Credentials` has to be `true`, in these letters. The status of the response plays no part.

Section: https://fetch.spec.whatwg.org/#cors-check
"""

from corecors._decisions.headers import ALLOW_CREDENTIALS, ALLOW_ORIGIN, WILDCARD
from corecors.browser.messages import Credentials, Received
from corecors.browser.urls import WEB_PORTS, parse_url
from corecors.browser.verdicts import Check, Step

_SECTION = "cors-check"


def cors_checks(received: Received, origin: str, credentials: Credentials, *, preflight: bool = False) -> list[Check]:
    """The CORS check: may a page of this origin have this response? One check, or two if credentials went along.

    `origin`: what the `Origin` header said.
    Source: https://fetch.spec.whatwg.org/#cors-check
    """
    step = Step.PREFLIGHT_ORIGIN if preflight else Step.RESPONSE_ORIGIN
    include = credentials is Credentials.INCLUDE
    value = received.get(ALLOW_ORIGIN)
    if value == WILDCARD and not include:
        return [Check(step, _SECTION, f"{ALLOW_ORIGIN} is *: any origin may read.", ALLOW_ORIGIN, value)]
    if value != origin:
        explanation, fix = _wrong_origin(received, origin, include=include, preflight=preflight)
        return [Check(step, _SECTION, explanation, ALLOW_ORIGIN, value, fix)]
    checks = [Check(step, _SECTION, f"{ALLOW_ORIGIN} is {origin}, as the request says.", ALLOW_ORIGIN, value)]
    if include:
        checks.append(_credentials_check(received, preflight=preflight))
    return checks


def _credentials_check(received: Received, *, preflight: bool) -> Check:
    step = Step.PREFLIGHT_CREDENTIALS if preflight else Step.RESPONSE_CREDENTIALS
    value = received.get(ALLOW_CREDENTIALS)
    if value == "true":
        return Check(step, _SECTION, f"{ALLOW_CREDENTIALS} is true.", ALLOW_CREDENTIALS, value)
    # The preflight carries no credentials itself, and must allow them all the same.
    whose = "the response to the preflight" if preflight else "the response"
    found = f"{whose} has no {ALLOW_CREDENTIALS}" if value is None else f"its {ALLOW_CREDENTIALS} is {quoted(value)}"
    explanation = f"The request is made with credentials, and {found}: only the exact value true counts."
    fix = f"Send `{ALLOW_CREDENTIALS}: true`, or let the page make the request without credentials."
    return Check(step, _SECTION, explanation, ALLOW_CREDENTIALS, value, fix)


def _wrong_origin(received: Received, origin: str, *, include: bool, preflight: bool) -> tuple[str, str]:
    """What is wrong with `Access-Control-Allow-Origin`, and the fix."""
    what = f"response to the preflight (status {received.status})" if preflight else f"response ({received.status})"
    found = received.headers.lines(ALLOW_ORIGIN)
    send = f"Send `{ALLOW_ORIGIN}: {origin}` if the page may read this"
    if origin == "null":
        # Sandboxed frames of any site, files and tainted redirects send it: to allow it is to allow anyone.
        send = (
            "`null` identifies nobody. Let the page ask the final address itself, or send `*` if anyone may read this"
        )
    if not found:
        if preflight and received.status == 403:
            return (
                f"The {what} has no {ALLOW_ORIGIN} header: the server refuses the origin, the method or a header.",
                "If the page is meant to be served, allow its origin, the method and the headers on the server.",
            )
        always = "" if received.status < 400 or preflight else ", on errors too"
        return f"The {what} has no {ALLOW_ORIGIN} header.", f"{send}{always}."
    value = found[0]
    if len(found) > 1:
        return (
            f"The {what} has {len(found)} {ALLOW_ORIGIN} headers, which browsers read as {quoted(', '.join(found))}.",
            "Let one place set it: the application or a proxy in front of it, not both.",
        )
    if value == WILDCARD and include:
        return (
            f"{ALLOW_ORIGIN} is *, which counts for nothing on a request with credentials.",
            f"{send}, or let the page make the request without credentials.",
        )
    vary = "" if origin == "null" else ", with `Vary: Origin` where the value depends on who asks"
    return (
        f"{ALLOW_ORIGIN} is {quoted(value)}, and the request comes from {origin}{_difference(value, origin)}.",
        f"{send}{vary}.",
    )


def _difference(value: str, origin: str) -> str:
    """What sets `value`, which some origin was meant to be, apart from `origin`; empty where nothing can be told."""
    if "," in value or " " in value:
        return ": a list of origins is never matched"
    if WILDCARD in value:
        return ": browsers do not read patterns"
    if value.lower() == origin:
        return ": upper and lower case must agree"
    theirs, ours = parse_url(value), parse_url(origin)
    if theirs is None or ours is None or not {theirs.scheme, ours.scheme} <= WEB_PORTS.keys():
        return ""
    if theirs.origin == ours.origin:
        return ": an origin is written without a slash at the end, a path and the default port"
    parts = {
        "schemes": theirs.scheme != ours.scheme,
        "hosts": theirs.host != ours.host,
        "ports": theirs.port != ours.port,
    }
    return f": the {' and '.join(name for name, differs in parts.items() if differs)} differ"


def quoted(value: str) -> str:
    """A header's value for a sentence: what no header should hold is shown escaped, what is long is cut."""
    shown = value if len(value) <= 100 else value[:97] + "..."
    return shown.encode("unicode_escape").decode("ascii") if shown else "empty"
