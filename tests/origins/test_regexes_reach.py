"""Whom a regex lets in: any origin, strangers, addresses, nobody; and what a reviewer is warned of."""

import re
from typing import Any

import pytest

from corecors import Policy, PolicyError
from corecors._origins.parsing import read_origin
from corecors._origins.public_suffixes import has_public_suffix_at_or_below, is_public_suffix
from corecors._origins.regex.compiling import Permissions, RegexError, compile_regexes, warnings_for

WITH_CREDENTIALS = Permissions(open_regexes=False, insecure_origins=False, public_suffixes=False, any_origin=False)


def refusal(pattern: Any, permissions: Permissions = WITH_CREDENTIALS) -> RegexError:
    ((_, error),) = compile_regexes([pattern], permissions).errors
    return error


def example_in(error: RegexError) -> str:
    """The origin that a refusal gives for an example, well-formed as every origin that a regex sees."""
    found = re.search(r"https?://[a-z0-9_.:\[\]-]*[a-z0-9\]]", error.message)
    assert found is not None, error.message
    assert read_origin(found[0]) is not None, found[0]
    return found[0]


def accepted(source: str, permissions: Permissions = WITH_CREDENTIALS) -> bool:
    return not compile_regexes([source], permissions).errors


# Any origin


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(".*", id="anything"),
        pytest.param(".+", id="something"),
        pytest.param("(.*)", id="in a group"),
        pytest.param("^.*$", id="with anchors"),
        pytest.param(".*://.*", id="any scheme"),
        pytest.param(r"\S+", id="anything but blanks"),
        pytest.param(r"[^@]*", id="anything but what no origin has"),
        pytest.param(r"[a-z][a-z0-9+.-]*://[^/]+", id="the grammar of origins"),
        pytest.param(r"(https|.*)://(localhost|.*)", id="one branch is enough"),
        pytest.param(r".*a.*|[^a]*", id="with it or without it"),
    ],
)
def test_a_regex_that_accepts_every_origin_is_any_origin(source: str) -> None:
    assert compile_regexes([source]).accepts_any_origin
    assert refusal(source).code == "any-origin-with-credentials"
    assert refusal(source, WITH_CREDENTIALS._replace(open_regexes=True)).code == "any-origin-with-credentials"


@pytest.mark.parametrize(
    ("source", "not_accepted"),
    [
        pytest.param("https?://.*", "capacitor://localhost", id="any host"),
        pytest.param("https://[^/]+", "http://evil.example", id="anything but a slash"),
        pytest.param("https?://.*:3000", "https://evil.example", id="any host on one port"),
        pytest.param(r"https://[a-z]{6}\.(com|net|org|dev|io)", "https://evil.example", id="six letters"),
        pytest.param(r"https?://[\w.-]+(:\d+)?", "https://[::1]", id="the characters of names"),
        pytest.param(r"https://\w+\.\w+", "https://a.b.c", id="two labels"),
        pytest.param("[^x]*", "https://x.example", id="any origin without an x"),
        pytest.param(r".{0,100}", "https://" + "a" * 60 + "." + "b" * 60 + ".example", id="no long origin"),
        pytest.param(r".*[^q]", "https://q", id="any origin but for its last character"),
    ],
)
def test_a_regex_that_accepts_nearly_every_origin_decides_by_its_text(source: str, not_accepted: str) -> None:
    assert read_origin(not_accepted) is not None
    regexes = compile_regexes([source])
    assert regexes.errors == []
    assert not regexes.accepts_any_origin
    assert not regexes.matches(not_accepted)
    assert accepted(source, WITH_CREDENTIALS._replace(open_regexes=True, insecure_origins=True))
    example = example_in(refusal(source))
    assert regexes.matches(example)


@pytest.mark.parametrize("source", ["https?://.*:3000", r"https://[a-z]{6}\.(com|net|org|dev|io)"])
def test_a_policy_without_credentials_allows_what_its_regex_matches_and_nothing_else(source: str) -> None:
    policy = Policy(allow_origin_regexes=[source])
    for origin in ("https://evil.example", "null", "\0garbage", "", "https://abcdef.com.evil.example"):
        assert not policy.allows_origin(origin)
    assert policy.allows_origin("https://abcdef.com:3000" if "3000" in source else "https://abcdef.com")
    assert policy.actual(None).headers.get("Access-Control-Allow-Origin") is None
    assert policy.actual(None).headers["Vary"] == "Origin"


