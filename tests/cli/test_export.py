"""`corecors export`: the configuration, and what is said where there is none."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from corecors import policy_from_toml
from corecors.cli import export as command
from corecors.cli.entry import commands
from corecors.export import TARGETS, render

TEXT = 'allow_origins = ["https://app.example.com"]\nallow_methods = ["PUT"]\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("cors.toml").write_text(TEXT, encoding="utf-8")
    Path("wrong.toml").write_text('allow_origins = ["https://app.example.com/"]\n', encoding="utf-8")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, ["export", *arguments])


@pytest.mark.parametrize("target", TARGETS)
def test_it_writes_what_render_returns(target: str) -> None:
    policy = policy_from_toml(TEXT)
    assert run(target, "cors.toml").stdout == render(policy, target)
    whole = run(target, "cors.toml", "--whole", "--upstream", "http://127.0.0.1:9")
    assert whole.stdout == render(policy, target, whole=True, upstream="http://127.0.0.1:9")
    assert whole.exit_code == 0


def test_a_part_of_nginx_is_written_alone() -> None:
    assert run("nginx", "cors.toml", "--part", "http").stdout == render(policy_from_toml(TEXT), "nginx", part="http")
    named = run("nginx", "cors.toml", "--part", "http", "--name", "shop").stdout
    assert named == render(policy_from_toml(TEXT), "nginx", part="http", name="shop")


@pytest.mark.parametrize("target", TARGETS)
def test_what_the_target_cannot_say_is_named_and_nothing_is_written(target: str) -> None:
    Path("asking_policy.py").write_text("from corecors import Policy\npolicy = Policy(allow_origin_predicate=bool)\n")
    result = run(target, "asking_policy:policy")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "is a function of this program, which a proxy cannot call" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["traefik", "cors.toml"], "'traefik' is not one of", id="no target"),
        pytest.param(["nginx", "none.toml"], "there is no file", id="no file"),
        pytest.param(["nginx", "wrong.toml"], "corecors lint wrong.toml says more", id="a wrong policy"),
        pytest.param(["nginx", "cors.toml", "--upstream", "http://a"], "--whole too", id="upstream of a fragment"),
        pytest.param(["haproxy", "cors.toml", "--name", "shop"], "--name is for nginx", id="name of haproxy"),
        pytest.param(["nginx", "cors.toml", "--name", "http"], "'http' is not the beginning", id="name of nginx's own"),
        pytest.param(["haproxy", "cors.toml", "--part", "http"], "--part is for nginx", id="part of haproxy"),
        pytest.param(["nginx", "cors.toml", "--whole", "--upstream", "a b"], "not the address", id="a wrong address"),
    ],
)
def test_what_cannot_be_used_is_exit_code_2(arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        pytest.param("exit 0", 0, "accepts it.", id="accepted"),
        pytest.param("echo 'line 3: no'; exit 1", 1, "does not accept it:\nline 3: no", id="refused"),
        pytest.param(None, 2, "is not installed here, so nothing was checked", id="not installed"),
    ],
)
def test_the_proxy_itself_is_asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, target: str, script: str | None, code: int, said: str
) -> None:
    monkeypatch.setattr(command, "PATH", str(folder))
    if script is not None:
        program = folder / command.VALIDATORS[target].programs[0]
        program.write_text(f"#!/bin/sh\ncat {folder}/none >/dev/null 2>&1\n{script}\n", encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    result = run(target, "cors.toml", "--check")
    assert result.exit_code == code
    assert said in result.stderr
    assert result.stdout == render(policy_from_toml(TEXT), target)


def test_an_application_is_told_to_name_its_policy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("shop_to_export.py").write_text("def app(environ, start_response): return []\n", encoding="utf-8")
    monkeypatch.syspath_prepend(os.fspath(folder))
    result = run("nginx", "shop_to_export:app")
    assert result.exit_code == 2
    assert "is an application: name the policy that it is given" in result.stderr
