"""Names of methods and headers that can never match anything, each with what to write instead where that is certain."""

from typing import Any

import pytest
from applied_fixes import applied
from hypothesis import given
from hypothesis import strategies as st

from corecors import Policy, PolicyError, preflight_headers
from corecors._decisions.headers import is_token
from corecors._policy.names import REGISTERED_METHODS, fault_of_name

CREDENTIALS = {"allow_credentials": True}
ORIGIN = "https://app.example.com"


def never(field: str, given: list[str], code: str, said: str, fix: object = None, *, id: str, **others: Any) -> Any:
    """The field and its list, of which something never matches; the code, what is said and the fix."""
    return pytest.param({field: given, **others}, field, code, said, fix, id=id)


NEVER = [
    # Methods
    never("allow_methods", ["ALL"], "word-for-any", "for every name, write", "*", id="ALL"),
    never("allow_methods", ["ANY"], "word-for-any", "the one entry '*'", "*", id="ANY, as API gateways say"),
    never("allow_methods", ["any"], "word-for-any", "the one entry '*'", "*", id="any"),
    never("allow_methods", [".*"], "word-for-any", "the one entry '*'", "*", id="a regex for all"),
    never("allow_methods", ["ALL", "PUT"], "word-for-any", "the one entry '*'", None, id="ALL, and one besides"),
    never("allow_methods", ["GET|POST"], "several-names", "several methods", ("GET", "POST"), id="a choice"),
    never("allow_methods", ["GET/POST"], "several-names", "several methods", ("GET", "POST"), id="slashes"),
    never("allow_methods", ["GET+POST"], "several-names", "several methods", ("GET", "POST"), id="a plus"),
    never("allow_methods", ["get,put"], "several-names", "several methods", ("GET", "PUT"), id="commas"),
    never("allow_methods", ["GET PUT"], "several-names", "several methods", ("GET", "PUT"), id="blanks"),
    never("allow_methods", ["(GET|PUT)"], "several-names", "several methods", ("GET", "PUT"), id="a group"),
    never("allow_methods", ['["GET", "PUT"]'], "several-names", "several methods", ("GET", "PUT"), id="JSON"),
    never("allow_methods", ["P*"], "name-pattern", "compared whole", None, id="a pattern of methods"),
    never("allow_methods", ["^PUT$"], "name-pattern", "compared whole", None, id="a regex of one method"),
    never("allow_methods", ["Patch"], "method-case", "case-sensitive", "PATCH", id="Patch"),
    never("allow_methods", ["PropFind"], "method-case", "case-sensitive", "PROPFIND", id="PropFind"),
    never("allow_methods", ["put"], "method-case", "case-sensitive", "PUT", id="put"),
    never("allow_methods", ["Content-Type"], "header-among-methods", "allow_headers", None, id="a header"),
    never("allow_methods", [ORIGIN], "origin-among-methods", "allow_origins", None, id="an origin among methods"),
    never("allow_methods", ["trace"], "forbidden-method", "no browser", (), id="trace"),
    never("allow_methods", [" "], "empty", "is empty", (), id="a blank"),
    # Request headers
    never("allow_headers", ["X-RateLimit-*"], "name-pattern", "compared whole", None, id="a pattern of headers"),
    never("allow_headers", ["^X-.*$"], "name-pattern", "compared whole", None, id="a regex of headers"),
    never("allow_headers", ["X-A|X-B"], "name-pattern", "compared whole", None, id="a choice of headers"),
    never("allow_headers", ["ALL"], "word-for-any", "for every name, write", "*", id="all headers in a word"),
    never("allow_headers", ["GET"], "method-among-headers", "allow_methods", None, id="a method among headers"),
    never("allow_headers", [ORIGIN], "origin-among-headers", "allow_origins", None, id="an origin among headers"),
    never("allow_headers", ["https://*.b.test"], "origin-among-headers", "allow_origins", None, id="a pattern too"),
    never("allow_headers", ["Access-Control-Allow-Origin"], "cors-header", "itself", (), id="a header of CORS"),
    never("allow_headers", ["Sec-Fetch-Mode"], "forbidden-header", "never set", (), id="a header of the browser's"),
    never("allow_headers", ["Authorization: Bearer"], "not-a-name", "without white space", None, id="a whole line"),
    never("allow_headers", ["X-A; X-B"], "several-names", "several header names", ("X-A", "X-B"), id="semicolons"),
    never("allow_headers", ["'X-A'"], "not-a-name", "is not a header name", "X-A", id="quotation marks"),
    # Exposed headers
    never("expose_headers", ["X-RateLimit-*"], "name-pattern", "compared whole", None, id="a pattern exposed"),
    never("expose_headers", ["Origin"], "request-header", "header of requests", (), id="Origin exposed"),
    never("expose_headers", ["User-Agent"], "request-header", "header of requests", (), id="User-Agent exposed"),
    never("expose_headers", ["Access-Control-Allow-Origin"], "cors-header", "browser alone", (), id="CORS exposed"),
    never("expose_headers", ["access-control-max-age"], "cors-header", "browser alone", (), id="CORS in lower case"),
    never("expose_headers", ["https://*.b.test"], "origin-among-headers", "allow_origins", None, id="exposed"),
    never("expose_headers", ["all"], "word-for-any", "the one entry '*'", "*", id="all in a word"),
    never("expose_headers", ["all"], "word-for-any", "name the headers", None, id="with credentials", **CREDENTIALS),
    never("expose_headers", ["PUT"], "method-among-headers", "allow_methods", None, id="a method exposed"),
]


