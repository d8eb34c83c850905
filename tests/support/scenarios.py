"""What every adapter and every server has to do alike: requests, responses and policies as data, and one truth.

A scenario is a policy, a request and the response that the application makes to it. What has to come back is never
written down here: `expected` has it from `corecors.evaluate`, the application's own headers being known.
`scenario_apps` builds the same application for each framework; whoever sends a scenario compares the answer with
`expected` by way of `differences`.
"""

from collections.abc import Iterable
from typing import NamedTuple

from corecors import Kind, PathPolicies, Policy, evaluate

Headers = tuple[tuple[str, str], ...]

LISTED = "https://app.example.com"
ALSO_LISTED = "https://admin.example.com:8443"
SUBDOMAIN = "https://deep.preview.example.org"
STRANGER = "https://app.example.com.evil.test"


class Request(NamedTuple):
    """A request, less its path. `method` and `headers` are sent as they stand."""

    name: str
    method: str = "GET"
    headers: Headers = ()
    body: bytes = b""


class Response(NamedTuple):
    """What the application answers to GET at `path`; `headers` are those that it sets itself and that have to leave,
    where CORS says nothing about them. `body` is None where it differs between frameworks."""

    name: str
    path: str
    status: int = 200
    headers: Headers = ()
    body: bytes | None = b"ok"


class Scenario(NamedTuple):
    """`status` is None where frameworks differ: the application's own answer to OPTIONS, say."""

    policy: str
    request: Request
    response: Response
    status: int | None

    @property
    def name(self) -> str:
        return f"{self.policy}: {self.request.name}, {self.response.name}"


class Expected(NamedTuple):
    """`cors`: every header line that belongs to CORS, names in lower case, sorted. `vary`: its elements, lower case, or
    None where there must be no such header."""

    status: int | None
    cors: Headers
    vary: frozenset[str] | None
    others: Headers
    body: bytes | None
    reaches_the_application: bool


class Answer(NamedTuple):
    """What came back: one pair for each header line, so that doubled ones stay visible."""

    status: int
    headers: Headers
    body: bytes


def _preflight(method: str, names: str | None = None, origin: str = LISTED) -> Headers:
    asked = () if names is None else (("Access-Control-Request-Headers", names),)
    return (("Origin", origin), ("Access-Control-Request-Method", method), *asked)


POLICIES: dict[str, Policy | PathPolicies] = {
    "listed": Policy(
        allow_origins=[LISTED, ALSO_LISTED, "https://*.preview.example.org"],
        allow_methods=["GET", "PUT", "DELETE"],
        allow_headers=["Content-Type", "X-Request-ID"],
        expose_headers=["X-Total"],
        max_age=600,
    ),
    "credentials": Policy(
        allow_origins=[LISTED, ALSO_LISTED],
        allow_methods=["PUT"],
        allow_headers=["Authorization"],
        expose_headers=["ETag", "X-Total"],
        allow_credentials=True,
    ),
    "anyone": Policy(allow_origins=["*"], allow_methods=["*"], allow_headers=["*"], expose_headers=["*"]),
    "everything, with credentials": Policy(
        allow_origins=[LISTED], allow_methods=["*"], allow_headers=["*"], allow_credentials=True, allow_timing=True
    ),
    "nobody": Policy(),
    "debug": Policy(allow_origins=[LISTED], allow_methods=["PUT"], allow_headers=["X-Request-ID"], debug=True),
    "null": Policy(allow_origins=[LISTED], dangerously_allow_null_origin=True),
    "regex": Policy(allow_origin_regexes=[r"https://app\.example\.(com|net)"]),
    "predicate": Policy(allow_origin_predicate=lambda origin: origin.endswith(".example.com")),
    "paths": PathPolicies(
        {
            "/text": Policy(allow_origins=[LISTED], allow_methods=["PUT"]),
            "/vary": Policy(allow_origins=["*"]),
            "/own": None,
        }
    ),
}

