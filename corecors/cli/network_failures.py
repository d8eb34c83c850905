"""Why no answer came: what the network said, as a `Failure`."""

import http.client
import ssl

import urllib3

from corecors.cli.unanswered import Failure


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
