"""One request on its way through the middleware: what it asks for, which policy governs it, and what it gets."""

import logging
import re
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from corecors import UNDECIDED, CORSRequest, Decision, Door, Policy, PolicySource, path_is_ambiguous, possible_methods
from corecors.adapters.django.marks import AMBIGUOUS, Mark, mark_of, were_made
from corecors.adapters.django.routing import Route, asked_mark, views_may_have_policies

LOGGER = logging.getLogger("corecors")
MAX_REPORTED = 1000  # routes that the log has a line about; a project has some hundreds
_reported: set[str] = set()

Line = tuple[str, str]

# Django turns bytes of a path that are not UTF-8 back into percent-encodings (`repercent_broken_unicode`), which then
# look like the text that a client may have sent as %25FF.
_WAS_NOT_UTF8 = re.compile("%[89A-Fa-f][0-9A-Fa-f]")


class Visit:
    """A request, seen before the view runs and after.

    decided_before: whether the policy has to be known before the view runs: always but where views have policies and
        nothing needs to be kept from running. Then the view that ran tells which one it was.
    """

    __slots__ = ("_common", "_door", "_marked", "_request", "_route", "asked", "decided_before", "refusal")

    def __init__(self, request: HttpRequest, common: Policy | PolicySource | None, door: Door) -> None:
        asked = read(request)
        self.asked: CORSRequest = asked
        self.refusal: Decision | None = None
        self._request = request
        self._common = common
        self._door = door
        self._marked = views_may_have_policies(request)
        self.decided_before: bool = not self._marked or asked.is_preflight or asked.is_websocket or door.blocks
        self._route = Route.of(request, asked.governed_method) if self._marked else None

    @property
    def is_decided_after(self) -> bool:
        """Whether the policy is to be asked for once the response is there: also where the request had views imported
        that have policies, and nobody could know of them before."""
        return not self.decided_before or (not self._marked and were_made())

    def policy_before(self) -> Any:
        """What governs the request, as far as can be told before Django resolves it."""
        if self._route is None:
            return self._common
        names = self.asked.request_headers
        if self.asked.is_preflight and names is not None and path_is_ambiguous("/", names=names):
            return UNDECIDED  # the header takes the place of the path, which may lead to any view
        try:
            methods = possible_methods(self._route.method, names)
            return self._of(asked_mark(self._request, self._route, methods))
        except Exception:
            # A URL converter of the project failed, or its URLs cannot be imported. Django will answer for that.
            self._door.failed("no policy, for the request's URL could not be resolved")
            return UNDECIDED

    def policy_after(self) -> Any:
        """What governs the request, now that its view has run; nothing, where that is not what was asked for at first:
        a preflight for it was, or would have been, answered by another policy."""
        match = self._request.resolver_match
        if match is None:
            return self.policy_before()
        return self._of_view(match.func)

    def differs(self, view: object) -> bool:
        """Whether what governs `view`, which is about to run, is not what governed the request at first."""
        return self._marked and self._of_view(view) is UNDECIDED

    def _of_view(self, view: object) -> Any:
        mark = mark_of(view, self._request.method or "")
        found = self._of(mark)
        if mark is AMBIGUOUS:
            self._report(
                "cannot be told apart from others that its decorators know: give these functools.wraps, or put"
                " cross_origin above them"
            )
        elif Route.of(self._request, self._request.method) != self._route and self.policy_before() != found:
            self._report(
                "has another policy than the view that the request asked for before the middleware below"
                " CORSMiddleware changed its method, path or urlconf: put that middleware above"
            )
            return UNDECIDED
        return found

    def _of(self, mark: Mark | None) -> Any:
        return self._common if mark is None else mark.policy

    def _report(self, why: str) -> None:
        match = self._request.resolver_match
        route = "" if match is None else str(match.route)
        if route not in _reported and len(_reported) < MAX_REPORTED:
            _reported.add(route)
            LOGGER.warning("CORS: no policy governs the view at %a, which %s", route, why)


def read(request: HttpRequest) -> CORSRequest:
    """What Django's request says."""
    meta = request.META
    path = request.path
    target, mount = meta.get("RAW_URI") or meta.get("REQUEST_URI") or "", ""
    names = meta.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS")
    scope = getattr(request, "scope", None)
    if scope is not None:
        target = (scope.get("raw_path") or b"").decode("latin-1")
        mount = meta.get("SCRIPT_NAME") or ""  # the server's or FORCE_SCRIPT_NAME; Django cuts it off where it is there
    return CORSRequest(
        meta.get("REQUEST_METHOD", ""),
        path,
        path_is_ambiguous(path, target, names)
        or _WAS_NOT_UTF8.search(path) is not None
        or request.path_info[:1] != "/",
        request.scheme or "",
        meta.get("HTTP_HOST") or f"{meta.get('SERVER_NAME', '')}:{meta.get('SERVER_PORT', '')}",
        meta.get("HTTP_ORIGIN"),
        meta.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD"),
        names,
        meta.get("HTTP_SEC_FETCH_SITE"),
        bool(meta.get("HTTP_COOKIE") or meta.get("HTTP_AUTHORIZATION")),  # test clients send an empty Cookie
        "websocket" in meta.get("HTTP_UPGRADE", "").lower(),
        bool(meta.get("HTTP_COOKIE")) and meta.get("HTTP_SEC_FETCH_MODE") == "cors",
        mount,
    )


def answer(decision: Decision) -> HttpResponse:
    """The whole answer of a decision with a status: no body, and nothing that Django adds for one."""
    response = HttpResponse(status=decision.status)
    del response["Content-Type"]
    if decision.status != 204:
        response["Content-Length"] = "0"
    for name, value in decision.lines:
        response[name] = value
    return response


def carry(response: HttpResponseBase, merge: Callable[[list[Line]], list[Line]]) -> HttpResponseBase:
    """Give `response` the headers that `merge` makes of its own. Its body, if it is a stream, is not touched."""
    own = list(response.items())
    merged = dict(merge(own))
    before = dict(own)
    for name in before:
        if name not in merged:
            del response[name]
    for name, value in merged.items():
        if before.get(name) != value:
            response[name] = value
    return response
