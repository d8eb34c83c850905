"""What is decided about one request, why, and how a person is told."""

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, final

from corecors._decisions import headers
from corecors._decisions.merging import Line, Lines, add_vary, merge_headers
from corecors._origins.showing import shown

if TYPE_CHECKING:
    from corecors._decisions.rules import Rules

MAX_ASKED_LENGTH: Final = 512  # characters of a part of what was asked; no origin is longer, and few lists of headers
TOO_LONG = "too long"  # all that is: mostly malformed, and so of one kind, as this text would be
MAX_LISTED_LENGTH: Final = 160  # characters of header names in a sentence; no page asks for more than a handful
FAILED_STATUS: Final = 403
VARY_ORIGIN: Line = (headers.VARY, headers.ORIGIN)


class Kind(StrEnum):
    """What kind of request it is. Source: Fetch, "CORS request" and "CORS-preflight request"."""

    NOT_CORS = "not_cors"
    ACTUAL = "actual"
    PREFLIGHT = "preflight"
    WEBSOCKET = "websocket"  # a handshake: no CORS request, and the browser guards nothing


class Reason(StrEnum):
    """Why a request is decided as it is. The words are stable."""

    NOT_CORS = "not_cors"
    ORIGIN_ALLOWED = "origin_allowed"
    PREFLIGHT_PASSED = "preflight_passed"
    OWN_ORIGIN = "own_origin"  # it comes from the server's own pages, which need no permission
    OPTED_OUT = "opted_out"  # its owner chose that no policy governs it
    ORIGIN_MALFORMED = "origin_malformed"
    ORIGIN_NULL = "origin_null"
    ORIGIN_NOT_ALLOWED = "origin_not_allowed"
    METHOD_MALFORMED = "method_malformed"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    HEADERS_MALFORMED = "headers_malformed"
    HEADER_NOT_ALLOWED = "header_not_allowed"
    CREDENTIALS_NOT_ALLOWED = "credentials_not_allowed"
    CROSS_SITE_BLOCKED = "cross_site_blocked"
    PATH_AMBIGUOUS = "path_ambiguous"
    UNDECIDED = "undecided"


OPTED_OUT = (Reason.OPTED_OUT,)
BLOCKED = (Reason.CROSS_SITE_BLOCKED,)


# What is said of each reason; of a header that is not allowed, `Decision._headers_sentence`.
_SENTENCES = {
    Reason.NOT_CORS: "The request has no Origin header, so it is not a CORS request: there is nothing to decide.",
    Reason.ORIGIN_ALLOWED: "The origin {origin} is allowed: the browser lets the page read the answer.",
    Reason.PREFLIGHT_PASSED: "The preflight passes: {origin} may send {method} with the headers that it asked for.",
    Reason.OWN_ORIGIN: "The request comes from a page of the server's own origin, which needs no permission.",
    Reason.OPTED_OUT: "No policy governs this request: that was configured, and the response stays as it is.",
    Reason.ORIGIN_MALFORMED: (
        "The origin {origin} is not a serialised origin: browsers write scheme://host or"
        " scheme://host:port, in lower case and without a trailing slash. Such a value never matches."
    ),
    Reason.ORIGIN_NULL: (
        "The origin is 'null', which sandboxed frames, local files and redirected requests send and which"
        " identifies nobody: it is not allowed."
    ),
    Reason.ORIGIN_NOT_ALLOWED: "The origin {origin} is not allowed. If it should be, add it to allow_origins.",
    Reason.METHOD_MALFORMED: (
        "Access-Control-Request-Method is {method}, which is not a method name; no browser sends that."
    ),
    Reason.METHOD_NOT_ALLOWED: (
        "The method {method} is not allowed. If it should be, add it to allow_methods"
        " (method names are case-sensitive)."
    ),
    Reason.HEADERS_MALFORMED: (
        "Access-Control-Request-Headers is not a list of header names that a browser could have sent:"
        " it has an element that is not a name, too much white space, too many commas, or is too long."
    ),
    Reason.CREDENTIALS_NOT_ALLOWED: (
        "The page at {origin} sent cookies (credentials: 'include'), and the policy does not allow credentials. Leave"
        " credentials out in the page, or name its origin in a policy with allow_credentials."
    ),
    Reason.CROSS_SITE_BLOCKED: "The request comes from another site and is blocked before the application runs.",
    Reason.PATH_AMBIGUOUS: (
        "The path can be read in more than one way, as sent or as decoded (an empty segment, a dot"
        " segment, a backslash, an encoded slash, a control character, bytes that are not UTF-8), or a preflight asks"
        " for a header that takes its place (Daphne-Root-Path, SCRIPT_NAME), so no"
        " policy governs it and nobody is let in."
    ),
    Reason.UNDECIDED: (
        "The policy source cannot tell which policy governs this request (UNDECIDED), so nobody is let in."
    ),
}
_OF_A_HANDSHAKE = {
    Reason.ORIGIN_ALLOWED: "The origin {origin} is allowed to open a WebSocket.",
    Reason.CREDENTIALS_NOT_ALLOWED: (
        "The handshake from {origin} carries credentials, as browsers send them with every WebSocket. Only"
        " a policy with allow_credentials that allows this origin lets it in."
    ),
}


