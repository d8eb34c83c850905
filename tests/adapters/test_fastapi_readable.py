"""What a page can read of a FastAPI application, by the model of the browser: with CORS, and with Starlette's own
middleware. What the latter keeps from the page is listed in docs/migrating.md."""

import re

import pytest
from asgi_client import send
from doc_examples import MIGRATING
from fastapi import FastAPI
from readable_fastapi import CASES, application

from corecors.browser import Credentials, Received, SentRequest, simulate
from corecors.browser import Request as PageRequest

PAGE = "https://app.example.com"
API = "https://api.example.com"


def is_readable(app: FastAPI, case: str) -> bool:
    method, path, headers, body = CASES[case]

    def ask(sent: SentRequest) -> Received:
        length = (("Content-Length", str(len(body))),) if body and not sent.preflight else ()
        answer = send(app, sent.method, path, (*sent.headers, *length), b"" if sent.preflight else body)
        return Received(answer.status, answer.headers)

    request = PageRequest(
        url=API + path,
        origin=PAGE,
        method=method,
        headers=tuple(headers.items()),
        credentials=Credentials.INCLUDE,
        body=body or None,
    )
    return simulate(request, ask).readable


@pytest.mark.parametrize("case", CASES)
def test_the_page_can_read_every_one_of_them(case: str) -> None:
    assert is_readable(application("ours", PAGE), case)


def test_what_starlettes_own_middleware_keeps_from_the_page_is_listed() -> None:
    kept = {case for case in CASES if not is_readable(application("starlette", PAGE), case)}
    section = MIGRATING.partition("## Starlette, FastAPI")[2].partition("\n## ")[0]
    assert set(re.findall(r"^- (.*)$", section, re.MULTILINE)) == kept - {"the same with a preflight"}
    assert "the same with a preflight" in kept
