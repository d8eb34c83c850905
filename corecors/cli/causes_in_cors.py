"""Causes in what the server says about CORS, all that is missing at once."""

from corecors._decisions.headers import (
    ALLOW_CREDENTIALS,
    ALLOW_HEADERS,
    ALLOW_METHODS,
    ALLOW_ORIGIN,
    VARY,
    WILDCARD,
)
from corecors.browser import Received, Step
from corecors.browser.safelist import normalize_method
from corecors.cli.case import ORIGIN_STEPS, Case, Cause
from corecors.cli.servers import header_lines

LIST_STEPS = (Step.PREFLIGHT_METHOD, Step.PREFLIGHT_HEADER, Step.PREFLIGHT_AUTHORIZATION)


def null_is_not_an_identity(case: Case) -> Cause | None:
    if case.failed is None or case.failed.step not in ORIGIN_STEPS or case.origin != "null":
        return None
    if case.request.origin != "null":
        return Cause(
            "null-after-redirect",
            "A redirect led across origins, and from there on browsers send `Origin: null`, which is not allowed.",
            "Let the page ask the final address itself. Do not allow null: every site can send it.",
            "null-origin",
        )
    return Cause(
        "null-origin",
        "The page's origin is null (a file, a sandboxed frame, a redirect), which identifies nobody.",
        "Serve the page over http (python -m http.server) instead of opening the file. Send `*` only if anyone "
        "may read "
        "this.",
        "null-origin",
    )


def wildcard_with_credentials(case: Case) -> Cause | None:
    if case.failed is None or case.failed.step not in ORIGIN_STEPS or case.failed.value != WILDCARD:
        return None
    return Cause(
        "wildcard-with-credentials",
        f"{ALLOW_ORIGIN} is *, which counts for nothing on a request with credentials.",
        "Name the origin, or let the page ask without credentials (a token in Authorization needs none). Send:",
        "wildcard-with-credentials",
        tuple(header_lines(case.to_allow)),
        at_server=True,
    )


def credentials_are_not_allowed(case: Case) -> Cause | None:
    steps = (Step.PREFLIGHT_CREDENTIALS, Step.RESPONSE_CREDENTIALS)
    if case.failed is None or case.failed.step not in steps:
        return None
    return Cause(
        "credentials-not-allowed",
        case.failed.explanation,
        "Let the page ask without credentials, or send:",
        "credentials-not-allowed",
        ((ALLOW_CREDENTIALS, "true"),),
        at_server=True,
    )


def two_places_send_it(case: Case) -> Cause | None:
    if case.failed is None or case.failed.step not in ORIGIN_STEPS or case.received is None:
        return None
    found = case.received.headers.lines(ALLOW_ORIGIN)
    if len(found) > 1:
        return Cause("doubled", case.failed.explanation, case.failed.fix, "more-than-one-origin")
    if found and "," in found[0]:
        return Cause(
            "list-of-origins",
            case.failed.explanation,
            "Compare the request's Origin with your list, and send the one that matches, with `Vary: Origin`.",
            "more-than-one-origin",
            at_server=True,
        )
    return None


def another_origin_is_allowed(case: Case) -> Cause | None:
    if case.failed is None or case.failed.step not in ORIGIN_STEPS or case.failed.value is None:
        return None
    return Cause(
        "wrong-origin",
        case.failed.explanation,
        case.failed.fix,
        "wrong-port-scheme-or-slash",
        at_server=True,
    )


def the_preflight_has_it_the_response_has_not(case: Case) -> Cause | None:
    if case.failed is None or case.failed.step is not Step.RESPONSE_ORIGIN or case.failed.value is not None:
        return None
    if not any(exchange.sent.preflight for exchange in case.verdict.exchanges):
        return None
    return Cause(
        "only-the-preflight",
        f"The preflight has {ALLOW_ORIGIN}, the response ({case.status}) has not.",
        "Send it with every response. Usual reasons: nginx add_header without `always` or inside `if`; headers "
        "that only "
        "the OPTIONS handler sets; an error that the framework answers outside its CORS middleware.",
        "missing-header",
        at_server=True,
    )


def the_response_has_it_the_preflight_has_not(case: Case) -> Cause | None:
    if case.failed is None or case.failed.step is not Step.PREFLIGHT_ORIGIN or case.failed.value is not None:
        return None
    if not case.plain_has_header:
        return None
    return Cause(
        "not-the-preflight",
        f"A GET from this origin has {ALLOW_ORIGIN}, the response to the preflight ({case.status}) has not.",
        "Something else answers OPTIONS than what answers GET. Let the CORS layer answer it, with these lines:",
        "preflight-failing",
        tuple(header_lines(case.to_allow)),
        at_server=True,
    )


