"""Which policy governs a path: whole segments, the most specific prefix, and none where a path is ambiguous."""

from wsgiref.util import setup_testing_defaults

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corecors import UNDECIDED, CORSRequest, PathPolicies, Policy, PolicyError
from corecors.adapters.wsgi import request_of

API = Policy(allow_origins=["https://api.example"])
VERSIONED = Policy(allow_origins=["https://v1.example"])
PUBLIC = Policy(allow_origins=["*"])
CAFE = Policy(allow_origins=["https://cafe.example"])
DEFAULT = Policy(allow_origins=["https://default.example"])

POLICIES = PathPolicies(
    {"/api/": API, "/api/v1": VERSIONED, "/api/v1/internal": None, "/public": PUBLIC, "/café": CAFE}, default=DEFAULT
)


@pytest.mark.parametrize(
    ("path", "policy"),
    [
        pytest.param("/api", API, id="the prefix without its slash"),
        pytest.param("/api/", API, id="the prefix with its slash"),
        pytest.param("/api/users/7", API, id="below the prefix"),
        pytest.param("/apiary", DEFAULT, id="another segment that begins alike (flask-cors: r'/api/*')"),
        pytest.param("/apiary/secret", DEFAULT, id="below another segment that begins alike"),
        pytest.param("/v2/api", DEFAULT, id="the prefix in another place"),
        pytest.param("/api/v1/users", VERSIONED, id="the more specific of two"),
        pytest.param("/api/v1", VERSIONED, id="the more specific prefix itself"),
        pytest.param("/api/v10", API, id="the more specific one is of whole segments too"),
        pytest.param("/api/v1/internal/keys", None, id="a prefix that is opted out"),
        pytest.param("/api/v1/internals", VERSIONED, id="beside a prefix that is opted out"),
        pytest.param("/API/users", DEFAULT, id="upper case (CVE-2024-6866)"),
        pytest.param("/Public", DEFAULT, id="one letter in upper case (CVE-2024-6866)"),
        pytest.param("/café/menu", CAFE, id="beyond ASCII"),
        pytest.param("/cafe\u0301/menu", DEFAULT, id="the same to the eye, other code points"),
        pytest.param("", DEFAULT, id="the empty path"),
        pytest.param("/", DEFAULT, id="the root"),
        pytest.param("/api/a+b", API, id="a plus is a plus (CVE-2024-6844)"),
        pytest.param("/api/a b", API, id="a decoded blank"),
        pytest.param("/api/a\u00a0b", API, id="a no-break space, which is no control character"),
        pytest.param("/api/.well-known/x", API, id="a segment that only begins with a dot"),
        pytest.param("/api/..x", API, id="a segment that only begins with two dots"),
        pytest.param("/api/x..", API, id="a segment that only ends with dots"),
        pytest.param("/api/...", API, id="three dots"),
        pytest.param("/api/100%", API, id="a decoded percent sign"),
        pytest.param("/api/%41", API, id="an encoded letter is not decoded again"),
        pytest.param("/%61pi/users", DEFAULT, id="an encoded prefix is not decoded again"),
    ],
)
def test_the_most_specific_prefix_of_whole_segments_governs(path: str, policy: Policy | None) -> None:
    assert POLICIES.for_path(path) is policy


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/public/../admin", id="a dot-dot segment (CVE-2020-25032)"),
        pytest.param("/public/..", id="a dot-dot segment at the end"),
        pytest.param("/../public", id="a dot-dot segment at the beginning"),
        pytest.param("/public/./x", id="a dot segment"),
        pytest.param("/public/.", id="a dot segment at the end"),
        pytest.param("//public", id="an empty first segment"),
        pytest.param("/public//x", id="an empty segment"),
        pytest.param("/public//", id="an empty last segment"),
        pytest.param("/public\\..\\admin", id="backslashes"),
        pytest.param("/public/%2e%2e/admin", id="encoded dots"),
        pytest.param("/public/%2E./admin", id="one encoded dot, in upper case"),
        pytest.param("/public%2fadmin", id="an encoded slash"),
        pytest.param("/public%2Fadmin", id="an encoded slash, in upper case"),
        pytest.param("/public%5cadmin", id="an encoded backslash"),
        pytest.param("/public\n", id="a line feed at the end, before which a `$` matches"),
        pytest.param("/public\n/x", id="a line feed at the end of a segment"),
        pytest.param("/public\0", id="a null byte"),
        pytest.param("/public\x7f", id="the last control character"),
        pytest.param("*", id="the asterisk of OPTIONS *"),
        pytest.param("https://app.example.com/public", id="a whole URL"),
        pytest.param("public/x", id="no leading slash"),
    ],
)
def test_an_ambiguous_path_is_undecided_whatever_the_default(path: str) -> None:
    policies = PathPolicies({"/": PUBLIC, "/public": PUBLIC}, default=DEFAULT)
    assert policies.for_path("/public/x") is PUBLIC
    assert policies.for_path(path) is UNDECIDED


