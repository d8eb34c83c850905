"""`corecors migrate`: reads what is data, runs nothing, and prints Python that ends in a policy."""

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from corecors import CORSRequest, OriginPolicies, PathPolicies, Policy
from corecors.cli.entry import commands
from corecors.cli.old_configuration import MAX_LENGTH
from corecors.cli.translation import DIFFERENCES, LIBRARIES, translated

APP = "https://app.example.com"
DJANGO_HEADERS = "accept authorization content-type user-agent x-csrftoken x-requested-with".split()
MIGRATING = (Path(__file__).parents[2] / "docs" / "migrating.md").read_text(encoding="utf-8")


def migrated(library: str, text: str, exit_code: int = 0) -> tuple[Any, str]:
    """The policy that the printed program ends in, and the program."""
    result = CliRunner().invoke(commands, ["migrate", "--from", library], input=text)
    assert result.exit_code == exit_code, result.output
    namespace: dict[str, Any] = {}
    exec(compile(result.stdout, "migrated", "exec"), namespace)
    return namespace["policy"], result.stdout


@pytest.mark.parametrize(
    ("library", "text", "policy"),
    [
        pytest.param(
            "asgi-cors", f"{{'hosts': ['{APP}']}}", Policy(allow_origins=[APP], allow_methods=[]), id="a dict"
        ),
        pytest.param(
            "asgi-cors",
            f"app = asgi_cors(app, hosts=['{APP}'], methods=['PUT'])",
            Policy(allow_origins=[APP], allow_methods=["PUT"]),
            id="a call",
        ),
        pytest.param(
            "flask-cors",
            f'app.config["CORS_ORIGINS"] = "{APP}"\napp.config["CORS_METHODS"] = ["put"]\n'
            'app.config["CORS_ALLOW_HEADERS"] = ["X-A"]\napp.config["CORS_MAX_AGE"] = timedelta(minutes=1)',
            Policy(allow_origins=[APP], allow_methods=["PUT"], allow_headers=["X-A"], max_age=60),
            id="settings of Flask",
        ),
        pytest.param(
            "django",
            '"""Settings."""\nimport os\nSECRET_KEY = os.environ["KEY"]\nINSTALLED_APPS = ["corsheaders"]\n'
            f"CORS_ALLOWED_ORIGINS = ['{APP}']\nCORS_ALLOW_METHODS = ('PUT',)\n"
            "CORS_ALLOW_HEADERS = list(default_headers) + ['x-token']\nCORS_PREFLIGHT_MAX_AGE = 0",
            Policy(
                allow_origins=[APP],
                allow_methods=["PUT"],
                allow_headers=[*DJANGO_HEADERS, "x-token"],
            ),
            id="settings of Django",
        ),
        pytest.param(
            "quart-cors",
            "cors(app, allow_origin=[re.compile(r'https://[a-z]+\\.example\\.com$')], allow_methods=['PUT'], "
            "allow_headers='X-A')",
            Policy(
                allow_origin_regexes=[r"https://[a-z]+\.example\.com$"], allow_methods=["PUT"], allow_headers=["X-A"]
            ),
            id="a compiled regular expression",
        ),
        pytest.param(
            "aiohttp-cors",
            f"aiohttp_cors.setup(app, defaults={{'{APP}': aiohttp_cors.ResourceOptions(allow_methods='*')}})",
            Policy(allow_origins=[APP], allow_methods=["*"]),
            id="options of aiohttp-cors",
        ),
    ],
)
def test_what_is_data_is_read(library: str, text: str, policy: Policy) -> None:
    found, _ = migrated(library, text)
    assert found == policy


