"""What a policy may be and rarely intends: each kind is one warning, and its fix, where there is one, ends it."""

from typing import Any

import pytest
from applied_fixes import applied

from corecors import OriginPolicies, PathPolicies, Policy
from corecors._origins import public_suffixes
from corecors._policy.dangers import CHROMIUM_MAX_AGE, WEBKIT_MAX_AGE, warnings
from corecors.browser.preflight_cache import Engine

ORIGINS = {"allow_origins": ["https://app.example.com"]}
CREDENTIALS = {"allow_credentials": True}


def warned(arguments: dict[str, Any], code: str, said: str, fix: object = None, *, id: str) -> Any:
    """The arguments, the code of the one warning, a piece of what is said, and the fix."""
    return pytest.param(arguments, code, said, fix, id=id)


WARNINGS = [
    warned({}, "no-origins", "no origin is allowed at all", id="no origin at all"),
    warned({"allow_origins": ["http://a.example"]}, "insecure-origin", "plain http", id="http without credentials"),
    warned(
        {"allow_origins": ["http://a.example"], "dangerously_allow_insecure_origins": True, **CREDENTIALS},
        "insecure-origin",
        "plain http",
        id="http with credentials, by name",
    ),
    warned({"allow_origins": ["https://*.github.io"]}, "public-suffix", "anyone can register", id="user content"),
    warned({"allow_origins": ["https://a.example:*"]}, "any-port", "any port", id="any port of a real host"),
    warned({"dangerously_allow_null_origin": True}, "null-origin", "sandboxed frame", False, id="null"),
    warned({"allow_origin_regexes": [r"https?://[a-z]+\.a\.example"]}, "wide-regex", "plain HTTP", id="an http regex"),
    warned(
        {"allow_origin_regexes": [r"https://[a-z]+\.(com|org)"]}, "wide-regex", "anyone can register", id="any name"
    ),
    warned(
        ORIGINS | {"allow_headers": ["*"]},
        "no-authorization",
        "a preflight that asks for it is refused",
        ("*", "Authorization"),
        id="any header, without credentials",
    ),
    warned(ORIGINS | {"allow_headers": ["*", "Authorization"]}, "any-header", "every header", id="any header at all"),
    warned(ORIGINS | {"allow_headers": ["*"], **CREDENTIALS}, "any-header", "every header", id="and with credentials"),
    warned(ORIGINS | {"allow_methods": ["OPTIONS"]}, "needless-entry", "not needed", (), id="OPTIONS"),
    warned(ORIGINS | {"allow_methods": ["patch"]}, "method-case", "case-sensitive", "PATCH", id="patch in lower case"),
    warned(ORIGINS | {"allow_methods": ["GET"]}, "post-passes", "does not keep POST out", id="GET alone"),
    warned(ORIGINS | {"allow_methods": ["HEAD", "PUT"]}, "post-passes", "block_disallowed", id="HEAD, and not POST"),
    warned(
        ORIGINS | {"expose_headers": ["Expires"]}, "needless-entry", "readable", (), id="a safelisted header exposed"
    ),
    warned(ORIGINS | {"max_age": 86400}, "max-age-capped", "Chromium 7,200 s", id="max_age beyond the caps"),
    warned(ORIGINS | {"debug": True}, "debug", "anyone who asks", False, id="debug"),
]


@pytest.mark.parametrize(("arguments", "code", "said", "fix"), WARNINGS)
def test_what_is_rarely_intended_is_one_warning(arguments: dict[str, Any], code: str, said: str, fix: object) -> None:
    pytest.importorskip("publicsuffixlist")
    (warning,) = warnings(Policy(**arguments))
    assert (warning.code, warning.severity) == (code, "warning")
    assert said in warning.message
    assert (warning.fix, type(warning.fix)) == (fix, type(fix))
    assert str(warning).isascii()
    if fix is not None:
        assert code not in {each.code for each in warnings(Policy(**applied(arguments, [warning])))}


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"allow_origins": ["http://localhost:*", "http://127.0.0.1:3000"]}, id="loopback"),
        pytest.param({"allow_origins": ["https://*.localhost"], **CREDENTIALS}, id="below localhost"),
        # Browsers ask for these where their values are not safelisted (Fetch, "CORS-safelisted request-header").
        pytest.param(
            ORIGINS | {"allow_headers": ["Accept", "Accept-Language", "Content-Language", "Content-Type", "Range"]},
            id="headers that are safelisted for some values only",
        ),
        pytest.param(ORIGINS | {"allow_methods": ["PUT"]}, id="a method besides the safelisted"),
        pytest.param(ORIGINS | {"allow_methods": ["GET", "POST"]}, id="HEAD left out"),
        pytest.param(ORIGINS | {"allow_methods": ["*"]}, id="any method"),
        pytest.param(ORIGINS | {"max_age": 7200}, id="the longest that Chromium keeps"),
        pytest.param({"allow_origin_predicate": bool}, id="a predicate alone"),
    ],
)
def test_what_is_often_intended_is_no_warning(arguments: dict[str, Any]) -> None:
    assert warnings(Policy(**arguments)) == ()


@pytest.mark.parametrize(
    ("arguments", "is_told"),
    [
        pytest.param({"allow_origins": ["https://*.a.test", "https://*.b.test"], **CREDENTIALS}, True, id="wildcards"),
        pytest.param({"allow_origins": ["https://*.a.test"]}, False, id="without credentials"),
        pytest.param(ORIGINS | CREDENTIALS, False, id="no wildcard"),
        pytest.param({"allow_origins": ["http://*.localhost"], **CREDENTIALS}, False, id="a wildcard over loopback"),
    ],
)
def test_a_missing_list_of_public_suffixes_is_told_once_where_a_wildcard_needs_it(
    arguments: dict[str, Any], is_told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_missing = not public_suffixes.knows_public_suffixes()
    assert ("public-suffixes-unknown" in {each.code for each in warnings(Policy(**arguments))}) is (
        is_told and is_missing
    )
    monkeypatch.setattr(public_suffixes, "_listed_rules", lambda: None)
    codes = [each.code for each in warnings(Policy(**arguments))]
    assert codes.count("public-suffixes-unknown") == is_told


def test_warnings_of_several_policies_say_where_they_stand() -> None:
    tiers = OriginPolicies([Policy(**ORIGINS, debug=True), Policy(allow_origins=["*"])])
    paths = PathPolicies({"/api/": Policy(), "/feed": tiers, "/health": None}, default=Policy(**ORIGINS, max_age=9_000))
    assert [(each.field, each.code) for each in warnings(paths)] == [
        ("/api/: allow_origins", "no-origins"),
        ("/feed: tier 1: debug", "debug"),
        ("default: max_age", "max-age-capped"),
    ]
    assert warnings(None) == ()


def test_the_caps_are_those_of_the_browser_model() -> None:
    assert Engine.CHROMIUM.max_age == CHROMIUM_MAX_AGE
    assert Engine.WEBKIT.max_age == WEBKIT_MAX_AGE
