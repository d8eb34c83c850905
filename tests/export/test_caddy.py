"""Caddy's configuration as text: what is in it, and that any value survives."""

import pytest
from export_edges import ODD_METHODS, ODD_NAMES

from corecors import Policy
from corecors.export import render
from corecors.export.caddy import quoted

APP = "https://app.example.com"


def lines(policy: Policy, part: str = "route") -> list[str]:
    return [line.strip() for line in render(policy, "caddy", part=part).splitlines() if not line.startswith("#")]


def unquoted(word: str) -> str:
    """A word as Caddy reads it: within double quotes, a backslash before one is taken away, and no other."""
    assert word[0] == word[-1] == '"'
    return word[1:-1].replace('\\"', '"')


@pytest.mark.parametrize("text", ["x", 'a"b', r"\A[\[\\]\z", "a b", "", "#", "`", "{header.Origin}"])
def test_a_word_is_what_it_was(text: str) -> None:
    assert unquoted(quoted(text)) == text


def test_the_application_gives_way_last_of_all() -> None:
    found = lines(Policy(allow_origins=[APP]))
    last = found[len(found) - found[::-1].index("header {") :]
    assert "-Access-Control-Allow-Origin" in last
    assert "+Vary Origin" in last
    assert last[-2:] == ["defer", "}"]


@pytest.mark.parametrize("part", ["route", "errors"])
def test_any_origin_is_a_constant_without_vary(part: str) -> None:
    found = lines(Policy(allow_origins=["*"]), part)
    assert "Access-Control-Allow-Origin *" in found
    assert "+Vary Origin" not in found
    assert not any("corecors_allowed" in line for line in found)


def test_what_is_said_of_responses_is_said_of_errors() -> None:
    policy = Policy(allow_origins=[APP], allow_credentials=True, expose_headers=["X-A"], allow_timing=True)
    found, errors = lines(policy), lines(policy, "errors")
    assert found[-len(errors) :] == errors
    assert "Timing-Allow-Origin {header.Origin}" in errors


def test_any_value_that_a_policy_may_hold_survives() -> None:
    names = ODD_NAMES
    found = lines(Policy(allow_origins=[APP], allow_methods=ODD_METHODS, allow_headers=names, expose_headers=names))
    for name in ("Access-Control-Allow-Headers", "+Access-Control-Expose-Headers"):
        (value,) = (line.partition(" ")[2] for line in found if line.startswith(f"{name} "))
        assert unquoted(value).split(", ") == names
    assert all(f"{quoted(method)} 1" in found for method in ODD_METHODS)  # they are keys of a map


def test_both_parts_are_in_a_fragment_and_in_a_whole_file() -> None:
    policy = Policy(allow_origins=[APP, "https://*.example.org"])
    whole = [line.strip() for line in render(policy, "caddy", whole=True, upstream="http://10.0.0.1:8000").splitlines()]
    fragment = [line.strip() for line in render(policy, "caddy").splitlines()]
    for part in ("route", "errors"):
        for line in lines(policy, part):
            assert line in whole
            assert line in fragment
    assert "reverse_proxy http://10.0.0.1:8000" in whole
    assert "bind 127.0.0.1" in whole
