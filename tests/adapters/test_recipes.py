"""The recipes of docs/production.md, run as they stand there."""

import os
import re
import signal
from pathlib import Path
from typing import Any

import prometheus_client
import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from watched_requests import POLICY, application, preflight, request

from corecors.adapters.wsgi import CORSMiddleware

PAGE = Path(__file__).parents[2] / "docs" / "production.md"


def run_recipe(name: str) -> dict[str, Any]:
    """Run the code block that is marked as the recipe `name`; the names that it leaves behind."""
    (code,) = re.findall(rf"<!-- recipe: {name} -->\n```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    namespace: dict[str, Any] = {"CORSMiddleware": CORSMiddleware, "app": application, "policy": POLICY}
    exec(compile(code, f"{PAGE.name}: {name}", "exec"), namespace)
    return namespace


def send_some(app: CORSMiddleware) -> None:
    request(app)
    for _ in range(3):
        request(app, HTTP_ORIGIN="https://app.example.com")
    for number in range(5):
        request(app, HTTP_ORIGIN=f"https://evil{number}.test")
    preflight(app, "https://app.example.com", "DELETE")


EXPECTED = {
    ("not_cors", "not_cors"): 1,
    ("actual", "origin_allowed"): 3,
    ("actual", "origin_not_allowed"): 5,
    ("preflight", "method_not_allowed"): 1,
}


def test_prometheus_counts_by_kind_and_reason_and_never_by_origin():
    recipe = run_recipe("prometheus")
    try:
        send_some(recipe["app"])
        (family,) = recipe["CORS_DECISIONS"].collect()
        counted = {
            (sample.labels["kind"], sample.labels["reason"]): sample.value
            for sample in family.samples
            if sample.name == "cors_decisions_total"
        }
        exposed = prometheus_client.generate_latest().decode()
    finally:
        prometheus_client.REGISTRY.unregister(recipe["CORS_DECISIONS"])
    assert counted == EXPECTED
    assert 'cors_decisions_total{kind="actual",reason="origin_not_allowed"} 5.0' in exposed
    assert "evil" not in exposed


def test_opentelemetry_counts_by_kind_and_reason_and_never_by_origin():
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader])
    metrics.set_meter_provider(provider)
    send_some(run_recipe("opentelemetry")["app"])
    data = reader.get_metrics_data()
    (metric,) = data.resource_metrics[0].scope_metrics[0].metrics
    assert metric.name == "cors.decisions"
    counted = {
        (point.attributes["cors.kind"], point.attributes["cors.reason"]): point.value
        for point in metric.data.data_points
    }
    assert counted == EXPECTED
    provider.shutdown()


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="SIGHUP is a signal of POSIX systems")
def test_sighup_reloads_the_policy_and_keeps_the_old_one_where_the_new_one_is_refused(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "cors.toml"
    before = signal.getsignal(signal.SIGHUP)
    try:
        file.write_text('[cors]\nallow_origins = ["https://one.test"]\n')
        app = run_recipe("reload")["app"]
        assert app.policy.allow_origins == ("https://one.test",)
        file.write_text('[cors]\nallow_origins = ["https://two.test"]\n')
        os.kill(os.getpid(), signal.SIGHUP)
        assert request(app, HTTP_ORIGIN="https://two.test")[1]["Access-Control-Allow-Origin"] == "https://two.test"
        file.write_text('[cors]\nallow_origins = ["https://three.test/"]\n')
        os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert app.policy.allow_origins == ("https://two.test",)
    assert "trailing slash" in caplog.records[-1].getMessage()
