"""`CORSMiddleware` and PEP 3333: every way in which an application may answer, with the standard's own checker."""

import copy
import gc
import io
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.util import FileWrapper
from wsgiref.validate import validator

import pytest
from wsgi_client import answering, call, environ_of, send, values

import corecors
from corecors import CORSRequest, PathPolicies, Policy, evaluate
from corecors.adapters.wsgi import CORSMiddleware

ORIGIN = "https://app.example.com"
STRANGER = "https://stranger.example.com"
FROM_ORIGIN = (("Origin", ORIGIN),)
PLAIN = ("Content-Type", "text/plain")
POLICY = Policy(allow_origins=[ORIGIN], allow_methods=["PUT"], allow_headers=["X-One"], expose_headers=["X-Total"])

StartResponse = Callable[..., Callable[[bytes], None]]
Environ = dict[str, Any]


# Ways to answer


class Body:
    """An iterable that notes whether it was closed."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.chunks = chunks
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.chunks)

    def close(self) -> None:
        self.closed = True


def returns_a_list(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [PLAIN])
    return [b"o", b"k"]


def is_a_generator(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [PLAIN])
    yield b"o"
    yield b"k"


def starts_after_an_empty_chunk(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    yield b""
    start_response("200 OK", [PLAIN])
    yield b"ok"


def returns_an_iterable_with_close(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [PLAIN])
    return Body([b"o", b"k"])


def writes(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    write = start_response("200 OK", [PLAIN])
    write(b"o")
    write(b"k")
    return []


def writes_and_returns(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [PLAIN])(b"o")
    return [b"k"]


def starts_twice(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("202 Accepted", [PLAIN, ("Vary", "Accept")])
    try:
        raise RuntimeError("only now")
    except RuntimeError as error:
        start_response("200 OK", [PLAIN], (RuntimeError, error, error.__traceback__))
    return [b"ok"]


def wraps_a_file(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [PLAIN])
    wrapper: Any = environ["wsgi.file_wrapper"]
    return wrapper(io.BytesIO(b"ok"), 1)  # type: ignore[no-any-return]


class IsAClass:
    """An application whose instances are the bodies."""

    def __init__(self, environ: Environ, start_response: StartResponse) -> None:
        self.start_response = start_response

    def __iter__(self) -> Iterator[bytes]:
        self.start_response("200 OK", [PLAIN])
        yield b"ok"


WAYS = [
    returns_a_list,
    is_a_generator,
    returns_an_iterable_with_close,
    writes,
    writes_and_returns,
    starts_twice,
    wraps_a_file,
    IsAClass,
]


@pytest.mark.parametrize("app", [pytest.param(way, id=way.__name__.replace("_", " ")) for way in WAYS])
@pytest.mark.parametrize(
    "policy",
    [
        pytest.param(POLICY, id="one policy"),
        pytest.param(PathPolicies({"/x": POLICY}), id="by path"),
        pytest.param(Policy(allow_origin_predicate=lambda origin: origin == ORIGIN), id="predicate"),
    ],
)
def test_every_way_to_answer_is_valid_on_both_sides(app: Any, policy: Policy | PathPolicies) -> None:
    environ = environ_of("GET", "/x", FROM_ORIGIN)
    environ["wsgi.file_wrapper"] = FileWrapper
    answer = call(validator(CORSMiddleware(validator(app), policy)), environ)
    assert (answer.status, answer.body) == (200, b"ok")
    assert values(answer, "Access-Control-Allow-Origin") == [ORIGIN]
    assert values(answer, "Vary") == ["Origin"]
    assert values(answer, "Content-Type") == ["text/plain"]


def test_a_response_that_starts_after_an_empty_chunk_is_covered() -> None:
    """Older than the standard, which has it start before; servers put up with it, and so do we."""
    answer = send(CORSMiddleware(starts_after_an_empty_chunk, POLICY), "GET", "/", FROM_ORIGIN)
    assert (answer.status, answer.body) == (200, b"ok")
    assert values(answer, "Access-Control-Allow-Origin") == [ORIGIN]


def test_a_body_is_handed_on_as_it_is() -> None:
    """Lazy bodies stay lazy, `close` stays reachable, and a server still recognises its own file wrapper."""
    body = Body([b"ok"])

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return body

    returned = CORSMiddleware(app, POLICY)(environ_of("GET", "/"), lambda *_: None)
    assert returned is body
    assert not body.closed


def test_a_stream_is_read_no_further_than_it_is_asked_for() -> None:
    made = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [PLAIN])
        for number in range(1000):
            made.append(number)
            yield b"chunk"

    stream = iter(CORSMiddleware(app, POLICY)(environ_of("GET", "/", FROM_ORIGIN), lambda *_: None))
    assert made == []
    next(stream)
    next(stream)
    assert made == [0, 1]


def test_what_the_application_raises_is_passed_on() -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        raise LookupError("the application's own")

    with pytest.raises(LookupError, match="the application's own"):
        send(CORSMiddleware(app, POLICY), "GET", "/", FROM_ORIGIN)


def test_what_the_server_raises_reaches_the_application() -> None:
    """A second `start_response` after the headers were sent raises again what `exc_info` holds (PEP 3333)."""

    def server(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        if exc_info:
            raise exc_info[1].with_traceback(exc_info[2])
        return lambda data: None

    with pytest.raises(RuntimeError, match="only now"):
        CORSMiddleware(starts_twice, POLICY)(environ_of("GET", "/", FROM_ORIGIN), server)


def test_the_applications_own_list_of_headers_is_left_alone() -> None:
    """An application may keep one list for all its responses; it must not grow with each of them."""
    kept = [PLAIN]

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", kept)
        return [b""]

    middleware = CORSMiddleware(app, POLICY)
    for _ in range(3):
        assert values(send(middleware, "GET", "/", FROM_ORIGIN), "Vary") == ["Origin"]
    assert kept == [PLAIN]


# What the application said itself


@pytest.mark.parametrize(
    ("own", "origin", "lines"),
    [
        pytest.param([("Access-Control-Allow-Origin", "*")], ORIGIN, [ORIGIN], id="replaced by the origin"),
        pytest.param([("access-control-allow-origin", ORIGIN)], ORIGIN, [ORIGIN], id="in lower case"),
        pytest.param([("Access-Control-Allow-Origin", "*")] * 2, ORIGIN, [ORIGIN], id="two lines"),
        pytest.param([("Access-Control-Allow-Origin", "*")], STRANGER, [], id="taken from who is refused"),
        pytest.param([("Access-Control-Allow-Origin", "*")], None, [], id="taken from who is not CORS"),
    ],
)
def test_exactly_one_allowed_origin_leaves(own: list[tuple[str, str]], origin: str | None, lines: list[str]) -> None:
    app = CORSMiddleware(answering("200 OK", *own), POLICY)
    answer = send(app, "GET", "/", () if origin is None else (("Origin", origin),))
    assert values(answer, "Access-Control-Allow-Origin") == lines


def test_the_applications_other_cors_headers_give_way_but_for_what_it_exposes() -> None:
    own = [
        ("Access-Control-Allow-Credentials", "true"),
        ("ACCESS-CONTROL-EXPOSE-HEADERS", "X-Own, x-total, Set-Cookie"),
        ("X-Total", "1"),
    ]
    app = CORSMiddleware(answering("200 OK", *own), POLICY)
    answer = send(app, "GET", "/", FROM_ORIGIN)
    assert values(answer, "Access-Control-Allow-Credentials") == []
    assert values(answer, "Access-Control-Expose-Headers") == ["X-Total, X-Own"]
    assert values(answer, "X-Total") == ["1"]
    refused = send(app, "GET", "/", (("Origin", STRANGER),))
    assert values(refused, "Access-Control-Expose-Headers") == []


@pytest.mark.parametrize(
    ("own", "merged"),
    [
        pytest.param([], ["Origin"], id="none"),
        pytest.param(["Accept"], ["Accept, Origin"], id="another"),
        pytest.param(["Accept, Cookie"], ["Accept, Cookie, Origin"], id="two others"),
        pytest.param(["Accept", "Cookie"], ["Accept, Cookie, Origin"], id="two lines"),
        pytest.param(["origin"], ["origin"], id="the same in lower case"),
        pytest.param(["Accept, ORIGIN"], ["Accept, ORIGIN"], id="the same among others"),
        pytest.param(["*"], ["*"], id="everything"),
        pytest.param(["Accept, *"], ["*"], id="everything among others"),
        pytest.param([""], ["Origin"], id="empty"),
    ],
)
def test_vary_is_merged_and_never_doubled(own: list[str], merged: list[str]) -> None:
    app = CORSMiddleware(answering("200 OK", *(("Vary", value) for value in own)), POLICY)
    assert values(send(app, "GET", "/", FROM_ORIGIN), "Vary") == merged


@pytest.mark.parametrize(
    "status",
    [
        "200 OK",
        "206 Partial Content",
        "301 Moved Permanently",
        "304 Not Modified",
        "404 Not Found",
        "500 Oh",
        "599 Own",
    ],
)
def test_every_status_is_covered(status: str) -> None:
    headers = [("ETag", '"1"'), ("Location", "/elsewhere"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    answer = send(CORSMiddleware(answering(status, *headers), POLICY), "GET", "/", FROM_ORIGIN)
    assert answer.status == int(status[:3])
    assert values(answer, "Access-Control-Allow-Origin") == [ORIGIN]
    assert answer.headers[: len(headers)] == tuple(headers)


# Preflights


def never(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    raise AssertionError("the application was called")


@pytest.mark.parametrize(
    ("method", "names", "status"),
    [
        pytest.param("PUT", "x-one", 204, id="passing"),
        pytest.param("PATCH", None, 403, id="refused method"),
        pytest.param("PUT", "x-two", 403, id="refused header"),
        pytest.param("P@T", None, 403, id="no method"),
        pytest.param("", "", 403, id="an empty method"),
    ],
)
def test_a_preflight_never_reaches_the_application(method: str, names: str | None, status: int) -> None:
    asked = (("Access-Control-Request-Method", method),)
    if names is not None:
        asked += (("Access-Control-Request-Headers", names),)
    answer = send(validator(CORSMiddleware(never, POLICY)), "OPTIONS", "/x", FROM_ORIGIN + asked)
    decision = evaluate(POLICY, "OPTIONS", ORIGIN, method, names)
    assert (answer.status, answer.body) == (status, b"")
    assert status == decision.status
    assert {(name, value) for name, value in answer.headers if not name.startswith("Content-")} == set(
        decision.headers.items()
    )


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        pytest.param("OPTIONS", FROM_ORIGIN, id="OPTIONS without a requested method"),
        pytest.param("OPTIONS", (("Access-Control-Request-Method", "PUT"),), id="OPTIONS without an origin"),
        pytest.param("GET", (*FROM_ORIGIN, ("Access-Control-Request-Method", "PUT")), id="GET with both headers"),
        pytest.param("options", (*FROM_ORIGIN, ("Access-Control-Request-Method", "PUT")), id="options in lower case"),
    ],
)
def test_everything_else_reaches_the_application(method: str, headers: tuple[tuple[str, str], ...]) -> None:
    answer = send(CORSMiddleware(answering("200 OK", body=b"the application's"), POLICY), method, "/x", headers)
    assert answer.body == b"the application's"
    assert values(answer, "Vary") == ["Origin"]


# Other policies


def test_a_policy_that_is_replaced_takes_effect_at_once() -> None:
    app = CORSMiddleware(returns_a_list, POLICY)
    assert values(send(app, "GET", "/", FROM_ORIGIN), "Access-Control-Allow-Origin") == [ORIGIN]
    other = Policy(allow_origins=[STRANGER])
    app.policy = other
    assert app.policy is other
    assert values(send(app, "GET", "/", FROM_ORIGIN), "Access-Control-Allow-Origin") == []
    assert values(send(app, "GET", "/", (("Origin", STRANGER),)), "Access-Control-Allow-Origin") == [STRANGER]
    app.policy = PathPolicies({"/y": POLICY})
    assert values(send(app, "GET", "/x", FROM_ORIGIN), "Vary") == []
    assert values(send(app, "GET", "/y", FROM_ORIGIN), "Access-Control-Allow-Origin") == [ORIGIN]


def test_a_request_sees_one_policy_only_though_it_is_replaced_within() -> None:
    """Once decided, a request's answer does not change, not even for a second `start_response`."""
    app = CORSMiddleware(lambda environ, start_response: replacing(environ, start_response), POLICY)

    def replacing(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        app.policy = Policy(allow_origins=["*"])
        return starts_twice(environ, start_response)

    answer = send(app, "GET", "/", FROM_ORIGIN)
    assert values(answer, "Access-Control-Allow-Origin") == [ORIGIN]
    assert values(answer, "Vary") == ["Origin"]


def test_replacing_while_other_threads_serve_never_mixes_two_policies() -> None:
    one = Policy(allow_origins=[ORIGIN], allow_credentials=True)
    other = Policy(allow_origins=["*"], expose_headers=["*"])
    app = CORSMiddleware(returns_a_list, one)
    whole = {
        frozenset(evaluate(policy, "GET", ORIGIN).headers.items()) | {("Content-Type", "text/plain")}
        for policy in (one, other)
    }
    wrong = []

    def serve() -> None:
        for _ in range(2000):
            answer = send(app, "GET", "/", FROM_ORIGIN)
            if frozenset(answer.headers) not in whole:
                wrong.append(answer)

    threads = [threading.Thread(target=serve) for _ in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        app.policy = other
        app.policy = one
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("policy", [None, "*", {}, ["https://a.test"]])
def test_what_is_no_policy_is_refused_before_anything_is_served(policy: Any) -> None:
    with pytest.raises(TypeError, match="policy must be a Policy, PathPolicies or anything with policy_for"):
        CORSMiddleware(never, policy)
    app = CORSMiddleware(never, POLICY)
    with pytest.raises(TypeError, match="policy must be a Policy, PathPolicies or anything with policy_for"):
        app.policy = policy
    assert app.policy is POLICY


def test_a_dict_for_a_policy_is_told_what_makes_a_policy_of_it() -> None:
    with pytest.raises(TypeError, match="not dict; policy_from_mapping makes a policy of it"):
        CORSMiddleware(never, {"allow_origins": ["https://a.test"]})  # type: ignore[arg-type]


def test_a_path_without_a_policy_is_passed_on_untouched() -> None:
    own = [("Access-Control-Allow-Origin", "*"), ("Vary", "Accept"), ("Vary", "Accept")]
    app = CORSMiddleware(answering("200 OK", *own), PathPolicies({"/api": POLICY}))
    preflight = (*FROM_ORIGIN, ("Access-Control-Request-Method", "PUT"))
    for path in ("/apiary", "/"):
        assert send(app, "GET", path, FROM_ORIGIN).headers == tuple(own)
        assert send(app, "OPTIONS", path, preflight).headers == tuple(own)
    for path in ("/api/../admin", "/api%2Fx", "//api", "/a\xffpi"):
        assert send(app, "GET", path, FROM_ORIGIN).headers == (("Vary", "Accept, Origin"),)
        assert send(app, "OPTIONS", path, preflight).status == 403
    assert send(app, "OPTIONS", "/api", preflight).status == 204


def test_a_preflight_and_its_request_are_governed_by_one_policy() -> None:
    """CVE-2015-9236: the preflight was answered by another policy than the route's."""
    policies = PathPolicies({"/a": POLICY, "/a/b": Policy(allow_origins=[STRANGER], allow_methods=["PUT"])})
    app = CORSMiddleware(returns_a_list, policies)
    for path, allowed in (("/a/x", ORIGIN), ("/a/b/x", STRANGER)):
        for origin in (ORIGIN, STRANGER):
            asked = (("Origin", origin), ("Access-Control-Request-Method", "PUT"))
            passes = send(app, "OPTIONS", path, asked).status == 204
            readable = values(send(app, "PUT", path, asked[:1]), "Access-Control-Allow-Origin") == [origin]
            assert passes == readable == (origin == allowed)


def test_a_source_that_makes_a_policy_for_every_request_does_not_fill_the_memory() -> None:
    made: list[weakref.ref[Policy]] = []

    class Endless:
        def policy_for(self, request: CORSRequest) -> Policy:
            policy = Policy(allow_origins=[request.origin])
            made.append(weakref.ref(policy))
            return policy

    app = CORSMiddleware(returns_a_list, Endless())
    for number in range(1000):
        origin = f"https://{number}.example.com"
        assert values(send(app, "GET", "/", (("Origin", origin),)), "Access-Control-Allow-Origin") == [origin]
    gc.collect()
    assert sum(policy() is not None for policy in made) <= 1


def test_policies_that_were_replaced_are_let_go() -> None:
    app = CORSMiddleware(returns_a_list, PathPolicies({"/": POLICY}))
    gone: list[weakref.ref[Policy]] = []
    for _ in range(10):
        policy = Policy(allow_origins=[ORIGIN])
        gone.append(weakref.ref(policy))
        app.policy = PathPolicies({"/": policy})
        assert values(send(app, "GET", "/", FROM_ORIGIN), "Access-Control-Allow-Origin") == [ORIGIN]
    del policy
    app.policy = POLICY
    gc.collect()
    assert [policy for policy in gone if policy() is not None] == []


@pytest.mark.skipif(corecors.__compiled__, reason="an object of a compiled class is not copied")
def test_the_middleware_is_an_ordinary_object() -> None:
    app = CORSMiddleware(answering("200 OK"), POLICY)

    class Site:
        wsgi = app  # a `partial` would warn on 3.13 and take the object as its first argument later

    assert send(Site().wsgi, "GET", "/", FROM_ORIGIN).status == 200
    copied = copy.copy(app)
    assert send(copied, "GET", "/", FROM_ORIGIN) == send(app, "GET", "/", FROM_ORIGIN)
    copied.policy = Policy()
    assert app.policy is POLICY
    assert CORSMiddleware.__bases__ == (object,)


async def asgi_function(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("the application was called")


class ASGIApplication:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("the application was called")


@pytest.mark.parametrize(
    ("app", "said"),
    [
        pytest.param(asgi_function, r"corecors\.adapters\.asgi", id="an ASGI application, a function"),
        pytest.param(ASGIApplication(), r"corecors\.adapters\.asgi", id="an ASGI application, an object"),
        pytest.param("app:main", "a function of environ and start_response, not str", id="a name"),
        pytest.param(None, "a function of environ and start_response, not NoneType", id="nothing"),
    ],
)
def test_an_application_of_another_kind_is_refused_with_the_door_to_use(app: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        CORSMiddleware(app, POLICY)


def test_a_policy_that_is_replaced_ends_when_the_next_one_is_in_force() -> None:
    seen: list[object] = []

    class Predicate:
        def __call__(self, origin: str) -> bool:
            return False

        def __del__(self) -> None:
            seen.append(app.policy)

    app = CORSMiddleware(lambda environ, start_response: [], Policy(allow_origin_predicate=Predicate()))
    app.policy = Policy()
    gc.collect()
    assert seen == [app.policy]
