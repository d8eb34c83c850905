"""The table of other libraries' names: true of the installed libraries, and what errors and docs/migrating.md say."""

import inspect
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from applied_fixes import applied

from corecors import (
    Policy,
    PolicyError,
    Problem,
    foreign_call_error,
    policy_from_env,
    policy_from_mapping,
    policy_from_toml,
)
from corecors._policy import foreign_names as table
from corecors._policy.foreign_names import FOREIGN_NAMES, GUESSES, plain_name
from corecors._policy.policy import FIELDS

LIBRARIES = tuple(dict.fromkeys(each.library for each in FOREIGN_NAMES))
MIGRATING = Path(__file__, "../../../docs/migrating.md").resolve().read_text(encoding="utf-8")


def documented(value: object) -> str:
    """A default as the table writes it."""
    if isinstance(value, str):
        return f'r"{value}"' if "^" in value else f'"{value}"'
    if isinstance(value, (list, tuple)):
        words = [str(each) for each in value if each != ""]
        if len(words) > 1:
            return ", ".join(words)
        brackets = "[]" if isinstance(value, list) else "()"
        if not words:
            return brackets if not value else "none"
        return f'["{words[0]}"]' if isinstance(value, list) else f'("{words[0]}",)'
    return repr(value)


def parameters(function: Callable[..., Any], *without: str) -> dict[str, object]:
    """The named parameters of `function` and their defaults."""
    signature = inspect.signature(function).parameters
    return {name: each.default for name, each in signature.items() if name not in without}


def of_flask_cors() -> dict[str, object]:
    return dict(pytest.importorskip("flask_cors.core").DEFAULT_OPTIONS)


def of_quart_cors() -> dict[str, object]:
    quart_cors = pytest.importorskip("quart_cors")
    found = {name.removeprefix("QUART_CORS_").lower(): value for name, value in quart_cors.DEFAULTS.items()}
    given = parameters(quart_cors.route_cors)
    assert set(parameters(quart_cors.cors, "app_or_blueprint")) == set(found)
    return found | {name: value for name, value in given.items() if name not in found}


def of_django_cors_headers() -> dict[str, object]:
    conf = pytest.importorskip("corsheaders.conf")
    names = [name for name in vars(conf.Settings) if name.startswith("CORS_")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conf, "settings", SimpleNamespace())
        found = {name: getattr(conf.conf, name) for name in names}
    found = {name: list(value) if value == () else value for name, value in found.items()}
    return found | {"check_request_enabled": None}


def of_starlette() -> dict[str, object]:
    return parameters(pytest.importorskip("starlette.middleware.cors").CORSMiddleware, "app")


def of_aiohttp_cors() -> dict[str, object]:
    aiohttp_cors = pytest.importorskip("aiohttp_cors")
    return parameters(aiohttp_cors.setup, "app") | parameters(aiohttp_cors.ResourceOptions.__new__, "cls")


def of_sanic_extensions() -> dict[str, object]:
    found = parameters(pytest.importorskip("sanic_ext.config").Config.__init__)
    return {name.upper(): value for name, value in found.items() if name.startswith("cors")}


def of_wsgicors() -> dict[str, object]:
    source = inspect.getsource(pytest.importorskip("wsgicors"))
    return dict(re.findall(r'(?:cfg|kw)\.get\("(\w+)", "(\w*)"\)', source))


def of_asgi_cors() -> dict[str, object]:
    return parameters(pytest.importorskip("asgi_cors").asgi_cors, "app")


