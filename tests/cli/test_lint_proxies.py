"""`corecors lint --nginx FILE` and the like: traps are found where they are, and right configurations are clean."""

from __future__ import annotations

import json
import os
import re
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner
from proxy_configurations import RIGHT, Change
from proxy_traps import CHANGES

from corecors import Policy
from corecors.cli.lint import lint
from corecors.cli.proxies import PROXIES, findings_in
from corecors.cli.proxies.caddy import caddy
from corecors.cli.proxies.findings import Trap
from corecors.cli.proxies.reading import MAX_LOOKED_AT
from corecors.export import TARGETS, render

PAGE = Path(__file__).parents[2] / "docs" / "lint-proxies.md"

pytest.importorskip("crossplane", reason="NOT TESTED: crossplane is not installed")
pytest.importorskip("yaml", reason="NOT TESTED: PyYAML is not installed")


def needs(proxy: str) -> None:
    if proxy == "caddy" and caddy() is None:
        pytest.skip("NOT TESTED: caddy is not installed")


def written(text: str, folder: Path) -> Path:
    file = folder / "proxy.conf"
    text = text.replace("PORT", "8080").replace("UPSTREAM", "8000").replace("FOLDER", "/run")
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_configuration_is_clean(name: str, tmp_path: Path) -> None:
    proxy, text = RIGHT[name]
    needs(proxy)
    assert findings_in(proxy, written(text, tmp_path)) == []


