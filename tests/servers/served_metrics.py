"""The Prometheus recipe of docs/production.md as it stands there, served with the counters at /metrics."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import prometheus_client

from corecors import Policy
from corecors.adapters.wsgi import CORSMiddleware

PAGE = Path(__file__).parents[2] / "docs" / "production.md"

POLICY = Policy(allow_origins=["https://app.example.com"], allow_methods=["PUT"])


def hello(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]


def run_recipe() -> CORSMiddleware:
    """`hello` under `POLICY`, wrapped as the recipe wraps an application."""
    found = re.search(r"<!-- recipe: prometheus -->\n```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    names: dict[str, Any] = {"CORSMiddleware": CORSMiddleware, "app": hello, "policy": POLICY}
    exec(compile(found[1], f"{PAGE.name}: prometheus", "exec"), names)
    wrapped: CORSMiddleware = names["app"]
    return wrapped


counted = run_recipe()
metrics = prometheus_client.make_wsgi_app()


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """The metrics stand outside of the middleware: a scrape is no request to count."""
    served: Any = metrics if environ["PATH_INFO"] == "/metrics" else counted
    answer: Iterable[bytes] = served(environ, start_response)
    return answer
