"""The other half of the protocol: what a browser does with a response. `simulate` is where to begin."""

from corecors.browser.exchange import Check, Credentials, Exchange, Received, Request, SentRequest, Step, Verdict
from corecors.browser.preflight_cache import Engine, PreflightCache
from corecors.browser.simulation import simulate

__all__ = [
    "Check",
    "Credentials",
    "Engine",
    "Exchange",
    "PreflightCache",
    "Received",
    "Request",
    "SentRequest",
    "Step",
    "Verdict",
    "simulate",
]

for _name in __all__:
    globals()[_name].__module__ = __name__
