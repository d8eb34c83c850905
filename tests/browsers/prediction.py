"""What the model of the browser, `corecors.browser`, says about the cases, asking the same API over HTTP."""

from __future__ import annotations

import http.client
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from corecors.browser import Credentials, PreflightCache, Received, Request, SentRequest, Verdict, simulate

from .case import API_HOSTS, BLOCKED, Act, Addresses, Case, filled

MODEL = "model"  # the model's name as a visitor
SECONDS = 30  # for one answer from loopback

# What each act shows where it may read the answer. The rest is up to the act; whether it may is up to CORS.
SUCCESS = {
    "script": "loaded",
    "font": "loaded",
    "image": "loaded, pixels readable",
    "stylesheet": "loaded, 1 rule readable",
    "dynamicImport": "loaded, exports module",
    "events": "message hello",
}


@dataclass(frozen=True, slots=True)
class Prediction:
    """The model's word on one act in today's browsers. `laxer`: the script sees more than by the standard."""

    sees: str
    laxer: bool
    explanation: str


def predict(case: Case, addresses: Addresses, tls: ssl.SSLContext | None) -> list[Prediction | None]:
    """Act by act; None where the model has nothing to say. The preflight cache is carried from act to act."""
    cache, predictions = PreflightCache(), list[Prediction | None]()
    for act in case.acts:
        if not act.predicted:
            predictions.append(None)
            continue
        network = Network(addresses, tls)
        verdict = simulate(requested(case, act, addresses), network.send, cache=cache)
        cache = verdict.cache
        laxer = verdict.readable_in_practice and not verdict.readable
        predictions.append(Prediction(shown(act, verdict, network), laxer, verdict.explanation))
    return predictions


def requested(case: Case, act: Act, addresses: Addresses) -> Request:
    return Request(
        url=filled(act.url, addresses.in_urls(MODEL, case, act.page)),
        origin="null" if act.origin_is_null else addresses.page(act.page),
        method=act.method,
        headers=tuple(act.headers.items()),
        credentials=Credentials(act.credentials),
        body=None if act.body is None else act.body.encode(),
        upload_listeners=bool(act.options.get("uploadListener")),
    )


def shown(act: Act, verdict: Verdict, network: Network) -> str:
    """The verdict in the words of pages/acts.js."""
    if "until" in act.options:  # not what the script sees, but what arrived at the server
        until = act.options["until"]
        arrived = any(exchange.sent.method == until for exchange in verdict.exchanges)
        return f"{until} arrived" if arrived else f"no {until} arrived"
    if not verdict.readable_in_practice:
        return BLOCKED
    if act.do in SUCCESS:
        return SUCCESS[act.do] + (", its error readable" if "throwing" in act.url else "")
    readable = dict(verdict.readable_headers)
    parts = [str(verdict.status)]
    if network.body and act.method != "HEAD":
        parts.append(network.body.decode())
    parts += [f"{name}={readable.get(name.lower(), 'hidden')}" for name in act.read]
    if act.do == "timing":
        return f"{' '.join(parts)}, timings {'readable' if verdict.timing_readable else 'hidden'}"
    return " ".join(parts)


class Network:
    """Sends what the model wants sent, to the servers of the tests."""

    def __init__(self, addresses: Addresses, tls: ssl.SSLContext | None) -> None:
        self.addresses = addresses
        self.tls = tls
        self.body = b""  # of the last response

    def send(self, sent: SentRequest) -> Received:
        url = urlsplit(sent.url)
        assert url.hostname is not None
        headers = dict(sent.headers) | {"Host": url.netloc}
        if sent.credentials and url.hostname == API_HOSTS["near"]:
            headers["Cookie"] = "session=1"  # as the pages set it
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=SECONDS)
        # Browsers know by themselves that *.localhost is this machine; the system's resolver may not.
        connection.sock = socket.create_connection(("127.0.0.1", url.port), timeout=SECONDS)
        try:
            if self.tls is not None:
                connection.sock = self.tls.wrap_socket(connection.sock, server_hostname=url.hostname)
            target = f"{url.path}?{url.query}" if url.query else url.path
            connection.request(sent.method, target, body=sent.body, headers=headers)
            response = connection.getresponse()
            self.body = response.read()
            return Received(response.status, tuple(response.getheaders()))
        finally:
            connection.close()
