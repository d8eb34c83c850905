"""Flask and Bottle applications with many ways to reach a view, where every answer tells which policy governed it.

Policies are numbered. All of them allow PAGE and every method; the number stands in the exposed header of an answer and
in the maximal age of a preflight. A view notes its name when it runs, and sets CORS headers of its own, which may
only be seen where its policy is None.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial, wraps
from typing import Any, NamedTuple

from scenarios import Answer
from wsgi_client import Application, values

from corecors import PathPolicies, Policy

PAGE = "https://page.example.com"
OWN = "https://set-by-the-view.example.com"
OWN_HEADERS = {"Access-Control-Allow-Origin": OWN, "Access-Control-Expose-Headers": "X-Set-By-The-View"}

DEFAULT, ADMIN, ACCENT, MOUNTED_ADMIN, VIEW, OTHER, OUTER, INNER, CLASS, METHOD, DECORATED, CHILD = range(1, 13)
PREFIXES = {"/admin": ADMIN, "/caf\u00e9": ACCENT, "/closed": None, "/shop/closed": None, "/mnt/admin": MOUNTED_ADMIN}
_POLICIES = {
    number: Policy(allow_origins=[PAGE], allow_methods=["*"], expose_headers=[f"X-Policy-{number}"], max_age=number)
    for number in range(1, 13)
}


def numbered(number: int | None) -> Policy | None:
    return None if number is None else _POLICIES[number]


def governing(answer: Answer) -> int | str | None:
    """The number of the policy that let PAGE in; "own" where the view's own headers stand; None: nobody is let in."""
    admitted = values(answer, "Access-Control-Allow-Origin")
    if admitted == [OWN]:
        return "own"
    if admitted != [PAGE]:
        assert admitted == [], admitted
        return None
    told = values(answer, "Access-Control-Expose-Headers") or values(answer, "Access-Control-Max-Age")
    return int(told[0].partition(",")[0].removeprefix("X-Policy-"))


class Routed(NamedTuple):
    """An application, the names of the views that ran in it, and what governs each of them."""

    app: Application
    ran: list[str]
    governs: Mapping[str, int | None]
    paths: tuple[str, ...]  # one for each way to a view
    hosts: tuple[str, ...] = ("testserver",)


def of_application(flavour: str) -> Policy | PathPolicies | None:
    if flavour != "paths":
        return numbered(DEFAULT)
    return PathPolicies({path: numbered(number) for path, number in PREFIXES.items()}, default=numbered(DEFAULT))


def of_path(flavour: str, rule: str, mount: str = "") -> int | None:
    """The number of the policy that the application's own choice gives to what is below `rule`."""
    if flavour == "paths":
        for prefix, number in PREFIXES.items():
            if f"{mount}{rule}/".startswith(f"{prefix}/"):
                return number
    return DEFAULT


# What both frameworks have: rules, the methods of each, and the view's own policy ("app": none of its own).
_EVERY = ("GET", "PUT", "PATCH")
SHARED: tuple[tuple[str, str, tuple[str, ...], int | str | None], ...] = (
    ("root", "/", _EVERY, "app"),
    ("plain", "/plain", _EVERY, "app"),
    ("own", "/own", _EVERY, VIEW),
    ("none", "/none", _EVERY, None),
    ("admin", "/admin", _EVERY, "app"),
    ("secret", "/admin/secret", _EVERY, "app"),
    ("user", "/admin/users/{int}", _EVERY, "app"),
    ("closed", "/closed/x", _EVERY, "app"),
    ("accent", "/caf\u00e9/{name}", _EVERY, "app"),
    ("split get", "/split", ("GET",), OTHER),
    ("split put", "/split", ("PUT",), VIEW),
    ("split patch", "/split", ("PATCH",), None),
    ("number", "/items/{int}", _EVERY, VIEW),
    ("name", "/items/{name}", _EVERY, OTHER),
    ("float", "/items/{float}", ("GET",), None),
    ("rest", "/files/{rest}", _EVERY, OTHER),
    ("fixed", "/files/fixed", ("GET",), VIEW),
    ("post", "/only/post", ("POST",), VIEW),
    ("options", "/only/options", ("OPTIONS", "GET"), OTHER),
    ("brew", "/only/brew", ("BREW",), None),
)
EXAMPLES = {"{int}": "7", "{name}": "seven", "{float}": "7.5", "{rest}": "a/b/c"}