REQUESTS = {
    request.name: request
    for request in (
        Request("no origin"),
        Request("allowed origin", headers=(("Origin", LISTED),)),
        Request("another allowed origin", headers=(("Origin", ALSO_LISTED),)),
        Request("subdomain", headers=(("Origin", SUBDOMAIN),)),
        Request("refused origin", headers=(("Origin", STRANGER),)),
        Request("null origin", headers=(("Origin", "null"),)),
        Request("origin in upper case", headers=(("Origin", LISTED.upper()),)),
        Request("origin with a slash", headers=(("Origin", LISTED + "/"),)),
        Request("two origins in one line", headers=(("Origin", f"{LISTED}, {STRANGER}"),)),
        Request("origin of 4 KiB", headers=(("Origin", "https://" + "a" * 4096 + ".example.com"),)),
        Request("HEAD, allowed", "HEAD", (("Origin", LISTED),)),
        Request("POST, allowed", "POST", (("Origin", LISTED), ("Content-Type", "text/plain")), b"posted"),
        Request("POST, refused", "POST", (("Origin", STRANGER), ("Content-Type", "text/plain")), b"posted"),
        Request("DELETE, allowed", "DELETE", (("Origin", LISTED),)),
        Request("OPTIONS, no origin", "OPTIONS"),
        Request("OPTIONS, allowed", "OPTIONS", (("Origin", LISTED),)),
        Request("OPTIONS with a method but no origin", "OPTIONS", (("Access-Control-Request-Method", "PUT"),)),
        Request("GET with a preflight's headers", "GET", _preflight("PUT", "x-request-id")),
        Request("preflight for PUT", "OPTIONS", _preflight("PUT")),
        Request("preflight for GET with a header", "OPTIONS", _preflight("GET", "x-request-id")),
        Request("preflight for PUT with Authorization", "OPTIONS", _preflight("PUT", "authorization")),
        Request("preflight, refused origin", "OPTIONS", _preflight("PUT", origin=STRANGER)),
        Request("preflight, null origin", "OPTIONS", _preflight("GET", origin="null")),
        Request("preflight, refused method", "OPTIONS", _preflight("PATCH")),
        Request("preflight, method in lower case", "OPTIONS", _preflight("put")),
        Request("preflight, method that is none", "OPTIONS", _preflight("PU T")),
        Request("preflight, refused header", "OPTIONS", _preflight("PUT", "x-request-id,x-unknown")),
        Request("preflight, empty list of headers", "OPTIONS", _preflight("PUT", "")),
        Request("preflight, list of headers with blanks", "OPTIONS", _preflight("GET", "content-type , x-request-id")),
        Request("preflight, list of headers that is none", "OPTIONS", _preflight("PUT", "x-request-id;")),
        Request("preflight, 1,000 commas", "OPTIONS", _preflight("PUT", "," * 1000)),
    )
}