def the_origin_is_not_on_the_list(case: Case) -> Cause | None:
    if case.failed is None or case.failed.step not in ORIGIN_STEPS or case.received is None:
        return None
    if "origin" not in [item.strip().lower() for item in (case.received.get(VARY) or "").split(",")]:
        return None
    return Cause(
        "origin-not-allowed",
        f"The server knows CORS (it says `Vary: Origin`) and does not allow {case.origin}: the response to the "
        f"{case.what} "
        f"({case.status}) has no {ALLOW_ORIGIN}.",
        "If the page may read this, add exactly this origin to the server's list.",
        "missing-header",
        at_server=True,
    )


def there_is_no_header(case: Case) -> Cause | None:
    if case.failed is None or case.failed.step not in ORIGIN_STEPS:
        return None
    return Cause(
        "missing-header",
        f"The response to the {case.what} ({case.status}) has no {ALLOW_ORIGIN} header: CORS is not set up for this "
        "address.",
        "If the page may read this, send with every response, errors included:",
        "missing-header",
        tuple(header_lines(case.to_allow)),
        at_server=True,
    )


def the_method_is_in_lower_case(case: Case) -> Cause | None:
    if case.failed is None or case.failed.step is not Step.PREFLIGHT_METHOD:
        return None
    method, upper = normalize_method(case.request.method), case.request.method.upper()
    if method == upper:
        return None
    return Cause(
        "method-case",
        f"The page asks with the method {method}, and method names are case-sensitive.",
        f"Write {upper} in the page: fetch() turns only DELETE, GET, HEAD, OPTIONS, POST and PUT into upper case.",
        "method-not-allowed",
    )


def the_preflight_does_not_list_it(case: Case) -> Cause | None:
    """All that is missing at once: one round instead of one for each name."""
    if case.failed is None or case.failed.step not in LIST_STEPS or case.received is None:
        return None
    wrong = [
        check
        for check in case.verdict.checks
        if check.exchange == case.failed.exchange and check.step in LIST_STEPS and not check.passed_in_practice
    ]
    if not wrong:
        return None
    needs = case.needs
    methods = needs.methods if any(check.step is Step.PREFLIGHT_METHOD for check in wrong) else ()
    allowed = {name.lower() for name in case.received.headers.tokens(ALLOW_HEADERS)[0]}
    star = WILDCARD in allowed and not case.credentials
    names = tuple(name for name in needs.names if name not in allowed and not (star and name != "authorization"))
    if not any(check.step in (Step.PREFLIGHT_HEADER, Step.PREFLIGHT_AUTHORIZATION) for check in wrong):
        names = ()
    told = [*(f"the method {method}" for method in methods)]
    if names:
        told.append(f"the header{'s' if names[1:] else ''} {', '.join(names)}")
    starred = WILDCARD in (*allowed, *case.received.headers.tokens(ALLOW_METHODS)[0]) and case.credentials
    why = ": * counts for nothing with credentials" if starred else ""
    return Cause(
        "method-not-allowed" if methods and not names else "header-not-allowed" if not methods else "not-listed",
        f"The preflight does not allow {' and '.join(told)}{why}.",
        "Answer the preflight with:",
        "method-not-allowed" if methods else "header-not-allowed",
        tuple(
            line
            for line in (
                (ALLOW_METHODS, _listing(case.received, ALLOW_METHODS, methods)),
                (ALLOW_HEADERS, _listing(case.received, ALLOW_HEADERS, names)),
            )
            if line[1]
        ),
        at_server=True,
    )


def _listing(received: Received, header: str, missing: tuple[str, ...]) -> str:
    """The header's value as it should be: what it has already, and what is missing; empty if nothing is."""
    if not missing:
        return ""
    has = [item for item in received.headers.tokens(header)[0] if item != WILDCARD]
    return ", ".join([*has, *missing])


def a_list_cannot_be_read(case: Case) -> Cause | None:
    if case.failed is None or case.failed.step is not Step.PREFLIGHT_SYNTAX:
        return None
    return Cause("unreadable-list", case.failed.explanation, case.failed.fix, "unreadable-list", at_server=True)


def the_status_of_the_preflight(case: Case) -> Cause | None:
    if case.failed is None or case.failed.step is not Step.PREFLIGHT_STATUS:
        return None
    return Cause(
        "preflight-status", case.failed.explanation, "Answer OPTIONS with 204.", "preflight-failing", at_server=True
    )


def only_by_the_standard(case: Case) -> Cause | None:
    if case.failed is None or not case.failed.only_by_the_standard:
        return None
    return Cause(
        "authorization-by-star",
        case.failed.explanation,
        "Name it:",
        "header-not-allowed",
        ((ALLOW_HEADERS, "*, Authorization"),),
        at_server=True,
    )


def what_no_rule_knows(case: Case) -> Cause | None:
    if case.failed is None:
        return None
    return Cause("other", case.failed.explanation, case.failed.fix)
