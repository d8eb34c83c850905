"""What the browsers' messages mean, in text that ships with the package. docs/errors.md has the same at length.

The messages are matched by their words, which differ between engines and versions; the address and the origin in them,
where they stand there, make the command that tells more.
"""

import re
import shlex
from dataclasses import dataclass

from corecors.cli.masking import Masker


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing that goes wrong. `name`: the section of docs/errors.md. `messages`: patterns of what browsers say."""

    name: str
    title: str
    messages: tuple[str, ...]
    cause: str
    fix: str


TOPICS = (
    Topic(
        "server-error",
        "Server error",
        (
            r"net::ERR_FAILED [45]\d\d",
            r"CORS header .Access-Control-Allow-Origin. missing\). Status code: [45]\d\d",
            r"Origin http\S+ is not allowed by Access-Control-Allow-Origin. Status code: [45]\d\d",
        ),
        "The server answered with an error, and errors have no CORS headers, so the page sees a CORS error instead of "
        "the status.",
        "Look at the server's log. Then send the CORS headers with errors too.",
    ),
    Topic(
        "wildcard-with-credentials",
        "Wildcard with credentials",
        (
            r"must not be the wildcard '\*' when the request's credentials mode is 'include'",
            r"Credential is not supported if the CORS header .Access-Control-Allow-Origin. is .\*.",
            r"Cannot use wildcard in Access-Control-Allow-Origin when credentials flag is true",
        ),
        "The page asks with cookies, and the server answers `*`, which counts for nothing then.",
        "Name the origin in Access-Control-Allow-Origin and add `Vary: Origin`; or let the page ask without "
        "credentials: a "
        "token in an Authorization header needs none.",
    ),
    Topic(
        "more-than-one-origin",
        "More than one origin",
        (
            r"contains multiple values",
            r"Multiple CORS header .Access-Control-Allow-Origin. not allowed",
            r"Access-Control-Allow-Origin cannot contain more than one origin",
        ),
        "The header stands there twice (the application and a proxy both set it), or somebody wrote a list into it.",
        "Let one place set it, and send one origin: the one that asks, if it is on your list.",
    ),
    Topic(
        "wrong-port-scheme-or-slash",
        "Wrong port, scheme or slash",
        (
            r"header has a value '.*' that is not equal to the supplied origin",
            r"header contains the invalid value '.*'",
            r"CORS header .Access-Control-Allow-Origin. does not match",
            r"Origin http\S+ is not allowed by Access-Control-Allow-Origin",
        ),
        "The server allows another origin: with a slash at the end, another port, http instead of https, other "
        "capitals.",
        "Send the origin exactly as the browser does: scheme, host, and the port where it is not the default.",
    ),
    Topic(
        "preflight-redirected",
        "Preflight redirected",
        (
            r"Redirect is not allowed for a preflight request",
            r"CORS request external redirect not allowed",
            r"Preflight response is not successful. Status code: 3",
        ),
        "The server redirects the OPTIONS request: to a slash at the end, to https, to a login.",
        "Ask for the final address; answer OPTIONS before anything redirects.",
    ),
    Topic(
        "method-not-allowed",
        "Method not allowed",
        (
            r"Method (?P<method>\S+) is not allowed by Access-Control-Allow-Methods",
            r"Did not find method in CORS header .Access-Control-Allow-Methods.",
        ),
        "The method is not listed. Names are case-sensitive: `patch` is not PATCH.",
        "List the method in Access-Control-Allow-Methods of the answer to the preflight; write PATCH in capitals "
        "in the "
        "page.",
    ),
    Topic(
        "header-not-allowed",
        "Header not allowed",
        (
            r"Request header field (?P<header>\S+) is not allowed by Access-Control-Allow-Headers",
            r"header .(?P<header2>[\w-]+). is not allowed according to header .Access-Control-Allow-Headers.",
            r"Did not find.*Access-Control-Allow-Headers",
        ),
        "The page sets a header that the answer to the preflight does not list. `*` covers none with credentials, and "
        "never Authorization by the standard.",
        "List every header that the page sets in Access-Control-Allow-Headers.",
    ),
    Topic(
        "unreadable-list",
        "Unreadable list",
        (r"Cannot parse Access-Control-Allow-\w+ response header field", r"invalid token", r"has an invalid value"),
        "An item of a list in the answer to the preflight is not a name: it is quoted, or has a space in it.",
        "Separate the names by commas, and quote none of them.",
    ),
    Topic(
        "credentials-not-allowed",
        "Credentials not allowed",
        (
            r"'Access-Control-Allow-Credentials' header in the response is '.*' which must be 'true'",
            r"expected .true. in CORS header .Access-Control-Allow-Credentials.",
            r"Access-Control-Allow-Credentials is not \"true\"",
        ),
        "The page asks with cookies, and the server does not say that it may.",
        "Send `Access-Control-Allow-Credentials: true`, in these letters, to origins that are named; or let the "
        "page ask "
        "without credentials.",
    ),
    Topic(
        "preflight-failing",
        "Preflight failing",
        (
            r"Response to preflight request doesn't pass access control check",
            r"CORS preflight channel did not succeed",
            r"CORS preflight response did not succeed",
            r"Preflight response is not successful",
            r"does not have HTTP ok status",
        ),
        "The answer to the OPTIONS request is not what the browser needs: an error, a login, or no CORS header.",
        "Answer OPTIONS with 204 and the CORS headers, before routing and before any login is checked.",
    ),
    Topic(
        "no-answer",
        "No answer",
        (
            r"CORS request did not succeed",
            r"net::ERR_(?!FAILED|BLOCKED_BY_)",
            r"Could not connect to the server",
            r"CORS request failed",
            r"The network connection was lost",
        ),
        "The browser got no answer: the server is down, another port, a certificate that is not trusted, an "
        "extension that "
        "blocks. CORS is not the reason, whatever the message says.",
        "Open the address in a tab of its own: what the browser says there is the reason.",
    ),
    Topic(
        "mixed-content",
        "Mixed content",
        (r"Mixed Content:", r"requested insecure content from", r"Blocked loading mixed active content"),
        "The page is on https and asks an http address.",
        "Serve the address over https.",
    ),
    Topic(
        "null-origin",
        "Null origin",
        (
            r"from origin 'null'",
            r"Origin null is not allowed",
            r"resource at \S?file:\S* \(Reason: CORS request not (?:http|HTTP)",
        ),
        "The page has no origin of its own: a file opened in the browser, a sandboxed frame, or a redirect led "
        "elsewhere.",
        "Serve the page over http (python -m http.server), or ask the final address. Never allow null with "
        "credentials: "
        "every site can send it.",
    ),
    Topic(
        "address-without-http",
        "Address without http",
        (
            r"[Cc]ross origin requests are only supported for",
            r"CORS request not (?:http|HTTP)",
            r'URL scheme "[^"]*" is not supported',
        ),
        "The address that the page asks does not begin with http:// or https://, so nothing was sent: localhost:8000/ "
        "is, to a browser, an address of the protocol localhost:.",
        "Write http:// before the host in the page.",
    ),
    Topic(
        "local-network",
        "Local network",
        (r"Permission was denied for this request to access the", r"address space", r"Local Network Access"),
        "A page on the Internet asks an address on the local network, which the user has to permit (Local "
        "Network Access).",
        "None on the server: no header can.",
    ),
    Topic(
        "module-font-or-image",
        "Module, font or image",
        (
            r"Access to (?:script|font|image|video|audio|CSS stylesheet|manifest) at",
            r"Failed to fetch dynamically imported module",
            r"Loading failed for the module",
            r"Tainted canvases",
            r"canvas has been tainted",
            r"denied by Cross-Origin Resource Sharing policy",
        ),
        "Modules, import(), fonts, and what has the attribute crossorigin are CORS requests: GET, without a preflight. "
        "The response has no Access-Control-Allow-Origin for this page.",
        "Let what serves the file send the header, with `*` where the file is public; a proxy or a CDN that serves it "
        "needs it there. For a canvas, put crossorigin on the <img> as well.",
    ),
    Topic(
        "websocket-refused",
        "WebSocket refused",
        (
            r"WebSocket connection to .* failed",
            r"can.t establish a connection to the server at wss?:",
            r"Error during WebSocket handshake",
        ),
        "A WebSocket is not a CORS request: the server refused the handshake because of its Origin (403), does not "
        "speak WebSocket there (200, 404), or a proxy does not pass Upgrade on (400, 502).",
        "Let the server accept the page's origin; no Access-Control header does. The doctor's --websocket asks it.",
    ),
    Topic(
        "another-block",
        "Another block",
        (
            r"ERR_BLOCKED_BY_(?:CLIENT|RESPONSE|CSP|ORB)",
            r"Cross-Origin-Resource-Policy",
            r"Content Security Policy directive",
            r"Failed to construct 'Worker'",
        ),
        "Not CORS: an extension of the browser, Cross-Origin-Resource-Policy, Content-Security-Policy, or a worker of "
        "another origin.",
        "Change that header, or try a window without extensions; no Access-Control header helps.",
    ),
    Topic(
        "missing-header",
        "Missing header",
        (
            r"No 'Access-Control-Allow-Origin' header is present",
            r"CORS header .Access-Control-Allow-Origin. missing",
            r"has been blocked by CORS policy",
            r"Cross-Origin Request Blocked",
            r"due to access control checks",
        ),
        "The response has no Access-Control-Allow-Origin. Either the server does not allow this origin, or it is "
        "not the "
        "application that answered: an error, a login page, another program.",
        "Let the server send it with every response, errors included. The doctor tells what really answered.",
    ),
    Topic(
        "login",
        "Login",
        (),
        "The server redirects to a login page, or answers 401 without CORS headers, so the page sees a CORS error.",
        "Answer 401 with the CORS headers; the page then leads to the login.",
    ),
    Topic(
        "cookies",
        "Cookies",
        (r"SameSite", r"third-party cookie", r"Cookie .* (?:has been |will soon be )?rejected"),
        "CORS allows credentials and the cookie stays at home: it is set without SameSite=None and Secure, or "
        "the browser "
        "blocks cookies of other sites.",
        "Set the cookie with `SameSite=None; Secure`, or serve page and API under one site: app.example.com and "
        "api.example.com are one.",
    ),
    Topic(
        "a-cache-in-between",
        "A cache in between",
        (),
        "The answer depends on the origin and does not say so, and a cache hands one origin's answer to another.",
        "Send `Vary: Origin` on every response that could differ, refusals included.",
    ),
    Topic(
        "header-not-readable",
        "Header not readable",
        (r"Refused to get unsafe header",),
        "Script reads seven response headers without being told so; the others have to be exposed.",
        "List them in Access-Control-Expose-Headers. Set-Cookie can never be exposed.",
    ),
)
_ABOUT_PREFLIGHTS = {"preflight-failing", "preflight-redirected", "method-not-allowed"}
BY_NAME = {topic.name: topic for topic in TOPICS}

# What a script catches. It is the same whatever happened, so it has no topic.
_CAUGHT = re.compile(
    r"(?:TypeError: )?(?:Failed to fetch|NetworkError when attempting to fetch resource|Load failed)\.?"
)

_ADDRESS = re.compile(r"(?:at |remote resource at |cannot load |load )[\u2018'\"]?(https?://[^\s\u2019'\"]+)")
_ORIGIN = re.compile(r"(?:from origin|Origin) '?(null|https?://[^\s'\u2019]+)'?")


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a message means. url, origin, header, method: as the message has them, else None."""

    topic: Topic
    url: str | None = None
    origin: str | None = None
    header: str | None = None
    method: str | None = None


