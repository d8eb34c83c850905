"""What people are told, word for word: an error message is an interface too."""

import re

import pytest

from corecors import Decision, Kind, OriginError, Policy, PolicyError, Reason, evaluate, parse_origin, parse_pattern
from corecors._origins.showing import shown

LONG_HOST = ".".join(["a" * 63] * 3 + ["a" * 59])
ORIGINS = [
    ("", "is empty"),
    (
        "null",
        "is what browsers send for anyone's sandboxed frames and local files, and identifies nobody: serve the page "
        "from an address such as 'http://localhost:8000' and name that (only dangerously_allow_null_origin allows "
        "`null`)",
    ),
    (" https://a.com", "has white space around it"),
    ("https://a\x00.com", "has a control character in it"),
    ("https://a\u200b.com", "has an invisible character in it"),
    ("https://${A}", "has a placeholder in it that was never filled in"),
    ("https://a.com https://b.com", "has white space in it: make each origin an entry of its own"),
    ("^https://a$", "looks like a regular expression; those belong in allow_origin_regexes"),
    ("FILE://a", "never matches: browsers send `null` for file: pages"),
    ("^https://a", "looks like a regular expression; those belong in allow_origin_regexes"),
    ("https://a$", "looks like a regular expression; those belong in allow_origin_regexes"),
    ("https://[a-z]https://c", "looks like a regular expression; those belong in allow_origin_regexes"),
    ("https://a'", "has a character in its host that no name in DNS has"),
    ("'https://a", "has no valid scheme"),
    ("/a/", "looks like a regular expression; those belong in allow_origin_regexes"),
    ("//a/", "has no scheme"),
    ("/a", "has no scheme"),
    ("a/", "has no scheme"),
    ("//", "has no scheme"),
    ("/", "has no scheme"),
    ("$a", "has no scheme"),
    ("a^", "has no scheme"),
    ("file://a", "never matches: browsers send `null` for file: pages"),
    ("https://a,https://b", "looks like a list: make each origin an entry of its own"),
    ("[https://a]", "looks like a list: make each origin an entry of its own"),
    ("'https://a'", "has quotation marks around it"),
    ("https://ahttps://b", "is two origins without a comma between them"),
    ("all", "is not an origin; for any origin, write the one entry '*'"),
    ("any", "is not an origin; for any origin, write the one entry '*'"),
    ("self", "is not an origin; a site's own pages need no entry, so leave it out"),
    ("same-origin", "is not an origin; a site's own pages need no entry, so leave it out"),
    ("none", "is not an origin; a site's own pages need no entry, so leave it out"),
    ("a.com", "has no scheme"),
    ("https:a.com", 'has no "://" after its scheme'),
    ("HTTPS:A.com", 'has no "://" after its scheme'),
    ("HTTPS://a.com", "has upper case in its scheme"),
    ("1https://a.com", "has no valid scheme"),
    ("https://u@a.com", "has userinfo (user:password@), which is never part of an origin"),
    ("https://a.com?x", "has a query, which is never part of an origin"),
    ("https://a.com#x", "has a fragment, which is never part of an origin"),
    ("https://a.com\\x", "has a backslash, which is never part of an origin"),
    ("https://a.com/x", "has a path, which is never part of an origin"),
    ("https://a.com/", "has a trailing slash"),
    ("https://::1", "has an IPv6 address without brackets around it"),
    ("https://[::1]x", "has something after its IPv6 address that is not a colon and a port"),
    ("https://", "has no host"),
    ("https://m\xfcnchen.de", "has characters beyond ASCII in its host, which browsers send in Punycode"),
    ("https://X\xfc.de", "has characters beyond ASCII in its host, which browsers send in Punycode"),
    ("https://A.com", "has upper case in its host"),
    ("https://[::01]", "has an IPv6 address that is not in the compressed form that browsers send"),
    ("https://a]", "has an IPv6 address that is not in the compressed form that browsers send"),
    ("https://a.com.", "has a trailing dot: another origin than the one without it"),
    ("https://a*b.com", 'has a "*" in its host, so it is a pattern and not an origin'),
    ("https://a..com", "has an empty label in its host"),
    ("https://.a.com", "has an empty label in its host"),
    ("https://a$b.com", "has a character in its host that no name in DNS has"),
    ("https://-a.com", "has a label that begins or ends with a hyphen"),
    ("https://a-.com", "has a label that begins or ends with a hyphen"),
    ("https://" + "a" * 64, "has a label longer than 63 characters"),
    (f"https://{LONG_HOST}.aaa", "has a host longer than 253 characters"),
    (f"https://{LONG_HOST}.1", "has an IPv4 address that is not four plain decimal numbers"),
    ("https://1.2.3", "has an IPv4 address that is not four plain decimal numbers"),
    ("https://a.com:", "has a colon but no port"),
    ("https://a.com:x", "has a port that is not a number"),
    ("https://a.com:443", "has the default port of https, which browsers leave out"),
    ("https://a.com:0", "has port 0 or a port with a leading zero"),
    ("https://a.com:01", "has port 0 or a port with a leading zero"),
    ("https://a.com:65536", "has a port above 65535"),
]
PATTERNS = [
    ("*", "has a wildcard but no scheme"),
    ("http*://a.com", 'has a "*" in its scheme: make each scheme an entry of its own'),
    (
        "https://*",
        "stands for every host of its scheme; name a domain, or without credentials allow any origin with the one entry"
        " '*'",
    ),
    (
        "https://*:1",
        "stands for every host of its scheme; name a domain, or without credentials allow any origin with the one entry"
        " '*'",
    ),
    (
        "https://a.b*.com",
        'has a "*" that is neither in the leftmost label ("https://*.example.com", "https://pr-*.example.com") '
        'nor the port ("http://localhost:*"); list the origins that are meant, because anyone can be another one '
        "that it would match",
    ),
    ("https://*.1.2.3.4", "has a wildcard before an IP address, which has no subdomains"),
    ("https://a.com:1:*", "has a port and a wildcard for it"),
    ("*.a.com", "has no scheme"),
    ("https://*.a.com/", "has a trailing slash"),
    ("https://*.a.com/x", "has a path, which is never part of an origin"),
    ("'*'", "has quotation marks around it"),
    (".a.com/", "has a trailing slash"),
    ("https://*.a.com:443", "has the default port of https, which browsers leave out"),
    ("http://localhost:.*", "has a regular expression for its port"),
    ("https://a*.com", "has a wildcard inside the name below 'com', which anyone can register"),
    ("https://a*." + LONG_HOST, "never matches: no host is longer than 253 characters"),
    (
        "https://\xfc*.a.com",
        "has characters beyond ASCII together with a wildcard, and browsers send them in Punycode",
    ),
    ("https://A*.a.com", "has upper case in its host"),
    ("https://xn--a*.a.com", "has a wildcard in a Punycode label, which stands for other text than it shows"),
    ("https://-*.a.com", "has a label that begins or ends with a hyphen"),
    (
        "moz-extension://*",
        "stands for every extension; name the one that is meant, or allow every extension of a visitor's with the "
        "regular expression moz-extension://[0-9a-f-]{36} in allow_origin_regexes",
    ),
    (
        "https://a.*.example.com",
        'has a "*" that is neither in the leftmost label ("https://*.example.com", "https://pr-*.example.com") '
        'nor the port ("http://localhost:*"); the regular expression '
        r"https://a\.[a-z0-9-]+\.example\.com in allow_origin_regexes says it",
    ),
]


