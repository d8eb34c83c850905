"""Traps in a proxy's configuration that somebody else wrote: one module a proxy, each with `findings_in(path)`.

What is told is certain: a trap is left out where a piece of the configuration that would decide it is not understood.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from corecors.cli.proxies.findings import Finding

# Each module of this package that reads a proxy's configuration, with the proxy's own name.
PROXIES = {"nginx": "nginx", "haproxy": "HAProxy", "envoy": "Envoy", "caddy": "Caddy", "apache": "Apache"}


def findings_in(proxy: str, path: Path) -> "list[Finding]":
    """The traps in the file at `path`, by line. Raises `click.ClickException` for what cannot be read."""
    found: list[Finding] = import_module(f"{__name__}.{proxy}").findings_in(path)
    return found