def test_with_credentials_an_open_regex_needs_its_dangerous_option_and_stays_what_it_is() -> None:
    source = r"https://[a-z]{6}\.(com|net|org|dev|io)"
    with pytest.raises(PolicyError) as caught:
        Policy(allow_origin_regexes=[source], allow_credentials=True)
    assert "dangerously" not in str(caught.value)
    policy = Policy(allow_origin_regexes=[source], allow_credentials=True, dangerously_allow_open_regexes=True)
    assert policy.allows_origin("https://abcdef.com")
    assert not policy.allows_origin("https://evil.example")


# Names that anyone can register


@pytest.mark.parametrize(
    ("source", "stranger", "fix"),
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
        pytest.param("http://localhost.*", "http://localhost.evil.com", "http://localhost(:[0-9]+)?", id="any end"),
        pytest.param(
            r"https://app\.example\.com.*",
            "https://app.example.com.evil.com",
            r"https://app\.example\.com(:[0-9]+)?",
            id="any end after the domain that was meant",
        ),
        pytest.param(
            "^http://localhost:?[0-9]*$", "http://localhost000", "^http://localhost(:[0-9]+)?$", id="optional colon"
        ),
        pytest.param(r"https://example\.[a-z]{2}", "https://example.aa", None, id="any top-level domain"),
        pytest.param(r"https://[^.]+\.com", "https://aa.com", None, id="any name below .com"),
        pytest.param(r"https://192\.168\..*", "https://192.168.evil.com", None, id="an address that goes on as a name"),
        pytest.param(r"https://site\d{3}\.com", "https://site000.com", None, id="a thousand names"),
        pytest.param(r"https://site\d\.com", "https://site0.com", None, id="ten names that nobody listed"),
        pytest.param(r"https://site[ab]\.com", "https://sitea.com", None, id="two names that nobody listed"),
        pytest.param(r"https://(example\.com|.*)\.org", "https://aa.org", None, id="in one branch"),
        pytest.param(r"https://.?\.?example\.com", "https://aexample.com", None, id="an optional character and a dot"),
        pytest.param(r"https://app.?.?example\.com", "https://appaaexample.com", None, id="two optional characters"),
        pytest.param(r"https://app[.-]example\.com", "https://app-example.com", None, id="a dot or a hyphen"),
        pytest.param(r"https://[a-z2-7]{56}\.onion", f"https://{'a' * 56}.onion", None, id="anyone's onion"),
        pytest.param(r"https://[a-z]+\.alt", "https://aa.alt", None, id="anyone's name below .alt"),
        pytest.param(r"https://(?:a|b|c|d|e|f){3}\.com", "https://aaa.com", None, id="names spelt by branches"),
        pytest.param(r"https://[a-z]{6}\.(com|net|org|dev|io)", "https://aaaaaa.dev", None, id="six letters"),
        pytest.param(r"https?://.*:3000", "http://a.evil.com:3000", None, id="any host on one port"),
    ],
)
def test_a_regex_that_lets_in_domains_anyone_can_register_is_refused_with_an_example(
    source: str, stranger: str, fix: str | None
) -> None:
    error = refusal(source, WITH_CREDENTIALS._replace(insecure_origins=True))
    assert error.code == "regex-open"
    assert f"also accepts {stranger} and others like it, which anyone can register" in error.message
    assert re.fullmatch(source, stranger)
    assert example_in(error) == stranger
    assert error.fix == fix
    assert accepted(source, Permissions()), "without credentials it is no danger"
    if fix is not None:
        assert accepted(fix, WITH_CREDENTIALS._replace(insecure_origins=True))


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(r"https://.*\.example\.com", id="any subdomain"),
        pytest.param(r"https://(.*\.)?example\.com", id="a domain and any subdomain"),
        pytest.param(r"https://(www\.)*example\.com", id="www, any number of times"),
        pytest.param(r"https://(www\.|app\.)+example\.com", id="one of two, any number of times"),
        pytest.param(r"https://pr-\d+\.preview\.example\.com", id="previews"),
        pytest.param(r"https://(a|b)\.(x|y)\.(com|org)", id="a list"),
        pytest.param(r"https://colou?r\.com", id="a list of two, written short"),
        pytest.param(r"https://node[0-9]{2}\.example\.com", id="a hundred names at home"),
        pytest.param(r"https://app.\.example\.com", id="any character at home"),
        pytest.param(r"https://.*\.localhost:\d+", id="names of this machine"),
        pytest.param(r"https://.*\.internal", id="names of the own network"),
        pytest.param(r"https://[a-z]+\.(test|local|invalid|example)", id="names that nobody can register"),
        pytest.param(r"https://.*\.(a|b)\.org(:\d+)?", id="two domains and ports"),
        pytest.param("chrome-extension://[a-p]{32}", id="extensions have no domain"),
    ],
)
def test_a_regex_that_names_its_domain_passes(source: str) -> None:
    assert accepted(source)


