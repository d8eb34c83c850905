"""`cross_origin`: whatever it is given to, the policy holds, or it is an error that names what lost it."""

import gc
from collections.abc import Callable, Iterator
from functools import partial, wraps
from typing import Any, ClassVar

import flask
import pytest
from flask.views import MethodView, View
from readers import (
    APP,
    APP_POLICY,
    INNER,
    INNER_POLICY,
    OUTER,
    OUTER_POLICY,
    VIEW,
    VIEW_POLICY,
    admitted,
    get,
    preflight,
)
from wsgi_client import values

from corecors import PathPolicies, Policy
from corecors.adapters.flask import CORS, cross_origin

EVERYBODY = Policy(allow_origins=["*"], allow_methods=["*"])
METHODS = ["GET", "PUT"]


@pytest.fixture
def app() -> Iterator[flask.Flask]:
    made = flask.Flask("marked")
    made.logger.disabled = True  # failing views are meant
    yield made
    gc.collect()


def ok(**arguments: Any) -> str:
    return "ok"


def view() -> Callable[..., str]:
    """A new one each time, for a mark holds for all who use the function."""
    return lambda **arguments: "ok"


# What it may be given to


class Api:
    def method(self) -> str:
        return "ok"


def class_method() -> Any:
    class Api:
        @classmethod
        def method(cls) -> str:
            return "ok"

    return Api.method


def called() -> Any:
    class Called:
        @cross_origin(VIEW_POLICY)
        def __call__(self) -> str:
            return "ok"

    return Called()


def static() -> Any:
    class Static(MethodView):
        @cross_origin(VIEW_POLICY)
        @staticmethod
        def get() -> str:
            return "ok"

        put = get

    return Static.as_view("static view")


MARKED: dict[str, Callable[[], Any]] = {
    "a function": lambda: cross_origin(VIEW_POLICY)(view()),
    "a function in a partial": lambda: partial(cross_origin(VIEW_POLICY)(view()), extra=1),
    "a partial": lambda: cross_origin(VIEW_POLICY)(partial(view(), extra=1)),
    "a bound method": lambda: cross_origin(VIEW_POLICY)(Api().method),
    "a bound method in a partial": lambda: partial(cross_origin(VIEW_POLICY)(Api().method)),
    "a method that is bound to a class": lambda: cross_origin(VIEW_POLICY)(class_method()),
    "a callable object": lambda: cross_origin(VIEW_POLICY)(called()),
    "what a callable object calls": called,
    "a static method of a class of views": static,
}


@pytest.mark.parametrize("made", MARKED.values(), ids=MARKED)
def test_the_policy_holds(app: flask.Flask, made: Callable[[], Any]) -> None:
    app.add_url_rule("/own", "own", made(), methods=METHODS)
    app.add_url_rule("/other", "other", view(), methods=METHODS)
    CORS(app, APP_POLICY)
    assert admitted(app, "/own") == [VIEW]
    assert admitted(app, "/other") == [APP]


def test_a_method_that_is_marked_in_its_class_is_marked_for_every_object(app: flask.Flask) -> None:
    class Marked:
        @cross_origin(INNER_POLICY)
        def method(self) -> str:
            return "ok"

    app.add_url_rule("/own", "own", Marked().method, methods=METHODS)
    CORS(app, APP_POLICY)
    assert admitted(app, "/own") == [INNER]


def test_a_method_of_one_object_says_nothing_about_another(app: flask.Flask) -> None:
    one, other = Api(), Api()
    app.add_url_rule("/one", "one", cross_origin(VIEW_POLICY)(one.method), methods=METHODS)
    app.add_url_rule("/other", "other", other.method, methods=METHODS)
    CORS(app, APP_POLICY)
    assert admitted(app, "/one") == [VIEW]
    assert admitted(app, "/other") == [APP]


def test_a_method_may_be_marked_after_it_was_registered(app: flask.Flask) -> None:
    api = Api()
    app.add_url_rule("/own", "own", api.method, methods=METHODS)
    CORS(app, APP_POLICY)
    assert admitted(app, "/own") == [APP]
    cross_origin(VIEW_POLICY)(api.method)
    assert admitted(app, "/own") == [VIEW]