def test_paths_become_prefixes_and_options_by_origin_become_tiers() -> None:
    options = str({"origins": APP, "methods": ["GET", "HEAD", "POST"], "allow_headers": []})
    paths, text = migrated("flask-cors", f"CORS(app, resources={{r'/api/*': {options}}})")
    assert isinstance(paths, PathPolicies)
    assert paths.for_path("/api/users") == Policy(allow_origins=[APP])
    assert paths.for_path("/apiary") is None
    assert DIFFERENCES["path-prefix"].split(",")[0] in text

    given = f"{{'*': {{'allow_methods': '*'}}, '{APP}': {{'allow_credentials': True, 'allow_methods': '*'}}}}"
    tiers, _ = migrated("aiohttp-cors", given)
    assert isinstance(tiers, OriginPolicies)
    origins = {APP: True, "https://other.example": False}
    for origin, credentials in origins.items():
        request = CORSRequest("GET", "/", False, "https", "api.test", origin)
        assert tiers.policy_for(request).allow_credentials is credentials


@pytest.mark.parametrize(
    ("library", "text", "said"),
    [
        pytest.param("flask-cors", "CORS(app, resources={'/a/*': {}, '/b/*': {}})", "2 paths", id="several paths"),
        pytest.param("flask-cors", "CORS(app, resources='/api/users')", "not a prefix", id="one path of Flask"),
        pytest.param("flask-cors", "CORS(app, resources='/api/')", "not a prefix", id="one path with a slash"),
        pytest.param("django", "CORS_URLS_REGEX = r'^/(api|rest)/.*$'", "not a prefix", id="paths by alternatives"),
        pytest.param("wsgicors", "{'policy': 'a,b', 'a_origin': '*'}", "several policies", id="several policies"),
        pytest.param("wsgicors", "{'methods': 'GET PUT'}", "every preflight fails", id="what never worked"),
        pytest.param(
            "quart-cors", "{'allow_credentials': True}", "itself fails where any origin", id="what always failed"
        ),
        pytest.param("starlette", "{'allow_orgins': ['*']}", "no option 'allow_orgins'", id="a name misspelt"),
        pytest.param("starlette", "{'allow_origins': origins}", "is not data; write its value", id="a variable"),
        pytest.param("starlette", "CORSMiddleware(**options)", "hides the options", id="hidden options"),
        pytest.param("starlette", "for x in y: pass", "give the call alone", id="a program"),
        pytest.param("starlette", "{'allow_origins': [", "line 1", id="half of it"),
        pytest.param("starlette", "", "neither a dict nor", id="nothing"),
        pytest.param("starlette", "[1]", "is not data", id="a list"),
        pytest.param("starlette", "a.b = 1", "is not a name", id="an attribute"),
        pytest.param("starlette", "{'max_age': " + "(" * 3000 + "1" + ")" * 3000 + "}", "", id="deep parentheses"),
        pytest.param("starlette", "{'max_age': " + "-" * 30000 + "1}", "", id="a deep tree"),
        pytest.param("starlette", "{'x': 1}" + " " * MAX_LENGTH, "longer than one can be", id="too long"),
        pytest.param("starlette", "{'x\0': 1}", "", id="a null byte"),
        pytest.param("flask-cors", "CORS(app, origins=re.compile('('))", "not a regular expression", id="no regex"),
        pytest.param(
            "flask-cors", f"CORS(app, origins=re.compile('a{{{'9' * 30}}}'))", "not a regular", id="a regex too large"
        ),
        pytest.param("flask-cors", "CORS(app, max_age=timedelta(days=1e300))", "is not data", id="a time too long"),
        pytest.param(
            "aiohttp-cors",
            "{'*': {'allow_methods': '*'}, 'http://a.test': {'allow_credentials': True}}",
            "would be governed by *",
            id="an origin that would fall to the rest",
        ),
        pytest.param("aiohttp-cors", "{'*': 1}", "write the defaults", id="options that are none"),
        pytest.param("aiohttp-cors", "{'defaults': {'*': {'defaults': {}}}}", "defaults within", id="nested defaults"),
    ],
)
def test_what_cannot_be_translated_is_an_error(library: str, text: str, said: str) -> None:
    result = CliRunner().invoke(commands, ["migrate", "--from", library], input=text)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert said in result.stderr
    assert "docs/migrating.md" in result.stderr
    assert "mistake in corecors" not in result.stderr


