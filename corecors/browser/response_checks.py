"""What a browser checks on a response before the page's script may have it.

Facts
-----
The checks compare bytes. `Access-Control-Allow-Origin` is one origin or `*`, never a list or a pattern, and two lines
of it are read as a list. With credentials every `*` is an ordinary value that matches nothing real. A preflight needs a
status from 200 to 299, a response to the request itself may have any. Names of methods are case-sensitive, names of
headers are not. GET, HEAD and POST pass without being listed. `Authorization` is never covered by `*` in the standard;
Chromium, Firefox and WebKit all let it pass where no credentials are sent.

Sections: https://fetch.spec.whatwg.org/#cors-check, #cors-preflight-fetch, #main-fetch, #tao-check
"""

from collections.abc import Iterable
from dataclasses import replace

from corecors._decisions.headers import (
    ALLOW_CREDENTIALS,
    ALLOW_HEADERS,
    ALLOW_METHODS,
    ALLOW_ORIGIN,
    EXPOSE_HEADERS,
    FORBIDDEN_RESPONSE_HEADER_NAMES,
    NON_WILDCARD_REQUEST_HEADER,
    SAFELISTED_METHODS,
    SAFELISTED_RESPONSE_HEADER_NAMES,
    TIMING_ALLOW_ORIGIN,
    WILDCARD,
    is_token,
)
from corecors.browser.exchange import Check, Credentials, Received, Step, lines
from corecors.browser.urls import WEB_PORTS, parse_url

REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})  # https://fetch.spec.whatwg.org/#redirect-status

CORS_CHECK = "cors-check"
PREFLIGHT_FETCH = "cors-preflight-fetch"


def passed(step: Step, section: str, explanation: str, header: str | None = None, value: str | None = None) -> Check:
    """A check that went well."""
    return Check(
        step=step,
        passed=True,
        passed_in_practice=True,
        section=section,
        explanation=explanation,
        header=header,
        value=value,
    )


def failed(
    step: Step,
    section: str,
    explanation: str,
    mend: str,
    header: str | None = None,
    value: str | None = None,
    *,
    only_by_the_standard: bool = False,
) -> Check:
    """A check that went wrong, in browsers too unless `only_by_the_standard`."""
    return Check(
        step=step,
        passed=False,
        passed_in_practice=only_by_the_standard,
        section=section,
        explanation=explanation,
        mend=mend,
        header=header,
        value=value,
    )


def list_items(received: Received, name: str) -> tuple[list[str], str | None]:
    """The items of a list of tokens, and the first item that is none: then the whole list counts for nothing.

    An absent header is an empty list; several lines are one list; empty items are skipped.
    Source: https://fetch.spec.whatwg.org/#extract-header-list-values, RFC 9110 section 5.6.1
    """
    items: list[str] = []
    for line in lines(received.headers, name):
        for part in line.split(","):
            item = part.strip("\t ")
            if item and not is_token(item):
                return [], item
            if item:
                items.append(item)
    return items, None


def cors_checks(received: Received, origin: str, credentials: Credentials, *, preflight: bool = False) -> list[Check]:
    """The CORS check: may a page of this origin have this response? One check, or two if credentials went along.

    `origin`: what the `Origin` header said.
    Source: https://fetch.spec.whatwg.org/#cors-check
    """
    step = Step.PREFLIGHT_ORIGIN if preflight else Step.RESPONSE_ORIGIN
    include = credentials is Credentials.INCLUDE
    value = received.get(ALLOW_ORIGIN)
    if value == WILDCARD and not include:
        return [passed(step, CORS_CHECK, f"{ALLOW_ORIGIN} is *: any origin may read.", ALLOW_ORIGIN, value)]
    if value != origin:
        explanation, mend = _wrong_origin(received, origin, include=include, preflight=preflight)
        return [failed(step, CORS_CHECK, explanation, mend, ALLOW_ORIGIN, value)]
    checks = [passed(step, CORS_CHECK, f"{ALLOW_ORIGIN} is {origin}, as the request says.", ALLOW_ORIGIN, value)]
    if include:
        checks.append(_credentials_check(received, preflight=preflight))
    return checks


def _credentials_check(received: Received, *, preflight: bool) -> Check:
    step = Step.PREFLIGHT_CREDENTIALS if preflight else Step.RESPONSE_CREDENTIALS
    value = received.get(ALLOW_CREDENTIALS)
    if value == "true":
        return passed(step, CORS_CHECK, f"{ALLOW_CREDENTIALS} is true.", ALLOW_CREDENTIALS, value)
    # The preflight carries no credentials itself, and must allow them all the same.
    whose = "the response to the preflight" if preflight else "the response"
    found = f"{whose} has no {ALLOW_CREDENTIALS}" if value is None else f"its {ALLOW_CREDENTIALS} is {_quoted(value)}"
    return failed(
        step,
        CORS_CHECK,
        f"The request is made with credentials, and {found}: only the exact value true counts.",
        f"Send `{ALLOW_CREDENTIALS}: true`, or let the page make the request without credentials.",
        ALLOW_CREDENTIALS,
        value,
    )