RESPONSES = {
    response.name: response
    for response in (
        Response("plain text", "/text", headers=(("X-Total", "7"),)),
        Response("no content", "/empty", 204, body=b""),
        Response("created", "/created", 201, (("X-Total", "8"),)),
        Response("redirect", "/redirect", 302, body=None),
        Response("not modified", "/not-modified", 304, (("ETag", '"1"'), ("Vary", "Accept")), b""),
        Response("no such path", "/nowhere", 404, body=None),
        Response("method not allowed", "/get-only", 405, body=None),
        Response("abort", "/abort", 403, body=None),
        Response("handled exception", "/handled", 422, body=b"handled"),
        Response("unhandled exception", "/error", 500, body=None),
        Response("answered before the view", "/early", 503, body=b"early"),
        Response("stream", "/stream", body=b"onetwothree"),
        Response("file", "/file", body=b"the file\n"),
        Response("cookies", "/cookies", headers=(("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))),
        Response(
            "CORS headers of its own",
            "/own",
            headers=(
                ("Access-Control-Allow-Origin", "*"),
                ("access-control-allow-credentials", "true"),
                ("Access-Control-Expose-Headers", "X-Own"),
                ("Timing-Allow-Origin", "*"),
            ),
        ),
        Response("a Vary of its own", "/vary", headers=(("Vary", "Accept-Encoding"),)),
        Response("Vary with Origin", "/vary-origin", headers=(("vary", "origin, Accept"),)),
        Response("two lines of Vary", "/vary-twice", headers=(("Vary", "Accept"), ("Vary", "Cookie, ORIGIN"))),
        Response("Vary with everything", "/vary-star", headers=(("Vary", "*"),)),
    )
}
_TEXT = RESPONSES["plain text"]


def _scenario(policy: str, request: Request, response: Response) -> Scenario:
    status: int | None = response.status
    if request.method == "OPTIONS":
        status = None
    elif request.method == "DELETE" and status == 200:
        status = 405
    return Scenario(policy, request, response, status)


# Every kind of response, to who is not CORS, allowed and refused; and every kind of request, under every policy.
_ALL = (
    *(
        _scenario(policy, REQUESTS[request], response)
        for policy in ("credentials", "anyone")
        for response in RESPONSES.values()
        if response.name != "method not allowed"
        for request in ("no origin", "allowed origin", "refused origin")
    ),
    *(
        _scenario("credentials", REQUESTS[request], RESPONSES["method not allowed"])
        for request in ("POST, allowed", "POST, refused")
    ),
    *(_scenario(policy, request, _TEXT) for policy in POLICIES for request in REQUESTS.values()),
    *(
        _scenario("paths", REQUESTS[request], RESPONSES[response])
        for response in ("stream", "a Vary of its own", "CORS headers of its own", "Vary with Origin", "no such path")
        for request in ("no origin", "allowed origin", "preflight for PUT")
    ),
)
SCENARIOS = tuple({scenario.name: scenario for scenario in _ALL}.values())  # each once


def governing(scenario: Scenario) -> Policy | None:
    policy = POLICIES[scenario.policy]
    return policy if isinstance(policy, Policy) else policy.for_path(scenario.response.path)


def expected(scenario: Scenario) -> Expected:
    """What has to come back, by the decision of the core."""
    request, response = scenario.request, scenario.response
    asked = {name.lower(): value for name, value in request.headers}
    own = response.headers if scenario.status == response.status else ()
    own_cors = tuple((name.lower(), value) for name, value in own if _is_cors(name))
    own_vary = _elements(value for name, value in own if name.lower() == "vary")
    others = tuple((name, value) for name, value in own if not _is_cors(name) and name.lower() != "vary")
    body = response.body if scenario.status == response.status else None
    body = b"" if request.method == "HEAD" else b"posted" if request.body and body is not None else body
    policy = governing(scenario)
    if policy is None:
        return Expected(scenario.status, own_cors, own_vary, others, body, True)
    decision = evaluate(
        policy,
        request.method,
        asked.get("origin"),
        asked.get("access-control-request-method"),
        asked.get("access-control-request-headers"),
    )
    answers_itself = decision.kind is Kind.PREFLIGHT
    lines = list(decision.lines) if answers_itself else decision.merge(list(own))
    cors = tuple(sorted((name.lower(), value) for name, value in lines if _is_cors(name)))
    vary = _elements(value for name, value in lines if name.lower() == "vary")
    if answers_itself:
        return Expected(decision.status, cors, vary, (), b"", False)
    return Expected(scenario.status, cors, vary, others, body, True)


def differences(scenario: Scenario, answer: Answer) -> list[str]:
    """What differs between an answer and what is expected; nothing where all is well."""
    want = expected(scenario)
    wrong = []
    if want.status is not None and answer.status != want.status:
        wrong.append(f"status {answer.status} instead of {want.status}")
    cors = tuple(sorted((name.lower(), value) for name, value in answer.headers if _is_cors(name)))
    if cors != tuple(sorted(want.cors)):
        wrong.append(f"CORS headers {cors} instead of {want.cors}")
    lines = [value for name, value in answer.headers if name.lower() == "vary"]
    vary = _elements(lines)
    known = want.status is not None  # else what the application itself sends is not known
    if vary != want.vary if known else not (want.vary or frozenset()) <= (vary or frozenset()):
        wrong.append(f"Vary {vary} instead of {want.vary}")
    policy = governing(scenario)
    if len(lines) > 1 and policy is not None and not policy.allows_any_origin:
        wrong.append(f"{len(lines)} lines of Vary")
    got = [(name.lower(), value) for name, value in answer.headers]
    wrong += [f"{name}: {value} is lost" for name, value in want.others if (name.lower(), value) not in got]
    if want.body is not None and answer.body != want.body:
        wrong.append(f"body {answer.body!r} instead of {want.body!r}")
    return wrong


def _is_cors(name: str) -> bool:
    return name.lower().startswith("access-control-") or name.lower() == "timing-allow-origin"


def _elements(values: Iterable[str]) -> frozenset[str] | None:
    """The elements of `Vary` lines; `*` is more than any others."""
    found = frozenset(part.strip().lower() for value in values for part in value.split(",") if part.strip())
    return (frozenset("*") if "*" in found else found) or None