@pytest.mark.parametrize("mount", ["/m", "/m/"])
@pytest.mark.parametrize(
    ("path", "prefixes", "policy"),
    [
        pytest.param("/m/api", {"/m/api": API}, API, id="written with the mount, as uvicorn writes paths"),
        pytest.param("/m/x", {"/m/api": API}, DEFAULT, id="the default of such policies"),
        pytest.param("/m", {"/m": API}, API, id="the mount itself"),
        pytest.param("/api", {"/api": API}, API, id="written without it, as other servers write paths"),
        pytest.param("/x", {"/api": API}, DEFAULT, id="the default of those"),
        pytest.param("/m/api", {"/api": API}, UNDECIDED, id="written without it, the path with it"),
        pytest.param("/m/api", {"/": PUBLIC, "/api": API}, UNDECIDED, id="the same beside the root"),
        pytest.param("/api", {"/m/api": API}, UNDECIDED, id="written with it, the path without"),
        pytest.param("/", {"/m": API}, UNDECIDED, id="the same of the mount itself"),
        pytest.param("/m", {"/": API}, API, id="both are governed by the same"),
        pytest.param("/m/x", {"/api": API}, DEFAULT, id="both by the default"),
        pytest.param("/m/x", {"/x": None}, UNDECIDED, id="one of them opted out"),
        pytest.param("/mx/api", {"/y": API}, DEFAULT, id="the mount ends within a segment"),
        pytest.param("/mapi/x", {"/api": API}, UNDECIDED, id="and what follows is governed"),
        pytest.param("/mapi/x", {"/m/api": API}, UNDECIDED, id="and is written with the mount"),
        pytest.param("/a/m/api", {"/api": API}, UNDECIDED, id="the mount stands further down (Quart)"),
        pytest.param("/a/m/api", {"/m/api": API}, UNDECIDED, id="and the prefix is written with it"),
        pytest.param("/a/m/api", {"/a": API}, UNDECIDED, id="and the beginning is governed"),
        pytest.param("/a/mb", {"/c": API}, DEFAULT, id="it stands there by chance"),
        pytest.param("/m/m/api", {"/m/api": API}, DEFAULT, id="the mount twice"),
    ],
)
def test_with_a_mount_two_paths_may_be_one(
    path: str, prefixes: dict[str, Policy | None], policy: object, mount: str
) -> None:
    policies = PathPolicies(prefixes, default=DEFAULT)
    assert policies.policy_for(CORSRequest("GET", path, mount=mount)) is policy


def test_specificity_goes_by_segments_and_not_by_length() -> None:
    """CVE-2024-6839: the longest text was taken for the most specific."""
    policies = PathPolicies({"/a-very-long-segment": API, "/a/b": VERSIONED, "/a": PUBLIC})
    assert policies.for_path("/a/b/c") is VERSIONED
    assert policies.for_path("/a/bc") is PUBLIC


def test_the_root_prefix_governs_every_path_before_the_default() -> None:
    policies = PathPolicies({"/": API}, default=DEFAULT)
    assert policies.for_path("/") is API
    assert policies.for_path("") is API
    assert policies.for_path("/anything/else") is API