@pytest.mark.parametrize("by_method", [False, True], ids=["for all methods", "for one method"])
def test_the_method_decorators_of_flask_restful_govern(app: flask.Flask, by_method: bool) -> None:
    """Its `Resource.dispatch_request` decorates the bound method anew at each request; preflights never get there."""
    mark = cross_origin(VIEW_POLICY)

    class Resource(MethodView):
        method_decorators: ClassVar[Any] = {"put": [mark]} if by_method else [mark]

        def dispatch_request(self, **arguments: Any) -> Any:
            method = flask.request.method.lower()
            handler = getattr(self, method)
            decorators = self.method_decorators
            for decorator in decorators.get(method, []) if isinstance(decorators, dict) else decorators:
                handler = decorator(handler)
            return handler(**arguments)

        def get(self) -> str:
            return "got"

        def put(self) -> str:
            return "put"

    app.add_url_rule("/own", view_func=Resource.as_view("own"))
    CORS(app, APP_POLICY)
    for _ in range(2):
        assert admitted(app, "/own", "PUT") == [VIEW]
        assert admitted(app, "/own", "GET") == ([APP] if by_method else [VIEW])
    assert get(app, "/own", VIEW, "PUT").body == b"put"


@pytest.mark.parametrize(
    "owner",
    [
        pytest.param("view", id="a name"),
        pytest.param(7, id="a number"),
        pytest.param(flask.Flask("another"), id="an application"),
        pytest.param(
            type("Slotted", (), {"__slots__": (), "__call__": lambda self: "ok"})(), id="what cannot be told again"
        ),
    ],
)
def test_what_cannot_have_a_policy_is_refused_at_once(owner: Any) -> None:
    with pytest.raises(TypeError, match=r"cross_origin|put cross_origin on"):
        cross_origin(VIEW_POLICY)(owner)


def test_a_view_may_have_a_source(app: flask.Flask) -> None:
    app.add_url_rule("/own", "own", cross_origin(PathPolicies({"/own": VIEW_POLICY}))(view()), methods=METHODS)
    CORS(app, APP_POLICY)
    assert admitted(app, "/own") == [VIEW]


# What holds at the request


def later_mark(app: flask.Flask) -> None:
    cross_origin(None)(app.view_functions["x"])


def later_view(app: flask.Flask) -> None:
    app.view_functions["x"] = cross_origin(None)(view())


def later_blueprint(app: flask.Flask) -> None:
    cross_origin(None)(app.blueprints["shop"])


def later_inner_mark(app: flask.Flask) -> None:
    cross_origin(None)(app.view_functions["wrapped"].__wrapped__)


def later_method(app: flask.Flask) -> None:
    Handlers.get = cross_origin(None)(lambda self: "ok")  # type: ignore[method-assign, assignment]


def later_static(app: flask.Flask) -> None:
    cross_origin(None)(app.view_functions["static"])


class Handlers(MethodView):
    def get(self) -> str:
        return "ok"


@pytest.mark.parametrize("asked_before", [False, True], ids=["", "after the first request"])
@pytest.mark.parametrize(
    ("path", "change"),
    [
        pytest.param("/x", later_mark, id="a view is marked"),
        pytest.param("/x", later_view, id="a view is replaced by one that is marked"),
        pytest.param("/shop/", later_blueprint, id="a blueprint is marked"),
        pytest.param("/wrapped", later_inner_mark, id="what a view wraps is marked"),
        pytest.param("/handlers", later_method, id="a method of a class is replaced"),
        pytest.param("/static/x", later_static, id="the view of static files is marked"),
    ],
)
def test_what_opts_out_after_the_extension_was_made_is_opted_out(
    app: flask.Flask,
    path: str,
    change: Callable[[flask.Flask], None],
    asked_before: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Handlers, "get", lambda self: "ok")  # whatever it becomes, no other test meets it
    shop = flask.Blueprint("shop", "marked", url_prefix="/shop")
    shop.add_url_rule("/", "root", ok)
    app.register_blueprint(shop)
    app.add_url_rule("/x", "x", view())
    wrapped = wraps(ok)(lambda: "ok")
    wrapped.__wrapped__ = view()  # type: ignore[attr-defined]
    app.add_url_rule("/wrapped", "wrapped", wrapped)
    app.add_url_rule("/handlers", view_func=Handlers.as_view("handlers"))
    CORS(app, EVERYBODY)
    if asked_before:
        assert values(get(app, path), "Access-Control-Allow-Origin") == ["*"]
    change(app)
    assert values(get(app, path), "Access-Control-Allow-Origin") == []
    assert values(preflight(app, path, method="GET"), "Access-Control-Allow-Origin") == []


def test_another_method_of_an_endpoint_that_opted_out_is_opted_out(app: flask.Flask) -> None:
    app.add_url_rule("/x", "x", cross_origin(None)(ok_once := view()))
    CORS(app, EVERYBODY)
    assert values(get(app, "/x"), "Access-Control-Allow-Origin") == []
    app.url_map.add(app.url_rule_class("/x", endpoint="x", methods=["PUT"]))
    assert app.view_functions["x"] is ok_once
    assert values(get(app, "/x", method="PUT"), "Access-Control-Allow-Origin") == []
    assert values(preflight(app, "/x", method="PUT"), "Access-Control-Allow-Origin") == []


