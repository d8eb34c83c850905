"""What the doctor says to write at each kind of server: what can be read of it is right, and it lets nobody else in.

Where the server can be had, `tests/servers` applies the lines to it.
"""

from __future__ import annotations

import ast
import json
import re

import pytest

from corecors.browser import Received
from corecors.cli.servers import SOFTWARE, Needs, Software, header_lines, recognised

PAGE = "https://app.example.com"
NEEDS = {
    "nothing": Needs(PAGE),
    "a method": Needs(PAGE, methods=("PATCH",)),
    "headers": Needs(PAGE, names=("authorization", "x-token")),
    "credentials": Needs(PAGE, credentials=True),
    "all": Needs(PAGE, methods=("PUT", "DELETE"), names=("content-type",), credentials=True),
}
EVERY = pytest.mark.parametrize("software", [pytest.param(each, id=each.name) for each in SOFTWARE])
WITH_EACH = pytest.mark.parametrize("needs", NEEDS.values(), ids=NEEDS)
RESPONSE_HEADERS = {
    *("access-control-allow-origin", "access-control-allow-credentials", "access-control-allow-methods"),
    *("access-control-allow-headers", "access-control-request-method"),
}
# What lets everybody in, in the words of each of them.
LOOSE = re.compile(r"AnyOrigin|origin_allow_all|allowAll|allowedOriginPattern|origin: *true|SetIsOriginAllowed", re.I)


@EVERY
@WITH_EACH
def test_only_the_page_is_let_in(software: Software, needs: Needs) -> None:
    text = software.lines(needs)
    plain = text.replace("\\", "")  # a regular expression escapes the dots
    addresses = set(re.findall(r"https?://[A-Za-z0-9.-]+", plain))
    assert addresses == {PAGE}
    assert not LOOSE.search(text)
    stars = [line for line in text.splitlines() if "*" in line]
    # A star stands for paths there, and for "there is such a header" in Caddy.
    allowed = ("'/:path*'", '"/**"', 'resource "*"', "Access-Control-Request-Method *")
    assert all(any(each in line for each in allowed) for line in stars), stars
    assert "127.0.0.1" not in text


@EVERY
@WITH_EACH
def test_what_is_asked_for_is_there_and_nothing_else(software: Software, needs: Needs) -> None:
    text = software.lines(needs)
    code = "\n".join(line for line in text.splitlines() if not re.match(r"\s*(#|//) ", line))
    assert {name.lower() for name in re.findall(r"Access-Control-[A-Za-z-]+", code)} <= RESPONSE_HEADERS
    for method in ("PUT", "PATCH", "DELETE"):
        wanted = method in needs.methods and not (software.name == "Amazon S3" and method == "PATCH")
        assert bool(re.search(rf"\b{method}\b", code, re.IGNORECASE)) == wanted, method
    for name in ("authorization", "x-token", "content-type"):
        assert (name in code) == (name in needs.names), name
    says_credentials = bool(re.search(r"credentials\W+(?:value: \W)?true", code, re.IGNORECASE))
    says_credentials |= "AllowCredentials()" in code or "allow_credentials=True" in code
    assert says_credentials == (needs.credentials and software.name != "Amazon S3"), code  # S3 always sends it


@EVERY
@WITH_EACH
def test_brackets_and_quotes_are_closed(software: Software, needs: Needs) -> None:
    lines = [line for line in software.lines(needs).splitlines() if not re.match(r"\s*(#|//) ", line)]
    text = re.sub(r"\\.", "", "\n".join(lines))
    for opening, closing in ("()", "[]", "{}"):
        assert text.count(opening) == text.count(closing)
    assert text.count('"') % 2 == 0
    assert text.count("'") % 2 == 0


@WITH_EACH
def test_those_for_python_are_python(needs: Needs) -> None:
    programs = [each.lines(needs) for each in SOFTWARE if "import" in each.lines(needs)]
    assert len(programs) >= 6
    for program in programs:
        ast.parse(program)


