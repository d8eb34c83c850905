"""Does the origin match? DESIGN's paragraph as tables, and the matcher held against the naive one."""

import asyncio
import re
from collections.abc import Callable, Sequence

import naive_matcher
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from corecors import OriginMatcher, Policy, PolicyError, parse_pattern
from corecors._origins.matching import MAX_REMEMBERED, Match
from corecors._origins.parsing import MAX_ORIGIN_LENGTH, read_origin


def matcher_of(
    *entries: str, predicate: Callable[[str], bool] | None = None, regexes: Sequence[str] = (), null: bool = False
) -> OriginMatcher:
    patterns = [parse_pattern(entry) for entry in entries]
    return OriginMatcher([], patterns, [re.compile(regex) for regex in regexes], predicate, null=null)


EXACT = "https://app.example.com"


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
    seen: list[str] = []

    class Recording:
        def fullmatch(self, text: str) -> bool:
            seen.append(text)
            return True

    def predicate(text: str) -> bool:
        seen.append(text)
        return True

    for entries in ([EXACT], ["https://*.example.com"], ["https://*.com", "https://app.example.com:*"], []):
        patterns = [parse_pattern(entry) for entry in entries]
        matcher = OriginMatcher([EXACT], patterns, [Recording()], predicate, null=True)
        assert matcher.match(origin) is Match.MALFORMED
        assert not matcher.matches(origin)
    assert not seen


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
    ],
)
def test_an_entry_matches_the_origins_that_it_names_and_no_other(entry: str, origin: str, expected: bool) -> None:
    matcher = matcher_of(entry)
    assert matcher.matches(origin) is expected
    assert matcher.matches(origin) is expected  # a second time: remembered or not, the same
    assert (matcher.match(origin) in (Match.EXACT, Match.PATTERN)) is expected
    assert naive_matcher.entry_matches(entry, origin) is expected


def test_two_entries_let_in_no_mixture_of_them() -> None:
    matcher = matcher_of("https://foo.com", "https://bar.com", "https://*.foo.com", "https://*.bar.com:8443")
    for origin in ["https://barfoo.com", "https://foobar.com", "https://foo.com:8443", "https://a.bar.com"]:
        assert not matcher.matches(origin)


def test_a_regex_is_matched_whole_and_with_regard_to_case() -> None:
    matcher = matcher_of(regexes=[r"https://pr-[0-9]+\.example\.com"])
    assert matcher.match("https://pr-12.example.com") is Match.REGEX
    assert not matcher.matches("https://pr-12.example.com.evil.test")
    assert not matcher.matches("https://evil-pr-12.example.com")
    assert not matcher.matches("https://PR-12.example.com")


@pytest.mark.parametrize(
    ("null", "by_predicate", "answer", "expected"),
    [
        pytest.param(False, False, True, Match.NULL_REFUSED, id="not allowed, whatever the predicate says"),
        pytest.param(False, True, True, Match.NULL_REFUSED, id="a predicate alone does not allow it"),
        pytest.param(True, False, None, Match.NULL, id="allowed"),
        pytest.param(True, False, False, Match.NULL, id="allowed without asking"),
        pytest.param(True, True, True, Match.PREDICATE, id="the predicate agrees"),
        pytest.param(True, True, False, Match.NONE, id="the predicate disagrees"),
        pytest.param(True, True, None, Match.NONE, id="no predicate to agree"),
    ],
)
def test_null_matches_only_where_it_is_allowed(
    null: bool, by_predicate: bool, answer: bool | None, expected: Match
) -> None:
    predicate = None if answer is None else lambda origin: answer
    regexes = [re.compile(".*")]
    matcher = OriginMatcher([], [], regexes, predicate, null=null, null_by_predicate=by_predicate)
    assert matcher.match("null") is expected
    assert matcher.matches("null") is (expected in (Match.NULL, Match.PREDICATE))


@pytest.mark.parametrize("listed", [pytest.param([], id="alone"), pytest.param(["https://a.com"], id="beside a list")])
def test_null_by_another_spelling_is_not_null(listed: list[str]) -> None:
    matcher = matcher_of(*listed, null=True)
    assert matcher.matches("null")
    for origin in ["Null", "NULL", "null ", "null\n", "null,null", "'null'", "null.com"]:
        assert matcher.match(origin) is Match.MALFORMED


async def _asynchronous(origin: str) -> bool:
    return True


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(True, True, id="True"),
        pytest.param(False, False, id="False"),
        pytest.param(None, False, id="None"),
        pytest.param(1, False, id="1"),
        pytest.param("https://a.com", False, id="text"),
        pytest.param(re.match("h", "https://a.com"), False, id="a match object"),
        pytest.param(NotImplemented, False, id="NotImplemented"),
    ],
)
def test_only_true_itself_lets_in_by_predicate(answer: object, expected: bool) -> None:
    matcher = matcher_of(predicate=lambda origin: answer)  # type: ignore[arg-type,return-value]
    assert matcher.matches("https://a.com") is expected
    assert matcher.match("https://a.com") is (Match.PREDICATE if expected else Match.NONE)


def test_a_coroutine_that_nobody_awaits_lets_nobody_in() -> None:
    coroutines = []

    def predicate(origin: str) -> bool:
        coroutines.append(_asynchronous(origin))
        return coroutines[-1]  # type: ignore[return-value]

    assert not matcher_of(predicate=predicate).matches("https://a.com")
    assert asyncio.run(coroutines[0]) is True


