"""The root cause of a failure, before its consequences: an ordered table of rules, of which the first that fits counts.

A browser says "no Access-Control-Allow-Origin" where a login page, a crashed application or another program answered.
To add that header would be no help. So what a status, a redirect or the network tells comes before what CORS tells.
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from corecors._decisions.headers import (
    ALLOW_CREDENTIALS,
    ALLOW_HEADERS,
    ALLOW_METHODS,
    ALLOW_ORIGIN,
    VARY,
    WILDCARD,
)
from corecors.browser import Check, Credentials, Exchange, Received, Step
from corecors.browser.safelist import normalize_method, unsafe_headers
from corecors.cli.examination import End, Examination
from corecors.cli.network_failures import ADVICE
from corecors.cli.redirects import Leads, where_it_leads
from corecors.cli.servers import Needs, Software, header_lines, recognised

ORIGIN_STEPS = (Step.PREFLIGHT_ORIGIN, Step.RESPONSE_ORIGIN)
LIST_STEPS = (Step.PREFLIGHT_METHOD, Step.PREFLIGHT_HEADER, Step.PREFLIGHT_AUTHORIZATION)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why it fails, and the one thing to do.

    code: what it is, in a word that stays the same. says, fix: a sentence each.
    topic: of `corecors explain`, the section of docs/errors.md; "" for none.
    lines: whole header lines that the server should send, to copy. at_server: whether the server's CORS configuration
    is what has to change, so that its own syntax helps.
    """

    code: str
    says: str
    fix: str
    topic: str = ""
    lines: tuple[tuple[str, str], ...] = ()
    at_server: bool = False


class Case:
    """What the rules look at: an examination, and what can be read off it."""

    def __init__(self, examination: Examination) -> None:
        self.examination = examination
        self.request = examination.request
        self.verdict = examination.verdict
        self.failed: Check | None = deciding(examination)
        index = None if self.failed is None else self.failed.exchange
        self.exchange: Exchange | None = None if index is None else self.verdict.exchanges[index]
        self.received = None if self.exchange is None else self.exchange.received
        self.status = 0 if self.received is None else self.received.status
        self.on_preflight = self.exchange is not None and self.exchange.sent.preflight
        self.what = "preflight" if self.on_preflight else "request"
        self.credentials = self.request.credentials is Credentials.INCLUDE

    @property
    def lacks_header(self) -> bool:
        """Whether what failed may be a mere consequence of what answered: no CORS header, or a preflight's status."""
        if self.failed is None:
            return False
        return (self.failed.step in ORIGIN_STEPS and self.failed.value is None) or (
            self.failed.step is Step.PREFLIGHT_STATUS
        )

    @property
    def origin(self) -> str:
        """The origin as it was sent where it failed."""
        sent = None if self.exchange is None else self.exchange.sent.get("Origin")
        return self.request.origin if sent is None else sent

    @property
    def needs(self) -> Needs:
        """What the page needs of the server."""
        method = normalize_method(self.request.method)
        return Needs(
            origin=self.request.origin,
            path=urlsplit(self.request.url).path or "/",
            methods=() if method in ("GET", "HEAD", "POST") else (method,),
            names=tuple(unsafe_headers(self.request.headers)),
            credentials=self.credentials,
        )

    @property
    def plain_has_header(self) -> bool | None:
        """Whether a GET from the same origin is answered with the header; None where that is not known."""
        plain = self.examination.plain
        return None if plain is None else plain.get(ALLOW_ORIGIN) in (WILDCARD, self.request.origin)


Rule = Callable[[Case], Cause | None]


def deciding(examination: Examination) -> Check | None:
    """The check that failed first in today's browsers; where none did, by the standard; else None."""
    failed = [check for check in examination.verdict.checks if not check.passed]
    return next((check for check in failed if not check.passed_in_practice), failed[0] if failed else None)


def find_cause(examination: Examination) -> Cause | None:
    """The root cause, None where nothing fails as far as was looked."""
    case = Case(examination)
    for rule in RULES:
        cause = rule(case)
        if cause is not None:
            return cause
    return None


