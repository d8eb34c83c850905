"""Policies by path and tiers from data: TOML documents, mappings and variables of one shape."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from corecors import CORSRequest, OriginPolicies, PathPolicies, Policy, PolicyError
from corecors._policy.loading import (
    origin_policies_from_toml,
    path_policies_from_toml,
    source_from_env,
    source_from_mapping,
    source_from_toml,
)

OWN = "https://app.example.com"
PATHS = """
[cors."/api/"]
allow_origins = ["https://app.example.com"]
allow_credentials = true

[[cors."/feed/".tiers]]
allow_origins = ["https://app.example.com"]
allow_credentials = true
[[cors."/feed/".tiers]]
allow_origins = ["*"]

[cors]
"/health" = false

[cors.default]
allow_origins = ["*"]
"""
TIERS = """
[[cors.tiers]]
allow_origins = ["https://app.example.com"]
allow_credentials = true
[[cors.tiers]]
allow_origins = ["*"]
"""
API: dict[str, Any] = {"allow_origins": [OWN], "allow_credentials": True}
ANYONE: dict[str, Any] = {"allow_origins": ["*"]}
PATHS_AS_DATA = {"/api/": API, "/feed/": {"tiers": [API, ANYONE]}, "/health": False, "default": ANYONE}


def governing(source: Any, path: str, origin: str = OWN) -> Any:
    return source.policy_for(CORSRequest("GET", path, origin=origin))


def problems(load: Callable[[], object]) -> list[tuple[str, str]]:
    with pytest.raises(PolicyError) as caught:
        load()
    return [(problem.field, problem.code) for problem in caught.value.problems]


@pytest.mark.parametrize(
    "load",
    [
        pytest.param(lambda: path_policies_from_toml(PATHS), id="TOML"),
        pytest.param(lambda: PathPolicies.from_toml(PATHS), id="TOML, by the class"),
        pytest.param(
            lambda: PathPolicies.from_toml(PATHS.replace("cors", "shop.cors"), "shop.cors"), id="another table"
        ),
        pytest.param(lambda: source_from_toml(PATHS), id="TOML of any shape"),
        pytest.param(lambda: source_from_mapping(PATHS_AS_DATA), id="a mapping"),
        pytest.param(lambda: source_from_env({"CORS_PATHS": json.dumps(PATHS_AS_DATA)}), id="a variable"),
        pytest.param(lambda: source_from_env({"SHOP_PATHS": json.dumps(PATHS_AS_DATA)}, "SHOP_"), id="another prefix"),
    ],
)
def test_policies_by_path_come_from_data(load: Callable[[], Any]) -> None:
    paths = load()
    assert isinstance(paths, PathPolicies)
    assert governing(paths, "/api/users") == Policy(**API)
    assert governing(paths, "/feed/") == Policy(**API)
    assert governing(paths, "/feed/", "https://reader.example") == Policy(**ANYONE)
    assert governing(paths, "/health") is None
    assert governing(paths, "/elsewhere") == Policy(**ANYONE)


def test_a_document_of_paths_needs_no_table_around_it() -> None:
    paths = source_from_toml('["/api/"]\nallow_origins = ["https://app.example.com"]\n["/health"]\nmax_age = 5\n')
    assert isinstance(paths, PathPolicies)
    assert governing(paths, "/api/") == Policy(allow_origins=[OWN])
    assert governing(paths, "/") is None


@pytest.mark.parametrize(
    "load",
    [
        pytest.param(lambda: origin_policies_from_toml(TIERS), id="TOML"),
        pytest.param(lambda: source_from_toml(TIERS), id="TOML of any shape"),
        pytest.param(lambda: source_from_toml(TIERS.replace("cors.", "")), id="at the top of a document"),
        pytest.param(lambda: source_from_mapping({"tiers": [API, ANYONE]}), id="a mapping"),
        pytest.param(lambda: source_from_env({"CORS_TIERS": json.dumps([API, ANYONE])}), id="a variable"),
    ],
)
def test_tiers_come_from_data(load: Callable[[], Any]) -> None:
    tiers = load()
    assert isinstance(tiers, OriginPolicies)
    assert governing(tiers, "/") == Policy(**API)
    assert governing(tiers, "/", "https://reader.example") == Policy(**ANYONE)


def test_one_policy_is_read_as_one_policy() -> None:
    assert source_from_mapping(API) == Policy(**API)
    assert source_from_toml(f'allow_origins = ["{OWN}"]') == Policy(allow_origins=[OWN])
    assert source_from_env({"CORS_ALLOW_ORIGINS": OWN}) == Policy(allow_origins=[OWN])
    assert source_from_env({}) == Policy()


@pytest.mark.parametrize(
    ("load", "found"),
    [
        pytest.param(
            lambda: source_from_mapping({"/api/": {"max_age": -1}, "api": {}, "/": 7}),
            [("/api/: max_age", "max-age-range"), ("api", "not-a-path"), ("/", "not-a-table")],
            id="every path at once",
        ),
        pytest.param(
            lambda: source_from_mapping({"/api/": {}, "allow_origins": ["*"]}),
            [("allow_origins", "not-a-path")],
            id="an argument beside the paths",
        ),
        pytest.param(
            lambda: source_from_mapping({"/api/": {"/v1/": {}}}),
            [("/api/: /v1/", "unknown-name")],
            id="paths in a path",
        ),
        pytest.param(
            lambda: source_from_mapping({"/a/": {}, "/a": {}}), [("policies", "duplicate-prefix")], id="twice"
        ),
        pytest.param(lambda: source_from_mapping({"/": True}), [("/", "not-a-table")], id="true for a path"),
        pytest.param(
            lambda: source_from_mapping({"tiers": [{"origins": 5}, 7], "max_age": 1}),
            [("max_age", "next-to-tiers"), ("tier 1: origins", "foreign-name"), ("tier 2", "not-a-table")],
            id="every tier at once",
        ),
        pytest.param(lambda: source_from_mapping({"tiers": {}}), [("tiers", "not-a-list")], id="tiers in a table"),
        pytest.param(lambda: source_from_mapping({"tiers": []}), [("policies", "empty")], id="no tier"),
        pytest.param(
            lambda: origin_policies_from_toml("max_age = 1"),
            [("max_age", "next-to-tiers"), ("tiers", "not-a-list")],
            id="no tiers",
        ),
        pytest.param(lambda: path_policies_from_toml("[cors]"), [("cors", "no-paths")], id="no path"),
        pytest.param(
            lambda: path_policies_from_toml("max_age = 1"), [("max_age", "not-a-path")], id="a policy for paths"
        ),
        pytest.param(
            lambda: source_from_env({"CORS_PATHS": "{}", "CORS_MAX_AGE": "1"}),
            [("CORS_PATHS", "other-variables")],
            id="paths and another variable",
        ),
        pytest.param(lambda: source_from_env({"CORS_TIERS": "["}), [("CORS_TIERS", "not-json")], id="not JSON"),
        pytest.param(
            lambda: source_from_env({"CORS_PATHS": "[]"}), [("CORS_PATHS", "not-a-mapping")], id="a list of paths"
        ),
    ],
)
def test_what_is_wrong_says_where_it_stands(load: Callable[[], object], found: list[tuple[str, str]]) -> None:
    assert problems(load) == found