EXPORTED = {
    "listed": Policy(
        allow_origins=["https://app.example.com", "https://*.example.com", "https://pr-*.example.net:*"],
        allow_origin_regexes=[r"https://[a-z]+\.example\.org"],
        allow_methods=["PUT"],
        allow_headers=["X-A"],
        expose_headers=["X-B"],
        max_age=600,
        allow_timing=True,
    ),
    "with credentials": Policy(
        allow_origins=["https://app.example.com", "https://*.example.com"],
        allow_credentials=True,
        allow_headers=["*"],
        allow_methods=["*"],
    ),
    "anyone": Policy(allow_origins=["*"], expose_headers=["*"], allow_headers=["*"]),
    "nobody": Policy(),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", EXPORTED)
def test_what_is_exported_is_clean(target: str, name: str, tmp_path: Path) -> None:
    needs(target)
    file = tmp_path / "proxy.conf"
    file.write_text(render(EXPORTED[name], target, whole=True))
    assert findings_in(target, file) == []


NGINX_MAP = RIGHT["nginx, by map"][1]
BAD_FILES = [
    pytest.param("nginx", "a {" * 50_000, "is not nginx's configuration", id="nginx: blocks without end"),
    pytest.param("nginx", "a {" * 900 + "}" * 900, "more blocks within blocks", id="nginx: too many blocks"),
    pytest.param("nginx", "}", "is not nginx's configuration", id="nginx: a brace too many"),
    pytest.param(
        "nginx", "listen 80", "configuration: it ends within a directive", id="nginx: no semicolon at the end"
    ),
    pytest.param("nginx", "add_header A b;\n" * 1001, "more than 1,000 lines", id="nginx: too many lines"),
    pytest.param("nginx", "x" * (1 << 20) + "y", "larger than a configuration can be", id="nginx: too long"),
    pytest.param("nginx", f"\ninclude {'*a' * 500_000};", "line 2 has a word of more", id="nginx: a long word"),
    pytest.param("nginx", f"{'x' * 4096} a;", "line 1 has a word of more", id="nginx: a long name"),
    pytest.param("nginx", "a\0b;", "it is not text", id="nginx: NUL"),
    pytest.param(
        "nginx",
        "map $http_origin $x {" + "".join(f"~^https://a{n}$ 1;" for n in range(101)) + "}",
        "more than 100 regular expressions",
        id="nginx: too many expressions",
    ),
    pytest.param("haproxy", "frontend 'a", "a quotation mark is not closed (line 1)", id="HAProxy: a quote"),
    pytest.param("haproxy", "hello", "it has no section", id="HAProxy: another file"),
    pytest.param("haproxy", "frontend " + "{ x } " * 400, "has more than 1000 words", id="HAProxy: words without end"),
    pytest.param("apache", "events {}\nhttp { }", "it has blocks in braces (line 1)", id="Apache: nginx's file"),
    pytest.param("apache", "<If x>", "<if> is not closed (line 1)", id="Apache: an open section"),
    pytest.param("apache", "</If>", "</if> closes no section", id="Apache: a section too many"),
    pytest.param("apache", "<a>\n" * 200, "more sections within sections", id="Apache: too many sections"),
    pytest.param("apache", "{}", "is not a directive (line 1)", id="Apache: another file"),
    pytest.param("envoy", "[" * 100_000, "is not YAML", id="Envoy: brackets"),
    pytest.param("envoy", "a: &a {b: *a}", "more entries or levels", id="Envoy: an alias of itself"),
    pytest.param("envoy", "{a: &a [*a]}", "more entries or levels", id="Envoy: a list in itself"),
    pytest.param("envoy", "{a: " * 200 + "1" + "}" * 200, "more entries or levels", id="Envoy: too many levels"),
    pytest.param(
        "envoy",
        "a0: &a0 [" + "x," * 9 + "]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1},' * 9}]\n" for n in range(1, 12)),
        "more entries or levels",
        id="Envoy: a billion laughs",
    ),
    pytest.param("envoy", "text", "it holds no mapping", id="Envoy: another file"),
    pytest.param("envoy", "!!python/name:os.system", "it holds no mapping", id="Envoy: a tag of Python's"),
    pytest.param("caddy", "import /etc/passwd", "imports '/etc/passwd'", id="Caddy: a file outside"),
    pytest.param("caddy", ":80 {\n\timport ../*\n}", "imports '../*'", id="Caddy: the folder above"),
    *(
        pytest.param("caddy", text, "import", id=f"Caddy: a file outside, {how}")
        for text, how in (
            (':80 {\n\t"import" /etc/hostname\n}', "in quotes"),
            (":80 {\n\t`import` /etc/hostname\n}", "in backquotes"),
            (":80 {\n\xa0import /etc/hostname\n}", "behind another blank"),
            (":80 {\r import /etc/hostname\r}", "behind a carriage return"),
            (":80 {\n\t<<X\n\timport\n\tX /etc/hostname\n}", "in a heredoc"),
            (":80 {\n\trespond `\n(/etc/hostname)\n`\n\timport /etc/hostname\n}", "called a snippet"),
            ("(s) {\n\t{args[0]} /etc/hostname\n}\n:80 {\n\timport s import\n}", "by an argument"),
            ("(s) {\n\t{args[0]}{args[1]} /etc/hostname\n}\n:80 {\n\timport s im port\n}", "by two arguments"),
        )
    ),
    pytest.param("caddy", "{$" * 300_000, "variables within variables", id="Caddy: half of variables"),
    pytest.param("caddy", "import proxy.conf", "imports 'proxy.conf'", id="Caddy: itself"),
    pytest.param("caddy", "{$A:\nimport /etc/passwd\n}", "imports '/etc/passwd'", id="Caddy: by a variable"),
    pytest.param("caddy", "{$A:{$B}}}", "variables within variables", id="Caddy: variables within variables"),
    # A search that began anew at each of them would take minutes.
    pytest.param("caddy", "{$A:" * 200_000, "variables within variables", id="Caddy: variables that do not end"),
    pytest.param("caddy", ":80 {\n\tnonsense\n}", "(line 2)", id="Caddy: a directive of nobody"),
    pytest.param("caddy", "{" * 100_000, "is not Caddy's configuration", id="Caddy: braces"),
]


