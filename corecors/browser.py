"""The browser's half of CORS: what a browser sends, what it checks, and what the page's script may read."""

from corecors.exchange import Check, Credentials, Exchange, Received, Request, SentRequest, Step, Verdict

__all__ = ["Check", "Credentials", "Exchange", "Received", "Request", "SentRequest", "Step", "Verdict"]
