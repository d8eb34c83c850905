"""What a page's script gets to see of a response that it may read.

Sections: https://fetch.spec.whatwg.org/#main-fetch, #concept-filtered-response-cors, #tao-check
"""

from corecors._decisions.headers import (
    EXPOSE_HEADERS,
    FORBIDDEN_RESPONSE_HEADER_NAMES,
    SAFELISTED_RESPONSE_HEADER_NAMES,
    TIMING_ALLOW_ORIGIN,
    WILDCARD,
)
from corecors.browser.messages import Credentials, Received


def exposed_names(received: Received, credentials: Credentials) -> frozenset[str]:
    """The names, in lower case, of the headers of a cross-origin response that the script may read.

    A list that cannot be read exposes nothing.
    Source: https://fetch.spec.whatwg.org/#main-fetch, #concept-filtered-response-cors
    """
    listed, _ = received.headers.tokens(EXPOSE_HEADERS)
    names = {name.lower() for name in listed}
    if WILDCARD in names and credentials is not Credentials.INCLUDE:
        names |= {name.lower() for name, _ in received.headers}
    return (SAFELISTED_RESPONSE_HEADER_NAMES | names) - FORBIDDEN_RESPONSE_HEADER_NAMES


def timing_allowed(received: Received, origin: str) -> bool:
    """Whether a cross-origin response shows its timings to the page; unlike the CORS check it takes a list of origins.

    Source: https://fetch.spec.whatwg.org/#tao-check
    """
    items = received.headers.split(TIMING_ALLOW_ORIGIN)
    return WILDCARD in items or origin in items
