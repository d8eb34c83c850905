"""`corecors demo --store`: the API's host is a tenant, whose origins stand in a store; here in a directory."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from werkzeug.test import Client

from corecors import Policy
from corecors.cli.demo import demo
from corecors.cli.demo_api import build_app, public_policy
from corecors.cli.demo_cases import HOST
from corecors.cli.demo_servers import in_force, running_site
from corecors.cli.demo_store import followed
from corecors.cli.terminal import Unusable

APP = "https://app.example.com"
PREVIEW = "https://*.preview.example.com"


def test_every_case_ends_as_the_store_says(tmp_path: Path) -> None:
    store = tmp_path / "tenants"
    first = CliRunner().invoke(demo, ["--store", str(store)])
    assert first.exit_code == 0
    assert "All 20 cases ended as the policy says." in first.output
    record = json.loads((store / f"{HOST}.json").read_text())
    assert record["allow_origins"][1:] == [APP, PREVIEW]

    (store / f"{HOST}.json").write_text(json.dumps({"allow_origins": [APP]}))
    with running_site(0, str(store)) as site:  # what somebody removed stays so, and the page is always there
        assert site.private.allow_origins == (site.page, APP)
        assert site.private.allow_credentials
    again = CliRunner().invoke(demo, ["--store", str(store)])
    assert again.exit_code == 0
    assert "x Origin by pattern" in again.output


def test_a_change_of_the_store_is_in_force_while_the_demo_serves(tmp_path: Path) -> None:
    store = str(tmp_path / "tenants")
    policy = Policy(allow_origins=[APP], allow_credentials=True)
    with followed(store, policy, "http://127.0.0.1:1") as policies:
        client = Client(build_app(policies, public_policy()))

        def allowed(origin: str) -> str | None:
            answer = client.get("/articles", base_url=f"http://{HOST}:8000", headers={"Origin": origin})
            return answer.headers.get("Access-Control-Allow-Origin")

        assert allowed(APP) == APP
        command = [sys.executable, "-m", "corecors", "origins", "--store", store, "remove", HOST, APP]
        subprocess.run(command, check=True, capture_output=True)
        policies.look_now()
        end = time.monotonic() + 60.0
        while in_force(policies).allow_origins != ("http://127.0.0.1:1",) and time.monotonic() < end:
            time.sleep(0.02)
        assert allowed(APP) is None


@pytest.mark.parametrize("store", ["redis://x:port", "nonsense://x"], ids=["no URL", "no such database"])
def test_a_store_that_cannot_be_used_is_one_line(store: str) -> None:
    result = CliRunner().invoke(demo, ["--store", store])
    assert result.exit_code == 2
    assert result.output.startswith("Error:")
    with pytest.raises(Unusable), running_site(0, store):
        pass


def test_a_record_that_is_refused_is_named(tmp_path: Path) -> None:
    (tmp_path / f"{HOST}.json").write_text('{"allow_origins": ["https://a.example/"]}')
    result = CliRunner().invoke(demo, ["--store", str(tmp_path)])
    assert result.exit_code == 2
    assert "has a trailing slash" in result.output
