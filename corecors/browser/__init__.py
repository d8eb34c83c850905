"""The other half of the protocol: what a browser does with a response. `simulate` is where to begin."""

from corecors.browser.header_lines import HeaderLines
from corecors.browser.messages import Credentials, Exchange, Received, Request, SentRequest
from corecors.browser.preflight_cache import Engine, PreflightCache
from corecors.browser.simulation import simulate
from corecors.browser.verdicts import Check, Step, Verdict

__all__ = [
    "Check",
    "Credentials",
    "Engine",
    "Exchange",
    "HeaderLines",
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
