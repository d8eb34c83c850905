"""What is served in `benchmarks.servers`: the same app, bare and wrapped."""

import os

import corecors
from benchmarks.subjects import policy_for
from benchmarks.workload import Rules, app_with_2_headers, asgi_app_with_2_headers, exact_origins
from corecors.adapters import asgi, wsgi

POLICY = policy_for(Rules(origins=tuple(exact_origins(10))))

assert os.environ.get("BENCHMARKED", corecors.__file__) == corecors.__file__, "another build than that which measures"

bare = app_with_2_headers
wrapped = wsgi.CORSMiddleware(app_with_2_headers, POLICY)


async def asgi_bare(scope, receive, send):  # type: ignore[no-untyped-def]
    """uvicorn asks whether it is a coroutine function."""
    if scope["type"] == "http":
        await asgi_app_with_2_headers(scope, receive, send)


asgi_wrapped = asgi.CORSMiddleware(asgi_bare, POLICY)
