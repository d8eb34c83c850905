"""Where a redirect leads: to a login, to https, to a slash, to another host, elsewhere."""

import re
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urljoin, urlsplit

from corecors.browser import Exchange

STATUSES = frozenset({301, 302, 303, 307, 308})

# A word of its own in the path (/login, /users/sign_in, /oauth2/...) or in the host (accounts.example.com).
_WORDS = r"log-?in|sign-?in|sign_in|signon|sso|auth|authn|authorize|oauth2?|oidc|saml2?|idp"
_LOGIN = re.compile(rf"(?:^|[/._-])(?:{_WORDS})(?:$|[/._-])", re.IGNORECASE)
_LOGIN_HOST = re.compile(rf"(?:^|[._-])(?:{_WORDS}|accounts?|identity)(?:$|[._-])", re.IGNORECASE)


class Leads(Enum):
    """What kind of place it is."""

    LOGIN = "login"
    HTTPS = "https"
    SLASH = "slash"
    OTHER_HOST = "other host"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a redirect leads. `there`: the address, absolute. `is_login`: whether it looks like a login page."""

    kind: Leads
    there: str

    @property
    def is_login(self) -> bool:
        return self.kind is Leads.LOGIN


def where_it_leads(exchange: Exchange) -> Target | None:
    """Where the response of `exchange` redirects to; None where it is not a redirect."""
    location = exchange.received.get("Location")
    if exchange.received.status not in STATUSES or location is None:
        return None
    here = urlsplit(exchange.sent.url)
    try:
        there = urljoin(exchange.sent.url, location)
        parts = urlsplit(there)
        host = parts.hostname
    except ValueError:
        return Target(Leads.ELSEWHERE, location)
    is_login = _LOGIN.search(parts.path) or (host != here.hostname and _LOGIN_HOST.search(host or ""))
    if is_login and not _LOGIN.search(here.path):  # else the page asks for something about logins itself
        return Target(Leads.LOGIN, there)
    if host != here.hostname:
        return Target(Leads.OTHER_HOST, there)
    same_path = (parts.path, parts.query) == (here.path, here.query)
    if parts.scheme == "https" and here.scheme == "http" and same_path:
        return Target(Leads.HTTPS, there)
    if parts.path != here.path and parts.path.rstrip("/") == here.path.rstrip("/") and parts.netloc == here.netloc:
        return Target(Leads.SLASH, there)
    return Target(Leads.ELSEWHERE, there)