def examples(rules: Iterable[str]) -> tuple[str, ...]:
    """A path for each rule."""
    made = []
    for rule in rules:
        for variable, example in EXAMPLES.items():
            rule = rule.replace(variable, example)
        made.append(rule)
    return tuple(dict.fromkeys(made))


# Flask


def flask_app(flavour: str, **options: Any) -> Routed:
    """flavour: "plain" or "paths", by what the application's own policy is; "mounted": "paths" below /mnt."""
    import flask
    from flask.views import MethodView, View
    from werkzeug.middleware.dispatcher import DispatcherMiddleware
    from werkzeug.routing import BaseConverter

    from corecors.adapters.flask import CORS, cross_origin

    class Slashes(BaseConverter):
        regex = "[a-z]+(?:/[a-z]+)*"
        part_isolating = False

    mount, flavour = ("/mnt", "paths") if flavour == "mounted" else ("", flavour)
    app = flask.Flask("routed", static_folder=None)
    app.logger.disabled = True
    app.url_map.converters["slashes"] = Slashes
    ran: list[str] = []
    governs: dict[str, int | None] = {}
    more: list[str] = []

    def answer(name: str) -> Any:
        ran.append(name)
        return name, 200, OWN_HEADERS

    def view(name: str) -> Callable[..., Any]:
        return lambda **arguments: answer(name)

    def add(
        name: str,
        rule: str,
        methods: Iterable[str] | None = _EVERY,
        number: int | str | None = "app",
        to: Any = app,
        function: Callable[..., Any] | None = None,
        **rule_options: Any,
    ) -> None:
        governs[name] = of_path(flavour, rule, mount) if number == "app" else number  # type: ignore[assignment]
        function = function or view(name)
        if not isinstance(number, str):
            function = cross_origin(numbered(number))(function)
        written = rule.replace("{int}", "<int:number>").replace("{name}", "<name>")
        written = written.replace("{float}", "<float:number>").replace("{rest}", "<path:rest>")
        endpoint = name.replace(" ", "_")
        to.add_url_rule(written, endpoint, function, methods=methods, **rule_options)
        more.append(rule)

    for row in SHARED:
        add(*row)
    add("slash", "/slash/", number=VIEW)
    add("loose", "/loose/", number=OTHER, strict_slashes=False)
    add("unmerged", "/un/merged", number=OTHER, merge_slashes=False)
    add("slashes", "/at/<slashes:where>/end", number=VIEW)
    add("any", "/any/<any(one, two):which>", number=None)
    add("shop", "/shop/<any(closed):which>")
    governs["shop"] = of_path(flavour, "/shop/closed", mount)
    add("pair", "/pair/<string(length=2):which>", number=VIEW)
    add("id", "/id/<uuid:which>", number=OTHER)
    add("no options", "/no/options", number=VIEW, provide_automatic_options=False)
    add("redirected", "/redirected", number="app", redirect_to="/own")
    app.add_url_rule("/pages/", "pages", cross_origin(numbered(OTHER))(view("pages")), defaults={"page": 1})
    app.add_url_rule("/pages/<int:page>", "pages", methods=["GET", "PUT"])
    app.add_url_rule("/pages-alias/<int:page>", "pages", alias=True)
    governs["pages"] = OTHER

    def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def wrapper(**arguments: Any) -> Any:
            return function(**arguments)

        return wrapper

    add("wrapped", "/wrapped", function=decorated(cross_origin(numbered(VIEW))(view("wrapped"))))
    governs["wrapped"] = VIEW
    add("partial", "/partial", function=partial(cross_origin(numbered(OTHER))(view("partial")), extra=1))
    governs["partial"] = OTHER

    class Methods(MethodView):
        def get(self) -> Any:
            return answer("methods get")

        @cross_origin(numbered(METHOD))
        def put(self) -> Any:
            return answer("methods put")

        @cross_origin(None)
        def patch(self) -> Any:
            return answer("methods patch")

    class Heads(MethodView):
        @cross_origin(None)
        def head(self) -> Any:
            return answer("heads head")

        @cross_origin(numbered(METHOD))
        def get(self) -> Any:
            return answer("heads get")

    class Dispatched(View):
        methods = ("GET", "PUT")

        @cross_origin(numbered(METHOD))
        def dispatch_request(self) -> Any:
            return answer("dispatched")

    cross_origin(numbered(CLASS))(Methods)
    for view_class in (Methods, Heads, Dispatched):
        name = view_class.__name__.lower()
        add(name, f"/class/{name}", None, function=view_class.as_view(name))
    governs |= {"methods get": CLASS, "methods put": METHOD, "methods patch": None, "dispatched": METHOD}
    governs |= {"heads head": None, "heads get": METHOD}

    outer = cross_origin(numbered(OUTER))(flask.Blueprint("outer", "routed", url_prefix="/outer"))
    inner = cross_origin(numbered(INNER))(flask.Blueprint("inner", "routed", url_prefix="/inner/<tenant>"))
    bare = flask.Blueprint("bare", "routed", url_prefix="/admin/bare")
    for blueprint, prefix, number in ((outer, "/outer", OUTER), (inner, "/outer/inner/x", INNER)):
        add(f"{blueprint.name} root", "/", to=blueprint)
        add(f"{blueprint.name} own", "/own", number=VIEW, to=blueprint)
        add(f"{blueprint.name} none", "/none", number=None, to=blueprint)
        add(f"{blueprint.name} rest", "/{rest}", number=OTHER, to=blueprint)
        governs[f"{blueprint.name} root"] = number
        more += [f"{prefix}/", f"{prefix}/own", f"{prefix}/none", f"{prefix}/{{rest}}"]
    add("bare root", "/", to=bare)
    governs["bare root"] = of_path(flavour, "/admin/bare", mount)
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    app.register_blueprint(bare)

    CORS(app, of_application(flavour), **options)
    more += ["/admin/bare/", "/pages/", "/pages/1", "/pages/2", "/pages-alias/2", "/at/a/b/end", "/any/one"]
    more += ["/pair/ab", "/shop/closed", "/id/6fa459ea-ee8a-3ca4-894e-db77e160355e"]
    paths = tuple(path for path in examples(more) if "<" not in path)
    if mount:
        served = DispatcherMiddleware(_nothing, {mount: app})
        return Routed(served, ran, governs, tuple(mount + path for path in paths))
    return Routed(app, ran, governs, paths)


