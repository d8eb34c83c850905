"""`corecors demo --serve` in a process of its own, asked as curl and a visitor's browser would."""

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import child_processes
import pytest
import urllib3

from corecors.cli.demo_cases import CASES


@dataclass(frozen=True)
class Serving:
    process: subprocess.Popen[str]
    page: str
    api: str


@pytest.fixture
def serving() -> Iterator[Serving]:
    process = child_processes.start(
        [sys.executable, "-u", "-m", "corecors", "demo", "--serve"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        addresses = dict(process.stdout.readline().split() for _ in range(2))
        yield Serving(process, addresses["page"].rstrip("/"), addresses["API"])
    finally:
        process.send_signal(signal.SIGINT)  # and not SIGKILL, which would lose what was measured of its coverage
        try:
            process.communicate(timeout=30)
        finally:
            process.kill()


@pytest.fixture
def http() -> Iterator[urllib3.PoolManager]:
    pool = urllib3.PoolManager(retries=False, timeout=10)
    yield pool
    pool.clear()


def test_an_allowed_origin_is_echoed_exactly_once(serving: Serving, http: urllib3.PoolManager) -> None:
    answer = http.request("GET", serving.api + "/articles", headers={"Origin": "https://app.example.com"})
    assert answer.headers.getlist("Access-Control-Allow-Origin") == ["https://app.example.com"]


def test_a_look_alike_gets_no_cors_header_at_all(serving: Serving, http: urllib3.PoolManager) -> None:
    answer = http.request("GET", serving.api + "/articles", headers={"Origin": "https://app.example.com.evil.test"})
    assert answer.status == 200
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
    assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize(
    ("method", "status"), [pytest.param("PUT", 204, id="passes"), pytest.param("PATCH", 403, id="fails")]
)
def test_a_preflight_is_answered(serving: Serving, http: urllib3.PoolManager, method: str, status: int) -> None:
    headers = {"Origin": "https://app.example.com", "Access-Control-Request-Method": method}
    answer = http.request("OPTIONS", serving.api + "/articles/1", headers=headers)
    assert answer.status == status
    assert ("Access-Control-Allow-Origin" in answer.headers) == (status == 204)


def test_the_page_and_all_that_it_loads_are_served(serving: Serving, http: urllib3.PoolManager) -> None:
    queue, seen = ["/", "/demo_frame.html"], set[str]()
    while queue:
        path = queue.pop()
        answer = http.request("GET", serving.page + path)
        assert answer.status == 200, path
        seen.add(path)
        if answer.headers["Content-Type"].startswith("text/html"):
            links = re.findall(r'(?:src|href)="([^":#]+)"', answer.data.decode())
            queue += [f"/{link}" for link in links if f"/{link}" not in seen]
    scripts = {"/demo_page.js", "/demo_playground.js", "/demo_fetch.js"}
    assert {"/", "/demo_page.css", "/demo_frame.html"} | scripts == seen


def test_the_page_serves_nothing_but_its_own_files(serving: Serving, http: urllib3.PoolManager) -> None:
    for path in ("/demo.py", "/../demo.py", "/%2e%2e/demo.py", "/etc/passwd", "/demo_page"):
        assert http.request("GET", serving.page + path).status == 404, path


def test_only_the_page_itself_may_frame_the_frames(serving: Serving, http: urllib3.PoolManager) -> None:
    """Otherwise any web page could make them fetch from a loopback origin."""
    policy = http.request("GET", serving.page + "/demo_frame.html").headers["Content-Security-Policy"]
    directives = dict(directive.split(" ", 1) for directive in policy.split("; "))
    assert directives["frame-ancestors"] == serving.page
    assert {urlsplit(source).hostname for source in directives["connect-src"].split()} == {"127.0.0.1", "localhost"}


def test_the_page_tells_its_script_every_case(serving: Serving, http: urllib3.PoolManager) -> None:
    data = json.loads(http.request("GET", serving.page + "/cases.json").data)
    assert data["api"] == serving.api
    assert [case["name"] for case in data["cases"]] == [case.name for case in CASES]
    tried = [case for case in data["cases"] if case["frame"] or case["origin"] == serving.page]
    assert len(tried) == 18  # the two others come from hosts that no browser on this machine can be
    assert {case["readable"] for case in tried} == {True, False}


def test_the_cookie_of_the_page_is_good_for_the_api(serving: Serving, http: urllib3.PoolManager) -> None:
    cookie = http.request("GET", serving.page + "/").headers["Set-Cookie"].partition(";")[0]
    assert http.request("GET", serving.api + "/account", headers={"Cookie": cookie}).status == 200


@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGINT, id="Ctrl-C"), pytest.param(signal.SIGTERM, id="a service manager")]
)
def test_a_signal_stops_everything_cleanly(serving: Serving, number: signal.Signals) -> None:
    serving.process.send_signal(number)
    rest, _ = serving.process.communicate(timeout=30)
    assert serving.process.returncode == 0
    assert rest.rstrip().endswith("Stopped.")
    assert "Traceback" not in rest
    for address in (serving.page, serving.api):
        port = urlsplit(address).port
        assert port is not None
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=5):
            pass
