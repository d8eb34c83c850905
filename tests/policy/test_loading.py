"""Policies from data: mappings, TOML, environments. Strict, every problem at once, and there and back again."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corecors import Policy, PolicyError, policy_from_env, policy_from_mapping, policy_from_toml
from corecors._policy.loading import FUNCTIONS, LISTS, NUMBERS, source_from_toml
from corecors._policy.policy import FIELDS

WHOLE = {
    "allow_origins": ["https://app.example.com", "https://*.example.org", "http://localhost:*"],
    "allow_origin_regexes": [r"https://pr-[0-9]{1,4}\.preview\.example\.com"],
    "allow_methods": ["GET", "PUT"],
    "allow_headers": ["X-Request-ID"],
    "expose_headers": ["ETag", "X-Total"],
    "allow_credentials": True,
    "max_age": 600,
    "allow_timing": True,
}


def told(policy: Policy) -> dict[str, Any]:
    return {name: getattr(policy, name) for name in FIELDS}


def problems(load: Callable[[], Policy]) -> list[tuple[str, str, object]]:
    with pytest.raises(PolicyError) as caught:
        load()
    return [(problem.field, problem.message, problem.fix) for problem in caught.value.problems]


# Mappings


def test_a_mapping_has_the_arguments_by_name() -> None:
    assert told(policy_from_mapping(WHOLE)) == told(Policy(**WHOLE))


def test_an_empty_mapping_is_the_policy_that_allows_nobody() -> None:
    assert told(policy_from_mapping({})) == told(Policy())


@pytest.mark.parametrize(
    ("name", "value", "said", "fix"),
    [
        pytest.param("allow_credential", True, "no policy has", {"allow_credentials": True}, id="a letter short"),
        pytest.param("allow_orgins", ["*"], "no policy has", {"allow_origins": ["*"]}, id="letters left out"),
        pytest.param("allowOrigins", ["*"], "no policy has", {"allow_origins": ["*"]}, id="camel case"),
        pytest.param("allow-origins", ["*"], "no policy has", {"allow_origins": ["*"]}, id="hyphens"),
        pytest.param("ALLOW_ORIGINS", ["*"], "no policy has", {"allow_origins": ["*"]}, id="upper case"),
        pytest.param("maxage", 60, "a name of wsgicors", {"max_age": 60}, id="no underscore"),
        pytest.param("allow_orgins", 5, "the nearest is allow_origins", None, id="a value that would not do either"),
        pytest.param("zzz", [], "no policy has", None, id="nothing near"),
        pytest.param("z" * 10_000, [], "no policy has", None, id="longer than any name"),
        pytest.param(7, [], "no policy has", None, id="not text"),
        pytest.param("insecure_origins", True, "no policy has", None, id="near to nothing but a dangerous name"),
        pytest.param("allow_null_origin", True, "has a longer name", None, id="a dangerous name without its prefix"),
        pytest.param("dangerously_allow_null", True, "no policy has", None, id="a dangerous name cut off"),
    ],
)
def test_an_unknown_name_is_an_error_that_says_what_to_write(name: Any, value: object, said: str, fix: object) -> None:
    ((field, message, found),) = problems(lambda: policy_from_mapping({name: value}))
    assert field == (name if isinstance(name, str) else "a name of type int")
    assert said in message
    assert "dangerously" not in message
    assert found == fix
    if fix is not None:
        policy_from_mapping(fix)


def test_unknown_names_and_wrong_values_are_reported_together() -> None:
    found = problems(lambda: policy_from_mapping({"origins": "*", "max_age": -1, "allow_origins": ["https://a.test/"]}))
    assert [field for field, _, _ in found] == ["origins", "allow_origins", "max_age"]


@pytest.mark.parametrize("given", [pytest.param([("max_age", 1)], id="a list of pairs"), pytest.param(None, id="None")])
def test_what_is_no_mapping_is_refused(given: Any) -> None:
    ((field, wrong, _),) = problems(lambda: policy_from_mapping(given))
    assert field == "mapping"
    assert wrong.endswith(", which has no names")


def test_a_mapping_may_hold_a_function() -> None:
    policy = policy_from_mapping({"allow_origin_predicate": lambda origin: origin == "https://a.test"})
    assert policy.allows_origin("https://a.test")
    assert not policy.allows_origin("https://b.test")


# TOML

DOCUMENT = """
[cors]
allow_origins = ["https://app.example.com", "https://*.example.org", "http://localhost:*"]
allow_origin_regexes = ['https://pr-[0-9]{1,4}\\.preview\\.example\\.com']
allow_methods = ["GET", "PUT"]
allow_headers = ["X-Request-ID"]
expose_headers = ["ETag", "X-Total"]
allow_credentials = true
max_age = 600
allow_timing = true