@pytest.mark.parametrize(("arguments", "field", "code", "said", "fix"), NEVER)
def test_a_name_that_never_matches_is_refused(
    arguments: dict[str, Any], field: str, code: str, said: str, fix: object
) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy(**arguments)
    (problem,) = caught.value.problems
    assert (problem.field, problem.code) == (field, code)
    assert said in problem.message
    assert (problem.fix, type(problem.fix)) == (fix, type(fix))
    if fix is not None:
        Policy(**applied(arguments, [problem]))


@pytest.mark.parametrize(
    ("field", "name"),
    [
        pytest.param("allow_methods", "patch", id="patch in lower case, which pages do send"),
        pytest.param("allow_methods", "X-Own", id="a method of one's own"),
        pytest.param("allow_methods", "M-SEARCH", id="a method with a hyphen"),
        pytest.param("allow_headers", "Accept", id="Accept, for values that are not safelisted"),
        pytest.param("allow_headers", "X_Own", id="an underscore"),
        pytest.param("allow_headers", "x-all", id="a word within a name"),
        pytest.param("expose_headers", "Authorization", id="Authorization, where APIs send tokens"),
        pytest.param("expose_headers", "Accept", id="Accept, which goes with a 415"),
        pytest.param("expose_headers", "X-RateLimit-Limit", id="one of a kind"),
    ],
)
def test_a_name_that_can_match_is_accepted(field: str, name: str) -> None:
    assert getattr(Policy(**{field: [name]}), field) == (name,)


@pytest.mark.parametrize("method", sorted(REGISTERED_METHODS))
def test_every_registered_method_may_be_allowed(method: str) -> None:
    policy = Policy(allow_origins=[ORIGIN], allow_methods=[method])
    assert preflight_headers(policy, ORIGIN, method)


@given(st.one_of(st.text(max_size=12), st.lists(st.sampled_from([*REGISTERED_METHODS, "*", "x"])).map("|".join)))
def test_what_is_to_be_written_instead_of_a_method_is_a_method(name: str) -> None:
    fault = fault_of_name("allow_methods", name)
    if fault is None:
        assert is_token(name)
    elif fault.fix is not None:
        fixes = fault.fix if isinstance(fault.fix, tuple) else (fault.fix,)
        for fix in fixes:
            assert isinstance(fix, str)
            assert fix != name
            assert fault_of_name("allow_methods", fix) is None