def test_a_head_handler_and_a_dispatcher_have_policies_of_their_own(app: flask.Flask) -> None:
    class Heads(MethodView):
        @cross_origin(None)
        def head(self) -> str:
            return ""

        def get(self) -> str:
            return "ok"

    class Dispatches(View):
        methods = ("GET", "PUT")

        @cross_origin(VIEW_POLICY)
        def dispatch_request(self) -> str:
            return "ok"

        get = cross_origin(OUTER_POLICY)(lambda self: "never called")

    for each in (Heads, Dispatches):
        app.add_url_rule(f"/{each.__name__}", view_func=each.as_view(each.__name__))
    CORS(app, APP_POLICY)
    assert admitted(app, "/Heads", "HEAD") == []
    assert admitted(app, "/Heads", "GET") == [APP]
    assert admitted(app, "/Dispatches", "GET") == [VIEW]


def test_the_mark_nearest_to_the_route_wins_and_a_class_passes_its_own_on(app: flask.Flask) -> None:
    inner = cross_origin(INNER_POLICY)(view())

    @cross_origin(OUTER_POLICY)
    @wraps(inner)
    def outer() -> str:
        return inner()

    class Parent(MethodView):
        def get(self) -> str:
            return "ok"

    class Child(Parent):
        pass

    cross_origin(VIEW_POLICY)(Parent)
    app.add_url_rule("/both", "both", outer)
    app.add_url_rule("/child", view_func=Child.as_view("child"))
    CORS(app, APP_POLICY)
    assert admitted(app, "/both") == [OUTER]
    assert admitted(app, "/child") == [VIEW]


# What is lost


