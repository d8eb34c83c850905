"""docs/architecture.md: the files that it names exist, its layers are those of the contract, and its door is one."""

import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from test_imports import LAYERS

import corecors
from corecors import Kind, PathPolicies, Policy, Reason

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
APP = "https://app.example.com"
STRANGER = "https://stranger.test"
POLICY = Policy(allow_origins=[APP], allow_methods=["PUT"])


def test_every_file_that_is_named_exists() -> None:
    named = set(re.findall(r"`((?:corecors/|adapters/|tests/|docs/|_\w+/|browser/|cli/)[\w./]*)`", PAGE))
    assert len(named) > 12
    for name in named:
        assert any((folder / name).exists() for folder in (ROOT, ROOT / "corecors")), name
    picture = PAGE.split("```")[1]
    for package, files in re.findall(r"-+ corecors/(\w+)/ -+\+\n((?: \|.*\n)+)", picture):
        for file in re.findall(r"\b(\w+\.py)\b", files):
            assert (ROOT / "corecors" / package / file).exists(), file


def test_every_name_in_it_is_one_of_the_code() -> None:
    prose = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
    named = set(re.findall(r"`(?:\w+\.)*(\w+)(?:\(.*?\))?`", prose))
    assert len(named) > 40
    folders = [ROOT / each for each in ("corecors", "adapters", "website", "tests")]
    code = [path.read_text(encoding="utf-8") for folder in folders for path in folder.rglob("*.py")]
    assert named <= set(re.findall(r"\w+", "\n".join(code)))


def test_the_picture_has_every_layer_from_top_to_bottom() -> None:
    picture = PAGE.split("```")[1]
    drawn = re.findall(r"-+ (?:corecors/)?(\w+)/ -+", picture)
    order = [name for layer in LAYERS for name in layer if name in drawn]
    assert drawn == order
    assert {name.strip("()") for layer in LAYERS for name in layer} - {"__main__", "live", "testing"} <= set(
        re.findall(r"\w+", picture)
    )


# The door


class Request(NamedTuple):
    method: str
    path: str
    headers: list[tuple[str, str]]
    scheme: str = "http"

    @property
    def target(self) -> str:
        return self.path


def handler(request: Request) -> tuple[int, list[tuple[str, str]], bytes]:
    return 200, [("Vary", "Accept"), ("access-control-allow-origin", "*")], b"ok"


def door(policy: Any, **options: Any) -> Any:
    [code] = re.findall(r"<!-- example: door -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    namespace: dict[str, Any] = {}
    exec(compile(code, "door", "exec"), namespace)
    return namespace["CORS"](handler, policy, **options)


@pytest.mark.parametrize(
    ("policy", "request_", "expected"),
    [
        pytest.param(
            POLICY,
            Request("GET", "/", [("ORIGIN", APP)]),
            (200, [("Access-Control-Allow-Origin", APP), ("Vary", "Accept, Origin")], b"ok"),
            id="allowed",
        ),
        pytest.param(
            POLICY,
            Request("GET", "/", [("Origin", STRANGER)]),
            (200, [("Vary", "Accept, Origin")], b"ok"),
            id="refused",
        ),
        pytest.param(
            POLICY,
            Request("OPTIONS", "/", [("Origin", APP), ("Access-Control-Request-Method", "DELETE")]),
            (
                403,
                [("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")],
                b"",
            ),
            id="a preflight that fails",
        ),
        pytest.param(
            POLICY,
            Request("GET", "/", [("Origin", STRANGER), ("Upgrade", "WebSocket")]),
            (403, [("Vary", "Origin")], b""),
            id="a handshake",
        ),
        pytest.param(
            PathPolicies({"/": POLICY}),
            Request("GET", "//x", [("Origin", APP)]),
            (200, [("Vary", "Accept, Origin")], b"ok"),
            id="an ambiguous path",
        ),
        pytest.param(
            PathPolicies({"/": None}),
            Request("GET", "/", [("Origin", APP)]),
            handler(Request("GET", "/", [])),
            id="opted out",
        ),
    ],
)
def test_the_door_is_one(policy: Any, request_: Request, expected: Any) -> None:
    assert door(policy)(request_) == expected


def test_the_door_takes_the_options_of_every_door() -> None:
    told: list[tuple[Kind, Reason]] = []
    served = door(POLICY, on_decision=lambda decision, request: told.append((decision.kind, decision.reason)))
    served(Request("POST", "/", [("Origin", STRANGER)]))
    assert told == [(Kind.ACTUAL, Reason.ORIGIN_NOT_ALLOWED)]
    with pytest.raises(TypeError, match="own_origins"):
        door(POLICY, own_origins="https://app.example.com")
    assert set(re.findall(r"from corecors import (.*)", PAGE)[0].split(", ")) <= set(corecors.__all__)