[tool.shop.cors]
allow_origins = ["https://shop.example.com"]
"""


def test_toml_has_the_arguments_in_a_table() -> None:
    assert told(policy_from_toml(DOCUMENT)) == told(Policy(**WHOLE))


def test_the_table_may_be_another_and_lie_in_others() -> None:
    assert policy_from_toml(DOCUMENT, table="tool.shop.cors").allow_origins == ("https://shop.example.com",)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('[cors]\nallow_origins = ["https://a.test"]', id="the table cors"),
        pytest.param('[tool.corecors]\nallow_origins = ["https://a.test"]', id="the table tool.corecors"),
        pytest.param('[project]\nname = "x"\n[tool.corecors]\nallow_origins = ["https://a.test"]', id="pyproject.toml"),
        pytest.param('allow_origins = ["https://a.test"]', id="a document of its own"),
        pytest.param('debug = true\n[cors]\nallow_origins = ["https://a.test"]', id="beside other settings"),
        pytest.param('\ufeffallow_origins = ["https://a.test"]', id="after a byte-order mark"),
    ],
)
def test_a_document_may_be_the_policy_or_have_a_table_for_it(text: str) -> None:
    policy = policy_from_toml(text)
    assert (policy.allow_origins, policy.debug) == (("https://a.test",), False)
    assert source_from_toml(text) == policy


@pytest.mark.parametrize(
    ("text", "table", "message"),
    [
        pytest.param("[[", "cors", "is not valid TOML: ", id="not TOML at all"),
        pytest.param("cors.toml", "cors", "is the name of a file where the text of a document", id="a file's name"),
        pytest.param("", "cors", "none is [cors] or [tool.corecors]", id="an empty document, as one cut off"),
        pytest.param("[cros]\n", "cors", "none is [cors] or [tool.corecors]", id="a table whose name is misspelt"),
        pytest.param("[tool.shop]\n", "tool.shop.cors", "none is [tool.shop.cors]", id="half the way"),
        pytest.param("tool = 1\n", "tool.cors", "none is [tool.cors]", id="a number on the way"),
        pytest.param(
            "max_age = 1\n", "shop", "none is [shop]", id="a document of its own, and another table asked for"
        ),
        pytest.param("cors = 1\n", "cors", "is of type int where a table belongs", id="a number in its place"),
        pytest.param("[[cors]]\n", "cors", "is of type list where a table belongs", id="a list of tables"),
    ],
)
def test_toml_without_the_table_is_an_error(text: str, table: str, message: str) -> None:
    for load in (policy_from_toml, source_from_toml):
        ((field, found, fix),) = problems(lambda load=load: load(text, table))  # type: ignore[misc]
        assert field == table
        assert message in found
        assert fix is None


def test_what_stands_outside_of_the_table_is_not_lost_in_silence() -> None:
    text = 'allow_origins = ["https://a.test"]\n[cors]\nmax_age = 1\n["/api/"]\nmax_age = 2'
    assert [field for field, _, _ in problems(lambda: policy_from_toml(text))] == ["allow_origins", "/api/"]


def test_problems_in_toml_are_those_of_the_mapping() -> None:
    text = '[cors]\norigins = ["*"]\nmax_age = "600"\nallow_credentials = "true"\n'
    assert [field for field, _, _ in problems(lambda: policy_from_toml(text))] == [
        "origins",
        "allow_credentials",
        "max_age",
    ]


# Environments


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        pytest.param("CORS_ALLOW_ORIGINS", "https://a.test", ("https://a.test",), id="one entry"),
        pytest.param(
            "CORS_ALLOW_ORIGINS", "https://a.test, https://b.test", ("https://a.test", "https://b.test"), id="commas"
        ),
        pytest.param(
            "CORS_ALLOW_ORIGINS",
            ' ["https://a.test", "https://b.test"]\n',
            ("https://a.test", "https://b.test"),
            id="JSON",
        ),
        pytest.param("CORS_ALLOW_ORIGINS", "*", ("*",), id="any origin"),
        pytest.param("CORS_ALLOW_ORIGINS", "", (), id="an empty list"),
        pytest.param("CORS_ALLOW_ORIGINS", [], (), id="an empty list in JSON"),
        pytest.param("CORS_ALLOW_METHODS", "GET,PUT", ("GET", "PUT"), id="methods"),
        pytest.param("CORS_ALLOW_HEADERS", "X-A,X-B", ("X-A", "X-B"), id="header names"),
        pytest.param("CORS_EXPOSE_HEADERS", "ETag", ("ETag",), id="exposed names"),
        pytest.param(
            "CORS_ALLOW_ORIGIN_REGEXES", r"https://[a-z]+\.a\.test", (r"https://[a-z]+\.a\.test",), id="one regex"
        ),
        pytest.param(
            "CORS_ALLOW_ORIGIN_REGEXES",
            json.dumps([r"https://[a-z]{1,9}\.a\.test"]),
            (r"https://[a-z]{1,9}\.a\.test",),
            id="a regex with a comma, in JSON",
        ),
        pytest.param("CORS_MAX_AGE", "600", 600, id="a number"),
        pytest.param("CORS_MAX_AGE", " 0 ", 0, id="a number with blanks"),
        pytest.param("CORS_ALLOW_CREDENTIALS", "true", True, id="true"),
        pytest.param("CORS_ALLOW_CREDENTIALS", "True", True, id="True"),
        pytest.param("CORS_ALLOW_CREDENTIALS", "1", True, id="1"),
        pytest.param("CORS_ALLOW_CREDENTIALS", "false", False, id="false"),
        pytest.param("CORS_ALLOW_CREDENTIALS", "0", False, id="0"),
        pytest.param("CORS_ALLOW_TIMING", "TRUE", True, id="another flag"),
    ],
)
def test_a_variable_is_an_argument_in_text(variable: str, text: str, value: object) -> None:
    policy = policy_from_env({variable: text, "PATH": "/bin", "CORSAIR": "no setting"})
    assert getattr(policy, variable.removeprefix("CORS_").lower()) == value


@pytest.mark.parametrize(
    ("variable", "text", "wrong", "fix"),
    [
        pytest.param("CORS_ALLOW_CREDENTIALS", "yes", "is neither true nor false", "true", id="yes"),
        pytest.param("CORS_ALLOW_CREDENTIALS", "off", "is neither true nor false", "false", id="off"),
        pytest.param("CORS_ALLOW_CREDENTIALS", "", "is neither true nor false", None, id="an empty flag"),
        pytest.param("CORS_ALLOW_CREDENTIALS", "2", "is neither true nor false", None, id="a number for a flag"),
        pytest.param(
            "CORS_ALLOW_ORIGINS",
            "https://a.example;https://a.example",
            "an entry of its own, with commas between them",
            None,
            id="semicolons",
        ),
        pytest.param(
            "CORS_ALLOW_ORIGINS",
            "https://a.example https://a.example",
            "an entry of its own, with commas between them",
            None,
            id="spaces",
        ),
        pytest.param("CORS_MAX_AGE", "10m", "is not a whole number of seconds", None, id="a unit"),
        pytest.param("CORS_MAX_AGE", "", "is not a whole number", None, id="an empty number"),
        pytest.param("CORS_MAX_AGE", "1e3", "is not a whole number", None, id="an exponent"),
        pytest.param("CORS_MAX_AGE", "٦٠", "is not a whole number", None, id="digits of another script"),
        pytest.param("CORS_MAX_AGE", "9" * 5000, "is not a whole number", None, id="endless digits"),
        pytest.param("CORS_MAX_AGE", "-5", "is outside 0..86400 seconds", 0, id="a negative number"),
        pytest.param("CORS_ALLOW_ORIGINS", "['https://a.test']", "begins like a JSON list", None, id="single quotes"),
        pytest.param(
            "CORS_ALLOW_ORIGIN_REGEXES",
            r'["https://\d\.a\.test"]',
            "is not valid JSON; double each backslash",
            r'["https://\\d\\.a\\.test"]',
            id="single backslashes",
        ),
        pytest.param(
            "CORS_ALLOW_ORIGIN_REGEXES", r'["https://\d]', "in double quotes", None, id="single backslashes, and no end"
        ),
        pytest.param(
            "CORS_ALLOW_ORIGIN_REGEXES",
            r"https://a\.test, https?://b\.test",
            "only a JSON list is certain",
            json.dumps([r"https://a\.test", r"https?://b\.test"]),
            id="regexes with commas between them",
        ),
        pytest.param(
            "CORS_ALLOW_ORIGIN_REGEXES",
            r"https://(a,https://b)\.test",
            "only a JSON list is certain",
            json.dumps([r"https://(a,https://b)\.test"]),
            id="a comma within brackets",
        ),
        pytest.param("CORS_ALLOW_ORIGINS", '["https://a.test"', "begins like a JSON list", None, id="half a list"),
        pytest.param("CORS_ALLOW_ORIGINS", "[" * 100_000, "begins like a JSON list", None, id="lists without end"),
        pytest.param("CORS_ALLOW_ORIGINS", "[1]", "is not a string but of type int", None, id="a number in the list"),
        pytest.param("CORS_ALLOW_ORIGINS", "https://a.test,", "is empty", None, id="a comma at the end"),
        pytest.param(
            "CORS_ALLOW_ORIGINS", "https://a.test/", "has a trailing slash", "https://a.test", id="a trailing slash"
        ),
        pytest.param(
            "CORS_ALLOW_ORIGIN_REGEXES",
            r"https://[a-z]{1,9}\.a\.test",
            "has a comma, which may be part of a regular expression",
            json.dumps([r"https://[a-z]{1,9}\.a\.test"]),
            id="a regex with a comma",
        ),
        pytest.param(
            "CORS_ALLOW_ORIGIN_PREDICATE", "tenants.known", "is text where a function belongs", None, id="a function"
        ),
        pytest.param("CORS_ORIGINS", "*", "a name of flask-cors", {"CORS_ALLOW_ORIGINS": "*"}, id="flask-cors' name"),
        pytest.param("CORS_allow_origins", "*", "is set under a name", {"CORS_ALLOW_ORIGINS": "*"}, id="lower case"),
        pytest.param("CORS_", "", "is set under a name", None, id="nothing but the prefix"),
    ],
)
def test_a_variable_that_says_nothing_certain_is_an_error(
    variable: str, text: str, wrong: str, fix: str | None
) -> None:
    ((field, found, found_mend),) = problems(lambda: policy_from_env({variable: text}))
    assert field == variable
    assert wrong in found
    assert found_mend == fix


def test_every_problem_of_an_environment_is_reported_under_its_variable() -> None:
    environ = {"CORS_ORIGINS": "*", "CORS_MAX_AGE": "soon", "CORS_ALLOW_METHODS": "get", "CORS_ALLOW_TIMING": "maybe"}
    fields = [field for field, _, _ in problems(lambda: policy_from_env(environ))]
    assert sorted(fields) == sorted(environ)


def test_the_prefix_may_be_another() -> None:
    environ = {"SHOP_CORS_ALLOW_ORIGINS": "https://a.test", "CORS_ALLOW_ORIGINS": "https://b.test"}
    assert policy_from_env(environ, prefix="SHOP_CORS_").allow_origins == ("https://a.test",)


def test_values_that_are_no_text_are_taken_as_they_are() -> None:
    """Of a framework's configuration."""
    settings = {
        "CORS_ALLOW_ORIGINS": ["https://a.test"],
        "CORS_ALLOW_CREDENTIALS": True,
        "CORS_ALLOW_ORIGIN_REGEXES": [re.compile(r"https://[a-z]+\.b\.test")],
        "CORS_ALLOW_ORIGIN_PREDICATE": lambda origin: origin == "https://c.test",
        "DEBUG": False,
    }
    policy = policy_from_env(settings)
    assert policy.allow_credentials
    for origin in ("https://a.test", "https://x.b.test", "https://c.test"):
        assert policy.allows_origin(origin)
    assert problems(lambda: policy_from_env({"CORS_MAX_AGE": 1.5}))[0][0] == "CORS_MAX_AGE"


