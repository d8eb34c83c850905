"""parse_pattern: exact, any subdomain, any port; a `*` anywhere else is refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corecors import Origin, OriginError, OriginPattern, Policy, PolicyError, parse_pattern
from corecors._origins.parsing import MAX_ORIGIN_LENGTH

LONGEST_HOST = ".".join(["a" * 63] * 3 + ["a" * 61])
ROOM = LONGEST_HOST[2:]


@pytest.mark.parametrize(
    ("text", "origin", "label", "any_port"),
    [
        pytest.param("https://pr-*.a.com", Origin("https", "a.com", None), ("pr-", ""), False, id="a beginning"),
        pytest.param("https://*-pr.a.com:1", Origin("https", "a.com", 1), ("", "-pr"), False, id="an end and a port"),
        pytest.param("https://a*b.c.d.com:*", Origin("https", "c.d.com", None), ("a", "b"), True, id="both, any port"),
        pytest.param("http://a*.localhost", Origin("http", "localhost", None), ("a", ""), False, id="below localhost"),
        pytest.param("https://a*.internal", Origin("https", "internal", None), ("a", ""), False, id="a private name"),
        pytest.param("app://_*_.x.y", Origin("app", "x.y", None), ("_", "_"), False, id="underscores around it"),
        pytest.param("https://xn-*.a.com", Origin("https", "a.com", None), ("xn-", ""), False, id="nearly Punycode"),
        pytest.param(
            f"https://{'a' * 31}*{'b' * 31}.c.com",
            Origin("https", "c.com", None),
            ("a" * 31, "b" * 31),
            False,
            id="a label of 63 characters",
        ),
    ],
)
def test_a_label_with_a_wildcard_inside_is_its_two_ends(
    text: str, origin: Origin, label: tuple[str, str], any_port: bool
) -> None:
    pattern = parse_pattern(text)
    assert pattern == OriginPattern(origin, False, any_port, label)
    assert pattern.has_wildcard_host
    assert not pattern.is_exact


@pytest.mark.parametrize(
    ("text", "origin", "any_subdomain", "any_port"),
    [
        pytest.param("https://a.com", Origin("https", "a.com", None), False, False, id="exact"),
        pytest.param("https://a.com:8443", Origin("https", "a.com", 8443), False, False, id="exact with a port"),
        pytest.param("https://*.a.com", Origin("https", "a.com", None), True, False, id="any subdomain"),
        pytest.param("https://*.a.com:8443", Origin("https", "a.com", 8443), True, False, id="any subdomain, one port"),
        pytest.param("http://localhost:*", Origin("http", "localhost", None), False, True, id="any port"),
        pytest.param("https://*.a.com:*", Origin("https", "a.com", None), True, True, id="any subdomain, any port"),
        pytest.param("http://127.0.0.1:*", Origin("http", "127.0.0.1", None), False, True, id="any port of IPv4"),
        pytest.param("http://[::1]:*", Origin("http", "[::1]", None), False, True, id="any port of IPv6"),
        pytest.param(f"https://*.{ROOM}", Origin("https", ROOM, None), True, False, id="room for one letter"),
        pytest.param("https://*.com", Origin("https", "com", None), True, False, id="below one label"),
        pytest.param("https://*._a.com", Origin("https", "_a.com", None), True, False, id="below an underscore"),
        pytest.param("app://*.x", Origin("app", "x", None), True, False, id="an app's scheme"),
    ],
)
def test_a_pattern_is_its_origin_and_its_wildcards(
    text: str, origin: Origin, any_subdomain: bool, any_port: bool
) -> None:
    pattern = parse_pattern(text)
    assert pattern == OriginPattern(origin, any_subdomain, any_port)
    assert pattern.is_exact is not (any_subdomain or any_port)


REFUSED = [
    # `*` anywhere but the two places
    pytest.param("*", "no scheme", None, id="a star alone, which only the policy understands"),
    pytest.param("**", "no scheme", None, id="two stars"),
    pytest.param("*:*", "no scheme", None, id="any host, any port, no scheme"),
    pytest.param("https://*", "every host of its scheme", None, id="any host"),
    pytest.param("https://*:*", "every host of its scheme", None, id="any host, any port"),
    pytest.param("https://*.*", "every host of its scheme", None, id="any label below any label"),
    pytest.param("http://*:3000", "every host of its scheme", None, id="any host, one port"),
    pytest.param("*://a.com", "scheme", None, id="any scheme"),
    pytest.param("http*://a.com", "scheme", None, id="a star that ends the scheme"),
    pytest.param("h*", "no scheme", None, id="a near-wildcard"),
    pytest.param("https*", "no scheme", None, id="another near-wildcard"),
    pytest.param("https://**.a.com", "neither", None, id="two stars for a label"),
    pytest.param("https://*.*.a.com", "neither", None, id="two labels"),
    pytest.param("https://a.*.com", "neither", None, id="a label in the middle"),
    pytest.param("https://a.com.*", "neither", None, id="the last label"),
    pytest.param("https://*a.com", "anyone can register", "https://*.a.com", id="the dot forgotten"),
    pytest.param("https://*a.com:*", "anyone can register", "https://*.a.com:*", id="the dot forgotten, any port"),
    pytest.param("https://a*.com", "anyone can register", None, id="the end of a registered name"),
    pytest.param("https://ex*mple.com", "anyone can register", None, id="inside a registered name"),
    pytest.param("https://a.b*.com", "neither", None, id="inside another label than the leftmost"),
    pytest.param("https://a*b*.c.com", "neither", None, id="two stars in one label"),
    pytest.param("https://*.pr-*.a.com", "neither", None, id="a label with a star below a whole one"),
    pytest.param("https://pr-*.*.a.com", "neither", None, id="a label with a star above a whole one"),
    pytest.param("https://a.com*", "neither", None, id="a trailing star"),
    pytest.param("https://*a", "neither", None, id="one label that begins with a star"),
    pytest.param("http://localhost:**", "for its port", "http://localhost:*", id="two stars for a port"),
    pytest.param("http://localhost:3*", "neither", None, id="the end of a port"),
    pytest.param("http://localhost:*0", "neither", None, id="the beginning of a port"),
    pytest.param("https://*.a.com:*:*", "neither", None, id="two ports"),
    pytest.param("https://*.https://*.a.com", "two origins", None, id="a pattern inside a pattern"),
    # Wildcards that mean nothing
    pytest.param("https://*.1.2.3.4", "IP address", None, id="below an IPv4 address"),
    pytest.param("https://*.[::1]", "IP address", None, id="below an IPv6 address"),
    pytest.param("https://*.4", "IPv4", None, id="below a number"),
    pytest.param("https://a.com:8443:*", "a port and a wildcard", "https://a.com:8443", id="a port and any port"),
    pytest.param("https://*.1.2.3.4:1:*", "a port and a wildcard", None, id="two ports below an IPv4 address"),
    pytest.param("https://*.", "no host", None, id="below nothing"),
    pytest.param("https://*.:*", "no host", None, id="below nothing, any port"),
    pytest.param("file://*.a", "browsers send `null`", None, id="below a file"),
    # Labels with a wildcard inside that no label of an origin can be
    pytest.param("https://-*.a.com", "hyphen", None, id="a label that begins with a hyphen"),
    pytest.param("https://*-.a.com", "hyphen", None, id="a label that ends with a hyphen"),
    pytest.param("https://xn--*.a.com", "Punycode", None, id="a Punycode label"),
    pytest.param("https://m\u00fc*.a.com", "Punycode", None, id="a Unicode label"),
    pytest.param(f"https://{'a' * 31}*{'b' * 32}.c.com", "longer than 63", None, id="a label of 64 characters"),
    pytest.param("https://a%*.b.com", "character in its host", None, id="a character that no label has"),
    pytest.param("https://u@a*.b.com", "neither", None, id="userinfo before a label"),
    pytest.param("https://a*.1.2.3.4", "IP address", None, id="a label below an IPv4 address"),
    pytest.param("https://1*.2.3.4", "IPv4", None, id="a label of an IPv4 address"),
    pytest.param(f"https://*.{LONGEST_HOST}", "never matches", None, id="below the longest host"),
    pytest.param(f"https://a*.{LONGEST_HOST[2:]}", "never matches", None, id="a label below a host nearly as long"),
    pytest.param("https://Pr-*.a.com", "upper case", "https://pr-*.a.com", id="a label in upper case"),
    pytest.param("https://pr-*.A.com", "upper case", "https://pr-*.a.com", id="upper case after a label"),
    pytest.param("https://pr-*.a.com/*", "a path", "https://pr-*.a.com", id="a path glob after a label"),
    pytest.param("https://pr-*.a.com:443", "default port", "https://pr-*.a.com", id="a label and the default port"),
    pytest.param("https://pr-*.a.com:1:*", "a port and a wildcard", "https://pr-*.a.com:1", id="a label and two ports"),
    # The faults of an origin, the wildcard kept in the fix
    pytest.param("*.a.com", "no scheme", "https://*.a.com", id="no scheme"),
    pytest.param(".a.com", "no scheme", "https://*.a.com", id="a leading dot, as in lists of hosts and cookies"),
    pytest.param("*.a.com:*", "no scheme", "https://*.a.com:*", id="no scheme, any port"),
    pytest.param("*.a.com:**", "no scheme", "https://*.a.com:*", id="no scheme, two stars for a port"),
    pytest.param("*.*", "no scheme", None, id="nothing but wildcards"),
    pytest.param("https://*.a.com/", "trailing slash", "https://*.a.com", id="a trailing slash"),
    pytest.param("http://localhost:*/", "trailing slash", "http://localhost:*", id="a slash after any port"),
    pytest.param("https://a.com/*", "a path", "https://a.com", id="a path glob"),
    pytest.param("https://*.a.com/*", "a path", "https://*.a.com", id="a path glob after a wildcard"),
    pytest.param("https://*.A.com/*", "a path", "https://*.a.com", id="a path glob and upper case"),
    pytest.param("https://*/*", "a path", None, id="any host, any path"),
    pytest.param("https://*.A.com", "upper case", "https://*.a.com", id="upper case"),
    pytest.param("http://LOCALHOST:*", "upper case", "http://localhost:*", id="upper case before any port"),
    pytest.param("HTTPS://*.a.com", "upper case", "https://*.a.com", id="an upper-case scheme"),
    pytest.param("https://*.a.com:443", "default port", "https://*.a.com", id="the default port"),
    pytest.param("https://*.a.com:443:*", "default port", "https://*.a.com:*", id="the default port and any"),
    pytest.param("https://*.a.com.", "trailing dot", "https://*.a.com", id="a trailing dot"),
    pytest.param("https://*.m\u00fcnchen.de", "Punycode", "https://*.xn--mnchen-3ya.de", id="a Unicode host"),
    pytest.param("https://*..a.com", "empty label", None, id="an empty label"),
    pytest.param("https://*.-a.com", "hyphen", None, id="a hyphen at a label's edge"),
    pytest.param("https://*.a.com:0", "port 0", None, id="port 0"),
    pytest.param(" https://*.a.com", "white space around", "https://*.a.com", id="a leading space"),
    pytest.param("https://*.a.com,https://b.com", "list", None, id="a list"),
    # Regular expressions
    pytest.param(r"^https://.*\.a\.com$", "allow_origin_regexes", None, id="a regex"),
    pytest.param(r"https://.*\.a\.com", "allow_origin_regexes", None, id="a regex without anchors"),
    pytest.param("https://.*", "allow_origin_regexes", None, id="a regex for any host"),
    pytest.param("https://(a|b)*.c.com", "allow_origin_regexes", None, id="a regex with alternatives"),
]


@pytest.mark.parametrize(("text", "message", "fix"), REFUSED)
def test_a_pattern_that_is_none_is_refused_with_what_is_wrong_and_the_fix_where_one_is_certain(
    text: str, message: str, fix: str | None
) -> None:
    with pytest.raises(OriginError) as caught:
        parse_pattern(text)
    assert message in caught.value.message
    assert caught.value.fix == fix
    if fix is not None:
        parse_pattern(fix)


MOZ = "moz-extension://2f0e7f9c-6d9b-4e5a-9a53-0a3f6b1c2d3e"
# What is written, what the regular expression that is offered has to accept, and what it must not
OFFERED = [
    pytest.param("moz-extension://*", [MOZ], ["https://a.com", MOZ + ".evil.com"], id="any extension of Firefox"),
    pytest.param(
        "chrome-extension://*",
        ["chrome-extension://" + "abcdefgh" * 4],
        ["chrome-extension://abcdefgh", "https://" + "abcdefgh" * 4],
        id="any extension of Chrome",
    ),
    pytest.param(
        "http://192.168.1.*:3000",
        ["http://192.168.1.7:3000", "http://192.168.1.255:3000"],
        ["http://192.168.1.7", "http://192.168.2.7:3000", "http://192.168.1.7.evil.com:3000", "http://192.168.1.256"],
        id="a network and a port",
    ),
    pytest.param(
        "http://192.168.*:*",
        ["http://192.168.0.1", "http://192.168.1.7:3000"],
        ["http://192.169.0.1", "http://192.168.evil.com", "http://192.168.0.1.evil.com:80"],
        id="a network cut short, any port",
    ),
    pytest.param("http://10.*:8080", ["http://10.0.0.1:8080"], ["http://11.0.0.1:8080"], id="ten"),
    pytest.param(
        "https://api.*.example.com",
        ["https://api.eu.example.com", "https://api.eu-1.example.com"],
        ["https://api.example.com", "https://api.a.b.example.com", "https://api.eu.example.com.evil.com"],
        id="a label in the middle",
    ),
    pytest.param(
        "https://*.*.example.com",
        ["https://a.b.example.com"],
        ["https://a.example.com", "https://a.b.c.example.com", "https://a.bexample.com"],
        id="two labels",
    ),
    pytest.param(
        "https://a*b*.c.com:*",
        ["https://a1b2.c.com", "https://a1b2.c.com:3000"],
        ["https://ab2.c.com", "https://a1b.c.com", "https://a1b2xc.com"],
        id="two stars in a label, any port",
    ),
    pytest.param(
        "http://localhost:3*",
        ["http://localhost:3000", "http://localhost:3"],
        ["http://localhost", "http://localhost:4000", "http://localhost.evil.com:3000"],
        id="the beginning of a port",
    ),
]


@pytest.mark.parametrize(("text", "accepted", "refused"), OFFERED)
def test_where_no_pattern_says_it_a_regex_is_offered_that_does(
    text: str, accepted: list[str], refused: list[str]
) -> None:
    with pytest.raises(OriginError) as caught:
        parse_pattern(text)
    offered = re.search(r"the regular expression (\S+) in allow_origin_regexes", caught.value.message)
    assert offered is not None
    policy = Policy(allow_origin_regexes=[offered[1]])
    assert [origin for origin in accepted if not policy.allows_origin(origin)] == []
    assert [origin for origin in refused if policy.allows_origin(origin)] == []
    assert not policy.allows_any_origin
    if text.startswith("https:"):
        Policy(allow_origin_regexes=[offered[1]], allow_credentials=True)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("https://example.*", id="any top-level domain"),
        pytest.param("https://a.*.com", id="any registered name"),
        pytest.param("https://a.*.co.uk", id="any registered name below a public suffix"),
        pytest.param("https://a.*.github.io", id="anyone's pages"),
        pytest.param("http://8.8.8.*", id="a public network"),
        pytest.param("http://192.*", id="a network that is private in part"),
        pytest.param("http://*.168.1.1", id="any network"),
        pytest.param("https://**.example.com", id="two stars for a label"),
        pytest.param("https://a.*_.example", id="a label below one that is not long enough"),
    ],
)
def test_what_anyone_could_register_is_offered_no_way_in(text: str) -> None:
    with pytest.raises(OriginError) as caught:
        parse_pattern(text)
    assert "regular expression" not in caught.value.message
    assert caught.value.fix is None


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        pytest.param("http://localhost:.*", "http://localhost:*", id="any text"),
        pytest.param("http://localhost:.+", "http://localhost:*", id="any text but none"),
        pytest.param(r"http://localhost:\d+", "http://localhost:*", id="digits"),
        pytest.param(r"http://localhost:(\d+)", "http://localhost:*", id="digits in a group"),
        pytest.param(r"http://localhost:\d{1,5}", "http://localhost:*", id="one to five digits"),
        pytest.param(r"http://localhost(:\d+)?", "http://localhost:*", id="digits or none"),
        pytest.param(r"^http://127\.0\.0\.1:[0-9]+$", "http://127.0.0.1:*", id="a whole regex of an address"),
        pytest.param(r"https://*.example.com:\d+", "https://*.example.com:*", id="a pattern"),
        pytest.param(rf"{'s' * 64}://{LONGEST_HOST}:(\d+)", f"{'s' * 64}://{LONGEST_HOST}:*", id="the longest origin"),
        pytest.param(rf"{'s' * 64}://{LONGEST_HOST}:\d{{1,5}}", None, id="longer than any origin"),
        pytest.param(r"http://localhost:\d{4}", None, id="four digits, which are fewer ports than any"),
        pytest.param(r"https://.*\.example\.com:\d+", None, id="a regex for its host"),
        pytest.param(r"https://(a|b)\.example\.com:\d+", None, id="alternatives"),
    ],
)
def test_a_regex_for_the_port_is_offered_any_port_where_it_means_that(text: str, fix: str | None) -> None:
    with pytest.raises(OriginError) as caught:
        parse_pattern(text)
    assert caught.value.fix == fix
    if fix is not None:
        policy = Policy(allow_origins=[fix])
        origin = fix.replace("://*", "://a").removesuffix(":*")
        assert policy.allows_origin(origin + ":3000")
        assert not policy.allows_origin(origin + ".evil.com:3000")


def test_null_and_a_compiled_regex_are_told_where_they_belong() -> None:
    with pytest.raises(OriginError, match="dangerously_allow_null_origin") as caught:
        parse_pattern("null")
    assert caught.value.fix is None
    with pytest.raises(OriginError, match="allow_origin_regexes"):
        parse_pattern(re.compile("a"))  # type: ignore[arg-type]


@pytest.mark.parametrize("entry", ["https://xn--a", "https://xn--a.com", "https://a.xn--a.com", "https://*.xn--a.com"])
def test_a_policy_refuses_punycode_that_no_browser_sends(entry: str) -> None:
    with pytest.raises(PolicyError, match="Punycode"):
        Policy(allow_origins=[entry])
    assert not Policy(allow_origin_regexes=[r"https://[a-z.-]+\.com"]).allows_origin("https://xn--a.com")


CODE = re.compile("[a-z0-9]+(-[a-z0-9]+)*")


@pytest.mark.parametrize(("text", "message", "fix"), REFUSED)
def test_every_refusal_has_a_code_for_programs(text: str, message: str, fix: str | None) -> None:
    with pytest.raises(OriginError) as caught:
        parse_pattern(text)
    assert CODE.fullmatch(caught.value.code)
    assert caught.value.message.isprintable()


def test_what_is_no_text_is_refused_by_its_type() -> None:
    with pytest.raises(OriginError, match="bytes"):
        parse_pattern(b"https://*.a.com")  # type: ignore[arg-type]


def test_a_pattern_longer_than_any_origin_is_refused_by_its_length() -> None:
    with pytest.raises(OriginError, match="characters long"):
        parse_pattern("https://*." + "a" * (4 * MAX_ORIGIN_LENGTH))


@given(st.text(alphabet="htps:/.-*[]@? \\(|)^$+09aA\u00e9", max_size=40).map("https://".__add__) | st.text())
def test_any_text_at_all_is_a_pattern_or_an_error_whose_fix_is_a_pattern(text: str) -> None:
    error = None
    try:
        pattern = parse_pattern(text)
    except OriginError as caught:
        error = caught
    if error is None:
        assert text.count("*") == pattern.has_wildcard_host + pattern.any_port
    else:
        assert error.message
        assert error.fix != text
        assert error.fix is None or parse_pattern(error.fix)
