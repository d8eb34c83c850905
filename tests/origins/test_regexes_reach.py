"""Whom a regex lets in: anybody, strangers, nobody, and what a reviewer is warned of."""

import re
import sys
from typing import Any

import pytest

from corecors._origins.parsing import read_origin
from corecors._origins.regex.compiling import RegexError, compile_regex, warnings_for


@pytest.fixture(params=["without google-re2", "with google-re2"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Runs the test twice. google-re2 is among the requirements of the tests."""
    if request.param == "without google-re2":
        monkeypatch.setitem(sys.modules, "re2", None)  # an import of it now fails
        return "re"
    return "re2"


def refusal(pattern: Any) -> RegexError:
    with pytest.raises(RegexError) as caught:
        compile_regex(pattern)
    return caught.value


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(".*", id="anything"),
        pytest.param(".+", id="something"),
        pytest.param("(.*)", id="in a group"),
        pytest.param("^.*$", id="with anchors"),
        pytest.param("https?://.*", id="any host"),
        pytest.param("https://[^/]+", id="anything but a slash"),
        pytest.param(".*://.*", id="any scheme"),
        pytest.param(r"https://.*:\d+", id="any host with a port"),
        pytest.param(r"https?://[\w.-]+(:\d+)?", id="the characters of hosts"),
        pytest.param(r"https://\w+\.\w+", id="two labels"),
        pytest.param(r"https://www\..*|https?://([a-z0-9-]+\.)+[a-z]+(:[0-9]+)?", id="dotted labels"),
        pytest.param(r"https://(localhost|.*)", id="one branch is enough"),
        pytest.param(r"\S+", id="anything but blanks"),
    ],
)
def test_a_regex_that_names_nobody_accepts_any_origin(source: str, engine: str) -> None:
    assert compile_regex(source).accepts_any_origin


@pytest.mark.parametrize(
    ("source", "stranger", "mend"),
    [
        pytest.param(r"https://.*example\.com", "https://aaexample.com", r"https://(.*\.)?example\.com", id="no dot"),
        pytest.param(
            r"https://.*example\.com:\d+",
            "https://aaexample.com:1",
            r"https://(.*\.)?example\.com:\d+",
            id="with a port",
        ),
        pytest.param(
            r"https://[\w-]+example\.com", "https://aaexample.com", r"https://([\w-]+\.)?example\.com", id="a class"
        ),
        pytest.param("http://localhost.*", "http://localhostaa", "http://localhost(:[0-9]+)?", id="any end"),
        pytest.param(
            "^http://localhost:?[0-9]*$", "http://localhost000", "^http://localhost(:[0-9]+)?$", id="optional colon"
        ),
        pytest.param(r"https://example\.[a-z]{2}", "https://example.aa", None, id="any top-level domain"),
        pytest.param(r"https://[^.]+\.com", "https://aa.com", None, id="any name below .com"),
        pytest.param(r"http://192\.168\..*", "http://192.168.aa", None, id="an address that goes on as a name"),
        pytest.param(r"https://site\d{3}\.com", "https://site000.com", None, id="a thousand names"),
        pytest.param(r"https://(example\.com|.*)\.org", "https://aa.org", None, id="in one branch"),
    ],
)
def test_a_regex_that_lets_in_hosts_of_anybodys_is_refused_with_an_example(
    source: str, stranger: str, mend: str | None, engine: str
) -> None:
    error = refusal(source)
    assert f"also accepts {stranger} and others like it, which anybody can register" in error.wrong
    assert re.fullmatch(source, stranger)
    assert read_origin(stranger) is not None
    if mend is not None:
        assert error.mend == mend
        compile_regex(mend)


@pytest.mark.parametrize(
    ("source", "suffixes"),
    [
        pytest.param(r"https://.*\.example\.com", ["example.com"], id="any subdomain"),
        pytest.param(r"https://app-[a-z0-9]+\.vercel\.app", ["vercel.app"], id="a name that begins alike"),
        pytest.param(r"https://[a-z]+\.co\.uk", ["co.uk"], id="below a public suffix"),
        pytest.param(r"https://pr-\d+\.preview\.example\.com", ["preview.example.com"], id="previews"),
        pytest.param(r"https://(a|b)\.(x|y)\.(com|org)", [], id="a list"),
        pytest.param(r"https://node[0-9]{2}\.example\.com", [], id="a hundred names"),
        pytest.param(r"http://.*\.localhost:\d+", [], id="names of this machine"),
        pytest.param(r"https://[a-z]+\.(test|internal)", [], id="names that nobody can register"),
        pytest.param(r"https://.*\.(a|b)\.org(:\d+)?", ["a.org", "b.org"], id="two domains and ports"),
        pytest.param("chrome-extension://[a-p]{32}", [], id="extensions have no domain"),
    ],
)
def test_the_domains_below_which_nearly_any_label_is_accepted_are_told(source: str, suffixes: list[str]) -> None:
    regex = compile_regex(source)
    assert sorted(found.suffix for found in regex.open_suffixes) == suffixes
    for found in regex.open_suffixes:
        assert regex.fullmatch(found.example)
        assert found.example.endswith(f".{found.suffix}")


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(r"https://app\.example\.com\b.*", id="a word boundary"),
        pytest.param(r"https://.*\bexample\.com", id="a word boundary before"),
        pytest.param(r"https://.*\Bexample\.com", id="no word boundary"),
    ],
)
def test_word_boundaries_pin_nothing(source: str) -> None:
    assert "others like it, which anybody can register" in refusal(source).wrong


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(r"https?://\d+\.\d+\.\d+\.\d+", id="any IPv4 address"),
        pytest.param(r"http://(localhost|(\d{1,3}\.){3}\d{1,3}):5173", id="in one branch"),
        pytest.param(r"http://\[.*\]:3000", id="any IPv6 address"),
    ],
)
def test_a_regex_for_anybodys_address_is_refused(source: str) -> None:
    assert "addresses of anybody's" in refusal(source).wrong


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(r"http://10\.\d+\.\d+\.\d+", id="10.0.0.0/8"),
        pytest.param(r"http://192\.168\.\d{1,3}\.\d{1,3}(:\d+)?", id="192.168.0.0/16"),
        pytest.param(r"http://172\.(1[6-9]|2\d|3[01])\.\d+\.\d+", id="172.16.0.0/12"),
        pytest.param(r"http://127\.\d+\.\d+\.\d+", id="loopback"),
        pytest.param(r"http://\[fd[0-9a-f]{2}:.*\]", id="unique local IPv6"),
    ],
)
def test_private_addresses_may_be_a_range(source: str) -> None:
    assert not compile_regex(source).accepts_any_origin


@pytest.mark.parametrize(
    ("source", "mend"),
    [
        pytest.param(r"example\.com", r"https://example\.com", id="no scheme"),
        pytest.param(r"\.example\.com$", r"https://[a-z0-9-]+\.example\.com$", id="a suffix"),
        pytest.param(r"https://example\.com/", r"https://example\.com", id="trailing slash"),
        pytest.param(r"^https:\/\/example\.com\/$", r"^https:\/\/example\.com$", id="trailing slash, escaped"),
        pytest.param(r"https://example\.com/.*", r"https://example\.com", id="a path"),
        pytest.param(r"https://Example\.com", r"https://example\.com", id="upper case"),
        pytest.param(r"https://example\.com\?x", None, id="a query"),
        pytest.param("", None, id="nothing"),
        pytest.param(r"https:/example\.com", None, id="one slash"),
    ],
)
def test_a_regex_that_matches_no_origin_is_refused(source: str, mend: str | None) -> None:
    error = refusal(source)
    assert "can match no origin" in error.wrong
    assert error.mend == mend


# Warnings


@pytest.mark.parametrize(
    ("source", "warnings"),
    [
        pytest.param(r"https://.*\.example\.com", [], id="nothing to say"),
        pytest.param(r"https?://localhost(:\d+)?", [], id="this machine"),
        pytest.param(r"https?://(127\.0\.0\.\d+|\[::1\]|.*\.localhost)(:\d+)?", [], id="this machine by other names"),
        pytest.param(r"https?://a\.com", ["accepts plain HTTP (http://a.com)"], id="plain HTTP"),
        pytest.param(r"https://a\.com(:\d+)?", ["accepts every port of a host (https://a.com:22)"], id="any port"),
        pytest.param(r"https://a\.com:(3000|8443)", [], id="two ports"),
        pytest.param(r"https://.*app\.a\.com", ["no dot between a wildcard and a name (.*a...)"], id="no dot"),
        pytest.param(".*", ["accepts any origin: say so"], id="any origin"),
        pytest.param(r"http://10\.\d+\.\d+\.\d+", ["accepts plain HTTP"], id="an address"),
        pytest.param(r"http://(localhost2|localhos)", ["accepts plain HTTP"], id="nearly localhost"),
    ],
)
def test_warnings_tell_what_a_reviewer_should_look_at(source: str, warnings: list[str], engine: str) -> None:
    found = warnings_for(source)
    assert len(found) == len(warnings)
    assert all(expected in actual for expected, actual in zip(warnings, found, strict=True))
