"""What every target's text has in common, without the proxy itself: `tests/proxies` has those."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import Any

import pytest

import corecors
from corecors import OriginPolicies, PathPolicies, Policy, PolicyError
from corecors.export import TARGETS, ExportError, render

_DATA = Path(__file__).parents[1] / "support" / "data"
REGEXES: dict[str, Any] = json.loads((_DATA / "regexes.json").read_text(encoding="utf-8"))
BACKTRACKING = ("apache", "haproxy", "nginx")
EVERY_TARGET = [pytest.param(target, id=target) for target in TARGETS]
POLICY = Policy(
    allow_origins=["https://app.example.com", "https://*.example.com", "https://pr-*.example.net:*"],
    allow_origin_regexes=[r"https://[a-z]+\.example\.org"],
    allow_methods=["PUT"],
    allow_headers=["X-A"],
    expose_headers=["X-B"],
    max_age=1,
)


@pytest.mark.parametrize("target", EVERY_TARGET)
def test_the_text_says_who_wrote_it_and_is_the_same_each_time(target: str) -> None:
    text = render(POLICY, target)
    assert f"written by corecors {corecors.__version__}" in text.splitlines()[0]
    assert text == render(POLICY.replace(), target)
    assert text.endswith("\n")
    assert text.isascii()


@pytest.mark.parametrize("target", EVERY_TARGET)
def test_a_whole_file_names_the_application(target: str) -> None:
    text = render(POLICY, target, whole=True, upstream="http://127.0.0.1:9123")
    assert re.search(r"127\.0\.0\.1\W[\s\S]{0,60}9123", text)


@pytest.mark.parametrize("target", EVERY_TARGET)
@pytest.mark.parametrize(
    "upstream", ["127.0.0.1:8000", "http://a/b", "http://a;b", "ftp://a", "http://a\n", 'http://a"', ""]
)
def test_an_address_that_is_none_is_refused(target: str, upstream: str) -> None:
    with pytest.raises(ValueError, match="address"):
        render(POLICY, target, whole=True, upstream=upstream)


@pytest.mark.parametrize("target", EVERY_TARGET)
def test_comments_hold_what_a_policy_says_on_one_line(target: str) -> None:
    policy = Policy(allow_origin_regexes=["https://(?#\n}\n\u2028 load_module evil;)a\\.example"])
    for line in render(policy, target).splitlines():
        assert "load_module" not in line or line.lstrip().startswith("#")


@pytest.mark.parametrize("target", EVERY_TARGET)
@pytest.mark.parametrize(
    ("policy", "fields"),
    [
        pytest.param(Policy(allow_origin_predicate=bool), ["allow_origin_predicate"], id="a predicate"),
        pytest.param(OriginPolicies([Policy()]), ["policy"], id="tiers"),
    ],
)
def test_what_cannot_be_said_is_refused_by_its_field(target: str, policy: Any, fields: list[str]) -> None:
    with pytest.raises(ExportError) as caught:
        render(policy, target)
    assert [problem.field for problem in caught.value.problems] == fields
    assert caught.value.target == target
    assert all(problem.message in str(caught.value) for problem in caught.value.problems)
    if fields != ["policy"]:
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize("target", EVERY_TARGET)
def test_the_text_warns_of_debug(target: str) -> None:
    warning = "# Warning: debug shows the lists to anyone who asks; turn it off in production"
    assert warning in render(POLICY.replace(debug=True), target).splitlines()
    assert "Warning" not in render(POLICY, target)


def policies_of_catastrophic_regexes() -> list[Any]:
    found = []
    for entry in REGEXES["catastrophic"]:
        try:
            policy = Policy(allow_origin_regexes=[entry["regex"]])
        except PolicyError:
            continue
        if not policy.allows_any_origin:
            found.append(pytest.param(policy, id=entry["regex"][:60]))
    return found


@pytest.mark.parametrize("target", BACKTRACKING)
@pytest.mark.parametrize("policy", policies_of_catastrophic_regexes())
def test_a_catastrophic_regex_is_not_handed_to_an_engine_that_backtracks(target: str, policy: Policy) -> None:
    with pytest.raises(ExportError) as caught:
        render(policy, target)
    assert [problem.field for problem in caught.value.problems] == ["allow_origin_regexes"]


@pytest.mark.parametrize("entry", [pytest.param(each, id=each["regex"][:60]) for each in REGEXES["sane"]])
@pytest.mark.parametrize("target", EVERY_TARGET)
def test_a_sane_regex_is_written(target: str, entry: dict[str, Any]) -> None:
    try:
        policy = Policy(allow_origin_regexes=[entry["regex"]])
    except PolicyError:
        return
    assert render(policy, target)


@pytest.mark.parametrize("target", ["apache", "nginx"])
def test_what_is_longer_than_a_word_of_the_configuration_is_refused(target: str) -> None:
    names = [f"x-{number:04}-{'a' * 50}" for number in range(200)]
    with pytest.raises(ExportError) as caught:
        render(Policy(allow_headers=names, expose_headers=names), target)
    assert [problem.field for problem in caught.value.problems] == ["allow_headers", "expose_headers"]


@pytest.mark.parametrize(
    ("target", "carried", "refused"),
    [
        pytest.param("nginx", "M-SEARCH", "patch", id="nginx"),
        pytest.param("caddy", "M" * 32, "M" * 33, id="Caddy"),
    ],
)
def test_the_text_names_the_methods_that_no_application_behind_the_proxy_sees(
    target: str, carried: str, refused: str
) -> None:
    said = r"itself answers these methods with 40\d: (.*)$"
    text = render(Policy(allow_methods=["GET", carried, refused]), target)
    assert re.findall(said, text, re.MULTILINE) == [refused]
    for methods in (["*"], ["GET", carried]):
        assert re.findall(said, render(Policy(allow_methods=methods), target), re.MULTILINE) == []


def test_a_whole_file_of_nginx_asks_the_application_for_no_103() -> None:
    assert "proxy_http_version" not in render(POLICY, "nginx", whole=True)


def test_nginx_has_two_parts() -> None:
    both = render(POLICY, "nginx")
    parts = [render(POLICY, "nginx", part=part).split("\n", 2)[2] for part in ("http", "server")]
    assert all(part in both for part in parts)
    assert "map " in parts[0]
    assert "map " not in parts[1]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"part": "location"}, id="a part that is none"),
        pytest.param({"part": "http", "whole": True}, id="a part of a whole file"),
        pytest.param({"name": "a b"}, id="a name with a blank"),
        pytest.param({"listen": "80; evil"}, id="an address to listen on"),
    ],
)
def test_options_that_are_none_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"is"):
        render(POLICY, "nginx", **options)


@pytest.mark.parametrize("target", EVERY_TARGET)
def test_an_address_to_listen_on_is_one(target: str) -> None:
    with pytest.raises(ValueError, match="listen"):
        render(POLICY, target, whole=True, listen="80; evil")


def test_a_target_that_there_is_not_is_an_error() -> None:
    with pytest.raises(ValueError, match="no target 'traefik', only"):
        render(POLICY, "traefik")


@pytest.mark.parametrize("target", BACKTRACKING)
def test_prefixes_are_tried_from_the_most_specific_one(target: str) -> None:
    paths = PathPolicies({"/a": Policy(), "/a/b/c": None, "/a/b": Policy(allow_origins=["*"])})
    text = render(paths, target)
    places = [text.index(f"{prefix}(?:/.*)?") for prefix in ("/a/b/c", "/a/b", "/a")]
    assert places == sorted(places, reverse=target != "nginx")  # the last one that matches counts, or the first
