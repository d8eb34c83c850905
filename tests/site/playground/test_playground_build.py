"""Pyodide comes from a package whose digest is pinned; where it cannot be had, the page is there and says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from playground import build


@pytest.fixture(scope="session", autouse=True)
def _python_is_in_it() -> None:
    """Of the tests next to this one; what is tested here needs no build."""


@pytest.fixture(autouse=True)
def _nothing_was_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(build, "KEPT", tmp_path / "npm")
    monkeypatch.delenv(build.REQUIRE, raising=False)


def test_without_npm_there_is_a_page_that_has_no_python(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build.shutil, "which", lambda name: None)
    build.build(tmp_path / "made")
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == sorted([*build.OWN, build.RUNTIME])
    assert "export const FILES = {};" in (tmp_path / "made" / build.RUNTIME).read_text()
    assert "npm, with which Pyodide comes, is not installed" in capsys.readouterr().err


def test_where_python_is_insisted_on_that_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(build.shutil, "which", lambda name: None)
    monkeypatch.setenv(build.REQUIRE, "1")
    with pytest.raises(build.MissingError, match="npm"):
        build.build(tmp_path / "made")


def test_another_package_than_the_pinned_one_is_not_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(build.REQUIRE, "1")
    (tmp_path / "npm").mkdir()
    (tmp_path / "npm" / f"pyodide-{build.VERSION}.tgz").write_bytes(b"something else")
    with pytest.raises(build.MissingError, match="digest"):
        build.build(tmp_path / "made")
