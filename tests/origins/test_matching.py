"""Does the origin match? DESIGN's paragraph as tables, and the matcher held against the naive one."""

import re
from collections.abc import Callable, Sequence
from types import FrameType

import naive_matcher
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from interpreter_steps import stepping

import corecors
from corecors import OriginMatcher, Policy, PolicyError, parse_pattern
from corecors._origins import matching
from corecors._origins.parsing import MAX_ORIGIN_LENGTH, read_origin


class Regexes:
    """Regular expressions as `re` runs them, and what they were asked about."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self.patterns = patterns
        self.asked: list[str] = []

    def matches(self, origin: str) -> bool:
        self.asked.append(origin)
        return any(re.fullmatch(pattern, origin) for pattern in self.patterns)


def matcher_of(*entries: str, regexes: Sequence[str] = (), null: bool = False) -> OriginMatcher:
    patterns = [parse_pattern(entry) for entry in entries]
    return OriginMatcher([], patterns, Regexes(regexes) if regexes else None, null=null)


EXACT = "https://app.example.com"
PR = "https://pr-*.preview.example.com"
SHOP = "https://deploy-*--shop.netlify.app"


@pytest.mark.parametrize(
    "origin",
    [
        pytest.param("https://APP.example.com", id="upper case in the host"),
        pytest.param("HTTPS://app.example.com", id="upper case in the scheme"),
        pytest.param("https://app.example.com:443", id="the default port"),
        pytest.param("https://app.example.com/", id="a trailing slash"),
        pytest.param("https://app.example.com.", id="a trailing dot"),
        pytest.param("https://user@app.example.com", id="userinfo"),
        pytest.param("https://app.example.com, https://app.example.com", id="a list"),
        pytest.param("https://app.example.com https://app.example.com", id="a list with spaces"),
        pytest.param("https://app.example.com\x00", id="a control byte"),
        pytest.param("https://app.example.com\n", id="a line feed"),
        pytest.param(" https://app.example.com", id="a space"),
        pytest.param("https://app.example.com\u00e9", id="a byte beyond ASCII"),
        pytest.param("https://app`example.com", id="a character that only attackers register"),
        pytest.param("https://" + "a." * 200 + "example.com", id="longer than any origin can be"),
        pytest.param("", id="nothing"),
        pytest.param("*", id="a star"),
    ],
)
def test_what_no_browser_sends_for_a_trusted_site_is_malformed_and_nothing_sees_it(origin: str) -> None:
    for entries in ([EXACT], ["https://*.example.com"], ["https://*.com", "https://app.example.com:*"], []):
        regexes = Regexes([".*"])
        patterns = [parse_pattern(entry) for entry in [*entries, "https://ap*.example.com:*"]]
        assert not OriginMatcher([EXACT], patterns, regexes, null=True).matches(origin)
        assert not regexes.asked


@pytest.mark.parametrize(
    ("entry", "origin", "expected"),
    [
        pytest.param(EXACT, EXACT, True, id="the listed origin"),
        pytest.param(EXACT, "http://app.example.com", False, id="another scheme"),
        pytest.param(EXACT, "https://app.example.com:8443", False, id="another port"),
        pytest.param(EXACT, "https://www.app.example.com", False, id="a subdomain of a listed origin"),
        pytest.param(EXACT, "https://app.example.com.evil.test", False, id="a listed origin as a prefix"),
        pytest.param(EXACT, "https://evilapp.example.com", False, id="a listed host as a suffix"),
        pytest.param(EXACT, "https://appxexample.com", False, id="a dot is a dot"),
        pytest.param("https://*.example.com", "https://a.example.com", True, id="one label"),
        pytest.param("https://*.example.com", "https://a.b.c.example.com", True, id="several labels"),
        pytest.param("https://*.example.com", "https://_.example.com", True, id="a label of an underscore"),
        pytest.param("https://*.example.com", "https://example.com", False, id="zero labels"),
        pytest.param("https://*.example.com", "https://.example.com", False, id="an empty label"),
        pytest.param("https://*.example.com", "https://evilexample.com", False, id="no label's edge"),
        pytest.param("https://*.example.com", "http://a.example.com", False, id="never across the scheme"),
        pytest.param("https://*.example.com", "https://a.example.com:8443", False, id="never across the port"),
        pytest.param("https://*.example.com", "https://evil.com:1.example.com", False, id="a domain in the port"),
        pytest.param("https://*.example.com", "https://evil.com/.example.com", False, id="a domain in the path"),
        pytest.param("https://*.example.com", "https://evil.com://a.example.com", False, id="a second scheme"),
        pytest.param("https://*.example.com", "https://evil.com@a.example.com", False, id="userinfo before a label"),
        pytest.param("https://*.example.com", "https://a.example.com.evil.test", False, id="a pattern as a prefix"),
        pytest.param("https://*.example.com", "https://[::1].example.com", False, id="an address for a label"),
        pytest.param("https://*.example.com:8443", "https://a.example.com:8443", True, id="any subdomain, that port"),
        pytest.param("https://*.example.com:8443", "https://a.example.com", False, id="any subdomain, no port"),
        pytest.param("https://*.example.com:8443", "https://a.example.com:844", False, id="any subdomain, part of it"),
        pytest.param("http://localhost:*", "http://localhost", True, id="no port"),
        pytest.param("http://localhost:*", "http://localhost:1", True, id="any port"),
        pytest.param("http://localhost:*", "http://localhost:65535", True, id="the highest port"),
        pytest.param("http://localhost:*", "http://localhost:65536", False, id="above the highest port"),
        pytest.param("http://localhost:*", "http://localhost:80", False, id="the default port"),
        pytest.param("http://localhost:*", "http://localhost:", False, id="a colon alone"),
        pytest.param("http://localhost:*", "http://localhost3000", False, id="a port without a colon"),
        pytest.param("http://localhost:*", "https://localhost:3000", False, id="any port of another scheme"),
        pytest.param("http://localhost:*", "http://a.localhost:3000", False, id="any port of a subdomain"),
        pytest.param("http://[::1]:*", "http://[::1]:3000", True, id="any port of IPv6"),
        pytest.param("http://[::1]:*", "http://[::1]", True, id="IPv6 without a port"),
        pytest.param("http://[::1]:*", "http://[::1:3000]", False, id="a port inside the brackets"),
        pytest.param("https://*.example.com:*", "https://a.example.com", True, id="any subdomain, any port: none"),
        pytest.param("https://*.example.com:*", "https://a.example.com:1", True, id="any subdomain, any port"),
        pytest.param("https://*.example.com:*", "https://example.com:1", False, id="any port, zero labels"),
        pytest.param("https://*.com", "https://example.com", True, id="below one label"),
        pytest.param("https://*.com", "https://com", False, id="that label itself"),
        pytest.param(PR, "https://pr-7.preview.example.com", True, id="text before the star"),
        pytest.param(PR, "https://pr-a-7.preview.example.com", True, id="a hyphen for the star"),
        pytest.param(PR, "https://pr-.preview.example.com", False, id="nothing for the star"),
        pytest.param(PR, "https://pr--.preview.example.com", False, id="a label that would end with a hyphen"),
        pytest.param(PR, "https://pr-_.preview.example.com", False, id="an underscore for the star"),
        pytest.param(PR, "https://pr-7.evil.preview.example.com", False, id="a label more"),
        pytest.param(PR, "https://pr-7.example.com", False, id="a label less"),
        pytest.param(PR, "https://a.pr-7.preview.example.com", False, id="a label before it"),
        pytest.param(PR, "https://evilpr-7.preview.example.com", False, id="text before its beginning"),
        pytest.param(PR, "https://preview.example.com", False, id="the domain itself"),
        pytest.param(PR, "https://pr-7.preview.example.com.evil.test", False, id="a label pattern as a prefix"),
        pytest.param(PR, "https://pr-7.evilpreview.example.com", False, id="another domain that ends like it"),
        pytest.param(PR, "http://pr-7.preview.example.com", False, id="a label pattern of another scheme"),
        pytest.param(PR, "https://pr-7.preview.example.com:8443", False, id="a label pattern and a port"),
        pytest.param(PR, "https://pr-*.preview.example.com", False, id="a star for the star"),
        pytest.param(PR, f"https://pr-{'a' * 60}.preview.example.com", True, id="a label of 63 characters"),
        pytest.param(PR, f"https://pr-{'a' * 61}.preview.example.com", False, id="a label of 64 characters"),
        pytest.param("https://*-app.example.com", "https://my-app.example.com", True, id="text after the star"),
        pytest.param("https://*-app.example.com", "https://-app.example.com", False, id="a leading hyphen"),
        pytest.param("https://*-app.example.com", "https://my-app2.example.com", False, id="text after its end"),
        pytest.param(SHOP, "https://deploy-7--shop.netlify.app", True, id="text before and after the star"),
        pytest.param(SHOP, "https://deploy----shop.netlify.app", True, id="one hyphen for the star"),
        pytest.param(SHOP, "https://deploy---shop.netlify.app", False, id="nothing between its ends"),
        pytest.param(SHOP, "https://deploy--shop.netlify.app", False, id="ends that overlap"),
        pytest.param("https://x*.example.com", "https://xn--mnchen-3ya.example.com", False, id="Punycode for the star"),
        pytest.param("https://x*.example.com", "https://xn-a.example.com", True, id="what only begins like Punycode"),
        pytest.param("https://_a*.example.com", "https://_ab.example.com", True, id="an underscore that is written"),
        pytest.param("https://a*_.example.com", "https://ab_.example.com", True, id="an underscore written at the end"),
        pytest.param("https://pr-*.example.com:8443", "https://pr-1.example.com:8443", True, id="a label and its port"),
        pytest.param("https://pr-*.example.com:8443", "https://pr-1.example.com", False, id="a label without its port"),
        pytest.param("https://pr-*.example.com:*", "https://pr-1.example.com", True, id="a label, any port: none"),
        pytest.param("https://pr-*.example.com:*", "https://pr-1.example.com:1", True, id="a label, any port"),
        pytest.param("https://pr-*.example.com:*", "https://pr-1.example.com:443", False, id="the default port again"),
        pytest.param("https://pr-*.example.com:*", "https://example.com:1", False, id="any port of the domain itself"),
        pytest.param("a.b://x*.c.d", "a://x1.b.c.d", False, id="a scheme that ends like a host begins"),
    ],
)
def test_an_entry_matches_the_origins_that_it_names_and_no_other(entry: str, origin: str, expected: bool) -> None:
    matcher = matcher_of(entry)
    assert matcher.matches(origin) is expected
    assert naive_matcher.entry_matches(entry, origin) is expected


def test_two_entries_let_in_no_mixture_of_them() -> None:
    matcher = matcher_of("https://foo.com", "https://bar.com", "https://*.foo.com", "https://*.bar.com:8443")
    for origin in ["https://barfoo.com", "https://foobar.com", "https://foo.com:8443", "https://a.bar.com"]:
        assert not matcher.matches(origin)


def test_two_label_patterns_let_in_no_mixture_of_them() -> None:
    matcher = matcher_of(
        "https://a-*-b.x.com", "https://c-*-d.x.com", "https://a-*.y.com:*", "https://*-b.y.com:1", "http://e*.x.com"
    )
    for origin in ["https://a-1-b.x.com", "https://c-1-d.x.com", "https://a-1.y.com:2", "https://1-b.y.com:1"]:
        assert matcher.matches(origin)
    for origin in ["https://a-1-d.x.com", "https://c-1-b.x.com", "https://1-b.y.com:2", "https://e1.x.com"]:
        assert not matcher.matches(origin)


def test_a_label_is_tried_with_every_pattern_of_its_domain() -> None:
    matcher = matcher_of(*(f"https://{label}.x.com" for label in "a*bcdef a*de ab*c abcd*f zz*q".split()))
    for label in "abxc axde axxbcdef abcdxf zzxq".split():
        assert matcher.matches(f"https://{label}.x.com"), label
    for label in "abc axbc ade zzq zxq zzxc".split():
        assert not matcher.matches(f"https://{label}.x.com"), label


def test_a_regex_sees_what_is_well_formed_and_matched_by_nothing_else() -> None:
    regexes = Regexes([r"https://pr-[0-9]+\.example\.org"])
    patterns = [parse_pattern("https://*.example.com"), parse_pattern("http://localhost:*")]
    matcher = OriginMatcher([EXACT], patterns, regexes, null=False)
    asked = ["https://pr-12.example.org", "https://evil-pr-12.example.org"]
    unasked = [EXACT, "https://a.example.com", "http://localhost:3000", "null", "https://PR-12.example.org", "", "x"]
    answers = [matcher.matches(origin) for origin in asked + unasked]
    assert answers == [True, False, True, True, True, False, False, False, False]
    assert regexes.asked == asked


@pytest.mark.parametrize("listed", [pytest.param([], id="alone"), pytest.param(["https://a.com"], id="with a list")])
def test_null_is_allowed_by_its_flag_alone_and_by_no_other_spelling(listed: list[str]) -> None:
    assert matcher_of(*listed, null=True).matches("null")
    assert not matcher_of(*listed, regexes=[".*"]).matches("null")
    for origin in ["Null", "NULL", "null ", "null\n", "null,null", "'null'", "null.com"]:
        assert not matcher_of(*listed, null=True, regexes=[".*"]).matches(origin)


def test_a_matcher_says_when_a_look_up_in_its_list_is_all_that_it_does() -> None:
    assert OriginMatcher([EXACT]).exact_only
    assert OriginMatcher([EXACT], [parse_pattern("https://b.com")]).exact == {EXACT, "https://b.com"}
    assert OriginMatcher([EXACT], [parse_pattern("https://b.com")]).exact_only
    for matcher in (
        matcher_of("https://*.b.com"),
        matcher_of("https://b.com:*"),
        matcher_of(PR),
        matcher_of(null=True),
        matcher_of(regexes=["a"]),
        OriginMatcher(any_origin=True),
    ):
        assert not matcher.exact_only


def steps(matcher: OriginMatcher, origin: str) -> int:
    """The instructions of CPython that one question costs in the matcher's own code."""
    counted: list[FrameType] = []
    stepping(
        lambda: matcher.matches(origin), counted.append, lambda frame: frame.f_code.co_filename == matching.__file__
    )
    return len(counted)


