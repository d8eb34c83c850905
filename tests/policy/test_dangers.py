"""What is dangerous beside credentials and needs to be said by name: public suffixes and plain http."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from corecors import Policy, PolicyError, Problem
from corecors._origins import public_suffixes

CREDENTIALS = {"allow_credentials": True}


def problems_of(**arguments: Any) -> list[Problem]:
    with pytest.raises(PolicyError) as caught:
        Policy(**arguments)
    return list(caught.value.problems)


PUBLIC = ["https://*.github.io", "https://*.co.uk", "https://*.com"]


@pytest.fixture(params=[True, False], ids=["the list installed", "the list missing"])
def list_installed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    known = {"github.io", "co.uk", "com", "io", "uk"}
    suffixes = SimpleNamespace(is_public=known.__contains__) if request.param else None
    monkeypatch.setattr(public_suffixes, "_suffix_list", lambda: suffixes)
    return bool(request.param)


def test_a_wildcard_over_a_public_suffix_beside_credentials_is_refused(list_installed: bool) -> None:
    found = problems_of(allow_origins=[*PUBLIC, "https://*.example.com", "https://a.github.io"], **CREDENTIALS)
    assert [problem.value for problem in found] == (PUBLIC if list_installed else PUBLIC[2:])
    for problem in found:
        assert "dangerously_allow_public_suffix_subdomains" in problem.wrong
        assert ("corecors[psl]" in problem.wrong) is not list_installed


@pytest.mark.usefixtures("list_installed")
def test_a_wildcard_over_a_public_suffix_is_allowed_by_name_and_without_credentials() -> None:
    Policy(allow_origins=PUBLIC)
    Policy(allow_origins=PUBLIC, dangerously_allow_public_suffix_subdomains=True, **CREDENTIALS)
    Policy(allow_origins=["https://*.localhost", "https://*.app.localhost"], **CREDENTIALS)


def test_the_package_with_the_list_is_asked_where_it_is_installed() -> None:
    pytest.importorskip("publicsuffixlist")
    assert public_suffixes.knows_public_suffixes()
    assert public_suffixes.is_public_suffix("github.io")
    assert public_suffixes.is_public_suffix("co.uk")
    assert not public_suffixes.is_public_suffix("example.com")


def test_without_that_package_only_single_labels_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "publicsuffixlist", None)
    monkeypatch.setattr(public_suffixes, "_suffix_list", public_suffixes._suffix_list.__wrapped__)
    assert not public_suffixes.knows_public_suffixes()
    assert public_suffixes.is_public_suffix("com")
    assert not public_suffixes.is_public_suffix("github.io")


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
def test_a_regex_that_accepts_plain_http_beside_credentials_is_refused_unless_allowed_by_name(
    regex: str, said: str
) -> None:
    (problem,) = problems_of(allow_origin_regexes=[regex], **CREDENTIALS)
    assert problem.field == "allow_origin_regexes"
    assert problem.value == regex
    assert said in problem.wrong
    assert "dangerously_allow_insecure_origins=True" in problem.wrong
    Policy(allow_origin_regexes=[regex])
    Policy(allow_origin_regexes=[regex], dangerously_allow_insecure_origins=True, **CREDENTIALS)


@pytest.mark.parametrize(
    "regex", [r"http://localhost:[0-9]+", r"http://127\.0\.0\.1(:[0-9]+)?", r"https://[a-z]+\.example\.com", r"app://x"]
)
def test_a_regex_that_accepts_no_plain_http_but_loopback_is_allowed_beside_credentials(regex: str) -> None:
    Policy(allow_origin_regexes=[regex], **CREDENTIALS)


@pytest.mark.parametrize("regex", [r"https://[a-z]+\.github\.io", r"https://([a-z0-9-]+\.)+github\.io"])
def test_a_regex_over_a_public_suffix_beside_credentials_is_refused(regex: str, list_installed: bool) -> None:
    if not list_installed:
        Policy(allow_origin_regexes=[regex], **CREDENTIALS)
        return
    (problem,) = problems_of(allow_origin_regexes=[regex], **CREDENTIALS)
    assert "below the public suffix github.io" in problem.wrong
    assert "dangerously_allow_public_suffix_subdomains=True" in problem.wrong
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
def test_a_regex_that_lets_strangers_in_is_refused_beside_credentials_only(regex: str) -> None:
    problems = problems_of(allow_origin_regexes=[regex], dangerously_allow_insecure_origins=True, **CREDENTIALS)
    assert [problem.field for problem in problems] == ["allow_origin_regexes"]
    Policy(allow_origin_regexes=[regex])
