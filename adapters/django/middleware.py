"""The middleware: it asks which policy governs, and carries out what is decided."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.core.signals import setting_changed
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from corecors import UNDECIDED, Decision, Door, Policy, merge_headers
from corecors.adapters.django.configuration import OPTIONS, POLICY, options_from_settings, policy_from_settings
from corecors.adapters.django.marks import were_made
from corecors.adapters.django.routing import views_may_have_policies
from corecors.adapters.django.visits import Visit, answer, carry, read

_VISIT = "_cors_visit"
_ViewHook = Callable[[HttpRequest, object, Any, Any], HttpResponseBase | Awaitable[HttpResponseBase | None] | None]


class CORSMiddleware:
    """`MIDDLEWARE = ["corecors.adapters.django.CORSMiddleware", ...]`: first, for nothing else may answer before it.

    The policy is `settings.CORS_POLICY`, the options are `settings.CORS_OPTIONS`; see `policy_from_settings`. A view's
    own policy (`cross_origin`) goes before it. Sync and async: under ASGI nothing but a synchronous predicate leaves
    the event loop's thread, and only for origins that nothing else allows.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)
        self._is_stale = False
        self._configure()
        if self._door.blocks:  # Django looks for it when it loads the middleware
            self.process_view: _ViewHook = self._look_again_async if self._is_async else self._look_again
        setting_changed.connect(self._look_at_setting)

    def _configure(self) -> None:
        options = options_from_settings()
        self._policy = policy_from_settings()
        self._door = Door(**options, asks_async=True, ask=_ask_awaitably if self._is_async else _ask_at_once)
        if self._policy is not None:
            self._door.check_policy(self._policy)
        # Served by the lines that it remembers, without a decision.
        self._plain: Policy | None = self._policy if self._door.is_silent(self._policy) else None

    def _look_at_setting(self, *, setting: str, **_: object) -> None:
        if setting in (POLICY, OPTIONS):  # a test overrides it while this serves
            self._is_stale = True

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self._is_async:
            return self._answer_async(request)
        lines = self._known_lines(request)
        if lines is not None:
            response: HttpResponseBase = self.get_response(request)
            if not were_made():
                return carry(response, partial(merge_headers, lines=lines))
            visit = self._visit(request)
            return _finished(response, self._door.decide(visit.policy_after(), visit.asked))
        visit = self._visit(request)
        decision = None
        if visit.decided_before:
            decision = self._door.decide(visit.policy_before(), visit.asked)
            if decision is not None and decision.status is not None:
                return answer(decision)
        response = self.get_response(request)
        if visit.is_decided_after:
            decision = self._door.decide(visit.policy_after(), visit.asked)
        return _finished(response, visit.refusal or decision)

    async def _answer_async(self, request: HttpRequest) -> HttpResponseBase:
        lines = self._known_lines(request)
        if lines is not None:
            response: HttpResponseBase = await self.get_response(request)
            if not were_made():
                return carry(response, partial(merge_headers, lines=lines))
            visit = self._visit(request)
            return _finished(response, await self._door.decide_async(visit.policy_after(), visit.asked))
        visit = self._visit(request)
        decision = None
        if visit.decided_before:
            decision = await self._door.decide_async(visit.policy_before(), visit.asked)
            if decision is not None and decision.status is not None:
                return answer(decision)
        response = await self.get_response(request)
        if visit.is_decided_after:
            decision = await self._door.decide_async(visit.policy_after(), visit.asked)
        return _finished(response, visit.refusal or decision)

    def _known_lines(self, request: HttpRequest) -> tuple[tuple[str, str], ...] | None:
        """The lines of the response that need no decision: under a plain policy, no view having one of its own."""
        if self._is_stale:
            self._is_stale = False
            self._configure()
        plain, meta = self._plain, request.META
        if plain is None or "HTTP_UPGRADE" in meta or views_may_have_policies(request):
            return None
        if "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in meta and meta.get("REQUEST_METHOD") == "OPTIONS":
            return None
        origin = meta.get("HTTP_ORIGIN")
        lines = plain.lines(origin)
        if origin is None:
            return lines
        if lines is Policy.refusal:
            if not self._door.counts(origin, meta.get("REQUEST_METHOD", "")):
                self._door.refused(plain, origin, read(request))
        elif (
            "HTTP_COOKIE" in meta and not plain.allow_credentials and meta.get("HTTP_SEC_FETCH_MODE") == "cors"
        ):  # a browser may withhold the answer
            self._door.came_with_cookies(plain, read(request))
        return lines

    def _visit(self, request: HttpRequest) -> Visit:
        visit = Visit(request, self._policy, self._door)
        if self._door.blocks:
            setattr(request, _VISIT, visit)
        return visit

    # Where requests are blocked, the view that is about to run has to be the one whose policy let the request in.

    def _look_again(self, request: HttpRequest, view: object, args: Any, kwargs: Any) -> HttpResponseBase | None:
        visit: Visit | None = getattr(request, _VISIT, None)
        if visit is None or not visit.differs(view):
            return None
        visit.refusal = decision = self._door.decide(UNDECIDED, visit.asked)
        return None if decision is None or decision.status is None else answer(decision)

    async def _look_again_async(
        self, request: HttpRequest, view: object, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        return self._look_again(request, view, args, kwargs)


def _finished(response: HttpResponseBase, decision: Decision | None) -> HttpResponseBase:
    return response if decision is None else carry(response, decision.merge)


def _is_async(predicate: Callable[[str], Any]) -> bool:
    return any(map(iscoroutinefunction, (predicate, getattr(predicate, "__call__", None))))  # noqa: B004


def _ask_at_once(predicate: Callable[[str], Any], origin: str) -> Any:
    return async_to_sync(predicate)(origin) if _is_async(predicate) else predicate(origin)


def _ask_awaitably(predicate: Callable[[str], Any], origin: str) -> Any:
    """The ORM refuses to be asked in the event loop's thread, so a synchronous predicate is asked in Django's own."""
    return predicate(origin) if _is_async(predicate) else sync_to_async(predicate, thread_sensitive=True)(origin)