def flask_hosts(**options: Any) -> Routed:
    """An application whose views are chosen by the subdomain."""
    import flask

    from corecors.adapters.flask import CORS, cross_origin

    app = flask.Flask("hosts", static_folder=None, subdomain_matching=True)
    app.config["SERVER_NAME"] = "example.test"
    app.logger.disabled = True
    ran: list[str] = []
    governs: dict[str, int | None] = {}

    def answer(name: str) -> Any:
        ran.append(name)
        return name, 200, OWN_HEADERS

    for subdomain, number in (("", OTHER), ("api", VIEW), ("closed", None), ("<user>", CLASS)):
        for rule in ("/", "/own", "/slash/"):
            name = f"{subdomain or 'bare'} {rule}"
            governs[name] = number
            function = cross_origin(numbered(number))(lambda name=name, **arguments: answer(name))
            app.add_url_rule(rule, name, function, methods=["GET", "PUT"], subdomain=subdomain)
    CORS(app, numbered(DEFAULT), **options)
    hosts = (
        "example.test",
        "api.example.test",
        "API.Example.test",
        "closed.example.test",
        "closed.example.test:80",
        "anyone.example.test",
        "a.b.example.test",
        "closed.example.test.",
        "closed.other.test",
        "example.test:8080",
        "bad host",
        "",
    )
    return Routed(app, ran, governs, ("/", "/own", "/slash/", "/slash", "/nowhere"), hosts)


