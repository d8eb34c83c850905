"""docs/policy.md, held against the code: its tables name what there is, and its examples do what it says."""

import ast
import inspect
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from bottle import Bottle
from flask import Flask
from watched_requests import application, preflight, request

import corecors
from corecors import (
    UNDECIDED,
    CORSRequest,
    Door,
    OriginPolicies,
    PathPolicies,
    Policy,
    policy_from_env,
    policy_from_toml,
    source_from_env,
    source_from_toml,
)
from corecors._policy.loading import FUNCTIONS, LISTS, NUMBERS
from corecors._policy.policy import FLAGS
from corecors.adapters import aiohttp, asgi, starlette, wsgi

PAGE = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
APP = "https://app.example.com"
ANYONE = "https://anyone.test"


def table(heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, without their header."""
    section = PAGE.split(f"## {heading}\n", 1)[1]
    lines = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def defaults(heading: str) -> dict[str, Any]:
    return {name.strip("` "): ast.literal_eval(default.strip("`")) for name, default, _ in table(heading)}


def example(name: str) -> str:
    [text] = re.findall(rf"<!-- example: {re.escape(name)} -->\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    return text


def run(name: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "example"}
    exec(compile(example(name), name, "exec"), namespace)
    return namespace


def variables(name: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in example(name).splitlines())


# The tables


def test_the_arguments_are_a_policys_with_their_defaults_in_order() -> None:
    documented = defaults("Arguments")
    assert documented == Policy.__init__.__kwdefaults__
    assert list(documented) == list(Policy.__init__.__kwdefaults__)


def test_the_formats_are_those_that_are_read() -> None:
    named = {row[0]: set(re.findall(r"`(\w+)`", row[1])) for row in table("Formats")}
    assert named == {
        "list of text": LISTS - {"allow_origin_regexes"},
        "list of regexes": {"allow_origin_regexes"},
        "number": NUMBERS,
        "flag": set(FLAGS),
        "function": FUNCTIONS,
    }


HAS_NO_SIGNATURE = pytest.mark.skipif(corecors.__compiled__, reason="a compiled class shows no signature")
DOORS: list[Any] = [
    pytest.param(Door, id="Door", marks=HAS_NO_SIGNATURE),
    pytest.param(wsgi.CORSMiddleware, id="WSGI", marks=HAS_NO_SIGNATURE),
    pytest.param(asgi.CORSMiddleware, id="ASGI", marks=HAS_NO_SIGNATURE),
    pytest.param(starlette.CORS, id="Starlette"),
    pytest.param(aiohttp.setup_cors, id="aiohttp"),
]


@pytest.mark.parametrize("door", DOORS)
def test_the_options_are_those_of_every_door_with_their_defaults(door: Callable[..., Any]) -> None:
    parameters = inspect.signature(door).parameters.values()
    ours = {each.name: each.default for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY}
    for internal in ("ask", "asks_async"):  # how a framework's door makes its own `Door`
        ours.pop(internal, None)
    assert ours == defaults("Options of every door")


def test_flask_and_bottle_take_the_options_too() -> None:
    from corecors.adapters import bottle, flask

    options = defaults("Options of every door")
    flask.CORS(Flask("documented"), Policy(), **options)
    app = Bottle()
    app.install(bottle.CORSPlugin(Policy(), **options))
    assert [plugin.name for plugin in app.plugins if plugin.name == "cors"] == ["cors"]


# The formats


@pytest.mark.parametrize("text", ["true", "1", "True", "false", "0"])
def test_a_flag_in_a_variable(text: str) -> None:
    expected = text.lower() in ("true", "1")
    assert policy_from_env({"CORS_DEBUG": text}).debug is expected


@pytest.mark.parametrize("text", ["https://a.example, https://b.example", '["https://a.example", "https://b.example"]'])
def test_a_list_in_a_variable(text: str) -> None:
    assert policy_from_env({"CORS_ALLOW_ORIGINS": text}).allow_origins == ("https://a.example", "https://b.example")


@pytest.mark.parametrize("text", [r'["https://pr-\\d+\\.example\\.com"]', r"https://pr-\d+\.example\.com"])
def test_a_regex_in_a_variable(text: str) -> None:
    policy = policy_from_env({"CORS_ALLOW_ORIGIN_REGEXES": text})
    assert policy.allow_origin_regexes == (r"https://pr-\d+\.example\.com",)


# The examples


def test_the_policy() -> None:
    names = run("policy")
    policy = names["policy"]
    assert policy.max_age == timedelta(hours=1).total_seconds()
    for origin in (APP, "https://pr-7.preview.example.com", "http://localhost:5173"):
        assert policy.allows_origin(origin)
    assert names["stricter"].allow_methods == ("GET",)
    assert names["stricter"].allow_origins == policy.allow_origins


def test_toml_and_variables_say_the_same() -> None:
    policy = policy_from_toml(example("toml"))
    assert policy == policy_from_env(variables("env"))
    assert policy.allows_origin("https://pr-7-v2.example.com")
    assert (policy.max_age, policy.allow_credentials, policy.allow_methods) == (3600, True, ("GET", "PUT"))


def test_paths_in_toml_and_in_a_variable_say_the_same() -> None:
    for policies in (source_from_toml(example("paths-toml")), source_from_env(variables("paths-env"))):
        assert isinstance(policies, PathPolicies)
        assert policies.for_path("/api/users") == Policy(allow_origins=[APP], allow_credentials=True)
        assert policies.for_path("/public/x") == Policy(allow_origins=["*"])
        assert policies.for_path("/health") is None
        assert policies.for_path("/elsewhere") is None


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(lambda: run("tiers")["policies"], id="code"),
        pytest.param(lambda: source_from_toml(example("tiers-toml")), id="TOML"),
        pytest.param(lambda: source_from_env(variables("tiers-env")), id="a variable"),
    ],
)
def test_tiers_answer_each_origin_by_its_own_policy_and_vary_in_every_answer(read: Callable[[], Any]) -> None:
    policies = read()
    assert isinstance(policies, OriginPolicies)
    app = wsgi.CORSMiddleware(application, policies)
    own = request(app, HTTP_ORIGIN=APP)[1]
    assert (own["Access-Control-Allow-Origin"], own["Access-Control-Allow-Credentials"]) == (APP, "true")
    anyone = request(app, HTTP_ORIGIN=ANYONE)[1]
    assert anyone["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in anyone
    assert [request(app, **asked)[1]["Vary"] for asked in ({}, {"HTTP_ORIGIN": APP}, {"HTTP_ORIGIN": ANYONE})] == (
        ["Origin"] * 3
    )
    assert preflight(app, APP, "PUT")[0] == "204 No Content"
    assert preflight(app, ANYONE, "PUT")[0] == "403 Forbidden"


def test_a_source_chooses_by_the_host_and_lets_nobody_in_elsewhere() -> None:
    source = run("source")["ByHost"]()
    assert source.policy_for(CORSRequest("GET", host="nowhere.test")) is UNDECIDED
    app = wsgi.CORSMiddleware(application, source)
    shop = "https://shop.example.net"
    answer = request(app, HTTP_HOST="shop.example.com", HTTP_ORIGIN=shop)[1]
    assert answer["Access-Control-Allow-Origin"] == shop
    for host in ("blog.example.com", "nowhere.test"):
        assert "Access-Control-Allow-Origin" not in request(app, HTTP_HOST=host, HTTP_ORIGIN=shop)[1]


def test_get_head_and_post_pass_whatever_the_methods_are() -> None:
    policy = Policy(allow_origins=[APP], allow_methods=["GET"])
    assert all(policy.preflight(APP, method, None).allowed for method in ("GET", "HEAD", "POST"))
    assert not policy.preflight(APP, "PUT", None).allowed


def test_what_an_application_exposes_is_merged_for_an_allowed_origin() -> None:
    assert dict(run("merging")["merged"]) == {
        "Content-Type": "text/plain",
        "Access-Control-Allow-Origin": APP,
        "Access-Control-Expose-Headers": "X-Total",
        "Vary": "Accept, Origin",
    }


def test_every_example_is_run_here() -> None:
    marked = re.findall(r"<!-- example: (.*?) -->\n```", PAGE)
    assert len(marked) == PAGE.count("\n```") / 2
    source = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in marked if f'"{name}")' not in source] == []