MANY = 10_000


@pytest.mark.skipif(corecors.__compiled__, reason="what is compiled has no bytecode to count")
@pytest.mark.parametrize(
    ("entries", "asked"),
    [
        pytest.param([f"https://n{i:05}.com" for i in range(MANY)], ["https://n00000.com", "https://x"], id="exact"),
        pytest.param(
            [f"https://*.n{i:05}.com" for i in range(MANY)],
            ["https://a.n00000.com", "https://a.example.com", "https://a.b.c"],
            id="any subdomain",
        ),
        pytest.param(
            [f"https://*.n{i:05}.com:*" for i in range(MANY)],
            ["https://a.n00000.com:1", "https://a.example.com"],
            id="any subdomain, any port",
        ),
        pytest.param(
            [f"http://n{i:05}.com:*" for i in range(MANY)], ["http://n00000.com:1", "http://a.com:1"], id="any port"
        ),
        pytest.param(
            [f"https://n{i:05}-*.example.com" for i in range(MANY)],
            ["https://n00000-a.example.com", "https://m00000-a.example.com", "https://n00000-.example.com"],
            id="beginnings of labels below one domain",
        ),
        pytest.param(
            [f"https://*-n{i:05}.example.com" for i in range(MANY)],
            ["https://a-n00000.example.com", "https://a-m00000.example.com"],
            id="ends of labels below one domain",
        ),
        pytest.param(
            [f"https://pr-*--n{i:05}.netlify.app:*" for i in range(MANY)],
            ["https://pr-1--n00000.netlify.app", "https://pr-1--m00000.netlify.app:1"],
            id="one beginning, many ends",
        ),
        pytest.param(
            [f"https://n{i:05}-*--n{i:05}.netlify.app" for i in range(MANY)],
            ["https://n00000-1--n00000.netlify.app", "https://n00000-1--n00001.netlify.app", "https://a.netlify.app"],
            id="both ends below one domain",
        ),
    ],
)
def test_the_cost_does_not_grow_with_the_number_of_entries(entries: list[str], asked: list[str]) -> None:
    few, many = matcher_of(*entries[:1]), matcher_of(*entries)
    for origin in asked:
        assert steps(few, origin) > 0
        assert steps(many, origin) == steps(few, origin)