def software_of(examination: Examination) -> Software | None:
    """The software that answered, where it can be told."""
    answers = [exchange.received for exchange in examination.verdict.exchanges]
    return recognised(answers if examination.plain is None else [*answers, examination.plain])


# Nothing was sent, or nothing came


def the_page_asks_wrongly(case: Case) -> Cause | None:
    if case.failed is None or case.failed.step is not Step.REQUEST:
        return None
    return Cause("page-call", case.failed.explanation, case.failed.fix)


def browsers_do_not_go_there(case: Case) -> Cause | None:
    if case.failed is None or case.failed.step is not Step.TARGET:
        return None
    kinds = {"port-blocking": "blocked-port"}
    code = kinds.get(case.failed.section, "mixed-content" if "mixed content" in case.failed.explanation else "scheme")
    return Cause(code, case.failed.explanation, case.failed.fix, "mixed-content" if code == "mixed-content" else "")


def no_answer(case: Case) -> Cause | None:
    stop = case.examination.stop
    if stop is None or stop.end is not End.NO_ANSWER:
        return None
    parts = urlsplit(stop.request.url)
    other = parts._replace(scheme="http" if parts.scheme == "https" else "https").geturl()
    fix = ADVICE[stop.code].format(origin=f"{parts.scheme}://{parts.netloc}", other=other)
    return Cause(
        f"no-answer-{stop.code}", f"There is no answer from {stop.request.url}: {stop.words}.", fix, "no-answer"
    )


def too_many_requests(case: Case) -> Cause | None:
    stop = case.examination.stop
    looped = case.failed is not None and case.failed.step is Step.REDIRECT and "no more" in case.failed.explanation
    if looped or (stop is not None and stop.end is End.TOO_MANY):
        return Cause("redirect-loop", "The server redirects in a circle.", "Look at what Location says, and to whom.")
    return None


def plain_http_at_a_tls_port(case: Case) -> Cause | None:
    if not case.examination.port_speaks_tls:
        return None
    return Cause(
        "tls-port",
        f"The port speaks TLS and was asked in plain http, so the answer is {case.status}.",
        f"Ask https: {case.request.url.replace('http:', 'https:', 1)}",
    )


# Something else answered than what the page wants


def another_program(case: Case) -> Cause | None:
    server = "" if case.received is None else case.received.get("Server") or ""
    if case.failed is None or not server.startswith("AirTunes"):
        return None
    return Cause(
        "another-program",
        f"Another program answers on this port: AirPlay of macOS (Server: {server}), not your server.",
        "Let your server listen on another port than 5000 and 7000, or turn off AirPlay Receiver in the system "
        "settings.",
    )


def the_gateway_got_no_answer(case: Case) -> Cause | None:
    if not case.lacks_header or case.status not in (502, 503, 504):
        return None
    return Cause(
        "gateway-error",
        f"The proxy in front got no answer from the application ({case.status}); the CORS message is a consequence.",
        "Start the application, and look at the proxy's log.",
        "server-error",
    )


def the_server_failed(case: Case) -> Cause | None:
    if not case.lacks_header or case.status < 500 or case.status == 501:
        return None
    return Cause(
        "server-error",
        f"The server failed while it answered the {case.what} ({case.status}); the CORS message is a consequence.",
        "Look at its log for the error, and fix that. Then send the CORS headers with errors too, so that the "
        "page sees "
        "the status.",
        "server-error",
    )


def too_large(case: Case) -> Cause | None:
    if not case.lacks_header or case.status != 413:
        return None
    return Cause(
        "too-large",
        "The body is too large for the server (413), or for a proxy in front of it; the CORS message is a consequence.",
        "Raise the limit where it is set (nginx: client_max_body_size), or send less.",
        "server-error",
    )


