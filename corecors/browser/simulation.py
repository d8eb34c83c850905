"""The browser's half of CORS: what a browser sends, what it checks, and what the page's script may read.

    verdict = simulate(Request(url="https://api.example/", origin="https://app.example", method="PUT"), send)
    verdict.readable, verdict.step, verdict.explanation

Facts
-----
CORS is enforced by the browser alone. For a request to another origin it decides whether to ask first (the preflight),
checks the answers, follows redirects with ever less trust, and hands the script the response, or a bare TypeError. This
is the algorithm of the Fetch standard for requests in mode "cors" and redirect mode "follow", as one pure function; the
network is the caller's.

Not modelled: the HTTP cache (so no 304 that revalidates), cookies themselves, Content Security Policy, Cross-Origin
Embedder Policy, and Local Network Access, which is a permission that the user gives and no header can.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NoReturn
from urllib.parse import quote

from corecors._decisions import headers
from corecors._origins.addresses import is_loopback
from corecors._origins.showing import shown
from corecors.browser.cors_check import cors_checks
from corecors.browser.exposure import exposed_names, timing_allowed
from corecors.browser.header_lines import HTTP_WHITESPACE, HeaderLines
from corecors.browser.messages import Credentials, Exchange, Received, Request, SentRequest
from corecors.browser.preflight_cache import Key, PreflightCache, preflight_max_age
from corecors.browser.preflight_checks import REDIRECT_STATUSES, preflight_checks
from corecors.browser.safelist import (
    is_forbidden_header,
    is_forbidden_method,
    is_header_value,
    normalize_method,
    unsafe_headers,
)
from corecors.browser.urls import BAD_PORTS, WEB_PORTS, Address, parse_url
from corecors.browser.verdicts import Check, Step, Verdict

MAX_REDIRECTS = 20  # https://fetch.spec.whatwg.org/#http-redirect-fetch
BODY_HEADERS = ("content-encoding", "content-language", "content-location", "content-type")
_ASCII = "".join(map(chr, range(0x80)))


def simulate(
    request: Request,
    send: Callable[[SentRequest], Received],
    *,
    cache: PreflightCache | None = None,
    now: float = 0.0,
) -> Verdict:
    """Do as a browser does with `request`, and tell how it ends for the script.

    `send` performs one HTTP request and returns its response, redirects not followed; what it raises passes through.
    `cache`: what the browser remembers of earlier preflights, by default nothing; `Verdict.cache` is what it remembers
    afterwards. `now`: the time in seconds, on any clock; the whole course takes no time on it.
    Source: https://fetch.spec.whatwg.org/#main-fetch, #http-fetch, #cors-preflight-fetch, #http-redirect-fetch
    """
    course = _Course(request, send, PreflightCache() if cache is None else cache, now)
    course.run()
    return course.verdict()


class _NetworkError(Exception):
    """Fetch's "network error": the course ends, and the last check says why."""


