"""Run in a Django project, with a seed and a count: what a browser makes of so many random requests, as JSON lines."""

import json
import random
import sys
from typing import Any
from urllib.parse import urlsplit

import django
from django.test import Client

from corecors.browser import Credentials, Received, Request, SentRequest, simulate

SITE = "http://testserver"
ORIGINS = [
    "https://app.example.com",
    "https://admin.example.com:8443",
    "https://pr-12.preview.example.com",
    "https://preview.example.com",
    "https://app.example.com.evil.test",
    "https://stranger.example.net",
    "http://app.example.com",
    "http://localhost:3000",
    "null",
    SITE,
]
METHODS = ["GET", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "patch", "PROPFIND"]
HEADERS = [
    ("Accept", "application/json"),
    ("Authorization", "Bearer token"),
    ("Content-Type", "application/json"),
    ("Content-Type", "text/plain"),
    ("X-CSRFToken", "token"),
    ("X-Requested-With", "XMLHttpRequest"),
    ("X-Token", "token"),
    ("User-Agent", "mine"),
]
PATHS = ["/", "/api/items", "/api/items/7", "/api/slash", "/api/error", "/admin/", "/nowhere", "/apiary"]


def send(sent: SentRequest) -> Received:
    address = urlsplit(sent.url)
    headers = dict(sent.headers)
    response = Client(raise_request_exception=False).generic(
        sent.method,
        address.path,
        sent.body or b"",
        headers.pop("Content-Type", ""),
        headers=headers,
    )
    response.close()
    return Received(response.status_code, response.items())


def seen(choose: random.Random) -> dict[str, Any]:
    """A random request, and all of it that a page could notice."""
    request = Request(
        url=SITE + choose.choice(PATHS),
        origin=choose.choice(ORIGINS),
        method=choose.choice(METHODS),
        headers=tuple(choose.sample(HEADERS, choose.choice([0, 0, 1, 2]))),
        credentials=choose.choice(list(Credentials)),
    )
    verdict = simulate(request, send)
    preflights = [exchange.received for exchange in verdict.exchanges if exchange.sent.preflight]
    passed = verdict.preflights and len(verdict.exchanges) > verdict.preflights
    return {
        "request": f"{request.method} {request.url} from {request.origin}, {request.headers}, {request.credentials}",
        "readable": verdict.readable,
        "in practice": verdict.readable_in_practice,
        "status": verdict.status,
        "headers": sorted(name for name, _ in verdict.readable_headers if name != "vary"),
        "sent": len(verdict.exchanges) - verdict.preflights,
        "kept for": preflights[0].get("Access-Control-Max-Age") if passed else None,
    }


if __name__ == "__main__":
    django.setup()
    seed, count = map(int, sys.argv[1:])
    randomly = random.Random(seed)
    for _ in range(count):
        print(json.dumps(seen(randomly)))