def test_without_a_default_other_paths_have_no_policy() -> None:
    assert PathPolicies({"/api": API}).for_path("/") is None
    assert PathPolicies({}).for_path("/") is None
    assert PathPolicies({}, default=DEFAULT).for_path("/x") is DEFAULT


def environ(path: str, script: str = "", **others: str) -> dict[str, object]:
    """An environ whose path is that of the bytes that the client sent, decoded as WSGI does."""
    made: dict[str, object] = {"SCRIPT_NAME": script, "PATH_INFO": path.encode().decode("latin-1"), **others}
    setup_testing_defaults(made)  # type: ignore[arg-type]
    return made


@pytest.mark.parametrize(
    ("given", "policy"),
    [
        pytest.param(environ("/api/users"), API, id="no mount"),
        pytest.param(environ("/users", script="/api"), API, id="mounted at the prefix"),
        pytest.param(environ("", script="/api"), API, id="mounted at the prefix, its root without a slash"),
        pytest.param(environ("/v1/users", script="/api"), VERSIONED, id="mounted in the middle of a prefix"),
        pytest.param(environ("ary", script="/api"), UNDECIDED, id="a mount that ends within a segment"),
        pytest.param(environ("/café/menu"), CAFE, id="beyond ASCII"),
        pytest.param(environ("/caf\u00c3\u00a9"), DEFAULT, id="UTF-8 of UTF-8 is another path"),
        pytest.param(environ("/public/../api"), UNDECIDED, id="dot segments"),
        pytest.param(environ("/x", script="/public/.."), UNDECIDED, id="dot segments of the mount"),
        pytest.param(environ("/x", script="/"), UNDECIDED, id="a mount that breaks PEP 3333: an empty segment"),
        pytest.param(environ("/public/x", RAW_URI="/public%2fx"), UNDECIDED, id="an encoded slash in RAW_URI"),
        pytest.param(environ("/public/x", REQUEST_URI="/public%2Fx"), UNDECIDED, id="encoded in REQUEST_URI"),
        pytest.param(environ("/public/x", REQUEST_URI="/public//x"), UNDECIDED, id="slashes that the server merged"),
        pytest.param(environ("/public", REQUEST_URI="/x/../public"), UNDECIDED, id="resolved dot segments"),
        pytest.param(environ("/public", RAW_URI="http://a.test/public"), PUBLIC, id="a whole URL as the target"),
        pytest.param(environ("/public", RAW_URI="http://a.test//public"), UNDECIDED, id="a URL with an empty segment"),
        pytest.param(environ("/public", RAW_URI="/public?next=//x/../y\\z"), PUBLIC, id="anything in the query"),
        pytest.param(environ("/public/x", RAW_URI="/public/x?to=%2fadmin"), PUBLIC, id="an encoded slash in the query"),
        pytest.param(environ("/public/é", RAW_URI="/public/%C3%A9"), PUBLIC, id="other encoded bytes"),
        pytest.param(environ("/public/x%2fy", RAW_URI="/public/x%252fy"), UNDECIDED, id="a slash encoded twice"),
        pytest.param({"PATH_INFO": "/pub\xfflic"}, UNDECIDED, id="a byte that is not UTF-8"),
        pytest.param(environ("/public", RAW_URI="/pub%fflic"), UNDECIDED, id="a byte that the server dropped"),
        pytest.param({"PATH_INFO": "/public/\xed\xa0\x80"}, UNDECIDED, id="an encoded surrogate"),
        pytest.param(environ("/public/\ufffd"), UNDECIDED, id="what servers put in the place of such a byte"),
        pytest.param({"PATH_INFO": "/public"}, PUBLIC, id="hardly any variable"),
        pytest.param({}, DEFAULT, id="no variable at all"),
        pytest.param({"PATH_INFO": "/public/\u20ac\ud800"}, UNDECIDED, id="characters that no server sends"),
    ],
)
def test_the_path_of_an_environ_is_mount_and_rest(given: dict[str, object], policy: Policy | None) -> None:
    assert POLICIES.policy_for(request_of(given)) is policy