@pytest.mark.parametrize(("proxy", "text", "message"), BAD_FILES)
def test_a_file_that_cannot_be_read_is_one_clear_line(proxy: str, text: str, message: str, tmp_path: Path) -> None:
    needs(proxy)
    file = tmp_path / "proxy.conf"
    file.write_text(text)
    result = CliRunner().invoke(lint, [f"--{proxy}", str(file)])
    assert result.exit_code == 2
    assert message in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert len(result.output) < 600


@pytest.mark.parametrize("proxy", ["nginx", "haproxy", "envoy", "apache"])
def test_what_is_not_a_file_is_not_waited_for(proxy: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, message in (
        (pipe, "is not a file"),
        (tmp_path, "cannot be read"),
        (tmp_path / "none", "there is no file"),
    ):
        result = CliRunner().invoke(lint, [f"--{proxy}", str(path)])
        assert (result.exit_code, message in result.output) == (2, True)


def test_links_do_not_multiply_what_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        (tmp_path / name).symlink_to(tmp_path)
    file = written("include " + "*/" * 40 + "*.conf;", tmp_path)
    looked_at: list[object] = []
    listed = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: looked_at.append(path) or listed(path))
    assert findings_in("nginx", file) == []
    assert len(looked_at) <= MAX_LOOKED_AT


def test_what_nginx_includes_is_read_below_its_folder_alone(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "cors.conf").write_text("add_header Access-Control-Allow-Origin null always;")
    outside = tmp_path.parent / f"{tmp_path.name}.conf"
    outside.write_text("add_header Access-Control-Allow-Origin null always;")
    file = tmp_path / "nginx.conf"
    file.write_text(f"http {{ include conf.d/*.conf; include {outside}; include ../*.conf; }}")
    (found,) = findings_in("nginx", file)
    assert (found.code, Path(found.place.file).name, found.place.line) == ("null-origin", "cors.conf", 1)


@pytest.mark.parametrize(
    ("proxy", "text", "more", "message"),
    [
        pytest.param("caddy", "import more " + "a" * 500_000, "{args[0]}" * 90_000, "imports more", id="Caddy: args"),
        pytest.param("caddy", "import more*", "x\n" * 400_000, "imports more than", id="Caddy: files"),
        pytest.param("nginx", "include more*;", "x;" * 400_000, "includes more than", id="nginx: files"),
    ],
)
def test_what_becomes_long_by_what_it_includes_is_not_read(
    proxy: str, text: str, more: str, message: str, tmp_path: Path
) -> None:
    needs(proxy)
    file = tmp_path / "proxy.conf"
    file.write_text(text, encoding="utf-8")
    for name in ("more", "more2", "more3", "more4", "more5", "more6") if "*" in text else ("more",):
        (tmp_path / name).write_text(more, encoding="utf-8")
    result = CliRunner().invoke(lint, [f"--{proxy}", str(file)])
    assert (result.exit_code, message in result.output) == (2, True)


def test_a_long_block_of_lua_is_no_long_word_of_nginx(tmp_path: Path) -> None:
    file = tmp_path / "nginx.conf"
    file.write_text(f"http {{ init_by_lua_block {{ {'x = 1 ' * 1000} }} }}")
    assert findings_in("nginx", file) == []


def test_what_caddy_imports_is_read_with_its_lines(tmp_path: Path) -> None:
    needs("caddy")
    (tmp_path / "cors.caddy").write_text("# a comment\nheader Access-Control-Allow-Origin {args[0]}\n")
    file = tmp_path / "Caddyfile"
    file.write_text(":80 {\n\timport cors.caddy null\n}\n")
    (found,) = findings_in("caddy", file)
    assert (found.code, Path(found.place.file).name, found.place.line) == ("null-origin", "cors.caddy", 2)