@pytest.mark.skipif(corecors.__compiled__, reason="what is compiled has no bytecode to count")
def test_however_many_lengths_the_two_ends_of_labels_have_a_look_up_stays_short_of_a_scan() -> None:
    entries = [f"https://{'a' * i}-*-{'b' * j}.example.com" for i in range(1, 29) for j in range(1, 29)]
    matcher = matcher_of(*entries, *[f"https://n{i:05}-*-{i:05}.example.com" for i in range(MANY)])
    nested = f"https://{'a' * 28}-c-{'b' * 28}.example.com"
    assert matcher.matches(nested)
    for origin in [nested, nested.replace("c", "_"), nested.replace("b.", "c."), "https://n00001-1-00002.example.com"]:
        assert steps(matcher, origin) < 6_000


@pytest.mark.skipif(corecors.__compiled__, reason="what is compiled has no bytecode to count")
def test_an_exact_list_costs_one_look_up_in_a_set() -> None:
    assert steps(OriginMatcher([EXACT]), "https://a.com") < 30


def test_an_empty_label_is_no_subdomain_even_before_the_parser_says_so() -> None:
    assert matcher_of("https://*.example.com")._resembles_a_pattern("https://a.example.com")
    assert not matcher_of("https://*.example.com")._resembles_a_pattern("https://.example.com")


