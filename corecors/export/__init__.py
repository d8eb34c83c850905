"""A policy as the configuration of a proxy.

    render(Policy(allow_origins=["https://app.example.com"]), "nginx") -> str

Whatever a browser asks for, it comes to the same verdict with the same readable headers as with corecors in the
application, and caches are as safe. Where a proxy cannot say something, `ExportError` names it: nothing is
approximated.
"""

from importlib import import_module
from typing import Any

from corecors._decisions.sources import PolicySource
from corecors._policy.policy import Policy
from corecors.export.problems import ExportError

__all__ = ["TARGETS", "ExportError", "render"]

# One module each, with a function `render(policy, **options) -> str`.
TARGETS: tuple[str, ...] = ("apache", "caddy", "envoy", "haproxy", "nginx")


def render(policy: Policy | PolicySource, target: str, **options: Any) -> str:
    """`policy` as the configuration of `target`, one of `TARGETS`: text that ends in a line feed.

    options: `whole`: True for a complete file that can be run, instead of a fragment to include; `upstream`: the
        application's address, "http://127.0.0.1:8000". A target may have more: see its module.
    Raises `ExportError` with everything that the target cannot say, `ValueError` for a target that is none.
    """
    if target not in TARGETS:
        raise ValueError(f"there is no target {target!r}, only {', '.join(TARGETS)}")
    text: str = import_module(f"{__name__}.{target}").render(policy, **options)
    return text


ExportError.__module__ = __name__