def _wrong_origin(received: Received, origin: str, *, include: bool, preflight: bool) -> tuple[str, str]:
    """What is wrong with `Access-Control-Allow-Origin`, and the mend."""
    what = f"response to the preflight (status {received.status})" if preflight else f"response ({received.status})"
    found = lines(received.headers, ALLOW_ORIGIN)
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
            f"The {what} has {len(found)} {ALLOW_ORIGIN} headers, which browsers read as {_quoted(', '.join(found))}.",
            "Let one place set it: the application or a proxy in front of it, not both.",
        )
    if value == WILDCARD and include:
        return (
            f"{ALLOW_ORIGIN} is *, which counts for nothing on a request with credentials.",
            f"{send}, or let the page make the request without credentials.",
        )
    vary = "" if origin == "null" else ", with `Vary: Origin` where the value depends on who asks"
    return (
        f"{ALLOW_ORIGIN} is {_quoted(value)}, and the request comes from {origin}{_difference(value, origin)}.",
        f"{send}{vary}.",
    )


def _difference(value: str, origin: str) -> str:
    """What sets `value`, which some origin was meant to be, apart from `origin`; empty where nothing can be told."""
    if "," in value or " " in value:
        return ": a list of origins is never matched"
    if WILDCARD in value:
        return ": browsers know no patterns"
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


def preflight_checks(
    received: Received,
    origin: str,
    credentials: Credentials,
    method: str,
    unsafe_names: Iterable[str],
    *,
    has_authorization: bool = False,
    upload_listeners: bool = False,
) -> list[Check]:
    """All checks on the response to a preflight, those after a failed one included where the server allows some origin.

    `method`: the request's method, normalised. `unsafe_names`: what was asked for, in lower case.
    `has_authorization`: whether the request has an `Authorization` header, set by the script.
    Source: https://fetch.spec.whatwg.org/#cors-preflight-fetch, step 7
    """
    checks = cors_checks(received, origin, credentials, preflight=True)
    status = _status_check(received)
    # The standard asks for both at once. A wrong status comes first here, since the headers are then missing because of
    # it; except 403, with which the CORS layer itself says no.
    checks.insert(len(checks) if status.passed or received.status == 403 else 0, status)
    if received.get(ALLOW_ORIGIN) is None:
        return checks  # who says nothing of the origin was not asked by the rest either
    methods, bad_method = list_items(received, ALLOW_METHODS)
    headers, bad_header = list_items(received, ALLOW_HEADERS)
    for name, bad in ((ALLOW_METHODS, bad_method), (ALLOW_HEADERS, bad_header)):
        if bad is not None:
            explanation = f"{name} has the item {_quoted(bad)}, which is no name; with it the whole preflight fails."
            mend = "Separate the names by commas, and quote none of them."
            value = received.get(name)
            checks.append(failed(Step.PREFLIGHT_SYNTAX, PREFLIGHT_FETCH, explanation, mend, name, value))
    if bad_method is not None or bad_header is not None:
        return checks
    by_star = credentials is not Credentials.INCLUDE
    if not (upload_listeners and received.get(ALLOW_METHODS) is None):  # step 7.3: then the method counts as listed
        checks.append(_method_check(received, method, methods, by_star=by_star))
    allowed = {name.lower() for name in headers}
    if has_authorization:
        checks.append(_authorization_check(received, allowed, by_star=by_star))
    for name in unsafe_names:
        if name != NON_WILDCARD_REQUEST_HEADER:
            checks.append(_header_check(received, name, allowed, by_star=by_star))
    return checks


def _status_check(received: Received) -> Check:
    status = received.status
    if 200 <= status <= 299:
        return passed(Step.PREFLIGHT_STATUS, PREFLIGHT_FETCH, f"The status is {status}.")
    if status in REDIRECT_STATUSES:
        location = received.get("Location")
        to = "" if location is None else f" to {location}"
        return failed(
            Step.PREFLIGHT_STATUS,
            PREFLIGHT_FETCH,
            f"The server answered the preflight with {status}, a redirect{to}: browsers follow none here.",
            "Answer OPTIONS before anything redirects (a trailing slash, http to https, a login page), "
            "or let the page ask for the final address.",
            "Location",
            location,
        )
    if status in (401, 403, 407):
        mend = "If that is a check of access, answer OPTIONS before it: a preflight never carries credentials."
    elif status in (404, 405, 501):
        mend = "Answer OPTIONS before routing: the address knows GET or POST, and the preflight asks with OPTIONS."
    else:
        mend = "Answer OPTIONS with 200 or 204 before the application comes to it."
    return failed(
        Step.PREFLIGHT_STATUS,
        PREFLIGHT_FETCH,
        f"The server answered the preflight with {status}: only 200 to 299 will do.",
        mend,
    )