@pytest.mark.parametrize(("text", "wrong"), ORIGINS)
def test_what_is_wrong_with_an_origin_is_said_in_these_words(text: str, wrong: str) -> None:
    for parse in (parse_origin, parse_pattern) if "*" not in text else (parse_origin,):
        with pytest.raises(OriginError) as caught:
            parse(text)
        assert caught.value.message == wrong


@pytest.mark.parametrize(("text", "wrong"), PATTERNS)
def test_what_is_wrong_with_a_pattern_is_said_in_these_words(text: str, wrong: str) -> None:
    with pytest.raises(OriginError) as caught:
        parse_pattern(text)
    assert caught.value.message == wrong


@pytest.mark.parametrize("parse", [parse_origin, parse_pattern])
def test_what_is_no_text_or_too_long_is_said_in_these_words(parse: object) -> None:
    assert callable(parse)
    kind = "origin" if parse is parse_origin else "origin pattern"
    with pytest.raises(OriginError, match=re.escape(f"an {kind} is text, not int") + r"\Z"):
        parse(5)
    with pytest.raises(OriginError, match=r"\Ais 5000 characters long; no origin is longer than 326\Z"):
        parse("a" * 5000)


PIECES = [
    *"""( :// [a- \\ < <a $ ${ {{ %( .* *. ://( a. a- [ ] [:: :: 0 / : @ a@ , https:// https://( a.b/* /* *:* null '*
    \u200b \u00fc \u00fc. - x://*. http: "*" .a""".split(),
    "' ",
    '" *',
]


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("start", ["", "https://", "https://a", "https://*.", "a:", "."])
def test_whatever_is_repeated_as_often_as_fits_is_refused_and_nothing_worse(start: str, piece: str) -> None:
    text = (start + piece * 1300)[:1300]
    for parse in (parse_origin, parse_pattern):
        with pytest.raises(OriginError):
            parse(text)


