"""The mistakes that people make when they configure CORS, and an error for each that a newcomer can act on.

Most were reported to the trackers of other CORS libraries, some many times; the comment names one report of each.
"""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from applied_fixes import applied

from corecors import Policy, PolicyError


class Url:
    """A URL as an object, as validation libraries make them; as text it has a trailing slash."""

    def __str__(self) -> str:
        return "https://app.example.com/"


CREDENTIALS = {"allow_credentials": True}


def mistake(given: dict[str, Any], said: str, fix: object, *, id: str, field: str | None = None) -> Any:
    """What is given, what has to be said of it, what to write in its place, and the field where that is another."""
    return pytest.param(field or next(iter(given)), given, said, fix, id=id)


def origins(*entries: object) -> dict[str, Any]:
    return {"allow_origins": list(entries)}


APP = "https://app.example.com"
REGEX = re.compile(r"https://\d\.example\.com")
SHAPES = [
    # django-cors-headers #414, starlette users' EpicStaff PR 920: each character was taken for an origin
    mistake({"allow_origins": APP}, "one string where a list belongs", [APP], id="a bare string"),
    mistake({"allow_origins": (APP)}, "one string where a list belongs", [APP], id="a tuple without its comma"),
    # devlink #228
    mistake(
        {"allow_origins": "http://localhost:5173,http://localhost:3000"},
        "one string",
        ["http://localhost:5173", "http://localhost:3000"],
        id="a variable of the environment, with commas",
    ),
    # expressjs/cors #323
    mistake(
        {"allow_origins": '["http://localhost:5173"]'},
        "one string",
        ["http://localhost:5173"],
        id="a variable of the environment, in JSON",
    ),
    mistake({"allow_origins": "*"}, "one string", ["*"], id="a bare star"),
    mistake({"allow_origins": None}, "leave the argument out", None, id="a variable that is not set"),
    mistake(
        origins(None),
        "not a string but None: a variable that is not set?",
        None,
        id="a variable that is not set, in a list",
    ),
    mistake(origins(""), "is empty", None, id="an empty string, as ''.split(',') gives"),
    mistake(origins([APP]), "list within the list", (APP,), id="a list in a list"),
    mistake(origins((APP, "https://b.com")), "list within the list", (APP, "https://b.com"), id="a tuple of tuples"),
    mistake(origins(b"https://a.com"), "of type bytes", "https://a.com", id="bytes"),
    # minimal-fastapi-postgres-template #61, BirdXplorer #75
    mistake(origins(Url()), "not a string but of type Url", APP, id="an object for a URL"),
    mistake(origins(urlsplit(APP)), "list within the list", None, id="a URL that was taken apart"),
    mistake({"allow_origins": {APP: True}}, "mapping where a list belongs", None, id="a mapping"),
    mistake({"allow_origins": lambda origin: True}, "allow_origin_predicate", None, id="a function in place of a list"),
    mistake({"allow_origin_predicate": APP}, "function of one origin", None, id="an origin in place of a function"),
]
SPELLINGS = [
    # discourse #10996, metabase #75839, keycloak #25522, ktor #4163, apollographql/router #1471 and many more
    mistake(origins(APP + "/"), "trailing slash", APP, id="a trailing slash"),
    # meshmonitor #4500
    mistake(origins(APP + "/login"), "a path", APP, id="the address of a page"),
    mistake(origins(APP + "/*"), "a path", APP, id="a glob for all of its pages"),
    # django-cors-headers #403, lumen-cors #33
    mistake(origins("localhost:8090"), "no scheme", "http://localhost:8090", id="no scheme"),
    mistake(origins("app.example.com"), "no scheme", APP, id="a host name"),
    mistake(origins("//app.example.com"), "no scheme", None, id="a URL without its scheme"),
    mistake(origins("https//app.example.com"), '"://"', APP, id="https//"),
    mistake(origins("http:/localhost:3000"), '"://"', "http://localhost:3000", id="http:/"),
    mistake(origins("https://App.Example.com"), "upper case", APP, id="a host as it is pronounced"),
    mistake(origins("HTTPS://app.example.com"), "upper case", APP, id="a scheme in upper case"),
    # wakanda-issues #42, tokentelemetry #328
    mistake(origins("http://127.0.0.1:80"), "browsers leave out", "http://127.0.0.1", id="the default port"),
    mistake(origins("https://app.example.com:"), "no port", APP, id="a colon too many"),
    mistake(origins("http://localhost:3000-3010"), "not a number", None, id="a range of ports"),
    mistake(origins(" https://app.example.com"), "white space", APP, id="a split that did not strip"),
    mistake(origins("http://localhost:1 http://localhost:2"), "an entry of its own", None, id="two in one string"),
    mistake(origins("http://localhost:1,http://localhost:2"), "list", None, id="a list that nobody split"),
    mistake(origins("https://a.comhttps://b.com"), "without a comma", None, id="a comma forgotten"),
    # Flowise #2157, ollama #3365
    mistake(origins('"*"'), "quotation marks", "*", id="a star in the quotation marks of a .env file"),
    mistake(origins(f'"{APP}"'), "quotation marks", APP, id="quotation marks of a .env file"),
    mistake(origins("\u201chttps://app.example.com\u201d"), "quotation marks", APP, id="those of a text editor"),
    mistake(origins("https://app.example.com\u200b"), "invisible", APP, id="what a web page had copied"),
    mistake(origins("https://${DOMAIN}"), "placeholder", None, id="a variable that nobody put in"),
    mistake(origins("https://<your-domain>"), "placeholder", None, id="a manual taken at its word"),
    mistake(origins("https://m\u00fcnchen.de"), "Punycode", "https://xn--mnchen-3ya.de", id="a Unicode host"),
    mistake(origins("null"), "identifies nobody", None, id="null as an entry"),
    # ionic #12607, cordova-plugin-wkwebview-engine #3
    mistake(origins("file://"), "browsers send `null`", None, id="file://"),
    mistake(origins("self"), "leave it out", None, id="the site itself"),
    mistake(origins("all"), "*", None, id="a word for everybody"),
]
WILDCARDS = [
    # flask-cors #206, lumen-cors #33
    mistake(origins("*.example.com"), "no scheme", "https://*.example.com", id="a wildcard without a scheme"),
    mistake(origins(".example.com"), "no scheme", "https://*.example.com", id="a leading dot, as Django's hosts have"),
    mistake(origins("https://*example.com"), "register", "https://*.example.com", id="a wildcard without its dot"),
    # flask-cors #209
    mistake(origins("https://api.*.example.com"), "leftmost label", None, id="a wildcard in the middle"),
    mistake(origins("https://*"), "every host", None, id="any host over https"),
    mistake(origins("http*://a.com"), "scheme", None, id="either scheme"),
    mistake(origins("*", APP), "write it alone", ["*"], id="everybody, and somebody besides"),
    # flask-cors #240 #54, expressjs/cors #264
    mistake(origins(r"https://.*\.example\.com"), "allow_origin_regexes", None, id="a regex among the origins"),
    mistake(origins("/example\\.com$/"), "allow_origin_regexes", None, id="a regex of JavaScript"),
    mistake(origins("https?://example.com"), "allow_origin_regexes", None, id="s or no s"),
    mistake({"allow_origin_regexes": ["https://*.example.com"]}, "allow_origins", None, id="a wildcard as a regex"),
    mistake({"allow_origin_regexes": ["*"]}, "allow_origins", None, id="a star as a regex"),
    mistake({"allow_origin_regexes": r"https://a\.com"}, "one string", ["https://a\\.com"], id="a bare regex"),
    mistake({"allow_origin_regexes": ["https://a.com"]}, "a dot", r"https://a\.com", id="a dot that is no dot"),
    mistake({"allow_origin_regexes": [r"a\.com"]}, "whole", r"https://a\.com", id="a regex for the host alone"),
    mistake({"allow_origins": [REGEX]}, "is a regular", None, id="a compiled regex among the origins"),
    mistake({"allow_origin_regexes": REGEX}, "is one regular", [REGEX], id="a bare compiled regex"),
    mistake({"allow_origin_regexes": ["https://("]}, "not a regular expression", None, id="half a regex"),
    mistake(
        {"allow_origin_regexes": [re.compile(rb"https://a\.com")]}, "bytes", r"https://a\.com", id="a regex over bytes"
    ),
]
OTHERS = [
    # flask-cors #202, fastapi #1663
    mistake(origins("*") | CREDENTIALS, "any site", None, id="everybody, with credentials"),
    mistake(
        origins("http://a.com") | CREDENTIALS,
        "plain http",
        None,
        id="plain http with credentials",
    ),
    # What would be refused next is not offered
    mistake(origins("http://a.com/") | CREDENTIALS, "trailing slash", None, id="a trailing slash on plain http"),
    mistake(origins('"*"') | CREDENTIALS, "quotation marks", None, id="a quoted star, with credentials"),
    mistake({"allow_origins": "*"} | CREDENTIALS, "one string", None, id="a bare star, with credentials"),
    mistake(
        {"allow_origins": "http://a.com"} | CREDENTIALS, "one string", None, id="bare plain http, with credentials"
    ),
    mistake({"expose_headers": "*"} | CREDENTIALS, "one string", None, id="a bare star exposed, with credentials"),
    mistake({"dangerously_allow_null_origin": True} | CREDENTIALS, "sandboxed", None, id="null with credentials"),
    mistake({"allow_credentials": "false"}, "True or False", False, id="false in text, which is true"),
    mistake({"allow_credentials": 1}, "True or False", True, id="1 for yes"),
    # flask-cors #145
    mistake(
        {"allow_headers": "Content-Type, Authorization"},
        "one string",
        ["Content-Type", "Authorization"],
        id="headers in one string",
    ),
    mistake(
        {"allow_headers": ["Content-Type, X-Foo"]},
        "several header names",
        ("Content-Type", "X-Foo"),
        id="and in a list",
    ),
    # flask-cors #201, expressjs/cors #224
    mistake({"allow_headers": ["Access-Control-Allow-Credentials"]}, "itself", (), id="an answer's header"),
    mistake({"allow_headers": ["Origin"]}, "never set", (), id="Origin among the headers"),
    mistake({"allow_headers": ["Cookie"]}, "never set", (), id="Cookie among the headers"),
    mistake({"expose_headers": ["Set-Cookie"]}, "never readable", (), id="Set-Cookie exposed"),
    mistake({"expose_headers": ["*"]} | CREDENTIALS, "literally", None, id="everything exposed, with credentials"),
    # expressjs/cors #261, axios #26
    mistake({"allow_methods": ["put"]}, "case-sensitive", "PUT", id="a method in lower case"),
    mistake({"allow_methods": "GET,POST"}, "one string", ["GET", "POST"], id="methods in one string"),
    mistake({"allow_methods": ["GET, POST"]}, "several methods", ("GET", "POST"), id="methods in one entry"),
    mistake({"allow_methods": ["*", "PUT"]}, "write it alone", ["*"], id="any method, and one besides"),
    mistake({"allow_methods": ["TRACE"]}, "no browser", (), id="a method that no browser sends"),
    mistake({"max_age": "600"}, "of type str", 600, id="seconds in text"),
    # gofr #4052
    mistake({"max_age": -1}, "0 forbids", 0, id="-1 for never"),
    mistake({"max_age": 31_536_000}, "no browser keeps", 86400, id="a year"),
    mistake({"max_age": 600.0}, "of type float", 600, id="seconds as a float"),
]


