"""What is dangerous about a server's CORS even where the request at hand works: asked for, not guessed.

Each probe is one more request; what a browser would make of the answer is `corecors.browser`'s to say.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from corecors._decisions.headers import ALLOW_CREDENTIALS, ALLOW_ORIGIN, ORIGIN, VARY, WILDCARD
from corecors.browser import Credentials, HeaderLines, Received, SentRequest
from corecors.browser.cors_check import cors_checks

# The order in which they are told, whatever was found first: what gives data away comes first.
ORDER = (
    "any origin with credentials",
    "WebSocket for any origin",
    "any origin reflected",
    "null allowed",
    "look-alike origin allowed",
    "Access-Control-Allow-Origin doubled",
    "header behind the policy",
    "Vary missing",
    "cookie kept back",
)

# RFC 2606 keeps .invalid free: nobody can register these, so a server that lets them in lets anybody in.
STRANGER = "https://corecors-doctor.invalid"
MISSING_PAGE = "corecors-doctor-no-such-page"

Send = Callable[[SentRequest], Received]


@dataclass(frozen=True, slots=True)
class Hazard:
    """One danger.

    name: what it is, in words that stay the same. says: what was seen. fix: what to change. serious: whether it gives
        data away, or breaks pages, by itself. header: the header that shows it; value: what it said, None for missing.
    """

    name: str
    says: str
    fix: str
    serious: bool
    header: str | None = None
    value: str | None = None


def in_order(hazards: Iterable[Hazard]) -> list[Hazard]:
    """The serious ones first, and among them those that give data away."""

    def place(hazard: Hazard) -> tuple[bool, int]:
        return not hazard.serious, ORDER.index(hazard.name) if hazard.name in ORDER else len(ORDER)

    return sorted(hazards, key=place)


def find_hazards(url: str, origin: str, answer: Received, send: Send) -> Iterator[Hazard]:
    """Look for dangers at `url`, for which `answer` is the response to a GET from `origin`. Some 16 requests.

    All are GETs without a body and without any secret: a danger is never looked for at the expense of the server.
    """
    yield from _about_lines(answer)
    anonymous = send(_get(url, None))
    stranger = send(_get(url, STRANGER))
    yield from _about_caches(answer, anonymous, stranger)
    yield from _about_another_place(answer, origin, stranger)
    anyone = _reads(stranger, STRANGER)
    if anyone:
        yield from _about_anyone(stranger)
    else:
        yield from _about_lookalikes(url, origin, send)
    null = send(_get(url, "null"))
    if _reads(null, "null") and null.get(ALLOW_ORIGIN) != WILDCARD:
        yield Hazard(
            "null allowed",
            "The origin null is allowed: any site can send it, from a sandboxed frame.",
            "Take null off the list of allowed origins.",
            serious=_with_credentials(null),
            header=ALLOW_ORIGIN,
            value=null.get(ALLOW_ORIGIN),
        )
    if _reads(answer, origin):
        yield from _about_errors(url, origin, send)


def _get(url: str, origin: str | None) -> SentRequest:
    headers = (("Accept", "*/*"), *(() if origin is None else ((ORIGIN, origin),)))
    return SentRequest(method="GET", url=url, headers=HeaderLines(headers))


def _reads(answer: Received, origin: str) -> bool:
    return all(check.passed for check in cors_checks(answer, origin, Credentials.OMIT))


def _with_credentials(answer: Received) -> bool:
    return answer.get(ALLOW_CREDENTIALS) == "true" and answer.get(ALLOW_ORIGIN) != WILDCARD


def _vary(answer: Received) -> list[str]:
    return [item.strip().lower() for item in (answer.get(VARY) or "").split(",") if item.strip()]


def _about_lines(answer: Received) -> Iterator[Hazard]:
    for name in (ALLOW_ORIGIN, ALLOW_CREDENTIALS):
        found = answer.headers.lines(name)
        if len(found) > 1:
            yield Hazard(
                f"{name} doubled",
                f"{name} comes {len(found)} times.",
                "Let one place set it: the application or a proxy in front of it, not both.",
                serious=name == ALLOW_ORIGIN,
                header=name,
                value=", ".join(found),
            )
    if _vary(answer).count("origin") > 1:
        yield Hazard(
            "Vary doubled",
            "Vary names Origin more than once: harmless, and a sign that two places set CORS headers.",
            "Let one place set them.",
            serious=False,
            header=VARY,
            value=answer.get(VARY),
        )


def _about_caches(answer: Received, anonymous: Received, stranger: Received) -> Iterator[Hazard]:
    """Fetch, "CORS protocol and HTTP caches": an answer that depends on the origin has to say so, to everybody."""
    answers = (
        (answer, "to the page's origin"),
        (anonymous, "to a request without Origin"),
        (stranger, "to another origin"),
    )
    # Only what can be compared is: a login or a rate limit answers differently for reasons of its own.
    comparable = [(received, whom) for received, whom in answers if received.status == answer.status]
    if len({received.get(ALLOW_ORIGIN) for received, _ in comparable}) == 1:
        return
    for received, whom in comparable:
        vary = _vary(received)
        if "origin" in vary or WILDCARD in vary:
            continue
        kept = received.get("Cache-Control") or ""
        yield Hazard(
            "Vary missing",
            f"{ALLOW_ORIGIN} depends on who asks, and the response {whom} has no Vary: Origin: a cache hands it "
            "to other origins.",
            "Send `Vary: Origin` on every response, to refused origins and requests without Origin too.",
            serious="no-store" not in kept and "private" not in kept,
            header=VARY,
            value=received.get(VARY),
        )
        return


def _about_another_place(answer: Received, origin: str, stranger: Received) -> Iterator[Hazard]:
    """One place decides by origin, and where it says no, the header of another place stands."""
    if answer.get(ALLOW_ORIGIN) == origin and stranger.get(ALLOW_ORIGIN) == WILDCARD:
        yield Hazard(
            "header behind the policy",
            f"The page's origin is echoed, and anyone else gets `{ALLOW_ORIGIN}: *`: where one place refuses, the "
            "header "
            "that another place set survives, and everybody reads the response.",
            "Let one place set it, and take it out of the other: the application or the proxy.",
            serious=True,
            header=ALLOW_ORIGIN,
            value=WILDCARD,
        )


def about_cookies(answer: Received) -> Iterator[Hazard]:
    """Cookies that the page's next request would not carry (RFC 6265bis, 5.8.3; browsers take no SameSite for Lax)."""
    for line in answer.headers.lines("Set-Cookie"):
        name = line.partition("=")[0].strip()
        attributes = [part.strip().lower() for part in line.split(";")[1:]]
        if "samesite=none" in attributes and "secure" in attributes:
            continue
        lacks = "SameSite=None" if "samesite=none" not in attributes else "Secure"
        yield Hazard(
            "cookie kept back",
            f"The cookie {name} is set without {lacks}: browsers do not send it with requests from another site, "
            "whatever "
            "CORS allows.",
            "Set it with `SameSite=None; Secure`, over https, if other sites are meant to send it; or serve page "
            "and API "
            "under one site (app.example.com and api.example.com are one).",
            serious=False,
            header="Set-Cookie",
            value=None,
        )