def test_every_argument_is_a_list_a_number_a_function_or_a_flag() -> None:
    policy = Policy()
    flags = {name for name in FIELDS if isinstance(getattr(policy, name), bool)}
    assert flags | LISTS | NUMBERS | FUNCTIONS == set(FIELDS)
    assert {name for name in FIELDS if isinstance(getattr(policy, name), tuple)} == LISTS


# There and back again

labels = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
origins = st.one_of(
    st.builds("https://{}.{}".format, labels, labels),
    st.builds("https://*.{}.{}".format, labels, st.just("example")),
    st.builds("https://{}.test:{}".format, labels, st.integers(1024, 65535)),
)
names = st.from_regex(r"X-[A-Za-z0-9!#&_-]{1,8}", fullmatch=True)
mappings = st.fixed_dictionaries(
    {},
    optional={
        "allow_origins": st.lists(origins, max_size=4, unique=True),
        "allow_origin_regexes": st.lists(
            labels.map(r"https://{}[0-9]{{1,3}}\.example".format), max_size=2, unique=True
        ),
        "allow_methods": st.lists(st.sampled_from(["GET", "HEAD", "PUT", "PATCH", "X-Own"]), unique=True),
        "allow_headers": st.lists(names, max_size=3, unique_by=str.lower),
        "expose_headers": st.lists(names, max_size=3, unique_by=str.lower),
        "allow_credentials": st.booleans(),
        "max_age": st.one_of(st.none(), st.integers(0, 86_400)),
        "allow_timing": st.booleans(),
        "debug": st.booleans(),
        "dangerously_allow_insecure_origins": st.booleans(),
    },
)