def written(fix: object) -> str:
    """As a reader would write it in Python: regular expressions as raw strings."""
    if isinstance(fix, str):
        return f"r'{fix}'" if "\\" in fix else repr(fix)
    brackets = "[{}]" if isinstance(fix, list) else "{}"
    return brackets.format(", ".join(map(written, fix))) if isinstance(fix, (list, tuple)) else repr(fix)


@pytest.mark.parametrize(("field", "given", "said", "fix"), [*SHAPES, *SPELLINGS, *WILDCARDS, *OTHERS])
def test_a_mistake_gets_an_error_that_a_newcomer_can_act_on(
    field: str, given: dict[str, Any], said: str, fix: object
) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy(**given)
    (problem,) = caught.value.problems
    assert problem.field == field
    assert said in problem.message
    assert problem.fix == fix
    assert type(problem.fix) is type(fix)
    assert re.fullmatch("[a-z]+(-[a-z]+)*", problem.code)
    told = str(caught.value)
    shown = f"{problem.value!r} is " if isinstance(problem.value, re.Pattern) else ""  # as Python writes it, once
    assert f"  - {field}: {shown}" in told
    assert fix is None or told.endswith("; leave it out" if fix == () else f"; write {written(fix)}")
    assert max(map(len, told.splitlines())) < 400
    if fix is not None:
        Policy(**applied(given, caught.value.problems))


def test_several_fixes_of_one_policy_are_put_in_place_together() -> None:
    given = {
        "allow_origins": [APP + "/", "localhost:3000", "*.example.org"],
        "allow_methods": ["get", "put|DELETE"],
        "max_age": "60",
        "allow_credentials": "yes",
    }
    with pytest.raises(PolicyError) as caught:
        Policy(**given)
    assert applied(given, caught.value.problems) == {
        "allow_origins": [APP, "http://localhost:3000", "https://*.example.org"],
        "allow_methods": ["GET", "PUT", "DELETE"],
        "max_age": 60,
        "allow_credentials": True,
    }
    Policy(**applied(given, caught.value.problems))


def test_a_forgotten_www_is_told_by_the_explanation_of_the_refusal() -> None:
    from corecors import evaluate

    said = evaluate(Policy(allow_origins=["https://example.com"]), "GET", "https://www.example.com").explain()
    assert "'https://www.example.com' is not allowed" in said
    assert "add it to allow_origins" in said