@WITH_EACH
def test_the_rule_for_s3_is_one_of_its_own(needs: Needs) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html"""
    (software,) = (each for each in SOFTWARE if each.name == "Amazon S3")
    (rule,) = json.loads(software.lines(needs))
    assert rule["AllowedOrigins"] == [PAGE]
    assert set(rule["AllowedMethods"]) <= {"GET", "PUT", "POST", "DELETE", "HEAD"}
    assert rule["AllowedHeaders"] == list(needs.names)


@WITH_EACH
def test_the_command_for_api_gateway_has_lists_of_its_shorthand(needs: Needs) -> None:
    """Keys of the type Cors; a list is separated by commas: the AWS CLI's guide, "Shorthand syntax"."""
    (software,) = (each for each in SOFTWARE if each.name == "AWS API Gateway")
    (command,) = (line for line in software.lines(needs).splitlines() if line.startswith("aws "))
    pairs = re.findall(r"(?:^|,)(\w+)=((?:[^,=]+(?:,(?!\w+=))?)+)", command.rpartition(" ")[2])
    found = {key: value.split(",") for key, value in pairs}
    assert found.pop("AllowOrigins") == [PAGE]
    assert found.pop("AllowMethods") == ["GET", "HEAD", "POST", *needs.methods]
    assert found.pop("AllowHeaders", []) == list(needs.names)
    assert found.pop("AllowCredentials", ["false"]) == [str(needs.credentials).lower()]
    assert not found


# As each of them says it; HAProxy and most proxies only where somebody has configured it so.
SAYS = {
    "Express": [("X-Powered-By", "Express")],
    "Next.js": [("X-Powered-By", "Next.js")],
    "Flask or another WSGI application": [("Server", "Werkzeug/3.1.3 Python/3.13.0")],
    "Django": [("Server", "WSGIServer/0.2 CPython/3.13.0")],
    "Python's http.server": [("Server", "SimpleHTTP/0.6 Python/3.13.0")],
    "FastAPI or Starlette": [("server", "uvicorn"), ("server", "hypercorn-h11")],
    "aiohttp": [("Server", "Python/3.13 aiohttp/3.12.15")],
    "Django under daphne": [("Server", "daphne")],
    "a WSGI application under gunicorn": [("Server", "gunicorn"), ("Server", "waitress")],
    "Rails": [("X-Runtime", "0.012345"), ("X-Powered-By", "Phusion Passenger(R) 6.0.22")],
    "Spring": [("X-Application-Context", "application"), ("Server", "Apache-Coyote/1.1")],
    "PHP": [("X-Powered-By", "PHP/8.2.36")],
    "ASP.NET": [("Server", "Kestrel"), ("Server", "Microsoft-IIS/10.0"), ("X-Powered-By", "ASP.NET")],
    "AWS API Gateway": [("x-amz-apigw-id", "Zg3T2="), ("Apigw-Requestid", "Zg3T2=")],
    "Amazon S3": [("Server", "AmazonS3")],
    "Caddy": [("Server", "Caddy"), ("Via", "1.1 Caddy")],
    "Apache": [("Server", "Apache/2.4.62 (Debian)")],
    "nginx": [("Server", "nginx/1.26.3"), ("Server", "openresty/1.27.1.1")],
    "HAProxy": [("Via", "1.1 haproxy")],
    "Envoy": [("server", "envoy"), ("x-envoy-upstream-service-time", "3")],
    "Traefik": [("Via", "1.1 traefik")],
    "CloudFront": [("Via", "1.1 d1.cloudfront.net (CloudFront)"), ("X-Amz-Cf-Id", "a==")],
    "Cloudflare": [("Server", "cloudflare"), ("CF-RAY", "8f-FRA")],
}


@EVERY
def test_each_is_recognised_by_what_it_says(software: Software) -> None:
    for line in SAYS[software.name]:
        assert recognised([Received(200, [line])]) is software, line


def test_what_says_nothing_is_not_guessed() -> None:
    assert recognised([Received(200, [("Server", "mine"), ("Content-Type", "text/html")])]) is None
    assert header_lines(NEEDS["nothing"]) == [("Access-Control-Allow-Origin", PAGE), ("Vary", "Origin")]