segments = st.text(st.sampled_from("ab.%2fé\\"), min_size=0, max_size=3)
paths = st.lists(segments, max_size=5).map(lambda parts: "/" + "/".join(parts))


def naively(policies: PathPolicies, path: str) -> object:
    """The definition, by splitting: slow, and plain to see."""
    parts = path.split("/")[1:]
    trailing = parts[-1] == ""
    inner = parts[:-1] if trailing else parts
    lowered = path.lower()
    if "" in inner or "." in parts or ".." in parts or any(bad in lowered for bad in ("\\", "%2f", "%2e", "%5c")):
        return UNDECIDED
    best: tuple[int, Policy | None] = (-1, policies.default)
    for prefix, policy in policies.policies.items():
        wanted = [part for part in prefix.split("/") if part]
        if inner[: len(wanted)] == wanted:
            best = max(best, (len(wanted), policy), key=lambda found: found[0])
    return best[1]


@given(paths)
def test_the_look_up_agrees_with_the_definition(path: str) -> None:
    policies = PathPolicies({"/a": API, "/a/b": None, "/b/a/": VERSIONED, "/é": CAFE}, default=DEFAULT)
    assert policies.for_path(path) is naively(policies, path)
    given_environ = {"PATH_INFO": path.encode().decode("latin-1")}
    assert policies.policy_for(request_of(given_environ)) is naively(policies, path)


@given(st.text())
def test_no_path_makes_it_raise(path: str) -> None:
    POLICIES.for_path(path)
    POLICIES.policy_for(CORSRequest("GET", path))
    POLICIES.policy_for(request_of({"PATH_INFO": path, "RAW_URI": path, "SCRIPT_NAME": path}))


def test_a_path_of_a_million_slashes_is_no_more_work_than_its_length() -> None:
    assert PathPolicies({"/a": API}).for_path("/a/" * 350_000) is UNDECIDED
    assert PathPolicies({"/a": API}).for_path("/a" * 500_000) is API


# Configuration


@pytest.mark.parametrize(
    ("prefix", "wrong", "fix"),
    [
        pytest.param("api", "has no leading slash", "/api", id="no leading slash"),
        pytest.param("", "is empty", "/", id="empty"),
        pytest.param("/api/*", "is a pattern", "/api/", id="a star at the end"),
        pytest.param(r"/api/.*", "is a pattern", "/api/", id="a regular expression"),
        pytest.param(r"^/api/.*$", "is a pattern", "/api/", id="an anchored regular expression"),
        pytest.param("/api/<path:rest>", "is a pattern", "/api/", id="a route that takes the rest"),
        pytest.param("/users/<int:id>", "is a pattern", None, id="a route with a variable at the end"),
        pytest.param("/api*", "is a pattern", None, id="a star within a segment"),
        pytest.param("/*/api", "is a pattern", None, id="a star in the middle"),
        pytest.param("/users/{id}", "is a pattern", None, id="a template"),
        pytest.param("*", "is a pattern", "/", id="nothing but a star"),
        pytest.param("/api?x=1", "has a query", "/api", id="a query"),
        pytest.param("/api#top", "has a query or a fragment", "/api", id="a fragment"),
        pytest.param("https://app.example.com/api/", "is a URL", "/api/", id="a URL"),
        pytest.param("https://app.example.com", "is a URL", "/", id="an origin"),
        pytest.param("/a//b", "has an empty segment", "/a/b", id="an empty segment"),
        pytest.param("/api//", "has an empty segment", "/api/", id="two slashes at the end"),
        pytest.param("/a/../b", "has a dot segment", None, id="a dot-dot segment"),
        pytest.param("/./a", "has a dot segment", None, id="a dot segment"),
        pytest.param("/a" * 101, "has more than 100 segments", None, id="very many segments"),
        pytest.param("/a\\b", "has a backslash", None, id="a backslash"),
        pytest.param("/caf%C3%A9", "is percent-encoded", None, id="percent-encoded"),
        pytest.param(" /api", "has white space around it", "/api", id="a blank before it"),
        pytest.param("/api\n", "has white space around it", "/api", id="a line feed after it"),
        pytest.param("/a\x00b", "a control character", None, id="a control character"),
        pytest.param(7, "is not a path but of type int", None, id="a number"),
    ],
)
def test_a_prefix_that_could_mean_anything_else_is_refused(prefix: str, wrong: str, fix: str | None) -> None:
    with pytest.raises(PolicyError) as caught:
        PathPolicies({prefix: API})
    (problem,) = caught.value.problems
    assert (problem.field, problem.value) == ("policies", prefix)
    assert wrong in problem.message
    assert problem.fix == fix
    if fix is not None:
        PathPolicies({fix: API})