def test_the_longest_origin_of_all_can_be_listed() -> None:
    longest = f"{'s' * 64}://{'.'.join(['a' * 63] * 3 + ['a' * 61])}:65535"
    assert len(longest) == MAX_ORIGIN_LENGTH
    for matcher in (OriginMatcher([longest]), matcher_of(longest, "https://*.example.com")):
        assert matcher.matches(longest)


class Unhashed(str):
    """Text that must be refused before anything looks at its characters."""

    def __hash__(self) -> int:
        raise AssertionError("a text of this length was hashed")


@pytest.mark.parametrize(
    "matcher",
    [
        pytest.param(OriginMatcher(["https://a.com"]), id="exact"),
        pytest.param(matcher_of("https://*.example.com"), id="any subdomain"),
        pytest.param(matcher_of("http://localhost:*", PR, regexes=[".*"], null=True), id="all kinds"),
    ],
)
def test_an_origin_longer_than_any_is_refused_unread(matcher: OriginMatcher) -> None:
    huge = Unhashed("https://" + "a" * 2**20 + ".example.com")
    assert not matcher.matches(huge)


def test_a_list_of_exact_origins_refuses_by_length_what_is_longer_than_its_longest() -> None:
    matcher = OriginMatcher(["https://a.com", "https://bb.com"])
    assert matcher.longest == len("https://bb.com")
    assert not matcher.matches(Unhashed("https://ccc.com"))
    assert matcher_of("https://*.a.com").longest == MAX_ORIGIN_LENGTH
    assert OriginMatcher().longest == 0
    assert not OriginMatcher().matches("https://a.com")


