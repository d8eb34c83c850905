"""Why no answer came, in words, and with a code that stays the same."""

import http.client
import ssl
from typing import NamedTuple

import urllib3


class Failure(NamedTuple):
    """What went wrong. `code` is one of the keys of `ADVICE`; `words` has no names of classes and objects in it."""

    code: str
    words: str


# What to do about each; {origin} is that of the address, {other} the same with the other scheme.
ADVICE = {
    "dns": "Look at the host's name in the address; the browser finds no server either.",
    "refused": "Start the server, and look at the port. Browsers show this as a CORS error too (Firefox: CORS "
    "request did "
    "not succeed).",
    "timeout": "The server accepts the connection and does not answer: look at its log, or give it longer with "
    "--timeout.",
    "certificate": "The browser refuses it too and blames CORS: open the address in a tab to see. Install a "
    "certificate "
    "that browsers trust (for development: mkcert); --insecure shows what comes after it.",
    "no-tls": "Write {other}, or let the server speak TLS.",
    "tls": "Look at the server's TLS settings; the browser gets no further either.",
    "closed": "The server's log says why; a port that expects TLS does so too: try {other}.",
    "not-http": "Another program listens at this port; or it expects TLS: try {other}.",
    "not-recorded": "Record it again with the preflights in it, or ask the server: corecors doctor.",
    "request": "That cannot be sent.",
    "network": "Look at the network between here and there.",
}


def failure_of(error: Exception) -> Failure:
    """What `error`, which was raised while asking, means."""
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return Failure("dns", "the name does not resolve")
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        words = str(error).rpartition("] ")[2] or "no connection"
        return Failure("refused" if "refused" in words.lower() else "network", words)
    if isinstance(error, ssl.SSLCertVerificationError):
        return Failure("certificate", f"TLS: the certificate is not trusted: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        # What OpenSSL says when plain text comes where a handshake was due; its words changed with version 3.2.
        plain = getattr(error, "reason", None) in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")
        words = (
            "the server does not speak TLS at this port" if plain else str(error.args[-1] if error.args else "failed")
        )
        return Failure("no-tls" if plain else "tls", f"TLS: {words}")
    if isinstance(error, http.client.RemoteDisconnected):
        return Failure("closed", "the server closed the connection without an answer")
    if isinstance(error, http.client.BadStatusLine):
        return Failure("not-http", f"what came is not HTTP: {error}")
    if isinstance(error, http.client.HTTPException):
        return Failure("not-http", str(error) or type(error).__name__)
    if isinstance(error, OSError):
        return Failure("network", error.strerror or str(error) or type(error).__name__)
    return Failure("request", str(error) or type(error).__name__)
