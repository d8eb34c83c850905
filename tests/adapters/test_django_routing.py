"""Random projects, random requests: the policy that governs is that of the view that runs, of the preflight too.

Each project has views with converters, regular expressions, includes and languages in its URLs, functions and classes,
with policies of their own, without, and opted out; and a middleware that changes the URL configuration or the method,
above the CORS middleware or below it. Every view notes that it ran, so the truth is what Django did.
"""

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path, re_path
from django.views import View
from django_site import CLIENTS, OURS, values
from scenarios import Answer

from corecors import Policy
from corecors.adapters.django import cross_origin

PROJECTS = 25
REQUESTS = 16
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE"]
APP = "https://app.example.com"
SEGMENTS = ["a", "b", "new", "7", "42", "x-y"]
PATTERNS = ["a", "b", "new", "<int:one>", "<slug:two>", "<str:three>", "<path:four>", "<int:one>-<slug:two>"]
REGEXES = [r"^[0-9]+/?$", r"^(?P<word>[a-z]+)$", r"^new/.*"]

Send = Callable[..., Answer]


class Ran(NamedTuple):
    """A view that ran: who may read its answer, None for nobody by its own choice."""

    view: str
    reader: str | None


ran: list[Ran] = []


def policy_of(origin: str) -> Policy:
    return Policy(allow_origins=[origin], allow_methods=METHODS, allow_headers=["X-Method", "X-Tenant"])


class Project:
    """Random URLs. `readers` are the origins that any of its policies lets in."""

    def __init__(self, seed: int) -> None:
        self.choose = random.Random(seed)
        self.readers = [APP]
        self.urls = self._urls(depth=2)
        if self.choose.random() < 0.3:
            self.urls = [*i18n_patterns(*self._urls(1), prefix_default_language=seed % 2 == 0), *self.urls]
        self.tenant = (*self._urls(depth=1),)

    def _urls(self, depth: int) -> list[Any]:
        found: list[Any] = []
        for _ in range(self.choose.randint(2, 4)):
            slash = self.choose.choice(["", "/"])
            kind = self.choose.random()
            if depth and kind < 0.3:
                found.append(path(self.choose.choice(["a/", "b/", "<int:outer>/", ""]), include(self._urls(depth - 1))))
            elif kind < 0.45:
                found.append(re_path(self.choose.choice(REGEXES), self._view()))
            else:
                found.append(path(self.choose.choice(PATTERNS) + slash, self._view()))
        return found

    def _own(self) -> tuple[Any, str | None]:
        """A decorator for a view, and the origin that may read its answer then."""
        kind = self.choose.random()
        if kind < 0.3:
            return (lambda view: view), APP
        if kind < 0.4:
            return cross_origin(None), None
        origin = f"https://v{len(self.readers)}.example.com"
        self.readers.append(origin)
        return cross_origin(policy_of(origin)), origin

    def _view(self) -> Any:
        name = f"view{self.choose.random()}"
        decorate, reader = self._own()
        if self.choose.random() < 0.6:
            return decorate(noting(name, reader))
        methods: dict[str, Any] = {}
        for method in self.choose.sample(["get", "post", "put"], 2):
            marks, own = self._own() if self.choose.random() < 0.5 else (None, reader)
            handler = noting(f"{name}.{method}", own)
            bound = _method(handler)
            methods[method] = bound if marks is None else marks(bound)
            if marks is not None and own == APP:  # without a policy of its own it has its class's
                methods[method] = _method(noting(f"{name}.{method}", reader))
        return decorate(type("Made", (View,), methods)).as_view()