def test_any_origin_matches_whatever_it_is() -> None:
    matcher = OriginMatcher(any_origin=True)
    for origin in ["https://a.com", "null", "", "\x00", "x" * 10_000]:
        assert matcher.matches(origin)


# Origins and entries that meet at the edges: few labels, so that suffixes and prefixes coincide often.

LABELS = st.sampled_from(
    ["a", "b", "aa", "ab", "a-b", "a-", "aab", "com", "xa", "xn--mnchen-3ya", "xn--a", "1", "0x1", "_", "a_b", "a" * 63]
)
HOSTS = st.lists(LABELS, min_size=1, max_size=5).map(".".join) | st.sampled_from(
    ["127.0.0.1", "1.2.3.4", "[::1]", "[1:2:3::4]", "localhost"]
)
SCHEMES = st.sampled_from(["https", "http", "app"])
PORTS = st.sampled_from(["", ":1", ":80", ":443", ":8443", ":65535"])
ORIGINS = st.builds("{}://{}{}".format, SCHEMES, HOSTS, PORTS)
WILDCARDS = st.sampled_from(["", "*.", "a*.", "*a.", "a-*.", "*-b.", "a*b.", "x*.", "a*a."])
ENTRIES = st.builds("{}://{}{}{}".format, SCHEMES, WILDCARDS, HOSTS, PORTS | st.just(":*"))
DAMAGE = st.sampled_from(
    [
        lambda origin: origin,
        lambda origin: origin + ".",
        lambda origin: origin + "/",
        lambda origin: origin + "0",
        lambda origin: origin + ":1",
        lambda origin: origin + ".a.com",
        lambda origin: origin + "@a.com",
        lambda origin: origin.replace("://", "://a"),
        lambda origin: origin.replace("://", "://."),
        lambda origin: origin.replace("://", "://a."),
        lambda origin: origin.replace("://", "://*."),
        lambda origin: origin.replace("://", "://a.com:1."),
        lambda origin: origin.replace("://", "://a.com://"),
        lambda origin: origin.replace(".", "x", 1),
        lambda origin: origin.replace(".", "..", 1),
        lambda origin: origin.removesuffix("m"),
        lambda origin: origin.partition("://")[2],
        str.upper,
    ]
)
REGEXES = st.sampled_from(
    [r"https://[a-z]+\.com", r"https://a\.com(:[0-9]+)?", r"app://.*", r"http://(a|b)\.com", r"https://[a.]+b"]
)