@pytest.mark.parametrize(
    ("one", "other"),
    [pytest.param("/api", "/api/", id="with and without its slash"), pytest.param("/api/", "/api", id="the other way")],
)
def test_the_same_prefix_twice_is_refused(one: str, other: str) -> None:
    with pytest.raises(PolicyError, match="is the same prefix as") as caught:
        PathPolicies({one: API, other: PUBLIC})
    assert [problem.value for problem in caught.value.problems] == [other]


def test_every_problem_is_reported_at_once() -> None:
    with pytest.raises(PolicyError) as caught:
        PathPolicies({"api": API, "/x": "https://a.example", "/y*": 7}, default="*")  # type: ignore[dict-item, arg-type]
    assert [problem.field for problem in caught.value.problems] == ["policies"] * 4 + ["default"]
    assert [problem.value for problem in caught.value.problems] == ["api", "/x", "/y*", "/y*", "*"]


def test_what_is_no_mapping_is_refused() -> None:
    with pytest.raises(PolicyError, match="is of type list where a mapping"):
        PathPolicies(["/api"])  # type: ignore[arg-type]


class ByMethod:
    """A source that chooses by the method, and never looks at `Origin`."""

    varies_by_origin = False

    def policy_for(self, request: CORSRequest) -> Policy | None:
        return API if request.method == "GET" else None


def test_a_source_may_stand_below_a_prefix() -> None:
    policies = PathPolicies({"/api": ByMethod(), "/other": API}, default=None)
    assert policies.policy_for(CORSRequest("GET", "/api/x")) is API
    assert policies.policy_for(CORSRequest("PUT", "/api/x")) is None
    assert not policies.varies_by_origin


def test_policies_vary_by_origin_if_a_source_among_them_may() -> None:
    class Unknown:
        def policy_for(self, request: CORSRequest) -> Policy:
            return API

    assert not PathPolicies({"/api": API}, default=None).varies_by_origin
    assert PathPolicies({"/api": API, "/t": Unknown()}).varies_by_origin
    assert PathPolicies({"/api": API}, default=Unknown()).varies_by_origin


def test_it_is_immutable_and_shows_what_it_holds() -> None:
    given = {"/api/": API}
    policies = PathPolicies(given, default=None)
    given["/later"] = PUBLIC
    assert dict(policies.policies) == {"/api/": API}
    assert policies.for_path("/later") is None
    with pytest.raises(AttributeError, match="immutable"):
        policies.default = PUBLIC  # type: ignore[misc]
    with pytest.raises(AttributeError, match="immutable"):
        del policies.default  # type: ignore[misc]
    with pytest.raises(TypeError):
        policies.policies["/x"] = PUBLIC  # type: ignore[index]
    assert repr(policies) == f"PathPolicies({{'/api/': {API!r}}}, default=None)"


def test_a_dict_where_a_policy_belongs_is_told_what_makes_one_of_it() -> None:
    with pytest.raises(
        PolicyError, match="a Policy or a policy source belongs; policy_from_mapping makes a policy of it"
    ):
        PathPolicies({"/api": {"allow_origins": ["*"]}})  # type: ignore[dict-item]