# Public suffixes


@pytest.mark.parametrize(
    ("source", "suffix"),
    [
        pytest.param(r"https://[a-z]+\.co\.uk", "co.uk", id="at a registry's"),
        pytest.param(r"https://app-[a-z0-9]+\.vercel\.app", "vercel.app", id="a name that begins alike"),
        pytest.param(r"https://site[0-9]\.github\.io", "github.io", id="ten names that nobody listed"),
        pytest.param(r"https://.*\.windows\.net", "windows.net", id="above blob.core.windows.net"),
        pytest.param(r"https://.*\.core\.windows\.net", "core.windows.net", id="between"),
        pytest.param(r"https://.*\.amazonaws\.com", "amazonaws.com", id="above s3.amazonaws.com"),
        pytest.param(r"https://[a-z]+\.[a-z0-9]+\.amazonaws\.com", "amazonaws.com", id="two labels"),
    ],
)
def test_a_wildcard_at_or_above_a_public_suffix_is_refused_with_credentials(source: str, suffix: str) -> None:
    assert has_public_suffix_at_or_below(suffix)
    error = refusal(source)
    assert error.code == "public-suffix"
    where = f"the public suffix {suffix}" if is_public_suffix(suffix) else f"{suffix} and its public suffixes"
    assert f"below {where}, where anyone can register one" in error.message
    example = example_in(error)
    assert example.endswith(f".{suffix}")
    assert re.fullmatch(source, example)
    assert accepted(source, WITH_CREDENTIALS._replace(public_suffixes=True))


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(r"https://[a-z]+\.windows\.net", id="a label that is above the suffixes"),
        pytest.param(r"https://.*\.example\.co\.uk", id="below a domain of one's own"),
        pytest.param(r"https://(www\.)?me\.github\.io", id="a name that is listed"),
    ],
)
def test_what_stays_clear_of_the_public_suffixes_passes(source: str) -> None:
    assert not is_public_suffix("windows.net")
    assert accepted(source)


# Addresses


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(r"https?://\d+\.\d+\.\d+\.\d+", id="any IPv4 address"),
        pytest.param(r"https://(localhost|(\d{1,3}\.){3}\d{1,3}):5173", id="in one branch"),
        pytest.param(r"https://\d+\.\d+\.\d+\.1", id="any that ends in 1"),
        pytest.param(r"https://(?:3|18|34|52)\.\d+\.\d+\.\d+", id="a cloud's /8"),
        pytest.param(r"https://52\.1\d\.3\.4", id="ten /16"),
        pytest.param(r"https://52\.10\.\d+\.4", id="a /16"),
        pytest.param(r"https://8\.8\.[48]\.8", id="two /24 that nobody listed"),
        pytest.param(r"https://(?:0|1|2|3|4|5|6|7|8|9)+\.1\.1\.1", id="numbers spelt by branches"),
        pytest.param(r"https://172\.(1[5-9]|2\d|3[01])\.\d+\.\d+", id="a private range and a step beyond"),
        pytest.param(r"https://1\d+\.0\.0\.1", id="private, shared and public ones"),
        pytest.param(r"https://\[.*\]:3000", id="any IPv6 address"),
        pytest.param(r"https://\[2001:db[0-9]:.*\]", id="ten IPv6 /32"),
        pytest.param(r"https://\[2a01:[0-9a-f:]+\]", id="an IPv6 /16"),
    ],
)
def test_a_regex_for_anybodys_addresses_is_refused_with_an_example(source: str) -> None:
    error = refusal(source, WITH_CREDENTIALS._replace(insecure_origins=True))
    assert error.code == "regex-open-addresses"
    found = re.search(r"https?://[0-9a-f.:\[\]]+[0-9\]]", error.message)
    assert found is not None
    assert re.fullmatch(source, found[0])


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(r"https://10\.\d+\.\d+\.\d+", id="10.0.0.0/8"),
        pytest.param(r"https://192\.168\.\d{1,3}\.\d{1,3}(:\d+)?", id="192.168.0.0/16"),
        pytest.param(r"https://172\.(1[6-9]|2\d|3[01])\.\d+\.\d+", id="172.16.0.0/12"),
        pytest.param(r"https://127\.\d+\.\d+\.\d+", id="loopback"),
        pytest.param(r"https://100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.\d+\.\d+", id="shared addresses"),
        pytest.param(r"https://169\.254\.\d+\.\d+", id="link-local"),
        pytest.param(r"https://8\.8\.8\.\d+", id="a public /24"),
        pytest.param(r"https://(8\.8\.8\.8|1\.1\.1\.1)", id="a list of public ones"),
        pytest.param(r"https://\[fd[0-9a-f]{2}:.*\]", id="unique local IPv6"),
        pytest.param(r"https://\[2001:db8:.*\]", id="an IPv6 /32"),
    ],
)
def test_private_addresses_may_be_a_range_and_public_ones_a_list(source: str) -> None:
    assert accepted(source)


