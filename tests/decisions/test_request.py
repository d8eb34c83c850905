"""What a door tells of a request, and what can be made of it."""

import pytest

from corecors import path_is_ambiguous, possible_methods

EVERY = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


@pytest.mark.parametrize(
    ("method", "names", "expected"),
    [
        pytest.param("PUT", None, {"PUT"}, id="as it is sent"),
        pytest.param("PUT", "x-one, x-method", {"PUT"}, id="with headers of its own"),
        pytest.param("patch", None, {"patch", "PATCH"}, id="in lower case, which servers may raise"),
        pytest.param("patch", "x-one", {"patch", "PATCH"}, id="the same with a header"),
        pytest.param("POST", "x-http-method-override", EVERY, id="with another method in a header"),
        pytest.param("brew", "X-One,X-HTTP-Method", {"brew", "BREW"} | EVERY, id="the same in lower case"),
        pytest.param("BREW", "x-method-override", {"BREW"} | EVERY, id="the same of no known method"),
    ],
)
def test_the_methods_that_a_request_may_turn_out_to_have(method: str, names: str | None, expected: set[str]) -> None:
    found = possible_methods(method, names)
    assert found[0] == method
    assert len(found) == len(expected)
    assert set(found) == expected


@pytest.mark.parametrize(
    ("path", "target", "expected"),
    [
        pytest.param("/a/b", "", False, id="a plain path"),
        pytest.param("/a//b", "", True, id="an empty segment"),
        pytest.param("/a/../b", "", True, id="a dot segment"),
        pytest.param("/a/.", "", True, id="a dot segment at the end"),
        pytest.param("/.well-known/...", "", False, id="segments that only begin with a dot"),
        pytest.param("/a\\b", "", True, id="a backslash"),
        pytest.param("/a\n", "", True, id="a control character"),
        pytest.param("/a\u200b", "", False, id="a character that is not printable, and no control character"),
        pytest.param("/\udcff", "", True, id="bytes that are not UTF-8"),
        pytest.param("/a\ufffd", "", True, id="what some servers put instead of them"),
        pytest.param("/a%2Fb", "", True, id="a slash that was encoded twice"),
        pytest.param("/100%", "", False, id="a percent sign"),
        pytest.param("/a/b", "/a/b", False, id="received as it is"),
        pytest.param("/a b/\xe9", "/a%20b/%C3%A9", False, id="received encoded"),
        pytest.param("/a/b", "/a%2Fb", True, id="received with an encoded slash"),
        pytest.param("/b", "/a/%2e./b", True, id="received with a dot segment"),
        pytest.param("/a/b", "//a/b", True, id="received with an empty segment"),
        pytest.param("/\xe9", "/%E9", True, id="received with bytes that are not UTF-8"),
        pytest.param("/%ff", "/%ff", True, id="received with such bytes, and not decoded"),
        pytest.param("/100%", "/100%25", False, id="received with an encoded percent sign"),
        pytest.param("/a/b", "/a/b?c=//..%2f%ff", False, id="a query that has all of it"),
        pytest.param("/a/b", "http://h/a/b", False, id="received as a URL"),
        pytest.param("/a/b", "http://h/a/b?c=//d", False, id="a URL with a query"),
        pytest.param("/a/b", "http://h/a%2Fb?c=d", True, id="a URL with an encoded slash"),
        pytest.param("/a/b", "http://h/a%2Fb?c=http://d?e", True, id="the same, with a URL in its query"),
        pytest.param("/a%b", "http://h/a%25b", False, id="a URL with an encoded percent sign"),
        pytest.param("/", "*", False, id="received as the whole server"),
    ],
)
def test_a_path_that_can_be_read_in_more_than_one_way(path: str, target: str, expected: bool) -> None:
    assert path_is_ambiguous(path, target) is expected