def explanation_of(text: str) -> Explanation | None:
    """What `text`, a message of a browser's console or the name of a topic, means; None where nobody knows."""
    name = text.strip().lower().replace(" ", "-")
    if name in BY_NAME:
        return Explanation(BY_NAME[name])
    message = " ".join(text.split())
    for topic in TOPICS:
        for pattern in topic.messages:
            found = re.search(pattern, message)
            if found is not None:
                address, origin = _ADDRESS.search(message), _ORIGIN.search(message)
                named = found.groupdict()
                return Explanation(
                    topic,
                    None if address is None else address[1].rstrip(".,)"),
                    None if origin is None else origin[1].rstrip(".,"),
                    named.get("header") or named.get("header2"),
                    named.get("method"),
                )
    return None


def says_nothing(text: str) -> bool:
    """Whether `text` is what a script catches when a request fails, for whatever reason."""
    return _CAUGHT.fullmatch(text.strip().removeprefix("Uncaught (in promise) ")) is not None


def next_command(explanation: Explanation) -> str:
    """The command that tells more, with what the message says of the request."""
    masker = Masker()
    url = shlex.quote(masker.text(explanation.url)) if explanation.url else "URL"
    origin = shlex.quote(explanation.origin) if explanation.origin else "ORIGIN"
    # Without the method no preflight would be sent, and the doctor would ask for something else.
    method = explanation.method or ("METHOD" if explanation.topic.name in _ABOUT_PREFLIGHTS else "")
    method = f" -X {shlex.quote(method)}" if method else ""
    header = f" -H {shlex.quote(f'{explanation.header}: x')}" if explanation.header else ""
    credentials = " --credentials" if "credentials" in explanation.topic.name else ""
    return f"corecors doctor {url} --origin {origin}{method}{header}{credentials}"


def as_data(explanation: Explanation) -> dict[str, str | None]:
    """An explanation as data, without the secrets in it."""
    masker, topic = Masker(), explanation.topic
    return {
        "topic": topic.name,
        "title": topic.title,
        "cause": topic.cause,
        "fix": topic.fix,
        "url": None if explanation.url is None else masker.text(explanation.url),
        "origin": explanation.origin,
        "header": explanation.header,
        "next": next_command(explanation),
    }