def too_often(case: Case) -> Cause | None:
    if not case.lacks_header or case.status != 429:
        return None
    return Cause(
        "rate-limited",
        f"The server has had too many requests (429) and refuses the {case.what} before CORS comes to it.",
        "Leave preflights out of the rate limit, and send the CORS headers with 429 too.",
        "server-error",
    )


# Redirects

PREFLIGHT_REDIRECTED = {
    Leads.LOGIN: (
        "login",
        "The preflight is sent to a login page: the server wants a login before it answers OPTIONS.",
        "Answer OPTIONS before the login is checked: a preflight never carries cookies. An API answers 401 "
        "instead of a "
        "redirect.",
    ),
    Leads.HTTPS: (
        "redirect-to-https",
        "The server redirects http to https, and a preflight may not be redirected.",
        "Let the page ask for {there}",
    ),
    Leads.SLASH: (
        "redirect-to-slash",
        "The server redirects to the address with another slash at its end, and a preflight may not be redirected.",
        "Let the page ask for {there}",
    ),
    Leads.OTHER_HOST: (
        "redirect-to-host",
        "The server redirects to another host, and a preflight may not be redirected.",
        "Let the page ask for {there}",
    ),
    Leads.ELSEWHERE: (
        "redirect",
        "The server redirects the preflight ({status}), and a preflight may not be redirected.",
        "Let the page ask for {there}",
    ),
}
RESPONSE_REDIRECTED = {
    Leads.LOGIN: (
        "login",
        "You are not logged in: the server redirects to a login page, which is not for scripts.",
        "The API should answer 401, and the page then leads to the login. To try it logged in, hand over the cookie: "
        "--curl.",
    ),
    Leads.HTTPS: (
        "redirect-to-https",
        "The server redirects http to https, and that answer has no CORS header.",
        "Let the page ask for {there}",
    ),
    Leads.SLASH: (
        "redirect-to-slash",
        "The server redirects to the address with another slash at its end, and that answer has no CORS header.",
        "Let the page ask for {there}",
    ),
    Leads.OTHER_HOST: (
        "redirect-to-host",
        "The server redirects to another host, and that answer has no CORS header.",
        "Let the page ask for {there}",
    ),
    Leads.ELSEWHERE: (
        "redirect",
        "The server redirects ({status}), and that answer has no CORS header.",
        "Let the page ask for {there}, or send the CORS headers with redirects too.",
    ),
}


def a_redirect_without_headers(case: Case) -> Cause | None:
    if not case.lacks_header or case.exchange is None:
        return None
    leads = where_it_leads(case.exchange)
    if leads is None:
        return None
    code, says, fix = (PREFLIGHT_REDIRECTED if case.on_preflight else RESPONSE_REDIRECTED)[leads.kind]
    topic = "login" if leads.kind is Leads.LOGIN else "preflight-redirected"
    return Cause(code, says.format(status=case.status), fix.format(there=leads.there), topic)


def a_redirect_to_a_login_elsewhere(case: Case) -> Cause | None:
    stop, last = case.examination.stop, case.examination.last
    if stop is None or stop.end is not End.OTHER_HOST or last is None:
        return None
    leads = where_it_leads(last)
    if leads is None or not leads.is_login:
        return None
    code, says, fix = RESPONSE_REDIRECTED[Leads.LOGIN]
    return Cause(code, says, fix, "login")


def a_redirect_that_is_not_followed(case: Case) -> Cause | None:
    if case.failed is None or case.failed.step is not Step.REDIRECT:
        return None
    return Cause("redirect-refused", case.failed.explanation, case.failed.fix)


# Statuses


def it_wants_a_login(case: Case) -> Cause | None:
    if not case.lacks_header or case.status not in (401, 407):
        return None
    if case.on_preflight:
        return Cause(
            "preflight-needs-login",
            f"The server wants a login for the preflight ({case.status}), and a preflight never carries one.",
            "Answer OPTIONS before the login is checked: the CORS layer comes before authentication.",
            "preflight-failing",
            at_server=True,
        )
    return Cause(
        "unauthorized",
        f"The request is not authorised ({case.status}), and the answer has no CORS header, so the page cannot "
        "see that.",
        "Send the CORS headers with errors too: the CORS layer comes before authentication. Then log in.",
        "login",
        at_server=True,
    )


