"""The preflight cache: what a browser remembers of a preflight, and for how long.

Facts
-----
An entry belongs to the page's origin, the exact URL and whether credentials went along, and holds one method or one
header name. A passed preflight stores all that the server listed, not only what was asked. `Vary` plays no part, and
this is not the HTTP cache. https://fetch.spec.whatwg.org/#concept-cache
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PreflightCache:
    """An immutable preflight cache; every change yields a new one."""