def test_what_a_predicate_raises_is_passed_on_and_lets_nobody_in() -> None:
    def predicate(origin: str) -> bool:
        raise LookupError("the tenant table is away")

    matcher = matcher_of("https://listed.com", predicate=predicate)
    assert matcher.matches("https://listed.com")
    for ask in (matcher.matches, matcher.match):
        with pytest.raises(LookupError, match="tenant table"):
            ask("https://a.com")


def test_a_predicate_is_asked_last_once_each_time_and_never_remembered() -> None:
    asked: list[str] = []
    answers = iter([True, False, True])

    def predicate(origin: str) -> bool:
        asked.append(origin)
        return next(answers)

    matcher = matcher_of("https://a.com", "https://*.b.com", regexes=[r"https://c\.com"], predicate=predicate)
    for origin in ["https://a.com", "https://x.b.com", "https://c.com"]:
        assert matcher.matches(origin)
    assert asked == []
    assert [matcher.matches("https://d.com") for _ in range(3)] == [True, False, True]
    assert asked == ["https://d.com"] * 3


def test_no_state_grows_with_what_is_refused_and_little_with_what_is_accepted() -> None:
    matcher = matcher_of("https://*.example.com", regexes=[r"https://[a-z0-9]+\.test"])
    for number in range(3 * MAX_REMEMBERED):
        assert not matcher.matches(f"https://n{number}.evil.test.")
        assert not matcher.matches(f"https://n{number}.evil")
    assert len(matcher._remembered) == 0
    for number in range(3 * MAX_REMEMBERED):
        assert matcher.matches(f"https://n{number}.example.com")
        assert matcher.matches(f"https://n{number}.test")
        assert len(matcher._remembered) <= MAX_REMEMBERED
    assert set(matcher._remembered.values()) == {Match.PATTERN, Match.REGEX}


def test_what_is_remembered_is_the_origin_with_what_let_it_in() -> None:
    matcher = matcher_of("https://*.example.com", "http://localhost:*", regexes=[r"https://a\.test"])
    expected = {
        "https://a.example.com": Match.PATTERN,
        "http://localhost:1": Match.PATTERN,
        "https://a.test": Match.REGEX,
    }
    for origin in expected:
        assert matcher.matches(origin)
    assert matcher._remembered == expected
    matcher._remembered["https://a.test"] = Match.PATTERN
    assert matcher.match("https://a.test") is Match.PATTERN  # it is the memory that answers


def test_the_longest_origin_of_all_can_be_listed() -> None:
    longest = f"{'s' * 64}://{'.'.join(['a' * 63] * 3 + ['a' * 61])}:65535"
    assert len(longest) == MAX_ORIGIN_LENGTH
    for matcher in (OriginMatcher([longest]), matcher_of(longest, "https://*.example.com")):
        assert matcher.match(longest) is Match.EXACT
        assert matcher.matches(longest)


def test_the_predicate_that_has_to_agree_to_null_is_asked_about_null() -> None:
    matcher = OriginMatcher(predicate=lambda origin: origin == "null", null=True, null_by_predicate=True)
    assert matcher.match("null") is Match.PREDICATE


class Unhashed(str):
    """Text that must be refused before anything looks at its characters."""

    def __hash__(self) -> int:
        raise AssertionError("a text of this length was hashed")


@pytest.mark.parametrize(
    "matcher",
    [
        pytest.param(OriginMatcher(["https://a.com"]), id="exact"),
        pytest.param(matcher_of("https://*.example.com"), id="any subdomain"),
        pytest.param(matcher_of("http://localhost:*", predicate=lambda origin: True, regexes=[".*"]), id="everything"),
    ],
)
def test_an_origin_longer_than_any_is_refused_unread(matcher: OriginMatcher) -> None:
    huge = Unhashed("https://" + "a" * 2**20 + ".example.com")
    assert not matcher.matches(huge)
    assert matcher.match(huge) is Match.MALFORMED


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
        assert matcher.match(origin) is Match.ANY


# Origins and entries that meet at the edges: few labels, so that suffixes and prefixes coincide often.

LABELS = st.sampled_from(["a", "b", "aa", "ab", "a-b", "com", "xa", "1", "0x1", "_", "a" * 63])
HOSTS = st.lists(LABELS, min_size=1, max_size=5).map(".".join) | st.sampled_from(
    ["127.0.0.1", "1.2.3.4", "[::1]", "[1:2:3::4]", "localhost"]
)
SCHEMES = st.sampled_from(["https", "http", "app"])
PORTS = st.sampled_from(["", ":1", ":80", ":443", ":8443", ":65535"])
ORIGINS = st.builds("{}://{}{}".format, SCHEMES, HOSTS, PORTS)
ENTRIES = st.builds("{}://{}{}{}".format, SCHEMES, st.sampled_from(["", "*."]), HOSTS, PORTS | st.just(":*"))
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
    aimed = [entry.replace("*.", "a.").replace(":*", ":1") for entry in entries]
    for origin in [*(damage(origin) for origin, damage in damaged), *aimed, *entries, "null"]:
        expected = naive_matcher.matches(origin, entries, regexes, allow_null=null)
        assert matcher.matches(origin) is expected
        assert matcher.matches(origin) is expected
        assert (matcher.match(origin) not in (Match.MALFORMED, Match.NONE, Match.NULL_REFUSED)) is expected


@given(ALLOWED.filter(bool), DAMAGE, st.data())
def test_the_matcher_agrees_with_the_naive_one_close_to_its_own_entries(
    entries: list[str], damage: Callable[[str], str], data: st.DataObject
) -> None:
    entry = data.draw(st.sampled_from(entries))
    origin = damage(entry.replace("*.", data.draw(st.sampled_from(["a.", "a.b.", "", "."]))))
    origin = origin.replace(":*", data.draw(PORTS))
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
