"""Whose request is it? Functions from a `CORSRequest` to the name of a tenant.

Facts
-----
A browser sets `Host` from the URL and no page can change it, so a page that names another tenant's host in a URL is
answered under that tenant's policy, which is what the law of tenants asks for. Everybody else can send any `Host`, and
gains nothing: what a policy guards against is browsers.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from corecors._decisions.request import CORSRequest, Place
from corecors._decisions.sources import UNDECIDED, Undecided

Tenant = Callable[[CORSRequest], Any]  # the name of a tenant; UNDECIDED where it cannot be told

_HOST = re.compile(
    r"(?:(?P<name>[a-z0-9_-]++(?:\.[a-z0-9_-]++)*+)\.?|(?P<address>\[[0-9a-f:.]{2,45}\]))(?::[0-9]{0,5})?",
    re.ASCII | re.IGNORECASE,  # ASCII: the Kelvin sign is not a k
)
MAX_LENGTH = 253 + len(".:65535")  # of a value of Host; DNS caps the name at 253
NOBODY = ""  # is never the name of a tenant


def by_host(request: CORSRequest | Place) -> str:
    """The request's host in lower case, without its port and without a trailing dot: "shop.example.com", "[::1]".

    "" where `Host` is missing, doubled or anything but a name or an address: then `default` governs.
    Only `Host` is trusted, never `X-Forwarded-Host`, which any client may send. A proxy in front has to pass the host
    of the public URL on: `proxy_set_header Host $host;` (nginx), `ProxyPreserveHost On` (Apache), while HAProxy, Caddy,
    Envoy and Traefik do so by themselves. One that does not makes every request one for the host it sends: where that
    has no tenant, nobody is allowed. Tenants at two ports of one host are one tenant here.
    """
    host = request.host
    return _tenant_of(host) if len(host) <= MAX_LENGTH else NOBODY


# One look-up instead of a regular expression, most of what a request costs here. Whoever sends another host every time
# has it read every time.
@lru_cache(maxsize=1024)
def _tenant_of(host: str) -> str:
    match = _HOST.fullmatch(host)
    return NOBODY if match is None else (match["name"] or match["address"]).lower()


def fault_of_host(name: str) -> str | None:
    """Why `by_host` never answers with `name`; None where it does."""
    found = by_host(CORSRequest("GET", host=name))
    if found == name:
        return None
    return f"is not a host as by_host writes it{f': write {found!r}' if found else ''}"


def by_path_segment(number: int) -> Tenant:
    """A function that answers with one segment of the path, counted from 1: of /acme/api the first is "acme".

    Compared as it is, case and all; "" where the path has fewer segments. A path that can be read in more than one way
    is `UNDECIDED`: nobody is let in. Raises `ValueError` unless `number` is a positive whole number.
    """
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise ValueError(f"by_path_segment counts segments from 1, not {number!r}")

    def segment(request: CORSRequest | Place) -> str | Undecided:
        segments = request.path.split("/", number + 1)
        if request.path_is_ambiguous or segments[0] or len(segments) == 1:  # every path begins with a slash
            return UNDECIDED
        mount = request.mount.rstrip("/") if isinstance(request, CORSRequest) else ""  # a `Place` has none
        # Where a mount stands in a path, what runs may be that of the path behind it. See `PathPolicies`.
        if (
            mount
            and mount in request.path
            and (number <= mount.count("/") or not f"{request.path}/".startswith(f"{mount}/"))
        ):
            return UNDECIDED
        return segments[number] if number < len(segments) else NOBODY

    segment.by_place = segment  # type: ignore[attr-defined]
    return segment


def needs_request(tenant: Tenant) -> bool:
    """Whether it has to be asked with a whole `CORSRequest`, as all functions but those of this module."""
    # A segment names itself: `functools.wraps` copies attributes to functions that may look at more. And a compiled
    # function like by_host has none.
    return tenant is not by_host and getattr(tenant, "by_place", None) is not tenant


def varies_by_origin(tenant: Tenant) -> bool:
    """Whether it may look at `Origin`, as functions may that do not say otherwise."""
    return needs_request(tenant) and bool(getattr(tenant, "varies_by_origin", True))
