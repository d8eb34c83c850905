"""Envoy's configuration as text: what is in it, what is refused, and that any value survives."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from export_edges import ODD_METHODS, ODD_NAMES

from corecors import PathPolicies, Policy
from corecors.export import ExportError, render

yaml = pytest.importorskip("yaml", reason="NOT TESTED: PyYAML is not installed")

APP = "https://app.example.com"


def part(policy: Policy, name: str) -> Any:
    return yaml.safe_load(render(policy, "envoy", part=name))


def mutations(found: Any) -> Iterator[dict[str, Any]]:
    """Every change to a header, wherever it stands."""
    if isinstance(found, dict):
        yield from found.get("response_mutations", [])
        for value in found.values():
            yield from mutations(value)
    elif isinstance(found, list):
        for value in found:
            yield from mutations(value)


def added(policy: Policy) -> dict[str, tuple[str, str]]:
    """The headers of responses, by name: what becomes of one that is there, and the value."""
    return {
        each["append"]["header"]["key"]: (each["append"]["append_action"], each["append"]["header"]["value"])
        for each in mutations(part(policy, "filters"))
        if "append" in each
    }


def test_the_application_gives_way_and_vary_is_appended() -> None:
    policy = Policy(allow_origins=[APP])
    removed = {each["remove"] for each in mutations(part(policy, "filters")) if "remove" in each}
    assert removed >= {
        "access-control-allow-origin",
        "access-control-allow-credentials",
        "access-control-expose-headers",
    }
    assert added(policy)["vary"] == ("APPEND_IF_EXISTS_OR_ADD", "Origin")
    assert added(policy)["access-control-allow-origin"] == ("OVERWRITE_IF_EXISTS_OR_ADD", "%REQ(origin)%")


def test_any_origin_is_a_constant_without_vary() -> None:
    found = added(Policy(allow_origins=["*"], allow_timing=True))
    assert found["access-control-allow-origin"] == ("OVERWRITE_IF_EXISTS_OR_ADD", "*")
    assert found["timing-allow-origin"] == ("OVERWRITE_IF_EXISTS_OR_ADD", "*")
    assert "vary" not in found


def test_nobody_allowed_is_nobody() -> None:
    filters = part(Policy(), "filters")
    assert [each["name"] for each in filters] == ["corecors.every", "corecors.exposed"]
    assert "envoy_on_response" not in filters[1]["typed_config"]["default_source_code"]["inline_string"]
    assert "access-control-allow-origin" not in added(Policy())
    (refused,) = part(Policy(), "routes")
    assert refused["direct_response"] == {"status": 403}


def test_preflights_are_answered_by_routes_that_no_filter_touches() -> None:
    passes, refused = part(Policy(allow_origins=[APP], preflight_status=200, max_age=0), "routes")
    assert passes["direct_response"] == {"status": 200}
    assert refused["direct_response"] == {"status": 403}
    for route in (passes, refused):
        assert route["match"]["headers"][0] == {"name": ":method", "string_match": {"exact": "OPTIONS"}}
        disabled = route["typed_per_filter_config"]
        assert {name: each["disabled"] for name, each in disabled.items()} == {
            "corecors.allowed": True,
            "corecors.every": True,
        }
    values = {each["header"]["key"]: each["header"]["value"] for each in passes["response_headers_to_add"]}
    assert values["access-control-max-age"] == "0"


def test_any_value_that_a_policy_may_hold_survives() -> None:
    names = ODD_NAMES
    policy = Policy(allow_origins=[APP], allow_methods=ODD_METHODS, allow_headers=names, expose_headers=names)
    value = added(policy)["access-control-expose-headers"][1]
    assert value.replace("%%", "%").split(", ") == names
    assert re.search("(?<!%)%(?!%)", value) is None  # a percent sign alone begins a command
    passes = part(policy, "routes")[0]
    values = {each["header"]["key"]: each["header"]["value"] for each in passes["response_headers_to_add"]}
    assert values["access-control-allow-methods"].replace("%%", "%").split(", ") == ODD_METHODS
    assert values["access-control-allow-headers"].replace("%%", "%").split(", ") == names


def test_text_is_stable_and_says_who_wrote_it() -> None:
    policy = Policy(allow_origins=[APP, "https://*.example.org"], allow_headers=["X-B", "X-A"])
    assert render(policy, "envoy") == render(policy, "envoy")
    assert render(policy, "envoy").startswith("# CORS for envoy, written by corecors ")


def test_both_parts_are_in_a_fragment_and_in_a_whole_file() -> None:
    policy = Policy(allow_origins=[APP, "https://*.example.org"])
    whole = yaml.safe_load(render(policy, "envoy", whole=True, upstream="https://api.example.com"))
    (listener,) = whole["static_resources"]["listeners"]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    assert manager["http_filters"][:-1] == part(policy, "filters")
    assert manager["route_config"]["virtual_hosts"][0]["routes"][:-1] == part(policy, "routes")
    fragment = render(policy, "envoy")
    for name in ("filters", "routes"):
        assert render(policy, "envoy", part=name).split("\n", 2)[2] in fragment


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        pytest.param(Policy(allow_origin_predicate=bool), "allow_origin_predicate", id="a predicate"),
        pytest.param(
            Policy(allow_origin_regexes=[r"https://(?:[a-z]{1,50}\.){1,30}example\.com"]),
            "allow_origin_regexes",
            id="too many repetitions",
        ),
        pytest.param(
            Policy(allow_origins=[APP], expose_headers=[f"x-{number:01000}" for number in range(17)]),
            "expose_headers",
            id="a value that is too long",
        ),
        pytest.param(PathPolicies({"/api/": Policy()}), "policy", id="policies by path"),
    ],
)
@pytest.mark.parametrize("target", ["envoy", "caddy"])
def test_what_cannot_be_said_is_named(target: str, policy: Policy, field: str) -> None:
    if (target, field) == ("caddy", "expose_headers"):
        assert render(policy, target)  # Caddy has no such limit
        return
    with pytest.raises(ExportError) as caught:
        render(policy, target)
    assert [problem.field for problem in caught.value.problems] == [field]
    assert caught.value.problems[0].message


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"part": "server"}, id="no such part"),
        pytest.param({"part": "routes", "whole": True}, id="a part of a whole file"),
        pytest.param({"whole": True, "listen": "here"}, id="no address"),
        pytest.param({"whole": True, "listen": '127.0.0.1:80"'}, id="a quotation mark"),
        pytest.param({"whole": True, "upstream": "chrome-extension://a"}, id="no web server"),
    ],
)
@pytest.mark.parametrize("target", ["envoy", "caddy"])
def test_options_that_are_none_are_refused(target: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"is not an address|has both|is neither"):
        render(Policy(), target, **options)