@pytest.mark.parametrize("change", [pytest.param(change, id=change.name) for change in CHANGES])
def test_a_trap_is_found_where_it_is(change: Change, tmp_path: Path) -> None:
    needs(change.proxy)
    file = written(change.text, tmp_path)
    lines = file.read_text().splitlines()
    found = {(finding.code, finding.place.line) for finding in findings_in(change.proxy, file)}
    wanted = {
        (
            code,
            next(
                number for number, line in enumerate(lines, start=1) if piece in line.replace('"', "") or piece in line
            ),
        )
        for code, piece in change.finds.items()
    }
    assert found == wanted
    for finding in findings_in(change.proxy, file):
        assert finding.place.file == str(file)
        assert finding.seen
        assert finding.fix
        assert re.fullmatch("[a-z-]+", finding.code)


def test_every_trap_has_its_row_in_the_page_and_a_change_that_is_found() -> None:
    modules = [import_module(f"corecors.cli.proxies.{name}") for name in (*PROXIES, "values", "regexes")]
    traps = {
        (each.code, {"error": "problem"}.get(each.severity, "warning"))
        for module in modules
        for each in vars(module).values()
        if isinstance(each, Trap)
    }
    rows = re.findall(r"^\| `([a-z-]+)` \| (problem or warning|problem|warning) \|", PAGE.read_text(), re.MULTILINE)
    assert {(code, level) for code, levels in rows for level in levels.split(" or ")} == traps
    assert {code for change in CHANGES for code in change.finds} == {code for code, _ in traps}


def test_at_least_twenty_kinds_of_traps_are_found() -> None:
    assert len({code for change in CHANGES for code in change.finds}) >= 20
    assert len({name for name, _ in RIGHT.items()}) >= 5


def test_it_is_told_as_lint_tells_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    change = next(change for change in CHANGES if change.name == "HAProxy: the end of the origin")
    file = written(change.text, tmp_path).name
    told = CliRunner().invoke(lint, ["--haproxy", file])
    assert told.exit_code == 1
    assert (
        "proxy.conf:10: 'acl listed var(txn.origin) -m end example.com https://admin.example.com' compares"
        in told.output
    )
    assert "https://evilexample.com" in told.output
    assert "1 problem, 0 warnings" in told.output
    found = json.loads(CliRunner().invoke(lint, ["--haproxy", file, "--json"]).output)
    (problem,) = found["problems"]
    assert found["schema"] == "corecors.lint/1"
    assert (problem["file"], problem["line"], problem["code"]) == ("proxy.conf", 10, "part-of-origin")
    assert (problem["field"], problem["severity"], problem["fix"]) == ("acl", "error", None)
    assert problem["advice"] == "compare the whole origin"
    annotated = CliRunner().invoke(lint, ["--haproxy", file, "--format", "github"]).output
    assert annotated.startswith("::error file=proxy.conf,line=10,title=CORS%3A part-of-origin::")


def test_warnings_fail_where_they_are_asked_to(tmp_path: Path) -> None:
    change = next(change for change in CHANGES if change.name == "HAProxy: no Vary")
    file = str(written(change.text, tmp_path))
    assert CliRunner().invoke(lint, ["--haproxy", file]).exit_code == 0
    assert CliRunner().invoke(lint, ["--haproxy", file, "--strict"]).exit_code == 1


def test_several_configurations_are_read_in_one_run(tmp_path: Path) -> None:
    paths = []
    for name in ("nginx, by map", "Apache, by If"):
        (tmp_path / name).mkdir()
        paths += [f"--{RIGHT[name][0]}", str(written(RIGHT[name][1], tmp_path / name))]
    assert "no problem and no warning" in CliRunner().invoke(lint, paths).output


@pytest.mark.parametrize(
    "arguments", [pytest.param([], id="nothing"), pytest.param(["cors.toml", "--nginx", "nginx.conf"], id="both")]
)
def test_it_reads_a_policy_or_proxies(arguments: list[str]) -> None:
    result = CliRunner().invoke(lint, arguments)
    assert result.exit_code == 2
    assert "lint reads one POLICY, or configurations of proxies" in result.output