def as_environment(mapping: Mapping[str, Any], as_list: Callable[[list[str]], str]) -> dict[str, str]:
    environ = {}
    for name, value in mapping.items():
        if isinstance(value, list):
            text = json.dumps(value) if name == "allow_origin_regexes" else as_list(value)
        else:
            text = str(value).lower()
        environ["CORS_" + name.upper()] = text
    return environ


def as_toml(mapping: Mapping[str, Any]) -> str:
    return "[cors]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in mapping.items())


@given(mappings)
def test_a_policy_comes_back_from_its_mapping(mapping: dict[str, Any]) -> None:
    policy = Policy(**mapping)
    data = policy.to_mapping()
    for again in (
        policy_from_mapping(data),
        policy_from_mapping(json.loads(json.dumps(data))),
        policy_from_toml(as_toml(data)),
        policy_from_env(as_environment(data, json.dumps)),
        policy_from_env(as_environment(data, ", ".join)),
    ):
        assert told(again) == told(policy)
        assert again.to_mapping() == data


def test_loading_costs_nothing_until_it_is_used() -> None:
    import subprocess
    import sys

    program = "import sys; before = set(sys.modules); import corecors; print(*set(sys.modules) - before)"
    loaded = subprocess.run([sys.executable, "-I", "-c", program], check=True, capture_output=True, text=True).stdout
    assert not {"tomllib", "json", "difflib"} & set(loaded.split())


def test_commas_are_told_of_only_where_several_origins_stand_in_one_text() -> None:
    for text, end in (
        ("https://a.test;https://b.test", "with commas between them"),
        ('[" https://a.test"]', "around it"),
    ):
        with pytest.raises(PolicyError) as caught:
            policy_from_env({"CORS_ALLOW_ORIGINS": text})
        assert caught.value.problems[0].message.endswith(end)


def test_paths_where_one_policy_is_read_are_told_who_reads_them() -> None:
    text = '[cors."/api"]\nallow_origins = ["*"]\n'
    with pytest.raises(PolicyError, match="is set under a path: source_from_mapping, source_from_toml"):
        policy_from_toml(text)
    assert source_from_toml(text).for_path("/api").allows_any_origin  # type: ignore[union-attr]