def _about_anyone(stranger: Received) -> Iterator[Hazard]:
    value = stranger.get(ALLOW_ORIGIN)
    if value == WILDCARD:
        return
    if _with_credentials(stranger):
        yield Hazard(
            "any origin with credentials",
            f"Any origin is let in with credentials: {STRANGER} was. Every site can read your visitors' data.",
            "Allow the origins that need it by name, or send no credentials header.",
            serious=True,
            header=ALLOW_ORIGIN,
            value=value,
        )
    else:
        yield Hazard(
            "any origin reflected",
            f"Any origin is let in, by sending back what it says: {STRANGER} was.",
            f"If everybody may read this, say so: `{ALLOW_ORIGIN}: *` needs no Vary. If not, name the origins.",
            serious=False,
            header=ALLOW_ORIGIN,
            value=value,
        )


def _about_lookalikes(url: str, origin: str, send: Send) -> Iterator[Hazard]:
    for lookalike in lookalikes(origin):
        answer = send(_get(url, lookalike.origin))
        if answer.get(ALLOW_ORIGIN) == lookalike.origin:
            yield Hazard(
                "look-alike origin allowed",
                f"{lookalike.origin} is let in: {lookalike.how}.",
                "Compare whole origins, byte for byte; in a regular expression escape every dot and match to the end.",
                serious=lookalike.of_strangers,
                header=ALLOW_ORIGIN,
                value=lookalike.origin,
            )
            return  # one shows the fault; the others would only repeat it


