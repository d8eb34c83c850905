"""Tenants in files: what a directory and one file may hold, and what is said of what they may not."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from live.conftest import origins_of
from live.waiting import LONG, until

from corecors import PolicyError
from corecors._policy import loading
from corecors.live import FileSource, LivePolicies, StoreError, file_reading

A, B = "https://a.example", "https://b.example"
Follow = Callable[..., LivePolicies]


@pytest.fixture
def one_file(tmp_path: Path) -> Path:
    path = tmp_path / "tenants.json"
    path.write_text(json.dumps({"tenants": {"shop": {"allow_origins": [A]}, "bad": "garbage"}}))
    return path


def test_one_file_is_read_and_not_written(one_file: Path) -> None:
    source = FileSource(one_file)
    assert source.get("shop") == {"allow_origins": [A]}
    assert source.tenants() == ["bad", "shop"]
    with pytest.raises(PolicyError, match="where a mapping of Policy arguments belongs"):
        source.get("bad")
    for write in (lambda: source.put("shop", {"allow_origins": [B]}), lambda: source.remove("shop")):
        with pytest.raises(StoreError, match="only a directory can be written"):
            write()


def test_one_file_that_did_not_change_is_not_read_again(one_file: Path) -> None:
    reader = FileSource(one_file).open(1.0)
    first = reader.read(None)
    assert first is not None
    assert reader.read(first.version) is None
    assert reader.read("of another reader") is not None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "there is no", id="no file"),
        pytest.param("{", "is not valid JSON", id="no JSON"),
        pytest.param("[]", "is not a table", id="a list"),
        pytest.param('{"shop": {}}', "has no table of tenants", id="no table of tenants"),
    ],
)
def test_one_file_that_holds_no_tenants_is_an_outage(content: str | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "tenants.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(StoreError, match=message):
        FileSource(path).tenants()


def test_a_bad_record_in_one_file_leaves_the_others(one_file: Path, follow: Follow) -> None:
    policies = follow(FileSource(one_file))
    assert policies.wait_ready(LONG)
    assert origins_of(policies, "shop") == (A,)
    assert list(policies.status().problems) == ["bad"]


def test_a_file_that_cannot_be_read_is_a_bad_record(
    tmp_path: Path, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_reading, "MAX_FILE_LENGTH", 100)
    monkeypatch.setattr(loading, "MAX_KEY_PARTS", 20)
    (tmp_path / "long.toml").write_text("#" * 200)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "dotted.toml").write_text("a." * 30 + "a = 1")
    (tmp_path / "not-data.toml").write_text("allow_origins = [1979-05-27]")
    (tmp_path / "shop.toml").write_text(f'allow_origins = ["{A}"]')
    (tmp_path / ".hidden.toml").write_text("garbage")
    (tmp_path / "notes.txt").write_text("garbage")
    policies = follow(FileSource(tmp_path))
    assert policies.wait_ready(LONG)
    assert origins_of(policies, "shop") == (A,)
    problems = policies.status().problems
    assert sorted(problems) == ["binary", "dotted", "folder", "list", "long", "not-data"]
    assert problems["long"][0].message == "is too long"
    assert problems["dotted"][0].message == "is not valid TOML: a key has more than 20 parts"
    with pytest.raises(PolicyError, match="is too long"):
        FileSource(tmp_path).get("long")


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes are made with rights or in other ways there")
@pytest.mark.parametrize(
    ("plant", "message"),
    [
        pytest.param(lambda path: path.symlink_to(path.name), "Too many levels of symbolic links", id="a circle"),
        pytest.param(lambda path: path.symlink_to("shop.toml/x"), "Not a directory", id="below a file"),
        pytest.param(lambda path: path.symlink_to("x" * 300), "File name too long", id="a name that is too long"),
        pytest.param(lambda path: path.symlink_to("/dev/zero"), "is not a file", id="a device"),
        pytest.param(os.mkfifo if hasattr(os, "mkfifo") else None, "is not a file", id="a pipe"),
    ],
)
def test_a_name_that_leads_to_no_file_is_a_bad_record_and_leaves_the_others(
    plant: Callable[[Path], None], message: str, tmp_path: Path, follow: Follow
) -> None:
    source = FileSource(tmp_path)
    (tmp_path / "shop.toml").write_text(f'allow_origins = ["{A}"]')
    policies = follow(source)
    assert policies.wait_ready(LONG)
    plant(tmp_path / "bad.toml")
    until(lambda: "bad" in policies.status().problems)
    assert policies.status().problems["bad"][0].message == message
    (tmp_path / "shop.toml").write_text(f'allow_origins = ["{B}"]')
    until(lambda: origins_of(policies, "shop") == (B,))
    assert policies.status().connected
    assert source.get("shop") == {"allow_origins": [B]}
    (tmp_path / "bad.toml").unlink()
    (tmp_path / "bad.toml").write_text(f'allow_origins = ["{A}"]')
    until(lambda: origins_of(policies, "bad") == (A,))


@pytest.mark.skipif(sys.platform == "win32", reason="nobody makes links there without rights")
def test_a_link_to_nothing_is_no_tenant(tmp_path: Path) -> None:
    source = FileSource(tmp_path)
    source.put("shop", {"allow_origins": [A]})
    (tmp_path / "gone.toml").symlink_to("nothing")
    assert source.tenants() == ["shop"]
    assert source.get("gone") is None
    update = source.open(1.0).read(None)
    assert update is not None
    assert [name for name, _ in update.records] == ["shop"]


def test_a_file_that_vanishes_while_it_is_read_is_a_tenant_less(tmp_path: Path) -> None:
    source = FileSource(tmp_path)
    source.put("shop", {"allow_origins": [A]})
    update = source.open(1.0).read(None)
    assert update is not None
    (tmp_path / "shop.json").unlink()
    assert list(update.records) == [("shop", None)]


def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    source = FileSource(tmp_path / "tenants")
    source.init()
    for name in ("../shop", "a/b", ".hidden", "a\\b"):
        with pytest.raises(PolicyError, match="cannot be the name of a file"):
            source.put(name, {"allow_origins": [A]})
    assert list(tmp_path.rglob("*")) == [tmp_path / "tenants"]


@pytest.mark.parametrize("without", ["watchfiles", "threads of its own"])
def test_where_nobody_tells_of_changes_a_directory_is_polled(
    without: str, tmp_path: Path, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, *(("watchfiles", None) if without == "watchfiles" else ("gevent.monkey", Any)))  # type: ignore[arg-type]
    source = FileSource(tmp_path)
    source.put("shop", {"allow_origins": [A]})
    policies = follow(source)
    assert policies.wait_ready(LONG)
    source.put("shop", {"allow_origins": [B]})
    until(lambda: origins_of(policies, "shop") == (B,))


def test_waiting_ends_by_itself_and_nothing_needs_to_be_cut(tmp_path: Path) -> None:
    reader = FileSource(tmp_path).open(1.0)
    reader.wait(0.0, Event())
    reader.wait(0.05, Event())
    reader.abort()
    reader.close()