def there_is_no_such_address(case: Case) -> Cause | None:
    if not case.lacks_header or case.on_preflight or case.status not in (404, 410):
        return None
    return Cause(
        "not-found",
        f"There is nothing at this address ({case.status}), and errors have no CORS header.",
        "Look at the address first. Then send the CORS headers with errors too, so that the page sees the status.",
        "server-error",
    )


def another_error_without_headers(case: Case) -> Cause | None:
    if not case.lacks_header or case.on_preflight or not 400 <= case.status < 500:
        return None
    return Cause(
        "error-without-headers",
        f"The server answers {case.status}, and errors have no CORS header, so the page cannot see that.",
        "Send the CORS headers with errors too; the status says what else is wrong.",
        "server-error",
        at_server=True,
    )


def options_is_not_answered(case: Case) -> Cause | None:
    if not case.on_preflight or not case.lacks_header or case.status not in (404, 405, 501):
        return None
    also = "; a GET from this origin is answered with the header" if case.plain_has_header else ""
    return Cause(
        "options-not-answered",
        f"The server does not answer OPTIONS at this address ({case.status}): the preflight never reaches a CORS "
        f"layer{also}.",
        "Answer OPTIONS before routing, with these lines:",
        "preflight-failing",
        tuple(header_lines(case.needs)),
        at_server=True,
    )


def the_preflight_is_refused(case: Case) -> Cause | None:
    if not case.on_preflight or not case.lacks_header or not 400 <= case.status < 500:
        return None
    needs = case.needs
    asked = [*(f"the method {method}" for method in needs.methods)]
    if needs.names:
        asked.append(f"the header{'s' if needs.names[1:] else ''} {', '.join(needs.names)}")
    wants = " and ".join(asked)
    if case.plain_has_header:
        says = f"The server refuses the preflight ({case.status}): the origin is allowed, {wants} {_are(asked)} not."
    else:
        says = (
            f"The server refuses the preflight ({case.status}): the origin{f', {wants}' if wants else ''} or OPTIONS "
            "itself is not allowed there."
        )
    return Cause(
        "preflight-refused",
        says,
        "If the page is meant to be served, answer its preflight with 204 and these lines:",
        "preflight-failing",
        tuple(header_lines(needs)),
        at_server=True,
    )


def _are(things: list[str]) -> str:
    return "are" if things[1:] or (things and things[0].startswith("the headers")) else "is"


# What CORS itself says


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
        tuple(header_lines(case.needs)),
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
        tuple(header_lines(case.needs)),
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
        tuple(header_lines(case.needs)),
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


# The order is the point: each rule may take for granted that none above it fits.
RULES: tuple[Rule, ...] = (
    the_page_asks_wrongly,
    browsers_do_not_go_there,
    no_answer,
    too_many_requests,
    plain_http_at_a_tls_port,
    another_program,
    the_gateway_got_no_answer,
    the_server_failed,
    too_large,
    too_often,
    a_redirect_without_headers,
    a_redirect_to_a_login_elsewhere,
    a_redirect_that_is_not_followed,
    it_wants_a_login,
    there_is_no_such_address,
    another_error_without_headers,
    options_is_not_answered,
    null_is_not_an_identity,
    wildcard_with_credentials,
    two_places_send_it,
    another_origin_is_allowed,
    the_preflight_is_refused,
    the_response_has_it_the_preflight_has_not,
    the_preflight_has_it_the_response_has_not,
    the_origin_is_not_on_the_list,
    there_is_no_header,
    credentials_are_not_allowed,
    the_method_is_in_lower_case,
    a_list_cannot_be_read,
    only_by_the_standard,
    the_preflight_does_not_list_it,
    the_status_of_the_preflight,
    what_no_rule_knows,
)