def careless(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator without `functools.wraps`."""

    def wrapper(**arguments: Any) -> Any:
        return function(**arguments)

    return wrapper


def hidden(app: flask.Flask) -> None:
    @cross_origin(None)
    def secret() -> str:
        return "ok"

    app.add_url_rule("/x", "x", careless(secret))


def hidden_method(app: flask.Flask) -> None:
    class Secrets(MethodView):
        @careless
        @cross_origin(None)
        def secret(self) -> str:
            return "ok"

        get = secret

    app.add_url_rule("/x", view_func=Secrets.as_view("x"))


def hidden_bound_method(app: flask.Flask) -> None:
    class Secrets:
        def secret(self) -> str:
            return "ok"

    app.add_url_rule("/x", "x", careless(cross_origin(None)(Secrets().secret)))


def hidden_by_an_object(app: flask.Flask) -> None:
    class Careless:
        def __init__(self, function: Callable[..., Any]) -> None:
            self.function = function

        def __call__(self, **arguments: Any) -> Any:
            return self.function(**arguments)

    @cross_origin(None)
    def secret() -> str:
        return "ok"

    app.add_url_rule("/x", "x", Careless(secret))


def hidden_in_another_module(app: flask.Flask) -> None:
    def secret() -> str:
        return "ok"

    secret.__module__ = "elsewhere"
    app.add_url_rule("/x", "x", careless(careless(cross_origin(None)(secret))))


KEPT: list[object] = []  # what is forgotten would else be gone


def forgotten(app: flask.Flask) -> None:
    @cross_origin(None)
    def secret() -> str:
        return "ok"

    app.add_url_rule("/x", "x", view())
    KEPT.append(secret)


def instrumented_later(app: flask.Flask) -> None:
    @cross_origin(None)
    def secret() -> str:
        return "ok"

    app.add_url_rule("/x", "x", secret)
    assert values(get(app, "/x"), "Access-Control-Allow-Origin") == []
    app.view_functions["x"] = careless(secret)


@pytest.mark.parametrize(
    "lose",
    [
        hidden,
        hidden_method,
        hidden_bound_method,
        hidden_by_an_object,
        hidden_in_another_module,
        forgotten,
        instrumented_later,
    ],
    ids=lambda lose: lose.__name__,
)
def test_a_mark_that_no_view_leads_to_is_an_error_that_names_it(
    app: flask.Flask, lose: Callable[[flask.Flask], None]
) -> None:
    CORS(app, EVERYBODY)
    lose(app)
    for _ in range(2):
        for method in ("GET", "OPTIONS"):
            with pytest.raises(RuntimeError, match=r"cross_origin was given to \S*secret, but no view leads there"):
                get(app, "/x", method=method)
    KEPT.clear()


def test_what_a_view_holds_for_other_reasons_is_no_mark_of_its_own(app: flask.Flask) -> None:
    """Flask's `request` stands for nothing while nothing is served, and another application's marks are its own."""
    elsewhere = flask.Flask("elsewhere")
    elsewhere.add_url_rule("/theirs", "theirs", cross_origin(None)(view()))
    asked, kept = flask.request, flask.session

    def holds(also: object = flask.g, **arguments: Any) -> str:
        return f"{asked.method} of {elsewhere.name}, {len(kept)}"

    app.add_url_rule("/x", "x", holds)
    CORS(app, APP_POLICY)
    for method in ("GET", "OPTIONS"):
        assert values(get(app, "/x", method=method), "Access-Control-Allow-Origin") == [APP]


def test_what_was_lost_is_found_again_once_it_is_registered(app: flask.Flask) -> None:
    app.add_url_rule("/other", "other", view())
    secret = cross_origin(None)(view())
    CORS(app, EVERYBODY)
    with pytest.raises(RuntimeError, match="no view leads there"):
        get(app, "/x")
    app.view_functions["other"] = secret
    assert values(get(app, "/other"), "Access-Control-Allow-Origin") == []


def test_marks_of_other_applications_and_modules_and_of_unregistered_blueprints_are_not_lost(app: flask.Flask) -> None:
    optional = flask.Blueprint("optional", "marked")
    optional.add_url_rule("/optional", "optional", cross_origin(None)(view()))
    cross_origin(VIEW_POLICY)(flask.Blueprint("never", "marked"))
    without_cors = flask.Flask("without_cors")
    without_cors.add_url_rule("/x", "x", cross_origin(None)(view()))
    later = flask.Flask("later")
    later.add_url_rule("/x", "x", cross_origin(VIEW_POLICY)(view()), methods=METHODS)
    CORS(later, APP_POLICY)
    elsewhere = view()
    elsewhere.__module__ = "elsewhere"
    cross_origin(None)(elsewhere)
    app.add_url_rule("/", "root", view(), methods=METHODS)
    CORS(app, APP_POLICY)
    assert admitted(app, "/") == [APP]
    assert admitted(later, "/x") == [VIEW]
    del optional, without_cors, elsewhere


def test_what_is_gone_is_not_lost(app: flask.Flask) -> None:
    def gone() -> None:
        another = flask.Flask("gone")
        another.add_url_rule("/x", "x", careless(cross_origin(None)(view())))
        CORS(another, APP_POLICY)

    gone()
    app.add_url_rule("/", "root", view(), methods=METHODS)
    CORS(app, APP_POLICY)
    assert admitted(app, "/") == [APP]


def test_what_is_marked_after_the_extension_was_made_governs_a_blueprint_and_the_static_view() -> None:
    app = flask.Flask(__name__, static_folder=".", static_url_path="/files")
    shop = flask.Blueprint("shop", __name__)
    shop.add_url_rule("/shop", view_func=lambda: "shop")
    app.register_blueprint(shop)
    CORS(app, APP_POLICY)
    cross_origin(OUTER_POLICY)(shop)
    cross_origin(VIEW_POLICY)(app.view_functions["static"])
    assert admitted(app, "/shop") == [OUTER]
    assert admitted(app, "/files/test_flask_marks.py") == [VIEW]


class Lazy:
    """Flask's pattern "Lazily Loading Views": what is called is imported, and marked, by the first request."""

    __name__ = "lazy"
    inner: Any = None

    def __call__(self) -> str:
        if self.inner is None:
            self.inner = cross_origin(None)(view())
        return str(self.inner())


@pytest.mark.parametrize("others_are_marked", [False, True])
def test_what_is_marked_while_the_first_request_runs_it_is_not_let_in(
    app: flask.Flask, others_are_marked: bool
) -> None:
    CORS(app, APP_POLICY)
    app.add_url_rule("/lazy", view_func=Lazy())
    if others_are_marked:
        app.add_url_rule("/other", view_func=cross_origin(VIEW_POLICY)(view()), endpoint="other")
        assert values(get(app, "/nowhere"), "Access-Control-Allow-Origin") == [APP]
    for _ in range(2):
        try:
            answer = get(app, "/lazy")
        except RuntimeError as error:
            assert "no view leads there" in str(error)  # noqa: PT017  # the first answer may have none, then it is told
        else:
            assert values(answer, "Access-Control-Allow-Origin") == []
    with pytest.raises(RuntimeError, match="no view leads there"):
        get(app, "/lazy")