def test_the_configuration_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.py"
    file.write_text(f'CORS_ALLOWED_ORIGINS = ["{APP}"]\n', encoding="utf-8")
    result = CliRunner().invoke(commands, ["migrate", "--from", "django", str(file)])
    assert result.exit_code == 0
    assert f'allow_origins=["{APP}"]' in result.stdout


def test_nothing_of_it_is_run(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    text = f"CORS(app, origins=[open({str(touched)!r}, 'w').name])"
    assert CliRunner().invoke(commands, ["migrate", "--from", "flask-cors"], input=text).exit_code == 2
    assert not touched.exists()


@pytest.mark.parametrize(
    ("library", "text"),
    [
        ("flask-cors", "{'origins': ['https://a.test\\nimport os']}"),
        ("flask-cors", "{'origins': [r'https://a\\.test|\"\"\"\\nraise SystemExit']}"),
        ("flask-cors", "{'origins': ['https://x*\\r\\nraise SystemExit']}"),
        ("starlette", "{'allow_headers': ['X-A\\u2028raise SystemExit', '\\x1b[31m']}"),
        ("wsgicors", "{'origin': 'https://*.b\\x0craise SystemExit'}"),
        ("asgi-cors", "{'host_wildcards': ['https://*\\n#', \"https://'+str()+'*.a.test\"]}"),
        ("django", "{'CORS_ALLOWED_ORIGIN_REGEXES': ['a\\\\', 'https://a\"b']}"),
    ],
)
def test_what_is_printed_is_a_policy_whatever_was_read(library: str, text: str) -> None:
    result = CliRunner().invoke(commands, ["migrate", "--from", library], input=text)
    assert result.exit_code in (0, 1), result.output
    lines = result.stdout.splitlines()
    code = [line for line in lines if line and not line.startswith("#")]
    assert code[0].startswith("from corecors import ")
    assert code[1].startswith("policy = ")
    assert all(line.isprintable() for line in lines)
    namespace: dict[str, Any] = {}
    exec(compile(result.stdout, "migrated", "exec"), namespace)
    assert isinstance(namespace["policy"], Policy)


def test_what_is_left_out_is_named_and_has_an_exit_code_of_its_own() -> None:
    policy, text = migrated("starlette", f"{{'allow_origins': ['{APP}', '{APP}/', 'null']}}", 1)
    assert policy.allow_origins == (APP,)
    assert f"allow_origins: '{APP}/' is left out: has a trailing slash" in text
    assert "allow_origins: 'null' is left out" in text
    assert not re.search("dangerously", text.replace("(only dangerously_allow_null_origin allows `null`)", ""))


# The page


def test_the_page_shows_what_the_command_prints() -> None:
    examples = re.findall(
        r"<!-- example: migrate --from ([\w-]+) -->\n```py\n(.*?)```\n\nit makes\n\n<!-- output -->\n```py\n(.*?)```",
        MIGRATING,
        re.DOTALL,
    )
    assert len(examples) == 1
    for library, text, shown in examples:
        assert CliRunner().invoke(commands, ["migrate", "--from", library], input=text).stdout == shown


def test_the_page_names_every_difference() -> None:
    section = MIGRATING.split("## One command", 1)[1].split("\n## ", 1)[0]
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", section, re.MULTILINE))
    assert rows == DIFFERENCES


def test_the_command_knows_the_libraries_that_the_page_says() -> None:
    said = MIGRATING.split("## One command", 1)[1].split("\n## ", 1)[0]
    assert len(LIBRARIES) == 7
    assert [name for name in LIBRARIES if name.lower() not in said.lower()] == []


def test_what_has_to_be_left_out_is_found_in_a_few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    monkeypatch.setattr("corecors.cli.translation.Policy", lambda **given: made.append(given) or Policy(**given))
    wrong = [f"https://{number}.example/" for number in range(200)]
    translation = translated("starlette", {"allow_origins": [*wrong, APP]})
    assert translation.tiers[0]["allow_origins"] == [APP]
    assert [each.value for each in translation.differences if each.code == "left-out"] == wrong
    assert len(made) < 10