def _nothing(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("404 Not Found", [])
    return []


# Bottle


def bottle_app(flavour: str, **options: Any) -> Routed:
    """flavour: as for `flask_app`."""
    import bottle
    from werkzeug.middleware.dispatcher import DispatcherMiddleware

    from corecors.adapters.bottle import CORSPlugin

    mount, flavour = ("/mnt", "paths") if flavour == "mounted" else ("", flavour)
    app = bottle.Bottle()
    ran: list[str] = []
    governs: dict[str, int | None] = {}
    more: list[str] = []

    def view(name: str) -> Callable[..., Any]:
        def answer(**arguments: Any) -> Any:
            ran.append(name)
            return bottle.HTTPResponse(name, 200, dict(OWN_HEADERS))

        return answer

    def add(
        name: str,
        rule: str,
        methods: Iterable[str] = _EVERY,
        number: int | str | None = "app",
        to: Any = app,
        **route_options: Any,
    ) -> None:
        governs[name] = of_path(flavour, rule, mount) if number == "app" else number  # type: ignore[assignment]
        if not isinstance(number, str):
            route_options["cors"] = numbered(number)
        written = rule.replace("{int}", "<number:int>").replace("{name}", "<name>")
        written = written.replace("{float}", "<number:float>").replace("{rest}", "<rest:path>")
        to.route(written, list(methods), view(name), **route_options)
        more.append(rule)

    app.router.add_filter("even", lambda config: ("[0-9]+", _even, str))
    for row in SHARED:
        add(*row)
    add("any", "/any", ["ANY"], VIEW)
    add("any get", "/any", ["GET"], OTHER)
    add("head", "/head", ["HEAD"], None)
    add("head get", "/head", ["GET"], VIEW)
    add("accent own", "/\u00fcber/{name}", number=VIEW)
    add("even", "/even/<number:even>", number=VIEW)
    add("shop", "/shop/<which:re:closed>")
    governs["shop"] = of_path(flavour, "/shop/closed", mount)
    add("pattern", "/pattern/<name:re:[a-z]{2}>", number=OTHER)
    add("applied", "/applied", apply=[CORSPlugin(numbered(DECORATED))])
    governs["applied"] = DECORATED
    add("skipped", "/skipped", skip=["cors"])
    governs["skipped"] = None
    add("skipped all", "/skipped/all", skip=True)
    governs["skipped all"] = None

    def child(name: str, prefix: str, number: int | None, plugin: CORSPlugin | None) -> Any:
        made = bottle.Bottle()
        add(f"{name} root", "/", to=made)
        add(f"{name} own", "/own", number=VIEW, to=made)
        add(f"{name} none", "/none", number=None, to=made)
        add(f"{name} rest", "/deep/{rest}", number=OTHER, to=made)
        governs[f"{name} root"] = number
        if plugin is not None:
            made.install(plugin)
        more.extend(prefix + path for path in ("/", "/own", "/none", "/deep/{rest}"))
        return made

    app.mount("/child/", child("child", "/child", CHILD, CORSPlugin(numbered(CHILD))))
    app.mount("/admin/bare/", child("bare", "/admin/bare", of_path(flavour, "/admin/bare", mount), None))
    merged = bottle.Bottle()
    add("merged", "/merged", to=merged)
    governs["merged"] = CHILD
    merged.install(CORSPlugin(numbered(CHILD)))
    app.merge(merged)

    def plain_wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        ran.append("plain wsgi")
        start_response("200 OK", list(OWN_HEADERS.items()))
        return [b"plain"]

    app.mount("/wsgi/", plain_wsgi, cors=numbered(OTHER))
    governs["plain wsgi"] = OTHER
    app.install(CORSPlugin(of_application(flavour), **options))
    more += ["/wsgi/", "/wsgi/x/y", "/pattern/ab", "/shop/closed", "/even/2", "/even/3"]
    paths = tuple(path for path in examples(more) if "<" not in path)
    if mount:
        served = DispatcherMiddleware(_nothing, {mount: app})
        return Routed(served, ran, governs, tuple(mount + path for path in paths))
    return Routed(app, ran, governs, paths)


def _even(text: str) -> int:
    if int(text) % 2:
        raise ValueError("odd")
    return int(text)
