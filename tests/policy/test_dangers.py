"""What is dangerous with credentials and needs to be said by name: public suffixes and plain http."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from corecors import Policy, PolicyError, Problem, parse_pattern
from corecors._origins import public_suffixes

CREDENTIALS: dict[str, Any] = {"allow_credentials": True}


def problems_of(**arguments: Any) -> list[Problem]:
    with pytest.raises(PolicyError) as caught:
        Policy(**arguments)
    return list(caught.value.problems)


@pytest.fixture(params=[True, False], ids=["the list installed", "the list missing"])
def list_installed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[bool]:
    rules = ("com", "io", "uk", "co.uk", "github.io", "blob.core.example", "blob.core.windows.net", "*.ck", "!www.ck")
    monkeypatch.setattr(public_suffixes, "_listed_rules", lambda: rules if request.param else None)
    public_suffixes._index.cache_clear()
    yield bool(request.param)
    public_suffixes._index.cache_clear()


OPEN_TO_ANYONE = [
    pytest.param("https://*.com", True, id="any subdomain of a single label"),
    pytest.param("https://*.onion", True, id="any subdomain where everybody makes names"),
    pytest.param("https://*.github.io", True, id="any subdomain of a public suffix"),
    pytest.param("https://*.co.uk:8443", True, id="and with a port"),
    pytest.param("https://*.github.io:*", True, id="and with any port"),
    pytest.param("https://*.windows.net", True, id="any subdomain of what has a public suffix far below"),
    pytest.param("https://*.core.windows.net", True, id="any subdomain of what has one directly below"),
    pytest.param("https://pr-*.github.io", True, id="a label below a public suffix"),
    pytest.param("https://*-pr.co.uk:*", True, id="a label below one, any port"),
    pytest.param("https://pr-*.windows.net", False, id="a label reaches nothing further down"),
    pytest.param("https://*.app.github.dev", True, id="anybody's codespace, which the list has not"),
    pytest.param("https://*.euw.devtunnels.ms", True, id="anybody's tunnel"),
    pytest.param("https://shop-*.loca.lt", True, id="a label of one"),
    pytest.param("https://*.nip.io", True, id="a name for any address"),
    pytest.param("https://*.me.github.io", False, id="any subdomain of a registered name"),
    pytest.param("https://pr-*.me.github.io", False, id="a label below a registered name"),
    pytest.param("https://*.example.com", False, id="any subdomain of a site"),
    pytest.param("https://me.github.io:*", False, id="any port of a registered name"),
    pytest.param("https://github.io", False, id="a public suffix itself"),
    pytest.param("https://*.localhost", False, id="this machine"),
    pytest.param("https://*.app.localhost", False, id="this machine, a level down"),
    pytest.param("https://*.internal", False, id="a name that is nobody's to register"),
    pytest.param("https://pr-*.test", False, id="a label below a name that is nobody's to register"),
]


@pytest.mark.parametrize(("entry", "is_open"), OPEN_TO_ANYONE)
def test_a_wildcard_over_what_anyone_can_register_needs_its_danger_named_where_credentials_are_allowed(
    entry: str, is_open: bool, list_installed: bool
) -> None:
    Policy(allow_origins=[entry])
    Policy(allow_origins=[entry], dangerously_allow_public_suffix_subdomains=True, **CREDENTIALS)
    if not is_open:
        Policy(allow_origins=[entry], **CREDENTIALS)
        return
    (problem,) = problems_of(allow_origins=[entry], **CREDENTIALS)
    assert problem.value == entry
    assert "anyone can register" in problem.message
    assert ("corecors[psl]" in problem.message) is not list_installed


@pytest.mark.parametrize(
    ("regex", "pattern"),
    [
        pytest.param(r"https://.*\.internal", "https://*.internal", id="a name that is nobody's to register"),
        pytest.param(r"https://.*\.windows\.net", "https://*.windows.net", id="public suffixes far below"),
        pytest.param(r"https://.*\.github\.io", "https://*.github.io", id="a public suffix"),
        pytest.param(r"https://.*\.app\.github\.dev", "https://*.app.github.dev", id="anybody's codespace"),
        pytest.param(r"https://.*\.example\.com", "https://*.example.com", id="a site"),
        pytest.param(r"https://pr-[a-z0-9-]+\.github\.io", "https://pr-*.github.io", id="a label"),
    ],
)
@pytest.mark.usefixtures("list_installed")
def test_a_regex_and_a_pattern_that_mean_the_same_have_the_same_danger(regex: str, pattern: str) -> None:
    refused = []
    forms: list[dict[str, Any]] = [{"allow_origins": [pattern]}, {"allow_origin_regexes": [regex]}]
    for arguments in forms:
        try:
            Policy(**arguments, **CREDENTIALS)
        except PolicyError:
            refused.append(True)
        else:
            refused.append(False)
    assert refused == [parse_pattern(pattern).is_open_to_anyone] * 2


def test_the_installed_list_is_read_as_the_package_that_brings_it_reads_it() -> None:
    """Every rule, what stands above it and below it; private section, wildcards, exceptions and Punycode included."""
    publicsuffixlist = pytest.importorskip("publicsuffixlist")
    judge = publicsuffixlist.PublicSuffixList()
    rules = public_suffixes._listed_rules()
    assert rules is not None
    assert len(rules) > 9_000
    named = {rule.lstrip("!").removeprefix("*.") for rule in rules}
    asked = named | {f"a.{name}" for name in named} | {f"b.a.{name}" for name in named} | {"a.xn--p1ai", "xn--p1ai"}
    asked |= {name.partition(".")[2] for name in named} - {""}
    found = {domain for domain in asked if public_suffixes.is_listed_suffix(domain)}
    assert found == {domain for domain in asked if judge.is_public(domain)}
    assert public_suffixes.knows_public_suffixes()


@pytest.mark.parametrize("domain", ["amazonaws.com", "windows.net", "core.windows.net", "kobe.jp", "github.io", "com"])
def test_a_suffix_at_or_below_is_found_in_the_installed_list(domain: str) -> None:
    pytest.importorskip("publicsuffixlist")
    assert public_suffixes.has_public_suffix_at_or_below(domain)
    assert not public_suffixes.has_public_suffix_at_or_below(f"my-own.{domain}".replace("kobe.jp", "city.kobe.jp"))


def test_what_is_known_without_the_list_stands_in_the_list_too() -> None:
    rules = public_suffixes._listed_rules()
    if rules is None:
        pytest.skip("the list is not installed")
    assert set(public_suffixes.WELL_KNOWN) <= set(rules)


def test_without_the_list_single_labels_and_the_best_known_suffixes_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "publicsuffixlist", None)
    monkeypatch.setattr(public_suffixes, "_listed_rules", public_suffixes._listed_rules.__wrapped__)
    public_suffixes._index.cache_clear()
    try:
        assert not public_suffixes.knows_public_suffixes()
        for domain in ["com", "github.io", "vercel.app", "co.uk", "elb.amazonaws.com", "eu-1.elb.amazonaws.com"]:
            assert public_suffixes.is_public_suffix(domain)
        for domain in ["example.com", "me.github.io", "windows.net", "obscure.example.net"]:
            assert not public_suffixes.is_public_suffix(domain)
        for domain in ["windows.net", "amazonaws.com"]:
            assert public_suffixes.has_public_suffix_at_or_below(domain)
    finally:
        public_suffixes._index.cache_clear()


@pytest.mark.parametrize(
    ("regex", "said"),
    [
        pytest.param(r"https?://app\.example\.com", "http://app.example.com", id="either scheme"),
        pytest.param(r".*\.example\.com", "plain http", id="any scheme"),
        pytest.param(r"http://app\.example\.com", "plain http", id="http"),
        pytest.param(r"http://localhost\.example\.com", "plain http", id="a host that begins like loopback"),
        pytest.param(r"https?://(localhost|app\.example\.com)", "plain http", id="loopback and another"),
    ],
)
def test_a_regex_that_accepts_plain_http_with_credentials_is_refused_unless_allowed_by_name(
    regex: str, said: str
) -> None:
    (problem,) = problems_of(allow_origin_regexes=[regex], **CREDENTIALS)
    assert problem.field == "allow_origin_regexes"
    assert problem.value == regex
    assert said in problem.message
    assert problem.code == "insecure-origin"
    assert "dangerously" not in str(problem)
    Policy(allow_origin_regexes=[regex])
    Policy(allow_origin_regexes=[regex], dangerously_allow_insecure_origins=True, **CREDENTIALS)


@pytest.mark.parametrize(
    "regex", [r"http://localhost:[0-9]+", r"http://127\.0\.0\.1(:[0-9]+)?", r"https://[a-z]+\.example\.com", r"app://x"]
)
def test_a_regex_that_accepts_no_plain_http_but_loopback_is_allowed_with_credentials(regex: str) -> None:
    Policy(allow_origin_regexes=[regex], **CREDENTIALS)


@pytest.mark.parametrize("regex", [r"https://[a-z]+\.github\.io", r"https://([a-z0-9-]+\.)+github\.io"])
@pytest.mark.usefixtures("list_installed")
def test_a_regex_over_a_public_suffix_with_credentials_is_refused(regex: str) -> None:
    (problem,) = problems_of(allow_origin_regexes=[regex], **CREDENTIALS)
    assert "below the public suffix github.io" in problem.message
    assert problem.code == "public-suffix"
    assert "dangerously" not in str(problem)
    Policy(allow_origin_regexes=[regex])
    Policy(allow_origin_regexes=[regex], dangerously_allow_public_suffix_subdomains=True, **CREDENTIALS)
    Policy(allow_origin_regexes=[r"https://me\.github\.io"], **CREDENTIALS)


@pytest.mark.parametrize(
    "regex",
    [
        pytest.param(r"https://.*example\.com", id="a wildcard straight before a name"),
        pytest.param(r"http://localhost.*", id="a wildcard at the end"),
        pytest.param(r"https://example\.[a-z]+", id="any suffix"),
        pytest.param(r"https?://\d+\.\d+\.\d+\.\d+", id="anybody's address"),
    ],
)
def test_a_regex_that_lets_strangers_in_is_refused_with_credentials_only(regex: str) -> None:
    problems = problems_of(allow_origin_regexes=[regex], dangerously_allow_insecure_origins=True, **CREDENTIALS)
    assert [problem.field for problem in problems] == ["allow_origin_regexes"]
    Policy(allow_origin_regexes=[regex])
