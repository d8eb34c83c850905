"""The cookies of one application in the browser of one page.

Facts
-----
CORS decides whether credentials go along; whether a cookie is among them is decided by the cookie. One without
`SameSite=None; Secure` stays where page and application are of one site: same scheme, same registrable domain.
https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.2
"""

import http.cookiejar
import re
from collections.abc import Mapping
from email.message import Message
from typing import Any, Final
from urllib.request import Request as URLRequest

from corecors._origins.addresses import is_ip_address, is_loopback
from corecors._origins.public_suffixes import is_listed_suffix
from corecors.browser import Received, SentRequest
from corecors.browser.urls import parse_url
from corecors.testing.serving import Site

_COOKIE: Final = re.compile(r"[!#-+\--:<-\[\]-~]*")  # RFC 6265, 4.1.1: no white space, quotation mark, comma, semicolon


class CookieJar:
    """What the browser keeps for `site`, asked by a page of the origin `page`.

    `site_of_page`: how the two stand to each other, as `Sec-Fetch-Site` says it.
    """

    def __init__(self, site: Site, page: str) -> None:
        self._site = site
        self.site_of_page: str = _relation(page, site)
        # Browsers take http on this machine for secure (Secure Contexts, "potentially trustworthy origin").
        secure = ("https", "http") if is_loopback(site.address.host) else ("https",)
        policy = http.cookiejar.DefaultCookiePolicy(secure_protocols=secure)
        self._jar = http.cookiejar.CookieJar(policy)

    def put(self, cookies: Mapping[str, str]) -> None:
        """Keep these. Raises `ValueError` for what is not a cookie's name or value."""
        for name, value in cookies.items():
            if not name or "=" in name or _COOKIE.fullmatch(name + value) is None:
                raise ValueError(f"{name!r} cannot be a cookie with the value {value!r}: a server could not set it")
        self._keep(self._site.origin + "/", [f"{name}={value}; Path=/" for name, value in cookies.items()])

    def values(self) -> dict[str, str]:
        """Names and values of all that is kept."""
        return {cookie.name: cookie.value or "" for cookie in self._jar}

    def line(self, sent: SentRequest) -> str | None:
        """The value of `Cookie` for this request; None for no such line."""
        if not sent.credentials:
            return None
        request = URLRequest(sent.url)
        self._jar.add_cookie_header(request)
        return request.get_header("Cookie")

    def take(self, sent: SentRequest, received: Received) -> None:
        """Keep what the response sets, as far as the browser would."""
        if sent.credentials:
            self._keep(sent.url, filter(self._is_kept, received.headers.lines("Set-Cookie")))

    def _is_kept(self, line: str) -> bool:
        pair, *parts = line.split(";")
        attributes = {}  # of one that stands there twice the last counts (RFC 6265bis, 5.7)
        for part in parts:
            attribute, _, value = part.partition("=")
            attributes[attribute.strip().lower()] = value.strip().lower()
        name, domain = pair.partition("=")[0].strip().lower(), attributes.get("domain", "").removeprefix(".")
        is_secure = "secure" in attributes
        # RFC 6265bis, "Cookie Name Prefixes"; and nobody has a cookie for all below a public suffix.
        if name.startswith("__secure-") and not is_secure:
            return False
        if name.startswith("__host-") and (not is_secure or attributes.get("path") != "/" or domain):
            return False
        if domain and domain != self._site.address.host and is_listed_suffix(domain):
            return False
        return self.site_of_page != "cross-site" or (is_secure and attributes.get("samesite") == "none")

    def _keep(self, url: str, lines: Any) -> None:
        self._jar.extract_cookies(_Response(lines), URLRequest(url))  # type: ignore[arg-type]  # info() is all it needs


class _Response:
    def __init__(self, lines: Any) -> None:
        self._message = Message()
        for line in lines:
            self._message["Set-Cookie"] = line

    def info(self) -> Message:
        return self._message


def _relation(page: str, site: Site) -> str:
    if page == site.origin:
        return "same-origin"
    address = parse_url(page)
    if address is None or address.scheme != site.address.scheme:
        return "cross-site"
    same = _registrable(address.host) == _registrable(site.address.host)
    return "same-site" if same else "cross-site"


def _registrable(host: str) -> str:
    """The domain that somebody has registered, of which a host is part; an address is its own.

    Source: https://github.com/publicsuffix/list/wiki/Format#algorithm
    """
    if is_ip_address(host):
        return host
    labels = host.split(".")
    suffixes = [n for n in range(len(labels)) if is_listed_suffix(".".join(labels[n:]))]
    first = suffixes[0] if suffixes else len(labels) - 1
    return ".".join(labels[max(first - 1, 0) :])
