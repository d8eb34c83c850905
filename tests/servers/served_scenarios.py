"""Every application of the scenarios in one process: the header `X-Application` says which, as `flask:listed` does."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import scenario_apps

APPLICATION = "X-Application"

built = cache(scenario_apps.application)


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    if "HTTP_X_APPLICATION" not in environ:
        start_response("200 OK", [("Content-Length", "0")])
        return []
    adapter, _, policy = environ["HTTP_X_APPLICATION"].partition(":")
    return built(adapter, policy)(environ, start_response)
