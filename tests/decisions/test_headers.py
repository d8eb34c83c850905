"""Names, lists of names, `Vary`, and the merging of an answer into a response."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import corecors
from corecors import merge_headers
from corecors._decisions import headers
from corecors._decisions.headers import (
    MAX_EMPTY_ELEMENTS,
    MAX_REQUEST_HEADERS_LENGTH,
    is_forbidden_request_header,
    is_token,
    longest_request_headers,
    merge_vary,
    parse_request_headers,
)

TOKEN_CHARACTERS = set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def test_a_token_is_made_of_the_characters_of_rfc_9110_and_no_others() -> None:
    characters = [chr(code) for code in range(0x250)] + ["\u017f", "\u212a", "\uff30", "\u0661", "\ud800"]
    assert {character for character in characters if is_token(character)} == TOKEN_CHARACTERS
    assert is_token("X-Foo")
    assert not is_token("")
    assert not is_token("X-Foo\n")
    assert not is_token("X Foo")


@pytest.mark.parametrize(
    ("name", "forbidden"),
    [
        *(
            pytest.param(name, True, id=name)
            for name in """Accept-Charset Accept-Encoding Access-Control-Request-Headers Access-Control-Request-Method
            Connection Content-Length Cookie Cookie2 Date DNT Expect Host Keep-Alive Origin Referer Set-Cookie TE
            Trailer Transfer-Encoding Upgrade Via Sec-Fetch-Site Proxy-Authorization""".split()
        ),
        pytest.param("SEC-X", True, id="sec- in another case"),
        pytest.param("proxy-", True, id="proxy- and nothing after it"),
        pytest.param("Authorization", False, id="Authorization"),
        pytest.param("Content-Type", False, id="Content-Type"),
        pytest.param("X-Proxy-Id", False, id="proxy- further in"),
        pytest.param("Second", False, id="sec without a hyphen"),
        pytest.param("Accept", False, id="Accept"),
        pytest.param("User-Agent", False, id="User-Agent"),
    ],
)
def test_forbidden_request_headers_are_those_of_fetch_in_any_case(name: str, forbidden: bool) -> None:
    assert is_forbidden_request_header(name) is forbidden
    assert is_forbidden_request_header(name.lower()) is forbidden
    assert is_forbidden_request_header(name.upper()) is forbidden


def test_the_lists_of_the_standard_are_those_of_the_standard() -> None:
    assert {"GET", "HEAD", "POST"} == headers.SAFELISTED_METHODS
    assert {"CONNECT", "TRACE", "TRACK"} == headers.FORBIDDEN_METHODS
    assert {"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"} == headers.NORMALIZED_METHODS
    assert {"set-cookie", "set-cookie2"} == headers.FORBIDDEN_RESPONSE_HEADER_NAMES
    assert headers.NON_WILDCARD_REQUEST_HEADER == "authorization"
    assert {
        "cache-control",
        "content-language",
        "content-length",
        "content-type",
        "expires",
        "last-modified",
        "pragma",
    } == headers.SAFELISTED_RESPONSE_HEADER_NAMES


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("x-foo", ["x-foo"], id="one name"),
        pytest.param("content-type,x-foo", ["content-type", "x-foo"], id="as browsers write it"),
        pytest.param("X-Foo,Content-Type", ["x-foo", "content-type"], id="any case, any order"),
        pytest.param("x-foo,x-foo", ["x-foo", "x-foo"], id="the same twice"),
        pytest.param("a, b", ["a", "b"], id="a space after the comma"),
        pytest.param("a ,b", ["a", "b"], id="a space before the comma"),
        pytest.param(" a ", ["a"], id="a byte on either side"),
        pytest.param("\ta\t", ["a"], id="a tab on either side"),
        pytest.param("a,  b", ["a", "b"], id="two bytes on one side"),
        pytest.param("a,   b", None, id="three bytes on one side"),
        pytest.param("a,  b ,c", None, id="three bytes in all"),
        pytest.param("  ", [], id="two bytes around an empty element"),
        pytest.param("   ", None, id="three bytes and nothing else"),
        pytest.param(",", [], id="a comma"),
        pytest.param("a,,b", ["a", "b"], id="an empty element between"),
        pytest.param("a,b,", ["a", "b"], id="an empty element at the end"),
        pytest.param("," * (MAX_EMPTY_ELEMENTS - 1), [], id="as many empty elements as are put up with"),
        pytest.param("," * MAX_EMPTY_ELEMENTS, None, id="one more"),
        pytest.param("," * MAX_EMPTY_ELEMENTS + "a", ["a"], id="as many before a name"),
        pytest.param("," * (MAX_EMPTY_ELEMENTS + 1) + "a", None, id="one more before a name"),
        pytest.param("a b", None, id="a space inside a name"),
        pytest.param("a;b", None, id="a semicolon for a comma"),
        pytest.param('"a"', None, id="quotation marks"),
        pytest.param("a:b", None, id="a colon"),
        pytest.param("(a)", None, id="parentheses"),
        pytest.param("a\n", None, id="a line feed at the end"),
        pytest.param("a\r\nX: 1", None, id="a header after CR LF"),
        pytest.param("a,\r\n b", None, id="a folded line"),
        pytest.param("a\x00", None, id="NUL"),
        pytest.param("a\x0b", None, id="a vertical tab, which str.strip() removes"),
        pytest.param("\xa0a", None, id="a no-break space, which str.strip() removes"),
        pytest.param("x-f\u00f6\u00f6", None, id="a byte beyond ASCII"),
        pytest.param("x-\u212aey", None, id="the Kelvin sign, which lower() makes a k"),
        pytest.param("a\uff0cb", None, id="a fullwidth comma"),
        pytest.param("*", ["*"], id="a star, which is a token"),
        pytest.param("a" * MAX_REQUEST_HEADERS_LENGTH, ["a" * MAX_REQUEST_HEADERS_LENGTH], id="as long as may be"),
        pytest.param("a" * (MAX_REQUEST_HEADERS_LENGTH + 1), None, id="one character more"),
    ],
)
def test_a_list_of_request_headers_is_read_in_one_pass_with_bounded_patience(
    text: str, names: list[str] | None
) -> None:
    assert parse_request_headers(text) == names


class Unread(str):
    """Text that must be refused for its length alone."""

    def split(self, *arguments: object) -> list[str]:  # type: ignore[override]
        raise AssertionError("a text of this length was read")


@pytest.mark.skipif(corecors.__compiled__, reason="compiled code reads a text without calling its methods")
def test_a_list_longer_than_the_bound_is_refused_unread() -> None:
    assert parse_request_headers(Unread("," * 65536)) is None
    assert parse_request_headers(Unread(" " * 65536)) is None
    assert parse_request_headers(Unread("abc"), longest=2) is None
    with pytest.raises(AssertionError):
        parse_request_headers(Unread("abc"), longest=3)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", " ", "\t", "  "]),
            st.text(alphabet=sorted(TOKEN_CHARACTERS), min_size=1, max_size=8),
        ),
        unique_by=lambda pair: pair[1].lower(),
        max_size=12,
    ),
    st.integers(0, MAX_EMPTY_ELEMENTS),
)
def test_the_longest_list_of_some_names_holds_each_once_with_all_the_damage_put_up_with(
    parts: list[tuple[str, str]], empty: int
) -> None:
    names = [name for _, name in parts]
    text = ",".join([*(space + name for space, name in parts), *["  "] * empty])
    assert len(text) <= longest_request_headers(names)
    assert parse_request_headers(text, longest_request_headers(names)) == [name.lower() for name in names]


@given(st.text())
def test_whatever_is_read_is_made_of_lower_case_tokens(text: str) -> None:
    for name in parse_request_headers(text) or []:
        assert set(name) <= TOKEN_CHARACTERS
        assert name == name.lower()


@pytest.mark.parametrize(
    ("values", "merged"),
    [
        pytest.param([], "", id="nothing"),
        pytest.param(["Origin"], "Origin", id="one element"),
        pytest.param(["Accept-Encoding", "Origin"], "Accept-Encoding, Origin", id="two values"),
        pytest.param(["Accept-Encoding,Cookie"], "Accept-Encoding, Cookie", id="a list without spaces"),
        pytest.param(["origin", "Origin"], "origin", id="the same in another case, the first spelling kept"),
        pytest.param(["Origin, Accept", "accept,ORIGIN"], "Origin, Accept", id="the same in another order"),
        pytest.param(["*", "Origin"], "*", id="a star first"),
        pytest.param(["Origin", "Accept, *"], "*", id="a star inside a list"),
        pytest.param(["", " , ,", "Origin"], "Origin", id="empty elements"),
        pytest.param(["\tOrigin ", "Accept"], "Origin, Accept", id="white space"),
        pytest.param(["X-Foo", "\x0bOrigin"], "X-Foo, \x0bOrigin", id="no more than white space is taken away"),
    ],
)
def test_vary_is_merged_once_each_without_regard_to_case(values: list[str], merged: str) -> None:
    assert merge_vary(values) == merged


ANSWER = [("Access-Control-Allow-Origin", "https://a.com"), ("Vary", "Origin")]
TIMING = [*ANSWER, ("Timing-Allow-Origin", "https://a.com")]


@pytest.mark.parametrize(
    ("response", "answer", "merged"),
    [
        pytest.param([], ANSWER, ANSWER, id="no headers"),
        pytest.param([("Content-Type", "a/b")], ANSWER, [("Content-Type", "a/b"), *ANSWER], id="a common header"),
        pytest.param([("X-Own", "1")], ANSWER, [("X-Own", "1"), *ANSWER], id="a header of the application's own"),
        pytest.param(
            [("Set-Cookie", "a"), ("Set-Cookie", "b")],
            ANSWER,
            [("Set-Cookie", "a"), ("Set-Cookie", "b"), *ANSWER],
            id="two cookies stay two",
        ),
        pytest.param([("Access-Control-Allow-Origin", "*")], ANSWER, ANSWER, id="an origin of the application's"),
        pytest.param(
            [("access-control-allow-origin", "x"), ("ACCESS-CONTROL-ALLOW-ORIGIN", "y")],
            ANSWER,
            ANSWER,
            id="two of them, in other cases",
        ),
        pytest.param(
            [("Access-Control-Allow-Credentials", "true")], ANSWER, ANSWER, id="credentials that are not allowed"
        ),
        pytest.param([("Access-Control-Max-Age", "5")], ANSWER, ANSWER, id="a header that only preflights have"),
        pytest.param([("Access-Control-Made-Up", "1")], ANSWER, ANSWER, id="any access-control header"),
        pytest.param(
            [("Access-Control-Allow-Origin", "https://evil.test"), ("Vary", "Accept")],
            [("Vary", "Origin")],
            [("Vary", "Accept, Origin")],
            id="an origin of the application's on a refusal",
        ),
        pytest.param(
            [("Vary", "Accept-Encoding")],
            ANSWER,
            [ANSWER[0], ("Vary", "Accept-Encoding, Origin")],
            id="Vary merged",
        ),
        pytest.param([("vary", "origin")], ANSWER, [ANSWER[0], ("Vary", "origin")], id="Vary not doubled"),
        pytest.param([("Vary", "*")], ANSWER, [ANSWER[0], ("Vary", "*")], id="Vary: * left alone"),
        pytest.param(
            [("Vary", "A"), ("Vary", "B, a")], ANSWER, [ANSWER[0], ("Vary", "A, B, Origin")], id="two lines of Vary"
        ),
        pytest.param([("Vary", "")], ANSWER, ANSWER, id="an empty Vary"),
        pytest.param(
            [("Vary", "Accept"), ("Vary", "Cookie")],
            [("Access-Control-Allow-Origin", "*")],
            [("Vary", "Accept"), ("Vary", "Cookie"), ("Access-Control-Allow-Origin", "*")],
            id="an answer without Vary leaves the application's as it is",
        ),
        pytest.param(
            [("Timing-Allow-Origin", "*")],
            ANSWER,
            [("Timing-Allow-Origin", "*"), *ANSWER],
            id="timing is the application's affair where the policy has none",
        ),
        pytest.param([("timing-allow-origin", "*")], TIMING, TIMING, id="timing of the policy in place of it"),
        pytest.param([("Access-Control", "1")], ANSWER, [("Access-Control", "1"), *ANSWER], id="a name that is near"),
    ],
)
def test_an_answer_takes_the_place_of_whatever_cors_headers_the_application_set(
    response: list[tuple[str, str]], answer: list[tuple[str, str]], merged: list[tuple[str, str]]
) -> None:
    before = list(response), list(answer)
    assert merge_headers(response, answer) == merged
    assert (response, answer) == before


NAMES = st.sampled_from(
    """Content-Type content-type ETag Vary vary VARY X-Own Set-Cookie Access-Control-Allow-Origin
    access-control-allow-origin Access-Control-Max-Age Timing-Allow-Origin Location""".split()
)
VALUES = st.sampled_from(["", "*", "Origin", "origin, Accept", "https://evil.test", "true"])


@given(st.lists(st.tuples(NAMES, VALUES), max_size=6), st.sampled_from([ANSWER, TIMING, [ANSWER[0]], [ANSWER[1]], []]))
def test_merging_never_doubles_a_cors_header_nor_loses_another(
    response: list[tuple[str, str]], answer: list[tuple[str, str]]
) -> None:
    merged = merge_headers(response, answer)
    assert merged is not response
    assert merged is not answer
    lowered = [name.lower() for name, _ in merged]
    for name, value in answer:
        assert lowered.count(name.lower()) == 1
        assert name == "Vary" or (name, value) in merged
    assert {name for name in lowered if name.startswith("access-control-")} <= {name.lower() for name, _ in answer}
    others = {"access-control-", "vary", *(name.lower() for name, _ in answer)}
    assert [pair for pair in merged if not pair[0].lower().startswith(tuple(others))] == [
        pair for pair in response if not pair[0].lower().startswith(tuple(others))
    ]
    if "vary" in {name.lower() for name, _ in answer}:
        (vary,) = [value for name, value in merged if name.lower() == "vary"]
        assert vary == "*" or "origin" in {element.strip().lower() for element in vary.split(",")}
