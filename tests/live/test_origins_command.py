"""`corecors origins`, in processes of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from child_processes import start
from live.waiting import LONG

from corecors.live import FileSource, SQLSource

A, B = "https://a.example", "https://b.example"


@pytest.fixture(params=["sqlite", "directory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/tenants.db" if request.param == "sqlite" else str(tmp_path / "tenants")


def run(store: str, *arguments: str, given: str = "", code: int = 0) -> str:
    """What a call prints, its error output as well; it has to end with `code`, and without a traceback."""
    ended = subprocess.run(
        [sys.executable, "-m", "corecors", "origins", *arguments],
        input=given,
        capture_output=True,
        text=True,
        timeout=LONG,
        env={**os.environ, "CORECORS_STORE": store},
        check=False,
    )
    assert "Traceback" not in ended.stderr
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def test_origins_are_added_shown_and_removed(store: str) -> None:
    assert "is ready" in run(store, "init")
    assert run(store, "add", "shop.example.com", A, B) == "shop.example.com: 2 origins\n"
    assert run(store, "add", "shop.example.com", A) == "shop.example.com: 2 origins\n"
    assert run(store, "list") == "shop.example.com\n"
    assert json.loads(run(store, "list", "--json")) == ["shop.example.com"]
    assert json.loads(run(store, "show", "shop.example.com", "--json")) == {"allow_origins": [A, B]}
    assert run(store, "show", "shop.example.com").split() == ["allow_origins", A, B]
    assert run(store, "remove", "shop.example.com", A) == "shop.example.com: 1 origin\n"
    assert run(store, "remove", "shop.example.com") == "shop.example.com is removed\n"
    assert run(store, "list") == ""


def test_what_is_wrong_is_said_with_its_fix_and_not_written(store: str) -> None:
    run(store, "init")
    said = run(store, "add", "shop", "https://A.example/", code=1)
    assert "'https://A.example/'" in said
    assert "write 'https://a.example'" in said
    assert run(store, "list") == ""


def test_a_tenant_or_origin_that_is_not_there(store: str) -> None:
    run(store, "init")
    assert run(store, "show", "shop", code=1) == "there is no tenant shop\n"
    assert run(store, "remove", "shop", code=1) == "there is no tenant shop\n"
    run(store, "add", "shop", A)
    assert run(store, "remove", "shop", B, code=1) == f"shop has no {B}\n"


def test_what_is_exported_is_imported(store: str, tmp_path: Path) -> None:
    run(store, "init")
    records = {f"t{number}": {"allow_origins": [f"https://{number}.example"], "max_age": 5} for number in range(1200)}
    assert run(store, "import", "-", given=json.dumps(records)) == "1,200 tenants are written\n"
    assert json.loads(run(store, "export")) == records


def test_an_import_with_a_mistake_writes_nothing(store: str) -> None:
    run(store, "init")
    given = json.dumps({"good": {"allow_origins": [A]}, "bad": {"allow_origins": ["*", A]}})
    said = run(store, "import", "-", given=given, code=1)
    assert "bad: allow_origins:" in said
    assert "nothing is written: 1 of 2 records are refused" in said
    assert run(store, "list") == ""
    assert "is not valid JSON" in run(store, "import", "-", given="{", code=2)
    assert "no object of tenants" in run(store, "import", "-", given="[]", code=2)


def test_an_export_names_what_is_no_record_and_has_the_others(tmp_path: Path) -> None:
    store = str(tmp_path / "tenants")
    run(store, "init")
    run(store, "add", "shop", A)
    (tmp_path / "tenants" / "bad.json").write_text("garbage")
    (tmp_path / "tenants" / "none.json").write_text("{}")
    said = run(store, "export", code=1)
    assert "bad: record: 'bad.json' is not valid JSON" in said
    assert "none: record:" in said
    assert f'"{A}"' in said


FORGED = "a\n::error::forged"


@pytest.mark.skipif(sys.platform == "win32", reason="no name of a file has a line break there")
def test_what_a_store_holds_is_never_a_line_of_its_own(tmp_path: Path) -> None:
    (tmp_path / f"{FORGED}.json").write_text("garbage")
    (tmp_path / "shop.json").write_text(json.dumps({"allow_origins": [FORGED], FORGED: 1}))
    said = run(str(tmp_path), "list")
    assert said == "a\\n::error::forged\nshop\n"
    said += run(str(tmp_path), "export", code=1)
    said += run(str(tmp_path), "show", "shop")
    said += run(str(tmp_path), "add", "shop", B, code=1)
    said += run(str(tmp_path), "import", "-", given=json.dumps({FORGED: {"allow_origins": [A]}}), code=1)
    assert said.count("::error::forged") > 5
    assert [line for line in said.splitlines() if line.strip().startswith("::")] == []


@pytest.mark.parametrize("origins", [A, {A: True}, 5, None])
@pytest.mark.parametrize("change", ["add", "remove"])
def test_a_record_without_a_list_is_refused_and_left_alone(change: str, origins: object, tmp_path: Path) -> None:
    text = json.dumps({"allow_origins": origins})
    (tmp_path / "shop.json").write_text(text)
    assert "where a list belongs" in run(str(tmp_path), change, "shop", A, code=1)
    assert (tmp_path / "shop.json").read_text() == text


@pytest.mark.parametrize(
    ("package", "url", "extra"), [("sqlalchemy", "sqlite:///x.db", "sql"), ("redis", "redis://x", "redis")]
)
def test_an_extra_that_is_missing_is_named(package: str, url: str, extra: str, tmp_path: Path) -> None:
    code = f"import sys; sys.modules[{package!r}] = None; from corecors.__main__ import main; main()"
    command = [sys.executable, "-c", code, "origins", "--store", url, "list"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=LONG, cwd=tmp_path, check=False)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert f'{package} is missing, which comes with an extra: pip install "corecors[{extra}]"' in ended.stderr


def test_a_path_that_cannot_be_a_url_is_one_line() -> None:
    assert "the store's URL cannot be read" in run("redis://x:port", "list", code=2)


def test_a_long_export_shows_how_far_it_is_on_a_terminal(tmp_path: Path) -> None:
    store = str(tmp_path / "tenants")
    source = FileSource(store)
    source.init()
    for number in range(1000):
        (tmp_path / "tenants" / f"t{number}.json").write_text('{"allow_origins": []}')
    outer, inner = os.openpty()
    command = [sys.executable, "-m", "corecors", "origins", "--store", store, "export"]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=inner, timeout=LONG, check=False)
    os.close(inner)
    shown = os.read(outer, 100_000).decode()
    os.close(outer)
    assert ended.returncode == 0
    assert "reading" in shown
    assert len(json.loads(ended.stdout)) == 1000


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param("sqlite:////no/such/folder/tenants.db", "there is no", id="a file that is not there"),
        pytest.param("postgresql://me:secret@127.0.0.1:1/x", "cannot be used: OperationalError", id="nobody listens"),
        pytest.param("redis://:secret@127.0.0.1:1/0", "cannot be used: ConnectionError", id="no Redis listens"),
        pytest.param("nonsense://x", "Error:", id="no such kind of database"),
    ],
)
def test_a_store_that_fails_is_one_line_without_its_password(url: str, message: str) -> None:
    said = run(url, "list", code=2)
    assert message in said
    assert "secret" not in said


def test_watch_shows_changes_as_they_come(store: str) -> None:
    run(store, "init")
    run(store, "add", "shop", A)
    watching = start(
        [sys.executable, "-m", "corecors", "origins", "--store", store, "watch", "--max-staleness", "0.2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert watching.stdout is not None
        seen = watching.stdout.readline()
        while "connected; " not in seen.replace("not connected", "") or "1 tenant, " not in seen:
            seen = watching.stdout.readline()
            assert seen
        made = SQLSource(store) if "://" in store else FileSource(store)
        made.put("news", {"allow_origins": [B]})
        while "changed: news" not in seen:
            seen = watching.stdout.readline()
            assert seen
        watching.send_signal(signal.SIGINT)
        _, errors = watching.communicate(timeout=LONG)
        assert "Traceback" not in errors
        assert watching.returncode == 130
    finally:
        watching.kill()
        watching.wait()
        for stream in (watching.stdout, watching.stderr):
            if stream is not None:
                stream.close()


def test_the_demo_of_the_readme_follows_sqlite(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/tenants.db"
    command = [sys.executable, "-m", "corecors", "demo", "--store", store]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=LONG, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "All 20 cases ended as the policy says." in ended.stdout
    assert run(store, "list") == "127.0.0.1\n"
    run(store, "remove", "127.0.0.1", "https://app.example.com")
    assert "https://app.example.com" not in run(store, "show", "127.0.0.1")


def test_the_help_of_80_columns_cuts_nothing_off(tmp_path: Path) -> None:
    environment = {**os.environ, "COLUMNS": "80"}
    command = [sys.executable, "-m", "corecors", "origins", "--help"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=tmp_path).stdout
    assert "..." not in said.partition("Commands:")[2]
    assert all(len(line) <= 80 for line in said.splitlines())