def _method_check(received: Received, method: str, methods: list[str], *, by_star: bool) -> Check:
    value = received.get(ALLOW_METHODS)
    step, section = Step.PREFLIGHT_METHOD, PREFLIGHT_FETCH
    if method in methods:
        return passed(step, section, f"{ALLOW_METHODS} lists {method}.", ALLOW_METHODS, value)
    if method in SAFELISTED_METHODS:
        return passed(step, section, f"{method} needs no permission: GET, HEAD and POST always pass.")
    if by_star and WILDCARD in methods:
        return passed(step, section, f"{ALLOW_METHODS} has *: any method may be used.", ALLOW_METHODS, value)
    send = f"Send `{ALLOW_METHODS}` with {method} in it, on the response to the preflight."
    if value is None:
        explanation = f"The response to the preflight has no {ALLOW_METHODS}, and the method is {method}."
    elif WILDCARD in methods:
        explanation = f"{ALLOW_METHODS} has *, which counts for nothing on a request with credentials."
    else:
        explanation = f"{ALLOW_METHODS} is {_quoted(value)} and does not list {method}."
        same = next((item for item in methods if item.upper() == method.upper()), None)
        if same is not None:
            explanation = f"{ALLOW_METHODS} lists {same}, and the method is {method}: upper and lower case must agree."
            if method != method.upper():
                send = f"Let the page write the method as {same}: browsers turn only a few of them into upper case."
    return failed(step, section, explanation, send, ALLOW_METHODS, value)


def _authorization_check(received: Received, allowed: set[str], *, by_star: bool) -> Check:
    # https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name
    if NON_WILDCARD_REQUEST_HEADER in allowed or WILDCARD not in allowed or not by_star:
        check = _header_check(received, NON_WILDCARD_REQUEST_HEADER, allowed, by_star=False)
        return replace(check, step=Step.PREFLIGHT_AUTHORIZATION)
    return failed(
        Step.PREFLIGHT_AUTHORIZATION,
        PREFLIGHT_FETCH,
        f"{ALLOW_HEADERS} has *, which by the standard does not stand for Authorization; today's browsers let it pass.",
        f"Name it: `{ALLOW_HEADERS}: *, Authorization`.",
        ALLOW_HEADERS,
        received.get(ALLOW_HEADERS),
        only_by_the_standard=True,
    )


def _header_check(received: Received, name: str, allowed: set[str], *, by_star: bool) -> Check:
    value = received.get(ALLOW_HEADERS)
    step, section = Step.PREFLIGHT_HEADER, PREFLIGHT_FETCH
    if name in allowed:
        return passed(step, section, f"{ALLOW_HEADERS} lists {name}.", ALLOW_HEADERS, value)
    if by_star and WILDCARD in allowed:
        return passed(step, section, f"{ALLOW_HEADERS} has *, which covers {name}.", ALLOW_HEADERS, value)
    if value is None:
        explanation = f"The response to the preflight has no {ALLOW_HEADERS}, and the request has the header {name}."
    elif WILDCARD in allowed:
        explanation = f"{ALLOW_HEADERS} has *, which counts for nothing on a request with credentials."
    else:
        explanation = f"{ALLOW_HEADERS} is {_quoted(value)} and does not list {name}."
    mend = f"Send `{ALLOW_HEADERS}` with {name} in it, on the response to the preflight."
    return failed(step, section, explanation, mend, ALLOW_HEADERS, value)


def exposed_names(received: Received, credentials: Credentials) -> frozenset[str]:
    """The names, in lower case, of the headers of a cross-origin response that the script may read.

    A list that cannot be read exposes nothing.
    Source: https://fetch.spec.whatwg.org/#main-fetch, #concept-filtered-response-cors
    """
    listed, _ = list_items(received, EXPOSE_HEADERS)
    names = {name.lower() for name in listed}
    if WILDCARD in names and credentials is not Credentials.INCLUDE:
        names |= {name.lower() for name, _ in received.headers}
    return (SAFELISTED_RESPONSE_HEADER_NAMES | names) - FORBIDDEN_RESPONSE_HEADER_NAMES


def timing_allowed(received: Received, origin: str) -> bool:
    """Whether a cross-origin response shows its timings to the page; unlike the CORS check it takes a list of origins.

    Source: https://fetch.spec.whatwg.org/#tao-check
    """
    items = [item.strip("\t ") for line in lines(received.headers, TIMING_ALLOW_ORIGIN) for item in line.split(",")]
    return WILDCARD in items or origin in items


def _quoted(value: str) -> str:
    """A header's value for a sentence: what no header should hold is shown escaped, what is long is cut."""
    shown = value if len(value) <= 100 else value[:97] + "..."
    return shown.encode("unicode_escape").decode("ascii") if shown else "empty"
