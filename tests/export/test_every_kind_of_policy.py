"""What each kind of policy adds to the text of each target; that it means what it should is told by the proxies."""

from __future__ import annotations

import re
from typing import Any

import pytest

from corecors import PathPolicies, Policy, policy_from_toml
from corecors._origins.regex.syntax import parse_regex
from corecors.export import ExportError, render
from corecors.export.ipv6 import may_match_ipv6
from corecors.export.parts import take_apart

ORIGIN = "https://app.example.com"
ANY = Policy(allow_origins=["*"], allow_headers=["*"], expose_headers=["*"])
ECHOES = Policy(allow_origins=[ORIGIN], allow_credentials=True, allow_methods=["*"], allow_headers=["*"])
TIMED = Policy(allow_origins=[ORIGIN], allow_timing=True, preflight_status=200)
TOLD = ECHOES.replace(debug=True)
PATHS = PathPolicies({"/a": TIMED, "/own": None}, default=ANY)


@pytest.mark.parametrize(
    ("policy", "target", "lines"),
    [
        pytest.param(
            ANY, "nginx", [r'"~\\A\(\?:actual\|names\)\\z" "\*";', r'"~\\Aactual\\z" "";'], id="any origin, nginx"
        ),
        pytest.param(ANY, "haproxy", [r"set-var\(txn.corecors_allowed\) str\(\*\)$"], id="any origin, HAProxy"),
        pytest.param(ANY, "apache", [r'SetEnvIfExpr "true" corecors_allowed=\*'], id="any origin, Apache"),
        pytest.param(
            ECHOES,
            "nginx",
            [r'"\$\{http_access_control_request_method\}";', r'"\$\{http_access_control_request_headers\}";'],
            id="everything with credentials, nginx",
        ),
        pytest.param(
            ECHOES,
            "haproxy",
            [
                r"set-header Access-Control-Allow-Methods '%\[var\(txn.corecors_method\)\]' if corecors_passes_names",
                r"set-header Access-Control-Allow-Headers '%\[var\(txn.corecors_allow_headers\)\]'",
            ],
            id="everything with credentials, HAProxy",
        ),
        pytest.param(
            ECHOES,
            "apache",
            [
                r'Allow-Methods "%\{corecors_method\}e" env=corecors_method',
                r'Allow-Headers "%\{corecors_names\}e" env=corecors_names',
            ],
            id="everything with credentials, Apache",
        ),
        pytest.param(
            TIMED,
            "nginx",
            [r'= "200"\) \{ return 200; \}', r"proxy_hide_header Timing-Allow-Origin;"],
            id="timings and 200, nginx",
        ),
        pytest.param(
            TIMED,
            "haproxy",
            [r"return status 200 if", r"set-header Timing-Allow-Origin"],
            id="timings and 200, HAProxy",
        ),
        pytest.param(
            TIMED,
            "apache",
            [r"R=200,L", r"Header unset Timing-Allow-Origin", r"Header always set Timing-Allow-Origin"],
            id="timings and 200, Apache",
        ),
        pytest.param(
            TOLD,
            "nginx",
            [
                r'"~\\A\(\?:actual\|method\|names\)\\z" "\$\{corecors_origin\}";',
                r'"~\\A\(\?:method\|names\)\\z" "\$\{http_access_control_request_method\}";',
                r'"~\\A\(\?:names\)\\z" "\$\{http_access_control_request_headers\}";',
            ],
            id="debug, nginx",
        ),
        pytest.param(
            TOLD,
            "haproxy",
            [
                r"set-header Access-Control-Allow-Origin .* corecors_passes_method$",
                r"set-header Access-Control-Allow-Methods .* if corecors_passes_method$",
                r"set-header Access-Control-Allow-Headers .* if corecors_passes_names \{",
            ],
            id="debug, HAProxy",
        ),
        pytest.param(
            TOLD,
            "apache",
            [
                r"corecors_passes_method'\)\" corecors_granted=1",
                r"corecors_passes_method'\).*\" corecors_method=\$1",
                r"corecors_passes_names'\).*\" corecors_names=\$1",
            ],
            id="debug, Apache",
        ),
        pytest.param(
            TOLD,
            "caddy",
            [
                r"@corecors_passes_method \{\n(\t.*\n)*\tvars \{corecors_passed\} method names\n\}\n"
                r"header @corecors_passes_method \{\n\t\S+Allow-Origin(.*\n)*?\t\S+Allow-Methods",
                r"^respond @corecors_preflight 204$",
            ],
            id="debug, Caddy",
        ),
        pytest.param(
            TOLD,
            "envoy",
            [r"# preflights that pass up to their method: listed"],
            id="debug, Envoy",
        ),
        pytest.param(
            TOLD.replace(allow_methods=["PUT"]),
            "nginx",
            [r'"~\\A\(\?:actual\|origin\|method\|names\)\\z" "\$\{corecors_origin\}";'],
            id="debug and a list of methods, nginx",
        ),
        pytest.param(
            TOLD.replace(allow_methods=["PUT"]),
            "envoy",
            [r"# preflights that pass up to their origin: listed"],
            id="debug and a list of methods, Envoy",
        ),
        pytest.param(
            PATHS,
            "nginx",
            [r'"~\\A/own\(\?:/\.\*\)\?\\z" "none";', r'"~\\Anone\\z" "\$\{upstream_http_'],
            id="paths, nginx",
        ),
        pytest.param(PATHS, "haproxy", [r"str\(none\) if", r"!corecors_untouched"], id="paths, HAProxy"),
        pytest.param(PATHS, "apache", [r"corecors_governor=none", r"env=corecors_touched"], id="paths, Apache"),
    ],
)
def test_the_text_has_what_the_policy_needs(policy: Any, target: str, lines: list[str]) -> None:
    text = render(policy, target)
    for line in lines:
        assert re.search(line, text, re.MULTILINE), line