def is_pattern(entry: str) -> bool:
    try:
        parse_pattern(entry)
    except ValueError:
        return False
    return True


ALLOWED = st.lists(ENTRIES.filter(is_pattern), max_size=6)


@given(ALLOWED, st.lists(REGEXES, max_size=2), st.lists(st.tuples(ORIGINS, DAMAGE), max_size=20), st.booleans())
@example(["https://foo.com", "https://*.bar.com"], [], [("https://barfoo.com", str)], False)
def test_the_matcher_agrees_with_the_naive_one(
    entries: list[str], regexes: list[str], damaged: list[tuple[str, Callable[[str], str]]], null: bool
) -> None:
    matcher = matcher_of(*entries, regexes=regexes, null=null)
    aimed = [entry.replace(":*", ":1").replace("*", star) for entry in entries for star in ["a", "-", "_", "n--b"]]
    for origin in [*(damage(origin) for origin, damage in damaged), *aimed, *entries, "null"]:
        expected = naive_matcher.matches(origin, entries, regexes, allow_null=null)
        assert matcher.matches(origin) is expected


@given(ALLOWED.filter(bool), DAMAGE, st.data())
def test_the_matcher_agrees_with_the_naive_one_close_to_its_own_entries(
    entries: list[str], damage: Callable[[str], str], data: st.DataObject
) -> None:
    entry = data.draw(st.sampled_from(entries))
    filled = entry.replace(":*", data.draw(PORTS)).replace("*", data.draw(st.sampled_from(["a", "a.b", "", "-", "_b"])))
    origin = damage(filled.replace("://.", "://"))
    matcher = matcher_of(*entries)
    assert matcher.matches(origin) is naive_matcher.matches(origin, entries)


@given(ORIGINS | st.tuples(ORIGINS, DAMAGE).map(lambda pair: pair[1](pair[0])) | st.text())
def test_the_parser_agrees_with_the_naive_one_on_what_an_origin_is(text: str) -> None:
    assert (read_origin(text) is not None) is (naive_matcher.split_origin(text) is not None)


@given(st.lists(st.sampled_from(["0", "1", "ffff", "10", "00", "", "g"]), min_size=1, max_size=9).map(":".join))
def test_the_parser_agrees_with_the_naive_one_on_what_an_ipv6_address_is(inner: str) -> None:
    text = f"http://[{inner}]"
    assert (read_origin(text) is not None) is (naive_matcher.split_origin(text) is not None)


@given(ALLOWED, ENTRIES.filter(is_pattern), st.lists(st.tuples(ORIGINS, DAMAGE), max_size=10))
def test_adding_an_entry_never_removes_an_origin(
    entries: list[str], added: str, damaged: list[tuple[str, Callable[[str], str]]]
) -> None:
    before, after = matcher_of(*entries), matcher_of(*entries, added)
    for origin in [*(damage(origin) for origin, damage in damaged), *entries]:
        assert after.matches(origin) or not before.matches(origin)


@given(ALLOWED.flatmap(lambda entries: st.tuples(st.just(entries), st.permutations(entries))), ORIGINS)
def test_the_order_of_the_entries_never_matters(orders: tuple[list[str], list[str]], origin: str) -> None:
    one, other = (Policy(allow_origins=order) for order in orders)
    assert one.allows_origin(origin) is other.allows_origin(origin)


@given(ENTRIES)
def test_the_policys_short_way_with_plain_entries_accepts_what_the_parser_does(entry: str) -> None:
    if is_pattern(entry):
        assert Policy(allow_origins=[entry]).allows_origin(entry) is ("*" not in entry)
    else:
        with pytest.raises(PolicyError):
            Policy(allow_origins=[entry])


@pytest.mark.parametrize("origins", [[], ["https://app.example.com"], ["*"]])
def test_a_handshake_without_an_origin_is_allowed_nothing(origins: list[str]) -> None:
    assert Policy(allow_origins=origins).allows_origin(None) is False
