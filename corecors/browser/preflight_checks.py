"""What a browser checks on the response to a preflight.

Facts
-----
A preflight needs a status from 200 to 299. Names of methods are case-sensitive, names of headers are not. GET, HEAD and
POST pass without being listed. With credentials every `*` is an ordinary name that matches nothing real.
`Authorization` is never covered by `*` in the standard; Chromium, Firefox and WebKit all let it pass where no
credentials are sent.

Section: https://fetch.spec.whatwg.org/#cors-preflight-fetch
"""

from collections.abc import Collection
from dataclasses import replace

from corecors._decisions.headers import (
    ALLOW_HEADERS,
    ALLOW_METHODS,
    ALLOW_ORIGIN,
    NON_WILDCARD_REQUEST_HEADER,
    SAFELISTED_METHODS,
    WILDCARD,
)
from corecors.browser.cors_check import cors_checks, quoted
from corecors.browser.messages import Credentials, Received, Request
from corecors.browser.verdicts import Check, Step

REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})  # https://fetch.spec.whatwg.org/#redirect-status
_SECTION = "cors-preflight-fetch"


def preflight_checks(
    received: Received, request: Request, origin: str, method: str, unsafe_names: Collection[str]
) -> list[Check]:
    """All checks on the response to a preflight, those after a failed one included where the server allows some origin.

    `origin`: what the `Origin` header said. `method`: the request's method, normalised. `unsafe_names`: what was asked
    for, in lower case.
    Source: https://fetch.spec.whatwg.org/#cors-preflight-fetch, step 7
    """
    checks = cors_checks(received, origin, request.credentials, preflight=True)
    status = _status_check(received)
    # The standard asks for both at once. A wrong status comes first here, since the headers are then missing because of
    # it; except 403, with which the CORS layer itself says no.
    checks.insert(len(checks) if status.passed or received.status == 403 else 0, status)
    if received.get(ALLOW_ORIGIN) is None:
        return checks  # a server that says nothing about the origin has not answered the rest either
    methods, bad_method = received.headers.tokens(ALLOW_METHODS)
    headers, bad_header = received.headers.tokens(ALLOW_HEADERS)
    for name, bad in ((ALLOW_METHODS, bad_method), (ALLOW_HEADERS, bad_header)):
        if bad is not None:
            explanation = f"{name} has the item {quoted(bad)}, which is not a name; with it the whole preflight fails."
            fix = "Separate the names by commas, and quote none of them."
            checks.append(Check(Step.PREFLIGHT_SYNTAX, _SECTION, explanation, name, received.get(name), fix))
    if bad_method is not None or bad_header is not None:
        return checks
    by_star = request.credentials is not Credentials.INCLUDE
    # Step 7.3: with listeners on the upload and no list at all, the method counts as listed.
    if not request.upload_listeners or received.get(ALLOW_METHODS) is not None:
        checks.append(_method_check(received, method, methods, by_star=by_star))
    allowed = {name.lower() for name in headers}
    # Authorization comes first, as in the standard.
    for name in sorted(unsafe_names, key=lambda name: name != NON_WILDCARD_REQUEST_HEADER):
        checks.append(_header_check(received, name, allowed, by_star=by_star))
    return checks


def _status_check(received: Received) -> Check:
    status = received.status
    if 200 <= status <= 299:
        return Check(Step.PREFLIGHT_STATUS, _SECTION, f"The status is {status}.")
    if status in REDIRECT_STATUSES:
        location = received.get("Location")
        to = "" if location is None else f" to {location}"
        explanation = f"The server answered the preflight with {status}, a redirect{to}: browsers do not follow it."
        fix = (
            "Answer OPTIONS before anything redirects (a trailing slash, http to https, a login page), "
            "or let the page ask for the final address."
        )
        return Check(Step.PREFLIGHT_STATUS, _SECTION, explanation, "Location", location, fix)
    if status in (401, 403, 407):
        fix = "If that is a check of access, answer OPTIONS before it: a preflight never carries credentials."
    elif status in (404, 405, 501):
        fix = "Answer OPTIONS before routing: the address knows GET or POST, and the preflight asks with OPTIONS."
    else:
        fix = "Answer OPTIONS with 200 or 204 before the application comes to it."
    explanation = f"The server answered the preflight with {status}: only 200 to 299 will do."
    return Check(Step.PREFLIGHT_STATUS, _SECTION, explanation, fix=fix)


def _method_check(received: Received, method: str, methods: list[str], *, by_star: bool) -> Check:
    value = received.get(ALLOW_METHODS)
    step = Step.PREFLIGHT_METHOD
    if method in methods:
        return Check(step, _SECTION, f"{ALLOW_METHODS} lists {method}.", ALLOW_METHODS, value)
    if method in SAFELISTED_METHODS:
        return Check(step, _SECTION, f"{method} needs no permission: GET, HEAD and POST always pass.")
    if by_star and WILDCARD in methods:
        return Check(step, _SECTION, f"{ALLOW_METHODS} has *: any method may be used.", ALLOW_METHODS, value)
    check = _unlisted(step, ALLOW_METHODS, value, methods, method, f"the method is {method}")
    same = next((item for item in methods if item.upper() == method.upper()), None)
    if same is None or WILDCARD in methods:
        return check
    explanation = f"{ALLOW_METHODS} lists {same}, and the method is {method}: upper and lower case must agree."
    fix = f"Let the page write the method as {same}: browsers turn only a few of them into upper case."
    return replace(check, explanation=explanation, fix=check.fix if method == method.upper() else fix)


def _header_check(received: Received, name: str, allowed: set[str], *, by_star: bool) -> Check:
    value = received.get(ALLOW_HEADERS)
    # https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name
    is_authorization = name == NON_WILDCARD_REQUEST_HEADER
    step = Step.PREFLIGHT_AUTHORIZATION if is_authorization else Step.PREFLIGHT_HEADER
    if name in allowed:
        return Check(step, _SECTION, f"{ALLOW_HEADERS} lists {name}.", ALLOW_HEADERS, value)
    if by_star and WILDCARD in allowed and is_authorization:
        why = "by the standard does not stand for Authorization; today's browsers let it pass"
        fix = f"Name it: `{ALLOW_HEADERS}: *, Authorization`."
        explanation = f"{ALLOW_HEADERS} has *, which {why}."
        return Check(step, _SECTION, explanation, ALLOW_HEADERS, value, fix, only_by_the_standard=True)
    if by_star and WILDCARD in allowed:
        return Check(step, _SECTION, f"{ALLOW_HEADERS} has *, which covers {name}.", ALLOW_HEADERS, value)
    return _unlisted(step, ALLOW_HEADERS, value, allowed, name, f"the request has the header {name}")


def _unlisted(step: Step, header: str, value: str | None, listed: Collection[str], name: str, asked: str) -> Check:
    """The check of a name that a list on the response, whose value is `value`, does not permit."""
    if value is None:
        explanation = f"The response to the preflight has no {header}, and {asked}."
    elif WILDCARD in listed:
        explanation = f"{header} has *, which counts for nothing on a request with credentials."
    else:
        explanation = f"{header} is {quoted(value)} and does not list {name}."
    fix = f"Send `{header}` with {name} in it, on the response to the preflight."
    return Check(step, _SECTION, explanation, header, value, fix)