@pytest.mark.parametrize(
    ("target", "vary"),
    [
        pytest.param("nginx", r'add_header Vary "\$\{corecors_vary\}" always', id="nginx"),
        pytest.param("haproxy", r"add-header Vary Origin", id="HAProxy"),
        pytest.param("apache", r"add Vary Origin", id="Apache"),
    ],
)
def test_vary_is_added_and_never_set(target: str, vary: str) -> None:
    text = render(ECHOES, target)
    assert re.search(vary, text)
    assert not re.search(r"set(-header)? Vary|hide_header Vary|unset Vary", text)


def test_two_policies_in_one_nginx_have_names_of_their_own() -> None:
    assert "corecors_" not in render(TIMED, "nginx", part="server", name="shop").split("\n", 2)[2]


def test_an_https_application_is_verified() -> None:
    for target, word in (("apache", "SSLProxyVerify require"), ("haproxy", "ssl verify required")):
        assert word in render(TIMED, target, whole=True, upstream="https://127.0.0.1")


@pytest.mark.parametrize("target", ["nginx", "haproxy", "apache"])
def test_an_application_speaks_http(target: str) -> None:
    with pytest.raises(ValueError, match="neither http nor https"):
        render(TIMED, target, whole=True, upstream="capacitor://localhost")


@pytest.mark.parametrize(("target", "sets"), [("nginx", 260), ("apache", 520)])
def test_a_regex_that_is_longer_than_a_word_is_refused(target: str, sets: int) -> None:
    policy = Policy(allow_origin_regexes=[rf"https://a(?:{'[^.]' * sets})?\.example\.com"])
    with pytest.raises(ExportError, match="is longer than"):
        render(policy, target)


@pytest.mark.parametrize(
    ("source", "may"),
    [
        pytest.param(r"https?://\[::1\](:\d+)?", True, id="one address"),
        pytest.param("https://.*", True, id="anything"),
        pytest.param(r"https://.*\.example\.com", False, id="a name"),
        pytest.param("(?:[a-z]?){1900}", True, id="what takes too long to tell"),
    ],
)
def test_whether_a_regex_reaches_ipv6_addresses_is_told(source: str, may: bool) -> None:
    assert may_match_ipv6(parse_regex(source)) is may


def test_a_set_of_brackets_and_nothing_is_written() -> None:
    policy = policy_from_toml(r"allow_origin_regexes = ['http://[\[\]:0-9a-f-]+(?:\s|):3000']")
    (rule,) = take_apart(policy, backtracks=False)[0].rules
    assert rule.regex == r"http://[]0-9:a-f\[-]+(?:A|):3000"


@pytest.mark.parametrize("target", ["nginx", "haproxy", "apache"])
def test_what_chooses_further_is_refused_by_the_name_of_its_prefix(target: str) -> None:
    inner = PathPolicies({"/x": Policy()})
    with pytest.raises(ExportError) as caught:
        render(PathPolicies({"/api": inner, "/b": Policy(allow_origin_predicate=bool)}, default=inner), target)
    fields = [problem.field for problem in caught.value.problems]
    assert fields == ["policies['/api'].policies", "default.policies", "policies['/b'].allow_origin_predicate"]