@dataclass(slots=True)
class _Course:
    """The state of one request on its way; a fresh one for each `simulate`."""

    request: Request
    send: Callable[[SentRequest], Received]
    cache: PreflightCache
    now: float
    method: str = ""
    headers: HeaderLines = field(default_factory=HeaderLines)
    body: bytes | None = None
    hops: list[Address] = field(default_factory=list[Address])
    crossed: bool = False  # response tainting "cors": once across origins, always
    preflight_wanted: bool = False
    timing_failed: bool = False
    checks: list[Check] = field(default_factory=list[Check])
    exchanges: list[Exchange] = field(default_factory=list[Exchange])
    final: Received | None = None

    def run(self) -> None:
        try:
            self._prepare()
            while self.final is None:
                self._check_target()
                self._fetch()
        except _NetworkError:
            if self.preflight_wanted:  # the last step of main fetch, "CORS-with-preflight"
                self.cache = self.cache.without(self._origin(), self.hops[-1].url)

    def verdict(self) -> Verdict:
        final = self.final
        received = HeaderLines() if final is None else final.headers
        names = dict.fromkeys(name.lower() for name, _ in received)
        readable = frozenset(names) - headers.FORBIDDEN_RESPONSE_HEADER_NAMES
        if final is not None and self.crossed:
            readable &= exposed_names(final, self.request.credentials)
        return Verdict(
            readable=final is not None and all(check.passed for check in self.checks),
            readable_in_practice=final is not None,
            checks=tuple(self.checks),
            exchanges=tuple(self.exchanges),
            status=None if final is None else final.status,
            readable_headers=HeaderLines((name, received.get(name) or "") for name in sorted(readable)),
            hidden_headers=tuple(name for name in names if name not in readable),
            timing_readable=final is not None and not self.timing_failed,
            cache=self.cache,
        )

    def _prepare(self) -> None:
        """What `new Request(...)` does: refuse, drop and normalise (https://fetch.spec.whatwg.org/#dom-request)."""
        request = self.request
        address = parse_url(request.url)
        if address is None:
            fix = "Write scheme, host and path, the host in its ASCII form (Punycode)."
            self._refuse("dom-request", f"{request.url!r} is not an absolute URL.", fix)
        self.hops.append(address)
        if address.has_userinfo:
            fix = "Send them in an Authorization header."
            self._refuse("dom-request", "fetch() takes no URL with a user name or password in it.", fix)
        if not headers.is_token(request.method):
            self._refuse("methods", f"{request.method!r} is not a method.", "A method is one word, such as GET.")
        if is_forbidden_method(request.method):
            why = f"No script may send {request.method}."
            self._refuse("forbidden-method", why, "Use another method.")
        self.method = normalize_method(request.method)
        if request.body is not None and self.method in ("GET", "HEAD"):
            self._refuse("dom-request", f"{self.method} cannot have a body.", "Use POST, or put it into the URL.")
        kept: list[tuple[str, str]] = []
        for name, untrimmed in request.headers:
            value = untrimmed.strip(HTTP_WHITESPACE)
            if not headers.is_token(name):
                why = f"{shown(name)} is not the name of a header."
                self._refuse("headers-class", why, "A name is one word, such as X-Total.")
            if not is_header_value(value):
                why = f"A script cannot set the header {name!r} to {shown(value)}."
                self._refuse("headers-class", why, "A value has no line breaks and nothing outside latin-1.")
            if not is_forbidden_header(name, value):
                kept.append((name, value))
        self.headers, self.body = HeaderLines(kept), request.body

    def _refuse(self, section: str, explanation: str, fix: str) -> NoReturn:
        self._fail(Check(Step.REQUEST, section, explanation, fix=fix))

    def _check_target(self) -> None:
        address = self.hops[-1]
        step, page = Step.TARGET, self.request.origin
        if address.scheme not in WEB_PORTS:
            why = f"CORS knows http and https only, and this address begins with {address.scheme}:."
            self._fail(Check(step, "main-fetch", why, fix="Use http or https."))
        if address.port in BAD_PORTS:
            why = f"Browsers do not connect to port {address.port}, which belongs to another protocol."
            self._fail(Check(step, "port-blocking", why, fix="Let the server listen on another port."))
        if page.startswith("https://") and address.scheme == "http" and not is_loopback(address.host):
            why = f"The page is on https, and {address.origin} is not: mixed content is blocked."
            self._fail(Check(step, "main-fetch", why, fix="Serve the address over https."))

    def _fetch(self) -> None:
        """One hop: a preflight if one is due, the request, the checks on its response, and where it leads."""
        address = self.hops[-1]
        self.crossed = self.crossed or address.origin != self.request.origin
        if self.crossed:
            self._ask_first()
        mode = self.request.credentials
        along = mode is Credentials.INCLUDE or (mode is Credentials.SAME_ORIGIN and not self.crossed)
        lines = self._sent_headers()
        sent = SentRequest(method=self.method, url=address.url, headers=lines, credentials=along, body=self.body)
        received = self._exchange(sent)
        if self.crossed:
            self._judge(*cors_checks(received, self._origin(), self.request.credentials), of_response=True)
            self.timing_failed = self.timing_failed or not timing_allowed(received, self._origin())
        if received.status in REDIRECT_STATUSES and received.get("Location") is not None:
            self._follow(received)
        else:
            self.final = received
            self._judge(self._success(received), of_response=True)

    def _origin(self) -> str:
        """The origin as it is sent: `null` once a redirect led from one foreign origin elsewhere.

        Source: https://fetch.spec.whatwg.org/#serializing-a-request-origin, #concept-request-tainted-origin
        """
        own = self.request.origin
        for last, here in zip(self.hops, self.hops[1:], strict=False):
            if own != last.origin and here.origin != last.origin:
                return "null"
        return own

    def _sent_headers(self) -> HeaderLines:
        added = [] if self.headers.get("Accept") is not None else [("Accept", "*/*")]
        if self.crossed or self.method not in ("GET", "HEAD"):
            # https://fetch.spec.whatwg.org/#append-a-request-origin-header
            added.append((headers.ORIGIN, self._origin()))
        return HeaderLines((*added, *self.headers))

    def _ask_first(self) -> None:
        """Send a preflight, if one is due (https://fetch.spec.whatwg.org/#main-fetch and #http-fetch)."""
        unsafe = unsafe_headers(self.headers)
        reasons = []
        if self.method not in headers.SAFELISTED_METHODS:
            reasons.append(f"the method {self.method} is not GET, HEAD or POST")
        if self.request.upload_listeners:
            reasons.append("the upload has event listeners")
        key = Key(self._origin(), self.hops[-1].url, self.request.credentials is Credentials.INCLUDE)
        method_due = bool(reasons) and not self.cache.has_method(key, self.method, self.now)
        headers_due = any(not self.cache.has_header(key, name, self.now) for name in unsafe)
        reasons += unsafe.values()
        self.preflight_wanted |= bool(reasons)
        section, why = "main-fetch", f"A preflight is due: {'; '.join(reasons)}."
        if not reasons:
            why = "No preflight: method and headers are safelisted."
        elif not (method_due or headers_due):
            section, why = "concept-cache-match", f"No preflight: an earlier one is remembered ({'; '.join(reasons)})."
        self._judge(Check(Step.PREFLIGHT_DUE, section, why))
        if method_due or headers_due:
            self._preflight(key, tuple(unsafe))

    def _preflight(self, key: Key, unsafe_names: tuple[str, ...]) -> None:
        """Ask, and check the answer (https://fetch.spec.whatwg.org/#cors-preflight-fetch)."""
        lines = [("Accept", "*/*"), (headers.ORIGIN, key.origin), (headers.REQUEST_METHOD, self.method)]
        if unsafe_names:
            lines.append((headers.REQUEST_HEADERS, ",".join(unsafe_names)))
        # Never with credentials, whatever the request's own mode.
        sent = SentRequest(method=headers.PREFLIGHT_METHOD, url=key.url, headers=HeaderLines(lines), preflight=True)
        received = self._exchange(sent)
        checks = preflight_checks(received, self.request, key.origin, self.method, unsafe_names)
        self._judge(*checks, of_response=True)
        if all(check.passed for check in checks) or self.cache.engine is not None:
            listed, _ = received.headers.tokens(headers.ALLOW_METHODS)
            if self.request.upload_listeners and received.get(headers.ALLOW_METHODS) is None:
                listed = [self.method]
            names, _ = received.headers.tokens(headers.ALLOW_HEADERS)
            max_age = preflight_max_age(received.headers.lines(headers.MAX_AGE), self.cache.engine)
            self.cache = self.cache.with_answer(key, listed, names, max_age, self.now)
        else:  # only in practice: the standard's cache has forgotten it
            self.cache = self.cache.without(key.origin, key.url)

    def _follow(self, received: Received) -> None:
        """Go where a redirect leads (https://fetch.spec.whatwg.org/#http-redirect-fetch)."""
        here = self.hops[-1]
        targets = received.headers.lines("Location")
        # Browsers take the bytes for UTF-8 and percent-encode what is not ASCII.
        there = parse_url(quote(targets[0], safe=_ASCII, encoding="latin-1", errors="replace"), here)
        if len(targets) > 1 or there is None:
            self._stop_redirect(received, "Location is not one URL", "Send one Location header, with a URL.")
        if there.scheme not in WEB_PORTS:
            self._stop_redirect(received, f"it leads to {there.scheme}:", "Redirect to http or https.")
        if len(self.hops) > MAX_REDIRECTS:
            self._stop_redirect(received, f"browsers follow {MAX_REDIRECTS} and no more", "Look for a loop.")
        if there.has_userinfo and (self.crossed or there.origin != self.request.origin):
            why = "Location has a user name or password in it"
            self._stop_redirect(received, why, "Redirect to the URL without them.")
        get_instead = received.status in (301, 302) and self.method == "POST"
        if get_instead or (received.status == 303 and self.method not in ("GET", "HEAD")):
            self.method, self.body = "GET", None
            self.headers = self.headers.without(*BODY_HEADERS)
        if there.origin != here.origin:
            self.headers = self.headers.without(headers.NON_WILDCARD_REQUEST_HEADER)
        self.hops.append(there)
        sent_as = f", from now on as origin {self._origin()}" if self._origin() != self.request.origin else ""
        why = f"Redirected ({received.status}) to {there.url}{sent_as}."
        self._judge(Check(Step.REDIRECT, "http-redirect-fetch", why, "Location", targets[0]), of_response=True)

    def _stop_redirect(self, received: Received, what: str, fix: str) -> NoReturn:
        why = f"The redirect ({received.status}) is not followed: {what}."
        location = received.get("Location")
        self._fail(Check(Step.REDIRECT, "http-redirect-fetch", why, "Location", location, fix), of_response=True)

    def _success(self, received: Received) -> Check:
        why = f"The script can read the response ({received.status})"
        if self.crossed:
            return Check(Step.READ, "concept-filtered-response-cors", f"{why}.")
        return Check(Step.READ, "concept-filtered-response-basic", f"{why}: it comes from the page's own origin.")

    def _exchange(self, sent: SentRequest) -> Received:
        received = self.send(sent)
        self.exchanges.append(Exchange(sent, received))
        return received

    def _judge(self, *checks: Check, of_response: bool = False) -> None:
        """Note the checks, and end the course where browsers would."""
        about = len(self.exchanges) - 1 if of_response else None
        self.checks += [replace(check, exchange=about) for check in checks]
        if not all(check.passed_in_practice for check in checks):
            raise _NetworkError

    def _fail(self, check: Check, *, of_response: bool = False) -> NoReturn:
        self.checks.append(replace(check, exchange=len(self.exchanges) - 1 if of_response else None))
        raise _NetworkError