class Lookalike(NamedTuple):
    """An origin that a wrong comparison takes for another. `of_strangers`: whether anybody can have it."""

    origin: str
    how: str
    of_strangers: bool = True


def lookalikes(origin: str) -> list[Lookalike]:
    """Origins that a wrong comparison takes for `origin`, the most dangerous first."""
    scheme, _, authority = origin.partition("://")
    if not authority:
        return []
    host, _, port = authority.partition(":")
    at_port = f":{port}" if port else ""
    stranger = "corecors-doctor.invalid"
    found = [
        Lookalike(f"{scheme}://{host}.{stranger}{at_port}", "the end of the host is not looked at"),
        Lookalike(f"{origin}.{stranger}", "the end of the origin is not looked at"),
        Lookalike(f"{scheme}://{host}-{stranger}", "the end of the host is not looked at"),
        Lookalike(f"{scheme}://{host}`.{stranger}", "the end of the host is not looked at"),
        Lookalike(f"{scheme}://{host}@{stranger}", "what stands before an @ is taken for the host"),
        Lookalike(f"{scheme}://{stranger}/{authority}", "a path is taken for the host"),
        Lookalike(f"{scheme}://{stranger}?{authority}", "a query is taken for the host"),
        Lookalike(f"{scheme}://{stranger}:{authority}", "a port is taken for the host"),
        Lookalike(f"{scheme}://{stranger},{origin}", "one origin of a list is enough"),
        Lookalike(f"{scheme}://corecors-doctor{authority}", "the start of the host is not looked at"),
        Lookalike(origin.upper(), "upper and lower case are not told apart", of_strangers=False),
    ]
    labels = host.split(".")
    if len(labels) > 1 and not host.replace(".", "").isdigit():
        dotless = f"{'.'.join(labels[:-2])}.{labels[-2]}x{labels[-1]}".removeprefix(".")
        found.append(
            Lookalike(f"{scheme}://{dotless}{at_port}", "a dot in a regular expression stands for any character")
        )
    if host != "localhost" and not host.endswith(".localhost") and not host.startswith("127."):
        other = "4433" if port != "4433" else "4434"
        found.append(Lookalike(f"{scheme}://{host}:{other}", "the port is not looked at", of_strangers=False))
        if scheme == "https":
            how = "the scheme is not looked at, and anyone who sits on the network can be that page"
            found.append(Lookalike(f"http://{authority}", how, of_strangers=False))
    return list({lookalike.origin: lookalike for lookalike in found}.values())


def _about_errors(url: str, origin: str, send: Send) -> Iterator[Hazard]:
    parts = urlsplit(url)
    missing = urlunsplit((parts.scheme, parts.netloc, f"{parts.path.rstrip('/')}/{MISSING_PAGE}", "", ""))
    answer = send(_get(missing, origin))
    if answer.status >= 400 and not _reads(answer, origin):
        yield Hazard(
            "errors without headers",
            f"The error {answer.status} at {parts.path.rstrip('/')}/{MISSING_PAGE} has no {ALLOW_ORIGIN}: the page "
            "sees a bare TypeError instead of the status.",
            "Add the CORS headers to every response, errors included.",
            serious=False,
            header=ALLOW_ORIGIN,
            value=answer.get(ALLOW_ORIGIN),
        )
