"""The demo's cases: what a page tries, and what the policy says about it before anything is sent."""

from dataclasses import dataclass
from enum import Enum

from corecors import Policy, evaluate
from corecors.browser import Credentials, Request
from corecors.browser.safelist import unsafe_headers

HeaderLines = tuple[tuple[str, str], ...]

HOST = "127.0.0.1"  # of all three servers
JSON: HeaderLines = (("Content-Type", "application/json"),)


class From(Enum):
    """The page that a case is tried from. A visitor's browser can be each of the first three."""

    PAGE = "page"  # the demo's own page, which the policy names
    STRANGER = "stranger"  # the same page on another port, which it does not name
    SANDBOX = "sandbox"  # a sandboxed frame, whose origin is null
    LOOKALIKE = "https://app.example.com.evil.test"  # an allowed origin, continued by an attacker
    PREVIEW = "https://pr-7.preview.example.com"  # one that the pattern in the policy covers


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing that a page tries.

    `path`: of the API. `crosses`: the API redirects this path to another origin.
    """

    name: str
    path: str
    by: From = From.PAGE
    method: str = "GET"
    headers: HeaderLines = ()
    credentials: Credentials = Credentials.SAME_ORIGIN
    body: str | None = None
    crosses: bool = False


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the policy says about a case: whether script may read the response, and the sentence that says why."""

    readable: bool
    why: str


@dataclass(frozen=True, slots=True)
class Site:
    """The origins of the demo's servers (see `From`), and the policies of its API."""

    api: str
    page: str
    stranger: str
    private: Policy
    public: Policy

    def origin(self, case: Case) -> str:
        """The origin of the page that the case is tried from, as a browser serialises it."""
        match case.by:
            case From.PAGE:
                return self.page
            case From.STRANGER:
                return self.stranger
            case From.SANDBOX:
                return "null"
            case made_up:
                return str(made_up.value)

    def request(self, case: Case) -> Request:
        """The request that the case makes."""
        return Request(
            url=self.api + case.path,
            origin=self.origin(case),
            method=case.method,
            headers=case.headers,
            credentials=case.credentials,
            body=None if case.body is None else case.body.encode(),
        )

    def expectation(self, case: Case) -> Expectation:
        """What the policy says about the case: decisions of the core, nothing sent."""
        policy = self.public if case.path.startswith("/public/") else self.private
        origin = self.origin(case)
        decisions = [
            evaluate(policy, "OPTIONS", origin, case.method, ",".join(unsafe_headers(case.headers))),
            evaluate(policy, case.method, origin),
        ]
        if case.crosses:
            # Fetch, "HTTP-redirect fetch": redirected from one foreign origin to another, a browser goes on as `null`.
            decisions.append(evaluate(policy, case.method, "null"))
        for decision in decisions:
            if not decision.allowed:
                # The first sentence says what is wrong, any other what to change: here nothing needs to be.
                return Expectation(False, decision.explain().partition(". ")[0].removesuffix(".") + ".")
        if case.credentials is Credentials.INCLUDE and not policy.allow_credentials:
            return Expectation(False, "The policy does not allow credentials.")
        return Expectation(True, decisions[-1].explain())


CASES = (
    Case(name="Simple GET", path="/articles"),
    Case(name="POST with JSON", path="/articles", method="POST", headers=JSON, body='{"title": "New"}'),
    Case(
        name="PUT with a token",
        path="/articles/1",
        method="PUT",
        headers=(("Authorization", "Bearer 1"), *JSON),
        body="{}",
    ),
    Case(name="DELETE", path="/articles/1", method="DELETE"),
    Case(name="A custom header", path="/articles", headers=(("X-Request-Tag", "demo"),)),
    Case(name="A cookie", path="/account", credentials=Credentials.INCLUDE),
    Case(name="No cookie: 401", path="/account"),
    Case(name="Unknown path: 404", path="/nowhere"),
    Case(name="Server error: 500", path="/crash"),
    Case(name="Redirect", path="/latest"),
    Case(name="Stream", path="/stream"),
    Case(name="Origin by pattern", path="/articles", by=From.PREVIEW),
    Case(name="Public, any origin", path="/public/feed", by=From.STRANGER),
    Case(name="Header not allowed", path="/articles", headers=(("X-Debug", "1"),)),
    Case(name="Method not allowed", path="/articles/1", method="PATCH", headers=JSON, body="{}"),
    Case(name="Wrong port", path="/articles", by=From.STRANGER),
    Case(name="Look-alike origin", path="/account", by=From.LOOKALIKE, credentials=Credentials.INCLUDE),
    Case(name="Null origin", path="/articles", by=From.SANDBOX),
    Case(name="Redirect across", path="/elsewhere", crosses=True),
    Case(name="Public + cookies", path="/public/feed", credentials=Credentials.INCLUDE),
)