# Plain HTTP, and nobody


@pytest.mark.parametrize(
    ("source", "example", "fix"),
    [
        pytest.param(r"https?://a\.example\.com", "http://a.example.com", r"https://a\.example\.com", id="optional s"),
        pytest.param(r"^http://a\.com$", "http://a.com", r"^https://a\.com$", id="no s"),
        pytest.param(r"(http|https)://a\.com", "http://a.com", r"https://a\.com", id="in a group"),
        pytest.param(r"http://10\.0\.0\.\d", "http://10.0.0.0", r"https://10\.0\.0\.\d", id="a private address"),
    ],
)
def test_plain_http_is_refused_with_credentials(source: str, example: str, fix: str) -> None:
    error = refusal(source)
    assert error.code == "insecure-origin"
    assert example_in(error) == example
    assert error.fix == fix


@pytest.mark.parametrize("source", [r"https?://localhost(:\d+)?", r"http://127\.0\.0\.1", r"http://\[::1\]:3000"])
def test_plain_http_from_this_machine_passes(source: str) -> None:
    assert accepted(source)


@pytest.mark.parametrize(
    ("source", "fix"),
    [
        pytest.param(r"example\.com", r"https://example\.com", id="no scheme"),
        pytest.param(r"\.example\.com$", r"https://[a-z0-9-]+\.example\.com$", id="a suffix"),
        pytest.param(r"https://example\.com/", r"https://example\.com", id="trailing slash"),
        pytest.param(r"^https:\/\/example\.com\/$", r"^https:\/\/example\.com$", id="trailing slash, escaped"),
        pytest.param(r"https://example\.com/.*", r"https://example\.com", id="a path"),
        pytest.param(r"https://Example\.com", r"https://example\.com", id="upper case"),
        pytest.param(r"https://example\.com\?x", None, id="a query"),
        pytest.param(r"https://\d+", None, id="a number for a host"),
        pytest.param("", None, id="nothing"),
        pytest.param(r"https:/example\.com", None, id="one slash"),
    ],
)
def test_a_regex_that_matches_no_origin_is_refused(source: str, fix: str | None) -> None:
    error = refusal(source, Permissions())
    assert error.code == "regex-matches-nothing"
    assert "can match no origin" in error.message
    assert error.fix == fix


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
        pytest.param(r"https://[a-z]{6}\.com", ["also accepts https://aaaaaa.com"], id="open"),
        pytest.param(r"http://10\.\d+\.\d+\.\d+", ["accepts plain HTTP"], id="an address"),
        pytest.param(r"http://(localhost2|localhos)", ["accepts plain HTTP"], id="nearly localhost"),
    ],
)
def test_warnings_tell_what_a_reviewer_should_look_at(source: str, warnings: list[str]) -> None:
    found = warnings_for(source)
    assert len(found) == len(warnings)
    assert all(expected in actual for expected, actual in zip(warnings, found, strict=True))


def test_what_does_not_compile_has_no_warnings_but_an_error() -> None:
    with pytest.raises(RegexError):
        warnings_for("https://(")
