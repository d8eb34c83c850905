"""What the doors of frameworks with routes share: the policy of a request is that of the view that answers it.

Facts
-----
A framework rewrites a path and a method before it routes, each in its own way, and an application may rewrite them
again. A look-up that does so only nearly gives a view the policy of another one. So nothing here reads a path: for an
actual request the framework tells what it ran, when the response starts; for what is decided before the application
runs (a preflight, a WebSocket handshake, a request that may be blocked) it is asked what it would run.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from types import EllipsisType
from typing import Any, Generic, NamedTuple, TypedDict, TypeVar
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from corecors import (
    UNDECIDED,
    CORSRequest,
    Decision,
    Door,
    Policy,
    PolicySource,
    RejectionLog,
    foreign_call_error,
    merge_headers,
    path_is_ambiguous,
    possible_methods,
)
from corecors.adapters.wsgi import NO_BODY, STATUS_LINES, Governing, answer, request_of

LOGGER = logging.getLogger("corecors")

Route = TypeVar("Route")
_Headers = list[tuple[str, str]]
_Merge = Callable[[_Headers], _Headers]

_ASKED = "corecors.asked"  # in the environ, so that a copy of it that the application made is known again
_ADMITTED = "corecors.admitted"


class DoorOptions(TypedDict, total=False):
    """The options of `corecors.adapters.wsgi.CORSMiddleware`, and of every door."""

    on_decision: Callable[[Decision, CORSRequest], object] | None
    report_only: Policy | PolicySource | None
    block_disallowed: bool
    check_websockets: bool
    own_origins: Iterable[str]
    rejections: RejectionLog | EllipsisType | None


class Asked(NamedTuple):
    """What a request asked for, before the application changed anything. Each is an object of its own."""

    method: str
    script: str
    path: str
    origin: str | None
    route: Any  # what an application around this one has matched, and left in the environ

    def restored(self, environ: WSGIEnvironment) -> WSGIEnvironment:
        return {**environ, "REQUEST_METHOD": self.method, "SCRIPT_NAME": self.script, "PATH_INFO": self.path}


class _Admitted:
    """What let a request in, before it ran; or kept it out later, where another view was about to run."""

    __slots__ = ("decision", "governing", "refusal", "route")

    def __init__(self, route: Any, governing: Governing, decision: Decision) -> None:
        self.route = route
        self.governing = governing
        self.decision = decision
        self.refusal: Decision | None = None


class RoutePolicies(ABC, Generic[Route]):
    """The WSGI callable of one application, in front of the framework's own. A framework says six things."""

    def __init__(self, wsgi: WSGIApplication, door: Door) -> None:
        self._wsgi = wsgi
        self._door = door
        # Not empty where a route may have got a policy of its own under `plain`: an actual request finds out by what
        # ran, but nothing runs for a preflight, so it is asked what would.
        self._given: Collection[object] = ()

    @abstractmethod
    def routes_changed(self) -> bool:
        """Whether routes, or the policies that were given to them, have changed since `check_routes`."""

    @abstractmethod
    def check_routes(self) -> None:
        """Raise for a policy of the wrong type and for one that reaches no route."""

    def plain(self) -> Policy | None:
        """The policy that governs every actual request, where there is just one, and the door may be silent about it.
        Routes need no checking then."""
        return None

    def has_own_now(self, environ: WSGIEnvironment) -> bool:
        """Whether what ran under `plain` has been given a policy of its own meanwhile. The next request finds out."""
        return False

    @abstractmethod
    def has_own(self) -> bool:
        """Whether any route may have a policy of its own."""

    @abstractmethod
    def match(self, environ: WSGIEnvironment, method: str) -> Route | None:
        """What the framework would run for the request with another method. Nothing of the application runs for it but
        what converts parts of the URL, and what that raises is passed on."""

    @abstractmethod
    def matched(self, environ: WSGIEnvironment, asked: Asked) -> Route | None:
        """What the framework has found for the request that is being answered, where that can be told."""

    @abstractmethod
    def policy_of(self, route: Route | None) -> Governing:
        """The policy of a route as it stands at this moment, the nearest one. None as a route: the application's."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        plain = self.plain()
        if plain is None and self.routes_changed():
            self.check_routes()
        if "HTTP_UPGRADE" in environ:
            return self._admit(environ, start_response)
        if (
            "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
            and "HTTP_ORIGIN" in environ
            and environ.get("REQUEST_METHOD") == "OPTIONS"
        ):
            return self._answer_preflight(environ, start_response, None if self._given else plain)
        if plain is None:
            return (self._admit if self._door.blocks else self._run)(environ, start_response)
        origin = environ.get("HTTP_ORIGIN")
        lines = plain.lines(origin)
        assert lines is not None  # there is no predicate to ask
        if lines is Policy.refusal and origin is not None:
            if not self._door.counts(origin, environ.get("REQUEST_METHOD", "")):
                self._door.refused(plain, origin, request_of(environ))
        elif origin is not None and "HTTP_COOKIE" in environ:
            self._allowed_with_cookies(plain, environ)

        # Made for each request, so with defaults instead of closure cells and without annotations, which cost more.
        def start(  # type: ignore[no-untyped-def]
            status, headers, exc_info=None, start_response=start_response, lines=lines, self=self, environ=environ
        ):
            if self.has_own_now(environ):
                lines = Policy.refusal  # nobody is let in by a policy that may not govern
            return start_response(status, merge_headers(headers, lines), exc_info)

        return self._wsgi(environ, start)

    # Before the application runs

    def _answer_preflight(
        self, environ: WSGIEnvironment, start_response: StartResponse, plain: Policy | None = None
    ) -> Iterable[bytes]:
        """`plain`: the policy, where it governs whatever would run."""
        origin = environ["HTTP_ORIGIN"]
        method = environ["HTTP_ACCESS_CONTROL_REQUEST_METHOD"]
        names = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS")
        if plain is None:
            governing = self._asked_for(environ, method, names)
            if not self._door.is_silent(governing):
                decision = self._door.decide(governing, request_of(environ))
                # Where nobody is to answer it here, the application does; it runs no view whose policy could be seen
                # later.
                if decision is None:
                    return self._wsgi(environ, start_response)
                if decision.status is None:  # a source opted out, by the request's origin as far as can be told
                    return self._run(environ, start_response, _Admitted(None, governing, decision))
                return answer(start_response, decision.status, decision.lines)
            plain = governing
        lines, status = plain.preflight_lines(origin, method, names), plain.preflight_status
        if lines is None:
            lines, status = plain.preflight_refusal, 403
            self._door.refused_preflight(plain, origin, method, names, request_of, environ)
        # `answer`, without the price of a call.
        start_response(STATUS_LINES[status], [*lines] if status == 204 else [*lines, *NO_BODY])
        return []

    def _admit(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Let a request in or refuse it: the handshake of a WebSocket, or any where some are blocked."""
        request = request_of(environ)
        if request.is_preflight:
            return self._answer_preflight(environ, start_response)
        route, governing = self._would_run(environ, request.method)
        decision = self._door.decide(governing, request)
        if decision is None:
            return self._run(environ, start_response)
        if decision.status is not None:
            return answer(start_response, decision.status, decision.lines)
        return self._run(environ, start_response, _Admitted(route, governing, decision))

    def _asked_for(self, environ: WSGIEnvironment, method: str, names: str | None) -> Governing:
        """The policy of what the request that a preflight asks for would run."""
        if names is not None and self.has_own() and path_is_ambiguous("/", names=names):
            return UNDECIDED  # the header takes the place of the path, which may lead to any view
        methods = possible_methods(method, names)
        for _ in range(2):  # where they differ, the application's policy may have been replaced between two of them
            found = [self._would_run(environ, each)[1] for each in methods]
            if all(each is found[0] for each in found):
                return found[0]
        return UNDECIDED

    def _would_run(self, environ: WSGIEnvironment, method: str) -> tuple[Route | None, Governing]:
        try:
            route = self.match(environ, method)
        except Exception:
            # What converts a part of the URL failed. It will again when the framework matches, which then answers.
            self._door.failed("no policy, for the request's URL could not be matched")
            return None, UNDECIDED
        return route, self.policy_of(route)

    # While it runs

    def _run(
        self, environ: WSGIEnvironment, start_response: StartResponse, admitted: _Admitted | None = None
    ) -> Iterable[bytes]:
        asked = Asked(
            environ.get("REQUEST_METHOD", ""),
            environ.get("SCRIPT_NAME", ""),
            environ.get("PATH_INFO", ""),
            environ.get("HTTP_ORIGIN"),
            environ.get("bottle.route"),
        )
        environ[_ASKED] = asked
        if admitted is not None:
            environ[_ADMITTED] = admitted
        merge: _Merge | None = None

        def start(status, headers, exc_info=None):  # type: ignore[no-untyped-def]  # annotations cost at each request
            nonlocal merge
            if merge is None:  # a response may be started again; it is decided once
                merge = self._merging(environ, asked, admitted)
            return start_response(status, merge(headers), exc_info)

        return self._wsgi(environ, start)

    def is_kept_out(self, environ: WSGIEnvironment) -> bool:
        """Whether the view that is about to run, of which `environ` tells, is another one than a request was let in
        for: then who is let in to every view may go on, and nobody else. Asked where some requests are blocked."""
        asked, admitted = environ.get(_ASKED), environ.get(_ADMITTED)
        if asked is None or admitted is None or self._is_for(admitted, self.matched(environ, asked)):
            return False
        decision = self._door.decide(UNDECIDED, request_of(asked.restored(environ)))
        admitted.refusal = decision
        return decision is not None and decision.status is not None

    def _is_for(self, admitted: _Admitted, route: Route | None) -> bool:
        # What governs both now: the policy may have been replaced since.
        return route is None or self.policy_of(route) in (admitted.governing, self.policy_of(admitted.route))

    def _merging(self, environ: WSGIEnvironment, asked: Asked, admitted: _Admitted | None) -> _Merge:
        """What makes the headers of a response, by the policy of what ran."""
        route = self.matched(environ, asked)
        if admitted is not None:
            if admitted.refusal is not None:
                return admitted.refusal.merge
            if self._is_for(admitted, route):
                return admitted.decision.merge
            # The application rewrote the request: what was let in was meant for another view.
            governing: Governing = UNDECIDED
        elif route is None:
            governing = self._would_run(asked.restored(environ), asked.method)[1]
        else:
            governing = self.policy_of(route)
        if governing is None:
            return _untouched
        if self._door.is_silent(governing):
            lines = governing.lines(asked.origin)
            assert lines is not None  # there is no predicate to ask
            if lines is Policy.refusal and asked.origin is not None:
                if not self._door.counts(asked.origin, asked.method):
                    self._door.refused(governing, asked.origin, request_of(asked.restored(environ)))
            elif asked.origin is not None and "HTTP_COOKIE" in environ:
                self._allowed_with_cookies(governing, asked.restored(environ))
            return lambda headers: merge_headers(headers, lines)
        made = self._door.decide(governing, request_of(asked.restored(environ)))
        return _untouched if made is None else made.merge

    def _allowed_with_cookies(self, policy: Policy, environ: WSGIEnvironment) -> None:
        """Take note of an answer that shared lines gave and that browsers may withhold, for cookies came along."""
        if not policy.allow_credentials and environ.get("HTTP_SEC_FETCH_MODE") == "cors":
            self._door.came_with_cookies(policy, request_of(environ))


def check_options(caller: str, options: Mapping[str, object]) -> None:
    """Raise `TypeError` for an option that no door has, or of the wrong type, naming it."""
    unknown = [name for name in options if name not in DoorOptions.__annotations__]
    if unknown:
        raise foreign_call_error(caller, unknown)
    Door(**options)  # type: ignore[arg-type]


def wrong_call(instead: str) -> TypeError:
    """The error for a call that another library would understand; `instead` says what to write."""
    return TypeError(f"{instead}. See docs/migrating.md")


def was_asked(environ: WSGIEnvironment, asked: Asked) -> bool:
    """Whether an environ, or what it is a copy of, is that of a request."""
    return environ.get(_ASKED) is asked


def _untouched(headers: _Headers) -> _Headers:
    return headers
