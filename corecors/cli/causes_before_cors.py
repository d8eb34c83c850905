"""Causes that are not CORS and look like it: no answer, another program, an error, a redirect, a login."""

from urllib.parse import urlsplit

from corecors.browser import Step
from corecors.cli.case import Case, Cause
from corecors.cli.examination import End
from corecors.cli.redirects import Leads, where_it_leads
from corecors.cli.servers import header_lines
from corecors.cli.unanswered import ADVICE

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


def a_redirect_that_ended_at_a_login(case: Case) -> Cause | None:
    """The login page is not for scripts, so what it answers does not matter."""
    stop = case.examination.stop
    if case.failed is None and (stop is None or stop.end not in (End.OTHER_HOST, End.NO_ANSWER)):
        return None
    for exchange in case.verdict.exchanges:
        leads = None if exchange.sent.preflight else where_it_leads(exchange)
        if leads is not None and leads.is_login:
            code, says, fix = RESPONSE_REDIRECTED[Leads.LOGIN]
            return Cause(code, says, fix, "login")
    return None


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
        tuple(header_lines(case.to_allow)),
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
        tuple(header_lines(case.to_allow)),
        at_server=True,
    )


def _are(things: list[str]) -> str:
    return "are" if things[1:] or (things and things[0].startswith("the headers")) else "is"