EXPLAINED = [
    (("GET", None), "The request has no Origin header, so it is not a CORS request: there is nothing to decide."),
    (("GET", "https://a.com"), "The origin 'https://a.com' is allowed: the browser lets the page read the answer."),
    (
        ("OPTIONS", "https://a.com", "GET"),
        "The preflight passes: 'https://a.com' may send 'GET' with the headers that it asked for.",
    ),
    (
        ("GET", "https://a.com/"),
        "The origin 'https://a.com/' is not a serialised origin: browsers write scheme://host or scheme://host:port,"
        " in lower case and without a trailing slash. Such a value never matches.",
    ),
    (
        ("GET", "null"),
        "The origin is 'null', which sandboxed frames, local files and redirected requests send and which identifies"
        " nobody: it is not allowed.",
    ),
    (
        ("GET", "https://b.com"),
        "The origin 'https://b.com' is not allowed. If it should be, add it to allow_origins.",
    ),
    (
        ("OPTIONS", "https://a.com", "P UT"),
        "Access-Control-Request-Method is 'P UT', which is not a method name; no browser sends that.",
    ),
    (
        ("OPTIONS", "https://a.com", "put"),
        "The method 'put' is not allowed. If it should be, add it to allow_methods (method names are case-sensitive).",
    ),
    (
        ("OPTIONS", "https://a.com", "GET", "a b"),
        "Access-Control-Request-Headers is not a list of header names that a browser could have sent: it has an element"
        " that is not a name, too much white space, too many commas, or is too long.",
    ),
    (
        ("OPTIONS", "https://a.com", "GET", "X-Bar"),
        "The request header 'x-bar' is not allowed. If it should be, add it to allow_headers. The browser waits for"
        " Access-Control-Allow-Headers: x-bar",
    ),
    (
        ("OPTIONS", "https://a.com", "GET", "Authorization"),
        "The request header 'authorization' is not allowed. If it should be, add it to allow_headers ('*' alone does"
        " not cover Authorization: ['*', 'Authorization'] does). The browser waits for"
        " Access-Control-Allow-Headers: authorization",
    ),
    (
        ("OPTIONS", "https://a.com", "GET", f"{'x' * 77},{'y' * 77}"),
        f"The request headers '{'x' * 77}', '{'y' * 77}' are not allowed. If they should be, add them to allow_headers."
        f" The browser waits for Access-Control-Allow-Headers: {'x' * 77}, {'y' * 77}",
    ),
    (
        ("OPTIONS", "https://a.com", "GET", f"{'x' * 77},{'y' * 78}"),
        f"The request headers '{'x' * 77}' and 1 more are not allowed. If they should be, add them to allow_headers."
        f" The browser waits for Access-Control-Allow-Headers: {'x' * 77}, {'y' * 78}",
    ),
    (
        ("OPTIONS", "https://a.com", "GET", f"{'x' * 50},{'y' * 50},{'z' * 51}"),
        f"The request headers '{'x' * 50}', '{'y' * 50}' and 1 more are not allowed. If they should be, add them to"
        " allow_headers. The browser waits for Access-Control-Allow-Headers:"
        f" {'x' * 50}, {'y' * 50}, {'z' * 51}",
    ),
    (
        ("OPTIONS", "https://b.com", "put", "X-Bar"),
        "The origin 'https://b.com' is not allowed. If it should be, add it to allow_origins. The method 'put' is not"
        " allowed. If it should be, add it to allow_methods (method names are case-sensitive). The request header"
        " 'x-bar' is not allowed. If it should be, add it to allow_headers. The browser waits for"
        " Access-Control-Allow-Headers: x-bar",
    ),
]


@pytest.mark.parametrize(("request_", "said"), EXPLAINED)
def test_a_decision_is_explained_in_these_words(request_: tuple[str, ...], said: str) -> None:
    assert evaluate(Policy(allow_origins=["https://a.com"]), *request_).explain() == said


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (Reason.ORIGIN_ALLOWED, "The origin 'https://a.com' is allowed to open a WebSocket."),
        (
            Reason.CREDENTIALS_NOT_ALLOWED,
            "The handshake from 'https://a.com' carries credentials, as browsers send them with every WebSocket. Only a"
            " policy with allow_credentials that allows this origin lets it in.",
        ),
        (
            Reason.ORIGIN_NOT_ALLOWED,
            "The origin 'https://a.com' is not allowed. If it should be, add it to allow_origins.",
        ),
    ],
)
def test_of_a_handshake_other_words_are_said_where_it_differs(reason: Reason, said: str) -> None:
    assert Decision(Kind.WEBSOCKET, True, (), origin="https://a.com", reasons=(reason,)).explain() == said


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (Reason.ORIGIN_ALLOWED, "The origin '' is allowed"),
        (Reason.METHOD_NOT_ALLOWED, "The method '' is not allowed"),
    ],
)
def test_what_a_decision_does_not_carry_is_shown_as_nothing(reason: Reason, said: str) -> None:
    assert Decision(Kind.ACTUAL, True, (), reasons=(reason,)).explain().startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "''"),
        ("a" * 80, "'" + "a" * 80 + "'"),
        ("a" * 81, "'" + "a" * 77 + "...'"),
        ("it's", '"it\'s"'),
        ("\u00e9", "'\\xe9'"),
    ],
)
def test_a_value_is_shown_quoted_and_cut_to_eighty_characters(text: str, said: str) -> None:
    assert shown(text) == said


def test_more_than_fifty_problems_are_counted_and_fifty_are_told() -> None:
    for number, last in ((50, "  - allow_origins: 'n49' has no scheme"), (51, "  and 1 more")):
        with pytest.raises(PolicyError) as caught:
            Policy(allow_origins=[f"n{index}" for index in range(number)])
        lines = str(caught.value).splitlines()
        assert lines[0] == f"{number} problems in this CORS policy:"
        assert lines[50] == "  - allow_origins: 'n49' has no scheme"
        assert lines[-1] == last