@final
class Decision:
    """What is decided about one request. Immutable, hashable, equal where all of it is."""

    # Plain attributes behind properties: what is made for a request has to be cheap to make.

    _kind: Kind
    _allowed: bool
    _lines: Lines
    _status: int | None
    _origin: str | None
    _method: str | None
    _reasons: tuple[Reason, ...]
    _rules: "Rules | None"
    _names: str | None
    _origin_allowed: bool

    __slots__ = (
        "_allowed",
        "_kind",
        "_lines",
        "_method",
        "_names",
        "_origin",
        "_origin_allowed",
        "_reasons",
        "_rules",
        "_status",
    )

    # `Decision.__new__(Decision, ...)` makes one: a call of the class costs four times as much
    # (`python -m benchmarks options`).
    def __new__(
        cls,
        kind: Kind,
        allowed: bool,
        lines: Lines,
        status: int | None = None,
        origin: str | None = None,
        method: str | None = None,
        reasons: tuple[Reason, ...] = (),
        rules: "Rules | None" = None,
        names: str | None = None,
        origin_allowed: bool = False,
    ) -> "Decision":
        """A decision whose `reasons` are known, or one that asks `rules` when somebody wants to know.

        names: the value of `Access-Control-Request-Headers`. origin_allowed: whether it was not the origin that a
        preflight failed by.
        """
        made = object.__new__(cls)
        made._kind = kind
        made._allowed = allowed
        made._lines = lines
        made._status = status
        made._origin = origin
        made._method = method
        made._reasons = reasons
        made._rules = rules
        made._names = names
        made._origin_allowed = origin_allowed
        return made

    @property
    def kind(self) -> Kind:
        """What the request is."""
        return self._kind

    @property
    def allowed(self) -> bool:
        """False where the browser will keep the response from the page, or not send the request at all, or where the
        request is blocked. A request that is not CORS is allowed: there is nothing to refuse."""
        return self._allowed

    @property
    def status(self) -> int | None:
        """The status of the whole answer where the application is not to be asked, else None."""
        return self._status

    @property
    def origin(self) -> str | None:
        """The value of `Origin`, as received."""
        return self._origin

    @property
    def method(self) -> str | None:
        """The request's method, of a preflight the one that it asks for, as received."""
        return self._method

    @property
    def lines(self) -> Lines:
        """The header lines of the answer: pairs of name and value."""
        return self._lines

    @property
    def headers(self) -> dict[str, str]:
        """The same as a new dict."""
        return dict(self._lines)

    @property
    def reason(self) -> Reason:
        """Why, in one word: the first of `reasons`."""
        return self.reasons[0]

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """All that the request failed by, in the order in which a browser would find out; or why it passes."""
        if self._rules is None:
            return self._reasons
        return (
            *self._reasons,
            *self._rules.reasons(self._kind, self._origin, self._origin_allowed, self._method, self._names),
        )

    @property
    def disallowed_headers(self) -> tuple[str, ...]:
        """The request header names that a preflight asks for and that are not allowed, in lower case."""
        if self._rules is None or self._kind is not Kind.PREFLIGHT:
            return ()
        return self._rules.disallowed_headers(self._names)

    @property
    def opted_out(self) -> bool:
        """Whether the owner chose that no policy governs the request: its response stays untouched, but for `Vary`."""
        return self._reasons == OPTED_OUT

    def merge(self, own: list[Line]) -> list[Line]:
        """A response's `own` header lines with those of this decision: a new list."""
        if self._reasons == OPTED_OUT:
            return add_vary(own) if self._lines else own[:]
        return merge_headers(own, self._lines)

    def varied(self) -> "Decision":
        """The same decision, its lines varying by `Origin` whatever the policy says."""
        if any(name == headers.VARY for name, _ in self._lines):
            return self
        return self._changed((*self._lines, VARY_ORIGIN), self._status, self._reasons)

    def blocked(self) -> "Decision":
        """The same refusal, carried out before the application runs."""
        return self._changed(self._lines, FAILED_STATUS, BLOCKED + self._reasons)

    def _changed(self, lines: Lines, status: int | None, reasons: tuple[Reason, ...]) -> "Decision":
        return Decision.__new__(
            Decision,
            self._kind,
            self._allowed,
            lines,
            status,
            self._origin,
            self._method,
            reasons,
            self._rules,
            self._names,
            self._origin_allowed,
        )

    def answers_like(self, other: "Decision") -> bool:
        """Whether a browser is answered alike."""
        return self._allowed == other._allowed and self._lines == other._lines

    def explain(self) -> str:
        """Some sentences for a person: every reason, and what to write. Printable ASCII, bounded in length, whatever
        was received."""
        return " ".join(self._sentence(reason) for reason in self.reasons)

    def _sentence(self, reason: Reason) -> str:
        if reason is Reason.HEADER_NOT_ALLOWED:
            return self._headers_sentence()
        of_handshake = _OF_A_HANDSHAKE.get(reason) if self._kind is Kind.WEBSOCKET else None
        return (of_handshake or _SENTENCES[reason]).format(
            origin=shown(self._origin or ""), method=shown(self._method or "")
        )

    def _headers_sentence(self) -> str:
        names = self.disallowed_headers
        if len(names) == 1:
            text = f"The request header {shown(names[0])} is not allowed. If it should be, add it to allow_headers"
        else:
            listed = _listed([shown(name) for name in names])
            text = f"The request headers {listed} are not allowed. If they should be, add them to allow_headers"
        if headers.NON_WILDCARD_REQUEST_HEADER in names:
            text += " ('*' alone does not cover Authorization: ['*', 'Authorization'] does)"
        asked = [shown(name)[1:-1] for name in headers.parse_request_headers(self._names or "") or []]
        return f"{text}. The browser waits for Access-Control-Allow-Headers: {_listed(asked)}"

    @property
    def asked(self) -> tuple[Any, ...]:
        """What was asked and of which policy, and what came of it, without asking why: two decisions alike in it are of
        one kind. Bounded, whatever was received."""
        asked = bounded(self._origin, self._method, self._names)
        return self._kind, self._status, self._reasons, *asked, id(self._rules)

    def _key(self) -> tuple[Any, ...]:
        return (
            self._kind,
            self._allowed,
            self._status,
            self._lines,
            self._origin,
            self._method,
            self._names,
            self.reasons,
        )

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Decision) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        reasons = [str(reason) for reason in self.reasons]
        return (
            f"Decision(kind={self._kind.value!r}, allowed={self._allowed}, reasons={reasons}, status={self._status},"
            f" headers={self.headers})"
        )


def _listed(names: list[str]) -> str:
    """The names with commas between them, as many as a sentence holds."""
    told = ", ".join(names)
    if len(told) <= MAX_LISTED_LENGTH:
        return told
    some = told[:MAX_LISTED_LENGTH].rpartition(", ")[0]
    return f"{some} and {len(names) - some.count(', ') - 1} more"


def bounded(origin: str | None, method: str | None, names: str | None) -> tuple[str | None, str | None, str | None]:
    """What was asked, by which kinds are told apart: clients choose how long it is, and it is going to be hashed."""
    length = len(origin or "") + len(method or "")
    if names:
        length += len(names)
    if length <= MAX_ASKED_LENGTH:
        return origin, method, names
    return _bounded(origin), _bounded(method), _bounded(names)


def _bounded(text: str | None) -> str | None:
    return TOO_LONG if text is not None and len(text) > MAX_ASKED_LENGTH else text