@pytest.mark.parametrize(
    ("library", "installed"),
    [
        pytest.param(table.FLASK, of_flask_cors, id="flask-cors"),
        pytest.param(table.QUART, of_quart_cors, id="quart-cors"),
        pytest.param(table.DJANGO, of_django_cors_headers, id="django-cors-headers"),
        pytest.param(table.STARLETTE, of_starlette, id="Starlette"),
        pytest.param(table.AIOHTTP, of_aiohttp_cors, id="aiohttp-cors"),
        pytest.param(table.SANIC, of_sanic_extensions, id="Sanic Extensions"),
        pytest.param(table.WSGICORS, of_wsgicors, id="wsgicors"),
        pytest.param(table.ASGI, of_asgi_cors, id="asgi-cors"),
    ],
)
def test_names_and_defaults_are_those_of_the_installed_library(
    library: str, installed: Callable[[], dict[str, object]]
) -> None:
    names = {each.name: each.default for each in FOREIGN_NAMES if each.library == library}
    if library == table.DJANGO:
        names["check_request_enabled"] = "None"  # a signal, which has no default
        assert hasattr(pytest.importorskip("corsheaders.signals"), "check_request_enabled")
    assert names == {name: documented(value) for name, value in installed().items()}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("CORS_ORIGIN_WHITELIST", "CORS_ALLOWED_ORIGINS"),
        ("CORS_ORIGIN_REGEX_WHITELIST", "CORS_ALLOWED_ORIGIN_REGEXES"),
        ("CORS_ORIGIN_ALLOW_ALL", "CORS_ALLOW_ALL_ORIGINS"),
    ],
)
def test_the_old_names_of_django_cors_headers_mean_the_new(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    conf = pytest.importorskip("corsheaders.conf")
    monkeypatch.setattr(conf, "settings", SimpleNamespace(**{old: ("x",)}))
    assert getattr(conf.conf, new) == ("x",)
    entries = {each.name: each for each in FOREIGN_NAMES}
    assert (entries[old].argument, entries[old].read) == (entries[new].argument, entries[new].read)


# What errors say


def problem_of(load: Callable[[], object]) -> Problem:
    with pytest.raises(PolicyError) as caught:
        load()
    (problem,) = caught.value.problems
    return problem


OWN = "https://app.example.com"
# The name, what is given there, and what to give here instead.
TRANSLATED = [
    pytest.param("origins", "*", {"allow_origins": ["*"]}, id="flask-cors: everyone"),
    pytest.param("origins", OWN, {"allow_origins": [OWN]}, id="flask-cors: one origin"),
    pytest.param("origins", [OWN, "https://b.test"], {"allow_origins": [OWN, "https://b.test"]}, id="flask-cors: two"),
    pytest.param("origins", [r"https://.*\.b\.test"], None, id="flask-cors: a regex among the origins"),
    pytest.param("methods", ["GET", "PUT"], {"allow_methods": ["GET", "PUT"]}, id="flask-cors: methods"),
    pytest.param("methods", "GET,PUT", {"allow_methods": ["GET", "PUT"]}, id="Express: methods"),
    pytest.param("supports_credentials", True, {"allow_credentials": True}, id="flask-cors: credentials"),
    pytest.param("supports_credentials", "yes", None, id="flask-cors: credentials in a word"),
    pytest.param("resources", {r"/api/*": {"origins": "*"}}, None, id="flask-cors: resources"),
    pytest.param("send_wildcard", True, {}, id="flask-cors: a wildcard as such"),
    pytest.param("vary_header", False, {}, id="flask-cors: no Vary"),
    pytest.param("automatic_options", True, {}, id="flask-cors: OPTIONS"),
    pytest.param("allow_origin", "*", {"allow_origins": ["*"]}, id="quart-cors: everyone"),
    pytest.param("send_origin_wildcard", False, {}, id="quart-cors: a wildcard as such"),
    pytest.param("CORS_ALLOWED_ORIGINS", [OWN], {"allow_origins": [OWN]}, id="Django: origins"),
    pytest.param(
        "CORS_ALLOWED_ORIGIN_REGEXES",
        [r"https://[a-z]+\.b\.test"],
        {"allow_origin_regexes": [r"https://[a-z]+\.b\.test"]},
        id="Django: regexes",
    ),
    pytest.param("CORS_ALLOW_ALL_ORIGINS", True, {"allow_origins": ["*"]}, id="Django: everyone"),
    pytest.param("CORS_ALLOW_ALL_ORIGINS", False, {}, id="Django: not everyone"),
    pytest.param("CORS_PREFLIGHT_MAX_AGE", 600, {"max_age": 600}, id="Django: seconds"),
    pytest.param("CORS_PREFLIGHT_MAX_AGE", 0, {}, id="Django: 0, for no header"),
    pytest.param("CORS_URLS_REGEX", r"^/api/.*$", None, id="Django: paths"),
    pytest.param("CORS_ORIGIN_WHITELIST", (OWN,), {"allow_origins": [OWN]}, id="Django, old: origins"),
    pytest.param("CORS_ORIGIN_ALLOW_ALL", True, {"allow_origins": ["*"]}, id="Django, old: everyone"),
    pytest.param("CORS_REPLACE_HTTPS_REFERER", True, {}, id="Django, old: Referer"),
    pytest.param(
        "allow_origin_regex",
        r"https://[a-z]+\.b\.test",
        {"allow_origin_regexes": [r"https://[a-z]+\.b\.test"]},
        id="Starlette: a regex",
    ),
    pytest.param("allow_origin_regex", None, {}, id="Starlette: no regex"),
    pytest.param("allow_private_network", True, {}, id="Starlette: private networks"),
    pytest.param("defaults", {"*": {}}, None, id="aiohttp-cors: defaults"),
    pytest.param("origin", OWN, {"allow_origins": [OWN]}, id="Express: an origin"),
    pytest.param("origin", True, None, id="Express: whoever asks"),
    pytest.param("origin", "copy", None, id="wsgicors: whoever asks"),
    pytest.param("origin", f"{OWN} https://*.b.test", {"allow_origins": [OWN, "https://*.b.test"]}, id="wsgicors"),
    pytest.param("allowedHeaders", ["X-A"], {"allow_headers": ["X-A"]}, id="Express: headers"),
    pytest.param("exposedHeaders", "X-A, X-B", {"expose_headers": ["X-A", "X-B"]}, id="Express: exposed"),
    pytest.param("credentials", True, {"allow_credentials": True}, id="Express: credentials"),
    pytest.param("credentials", "true", {"allow_credentials": True}, id="wsgicors: credentials"),
    pytest.param("maxAge", 600, {"max_age": 600}, id="Express: seconds"),
    pytest.param("maxage", "180", {"max_age": 180}, id="wsgicors: seconds"),
    pytest.param("optionsSuccessStatus", 200, {"preflight_status": 200}, id="Express: 200"),
    pytest.param("optionsSuccessStatus", 201, None, id="Express: another status"),
    pytest.param("preflightContinue", False, {}, id="Express: preflights"),
    pytest.param("allowed-origins", OWN, {"allow_origins": [OWN]}, id="Spring: origins"),
    pytest.param(
        "spring.graphql.cors.allowed-methods", "GET,PUT", {"allow_methods": ["GET", "PUT"]}, id="Spring: a key"
    ),
    pytest.param(
        "allowed-origin-patterns", "https://*.b.test", {"allow_origins": ["https://*.b.test"]}, id="Spring: *"
    ),
    pytest.param("allow_all", True, {"allow_origins": ["*"]}, id="asgi-cors: everyone"),
    pytest.param("hosts", [OWN], {"allow_origins": [OWN]}, id="asgi-cors: hosts"),
    pytest.param("host_wildcards", ["https://*.b.test"], {"allow_origins": ["https://*.b.test"]}, id="asgi-cors: *"),
    pytest.param("callback", bool, {"allow_origin_predicate": bool}, id="asgi-cors: a callback"),
    pytest.param("callback", "name", None, id="asgi-cors: a callback in text"),
    pytest.param("headers", ["X-A"], {"allow_headers": ["X-A"]}, id="asgi-cors: headers"),
    pytest.param("CORS_PREFLIGHT_MAX_AGE", timedelta(hours=1), {"max_age": 3600}, id="a time"),
]


@pytest.mark.parametrize(("name", "value", "fix"), TRANSLATED)
def test_a_name_of_another_library_is_told_with_what_to_write_here(name: str, value: Any, fix: object) -> None:
    for load in (lambda: Policy(**{name: value}), lambda: policy_from_mapping({name: value})):
        problem = problem_of(load)
        assert problem.field == name
        assert problem.fix == fix
        assert "dangerously" not in str(problem)
        if fix is not None:
            Policy(**applied({name: value}, [problem]))


def test_the_paths_of_flask_cors_are_told_where_they_belong() -> None:
    problem = problem_of(lambda: Policy(resources={r"/api/*": {"origins": "*"}}))
    assert problem.message == (
        'is set under a name of flask-cors; write a prefix for each policy: PathPolicies({"/api/": Policy(...)})'
    )


@pytest.mark.parametrize("entry", [*FOREIGN_NAMES, *GUESSES], ids=lambda each: f"{each.library}: {each.name}")
def test_an_instruction_says_what_to_write_or_to_leave_out(entry: table.ForeignName) -> None:
    assert re.match(r"leave it out\b|write (?!leave )", entry.instruction)


@pytest.mark.parametrize("entry", [*FOREIGN_NAMES, *GUESSES], ids=lambda each: f"{each.library}: {each.name}")
def test_every_name_of_the_table_says_whose_it_is_and_what_to_do(entry: table.ForeignName) -> None:
    assert entry.argument in {"", *FIELDS}
    assert (entry.argument != "") <= (entry.read is not None)
    if plain_name(entry.name) in FIELDS:
        return  # a policy's own; only its default differs
    problem = problem_of(lambda: policy_from_mapping({entry.name: object()}))
    assert problem.code == "foreign-name"
    assert entry.library in problem.message
    assert "dangerously" not in str(problem)
    assert str(problem).isascii()
    assert re.search(r"; write |; leave it out|: ", problem.message)


@pytest.mark.parametrize(
    ("variables", "instead"),
    [
        pytest.param({"CORS_ORIGINS": "*"}, {"CORS_ALLOW_ORIGINS": "*"}, id="flask-cors"),
        pytest.param({"CORS_ALLOW_ALL_ORIGINS": "True"}, {"CORS_ALLOW_ORIGINS": "*"}, id="everyone"),
        pytest.param({"CORS_ALLOW_ALL_ORIGINS": True}, {"CORS_ALLOW_ORIGINS": ["*"]}, id="a framework's settings"),
        pytest.param(
            {"CORS_ORIGIN_WHITELIST": f"{OWN} https://b.test"},
            {"CORS_ALLOW_ORIGINS": f"{OWN},https://b.test"},
            id="two origins",
        ),
        pytest.param(
            {"CORS_ALLOWED_ORIGIN_REGEXES": r"https://[a-z]{2,9}\.b\.test"},
            {"CORS_ALLOW_ORIGIN_REGEXES": r'["https://[a-z]{2,9}\\.b\\.test"]'},
            id="a regex with a comma",
        ),
        pytest.param({"CORS_SUPPORTS_CREDENTIALS": "True"}, {"CORS_ALLOW_CREDENTIALS": "true"}, id="credentials"),
        pytest.param({"CORS_PREFLIGHT_MAX_AGE": "600"}, {"CORS_MAX_AGE": "600"}, id="seconds"),
        pytest.param({"CORS_VARY_HEADER": "True"}, {}, id="nothing"),
        pytest.param({"CORS_ALLOW_ORIGIN": OWN}, {"CORS_ALLOW_ORIGINS": OWN}, id="a letter short"),
        pytest.param({"CORS_ALLOW_CREDENTIAL": "maybe"}, None, id="a value that would not do either"),
    ],
)
def test_a_variable_is_told_as_a_variable(variables: dict[str, Any], instead: dict[str, Any] | None) -> None:
    problem = problem_of(lambda: policy_from_env(variables))
    assert problem.fix == instead
    if instead is not None:
        policy_from_env(instead)
    else:
        assert "CORS_ALLOW_" in problem.message


def test_toml_is_told_as_a_mapping() -> None:
    problem = problem_of(lambda: policy_from_toml("[cors]\nsupports_credentials = true\n"))
    assert (problem.field, problem.fix) == ("supports_credentials", {"allow_credentials": True})


def test_what_is_offered_is_accepted_together_with_the_credentials_that_are_given() -> None:
    for name, value in [("origins", "*"), ("CORS_ALLOW_ALL_ORIGINS", True), ("allow_any_origin", True)]:
        (problem,) = (each for each in refused(allow_credentials=True, **{name: value}) if each.field == name)
        assert problem.fix is None
        assert "never with credentials" in problem.message or "allow_origins" in problem.message


def refused(**arguments: Any) -> tuple[Problem, ...]:
    with pytest.raises(PolicyError) as caught:
        Policy(**arguments)
    return caught.value.problems


def test_unknown_and_wrong_arguments_are_told_together() -> None:
    assert [each.field for each in refused(origins="*", max_age=-1)] == ["max_age", "origins"]


# What is called by mistake


def test_a_wrong_call_says_what_to_write_for_each_name_and_where_to_read_on() -> None:
    error = foreign_call_error("CORS", ["origins", "allow_headers", "vary_header", "zzz", "\x1b[31m"])
    assert isinstance(error, TypeError)
    assert str(error) == (
        "CORS takes a policy: write Policy(allow_origins=[...]). "
        "origins is a name of flask-cors and Sanic Extensions: "
        "write allow_origins; a regular expression belongs in allow_origin_regexes. "
        "allow_headers is an argument of Policy. "
        "vary_header is a name of flask-cors and Sanic Extensions: "
        "leave it out: `Vary` is always sent where the answer depends on the origin. ".replace("`", "")
        + "zzz is not an argument of CORS. "
        "\\x1b[31m is not an argument of CORS. "
        "See docs/migrating.md, or run corecors migrate."
    )


@pytest.mark.parametrize("entry", FOREIGN_NAMES, ids=lambda each: f"{each.library}: {each.name}")
def test_every_name_may_be_asked_about_in_a_wrong_call(entry: table.ForeignName) -> None:
    said = str(foreign_call_error("cross_origin", [entry.name]))
    assert f"{entry.name} is a" in said
    assert said.isascii()
    assert "dangerously" not in said


# The page


def table_lines(library: str) -> Iterator[str]:
    """The table of `library` in Markdown, a line each."""
    yield f"| {library} | its default | here |"
    yield "| --- | --- | --- |"
    for each in FOREIGN_NAMES:
        if each.library == library:
            is_value = each.default != "" and each.default[0] in "\"'([r0123456789TFN"
            yield f"| `{each.name}` | {f'`{each.default}`' if is_value else each.default} | {each.here} |"


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_page_has_the_table_as_it_is(library: str) -> None:
    lines = list(table_lines(library))
    assert len(lines) > 4
    assert "\n" + "\n".join(lines) + "\n\n" in MIGRATING + "\n"
