"""The recipes of docs/production.md, run as they stand there."""

import os
import re
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import prometheus_client
import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from watched_requests import POLICY, application, preflight, request
from wsgi_client import send, values

from corecors import Policy, PolicyError
from corecors.adapters.wsgi import CORSMiddleware

ORIGIN = "https://one.test"
PAGE = Path(__file__).parents[2] / "docs" / "production.md"


def run_recipe(name: str, **more: Any) -> dict[str, Any]:
    """Run the code block that is marked as the recipe `name`, with `more` names; the names that it leaves behind."""
    (code,) = re.findall(rf"<!-- recipe: {name} -->\n```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    namespace: dict[str, Any] = {"CORSMiddleware": CORSMiddleware, "app": application, "policy": POLICY, **more}
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


def allowed(app: CORSMiddleware, origin: str, **environ: str) -> str | None:
    return request(app, HTTP_ORIGIN=origin, **environ)[1].get("Access-Control-Allow-Origin")


def test_a_policy_from_variables(monkeypatch):
    monkeypatch.setenv("CORS_ALLOW_ORIGINS", f"{ORIGIN},https://two.test")
    app = run_recipe("environment")["app"]
    assert [allowed(app, origin) for origin in (ORIGIN, "https://two.test", "https://three.test")] == [
        ORIGIN,
        "https://two.test",
        None,
    ]
    monkeypatch.setenv("CORS_ALLOW_ORIGIN", ORIGIN)
    with pytest.raises(PolicyError, match="CORS_ALLOW_ORIGINS"):
        run_recipe("environment")


@pytest.mark.parametrize("table", ["[cors]", '[cors."/orders"]', "[[cors.tiers]]"])
def test_a_policy_from_toml(table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cors.toml").write_text(f'{table}\nallow_origins = ["{ORIGIN}"]\n')
    app = run_recipe("toml")["app"]
    assert (allowed(app, ORIGIN), allowed(app, "https://two.test")) == (ORIGIN, None)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="SIGHUP is a signal of POSIX systems")
def test_a_preloaded_application_is_given_its_handler_in_the_worker(monkeypatch):
    reloads: list[int] = []
    module = SimpleNamespace(reload_policy=lambda signum, frame: reloads.append(signum))
    monkeypatch.setitem(sys.modules, "application", module)
    before = signal.getsignal(signal.SIGHUP)
    try:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # as gunicorn leaves it in a worker
        run_recipe("preload")["post_worker_init"](None)
        os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert reloads == [signal.SIGHUP]


@pytest.mark.parametrize(
    ("path", "origin", "status"),
    [
        pytest.param("/auth/callback", "https://login.provider.test", "200 OK", id="the provider's form"),
        pytest.param("/auth/callback", "null", "200 OK", id="a provider that hides its origin"),
        pytest.param("/orders", "https://login.provider.test", "403 Forbidden", id="the same page elsewhere"),
        pytest.param("/auth//callback", "https://login.provider.test", "403 Forbidden", id="an ambiguous path"),
    ],
)
def test_a_form_of_an_identity_provider_reaches_its_path_alone(path, origin, status):
    app = run_recipe("form-post")["app"]
    environ = {"HTTP_ORIGIN": origin, "HTTP_SEC_FETCH_SITE": "cross-site"}
    assert request(app, REQUEST_METHOD="POST", PATH_INFO=path, **environ)[0] == status


def test_origins_that_are_not_https():
    recipe = run_recipe("odd-origins")
    for origin in recipe["desktop"].allow_origins:
        assert recipe["desktop"].allows_origin(origin)
    assert recipe["firefox"].allows_origin("moz-extension://0a1b2c3d-1111-2222-3333-0123456789ab")
    assert not recipe["firefox"].allows_origin("moz-extension://0a1b2c3d.evil.test")
    with pytest.raises(PolicyError, match="null"):
        Policy(allow_origins=["null"])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the library, at its import
def test_flask_socketio_asks_the_policy():
    pytest.importorskip("flask_socketio")
    from flask import Flask

    app = Flask(__name__)
    run_recipe("socketio", app=app)
    polling = {"PATH_INFO": "/socket.io/", "QUERY_STRING": "EIO=4&transport=polling"}
    for origin, status in (("https://app.example.com", "200 OK"), ("https://evil.test", "400 BAD REQUEST")):
        assert request(app.wsgi_app, HTTP_ORIGIN=origin, **polling)[0] == status
    # An answer has one `Access-Control-Allow-Origin`, the policy's, though the library makes one of its own.
    covered = CORSMiddleware(app.wsgi_app, POLICY)
    answer = send(covered, "GET", "/socket.io/?EIO=4&transport=polling", (("Origin", "https://app.example.com"),))
    assert values(answer, "Access-Control-Allow-Origin") == ["https://app.example.com"]
    assert values(answer, "Access-Control-Allow-Credentials") == []


def test_every_recipe_is_run_here():
    page, source = PAGE.read_text(encoding="utf-8"), Path(__file__).read_text(encoding="utf-8")
    marked = re.findall(r"<!-- recipe: (.*?) -->\n```python", page)
    assert len(marked) == page.count("```python")
    assert [name for name in marked if f'run_recipe("{name}"' not in source] == []