def noting(name: str, reader: str | None) -> Callable[..., HttpResponse]:
    def view(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        ran.append(Ran(name, reader))
        return HttpResponse("ok")

    return view


def _method(handler: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    def method(self: View, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        return handler(request)

    return method


tenants: list[Any] = []


def changing(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A middleware that lets headers choose the URL configuration and the method."""

    def change(request: HttpRequest) -> HttpResponse:
        if "X-Tenant" in request.headers:
            request.urlconf = tenants[-1]
        if request.method == "POST" and "X-Method" in request.headers:
            request.method = request.headers["X-Method"]
        return get_response(request)

    return change


def random_path(choose: random.Random) -> str:
    segments = [choose.choice(SEGMENTS) for _ in range(choose.randint(1, 3))]
    if choose.random() < 0.2:
        segments.insert(0, choose.choice(["en", "de"]))
    return "/" + "/".join(segments) + choose.choice(["", "/"])


def requests_of(project: Project) -> Iterator[tuple[str, str, tuple[tuple[str, str], ...]]]:
    choose = project.choose
    for _ in range(REQUESTS):
        headers: tuple[tuple[str, str], ...] = ()
        method = choose.choice(METHODS)
        if choose.random() < 0.3:
            headers += (("X-Tenant", "1"),)
        if choose.random() < 0.3:
            headers += (("X-Method", choose.choice(["PUT", "DELETE"])),)
        yield method, random_path(choose), headers


def granted(answer: Answer, origin: str) -> bool:
    lines = values(answer, "Access-Control-Allow-Origin")
    assert lines in ([], [origin]), "a response never names another origin than the one that asked"
    return lines == [origin]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("place", ["none", "above", "below"])
def test_the_policy_that_governs_is_that_of_the_view_that_runs(place: str, client: str) -> None:
    send = CLIENTS[client]
    stack = {"none": [OURS], "above": [f"{__name__}.changing", OURS], "below": [OURS, f"{__name__}.changing"]}[place]
    stack = [*stack, "django.middleware.locale.LocaleMiddleware", "django.middleware.common.CommonMiddleware"]
    seen = {"ran": 0, "redirected": 0, "withheld": 0, "granted": 0, "own": 0}
    for seed in range(PROJECTS):
        project = Project(seed)
        tenants.append(project.tenant)
        with override_settings(
            ROOT_URLCONF=(*project.urls,),
            MIDDLEWARE=stack,
            CORS_POLICY=policy_of(APP),
            CORS_OPTIONS={"rejections": None},
            LANGUAGES=[("en", "English"), ("de", "German")],
            LANGUAGE_CODE="en",
        ):
            for method, target, headers in requests_of(project):
                overridden = any(name == "X-Method" for name, _ in headers)
                origins = project.choose.sample(project.readers, min(2, len(project.readers)))
                for origin in origins:
                    ran.clear()
                    answer = send(method, target, (("Origin", origin), *headers))
                    views = [*ran]
                    if views and views[0].reader not in (None, *origins):
                        origins.append(views[0].reader)  # whoever may read it asks too
                    # The tenant's header stands for what a preflight carries too, a host's name say; the method's is
                    # the page's own, and no preflight has it.
                    told = (("Origin", origin), ("Access-Control-Request-Method", method), *headers[:-1])
                    told += (("Access-Control-Request-Headers", "x-method"),) if overridden else headers[-1:]
                    passed = granted(send("OPTIONS", target, told), origin)
                    readable = granted(answer, origin)
                    case = f"project {seed}: {method} {target} {dict(headers)} from {origin}: {views}"
                    seen["ran"] += len(views)
                    seen["redirected"] += answer.status in (301, 302)
                    seen["granted"] += readable
                    if views:
                        (view,) = views
                        seen["own"] += readable and view.reader != APP
                        if place == "none" or (place == "above" and not overridden):
                            assert readable == passed == (view.reader == origin), case
                        elif readable:
                            assert view.reader == origin, case
                        seen["withheld"] += not readable and view.reader == origin
                    elif place == "none" and answer.status != 405:
                        assert readable == passed, case
    # The projects are not so random that nothing happens in them.
    assert seen["ran"] > 250
    assert seen["redirected"] > 5
    assert seen["own"] > 40
    assert (seen["withheld"] > 0) == (place != "none"), seen
