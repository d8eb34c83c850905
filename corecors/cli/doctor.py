"""`corecors doctor`: why a browser says no to a running server, step by step, and what is dangerous about its CORS."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

import click

from corecors._decisions.headers import ORIGIN
from corecors.browser import Credentials, HeaderLines, Received, Request, SentRequest, Verdict, simulate
from corecors.cli.bounded_client import (
    MAX_REQUESTS,
    BoundedClient,
    OtherHostError,
    TooManyRequestsError,
    UnreachableError,
)
from corecors.cli.doctor_report import deciding, page_section, print_report
from corecors.cli.hazards import Hazard, find_hazards
from corecors.cli.terminal import Unusable


@click.command(epilog="Exits 0 if it works in a browser, 1 if it would fail, 2 if there was no answer or bad usage.")
@click.argument("url")
@click.option("--origin", required=True, help="The page's origin: https://app.example.com, or null.")
@click.option("-X", "--method", default="GET", show_default=True, help="What the page calls fetch() with.")
@click.option("-H", "--header", "headers", multiple=True, metavar="NAME: VALUE", help="A header that the page sets.")
@click.option("-d", "--data", help="The body that the page sends, as text.")
@click.option("--credentials", is_flag=True, help='With cookies: credentials: "include". No cookie is really sent.')
@click.option("--no-hazards", is_flag=True, help="Only the request itself, without looking for dangers.")
@click.option("--strict", is_flag=True, help="Exit 1 for a serious danger too.")
@click.option("--timeout", default=10.0, show_default=True, type=click.FloatRange(0.1, 300), help="Seconds for it all.")
@click.option("--insecure", is_flag=True, help="Take any certificate.")
@click.option("--ca-file", type=click.Path(exists=True, dir_okay=False), help="Certificates to trust, in PEM form.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.pass_context
def doctor(
    context: click.Context,
    url: str,
    origin: str,
    method: str,
    headers: tuple[str, ...],
    data: str | None,
    credentials: bool,
    no_hazards: bool,
    strict: bool,
    timeout: float,
    insecure: bool,
    ca_file: str | None,
    as_json: bool,
) -> None:
    request = _request(url, origin, method, headers, data, credentials)
    client = _client(url, timeout, insecure, ca_file)
    try:
        verdict = simulate(request, client)
    except OtherHostError as error:
        raise Unusable(f"a redirect leads to {error}, another host; ask there with corecors doctor") from None
    except TooManyRequestsError as error:
        raise Unusable(f"{error}: is there a loop of redirects?") from None
    except UnreachableError as error:
        raise Unusable(f"no answer from {url}: {error}") from None
    hazards: list[Hazard] = []
    unfinished = None
    if verdict.exchanges and not no_hazards:
        try:
            hazards.extend(_hazards(request, verdict, client))
        except (TooManyRequestsError, UnreachableError) as error:
            # The verdict stands, and so do the dangers that were found; extend() keeps what came before an exception.
            unfinished = str(error)
    hazards.sort(key=lambda hazard: not hazard.serious)
    if as_json:
        click.echo(json.dumps(_as_data(verdict, hazards, unfinished, client.sent), indent=2))
    else:
        print_report(verdict, hazards, unfinished, client.sent)
    fails = not verdict.readable_in_practice or (strict and any(hazard.serious for hazard in hazards))
    context.exit(1 if fails else 0)


doctor.help = f"""Find out why a browser says no to a running server.

Behaves like a browser towards URL: sends a preflight where one is due, with the bytes that browsers send, checks every
answer by the Fetch standard, follows redirects, and tells what script can read. Then it looks for dangers. At most
{MAX_REQUESTS} requests go out, all to the host in URL. Of a response only the headers are awaited.

\b
Examples:
  corecors doctor https://api.example.com/orders \\
      --origin https://app.example.com
  corecors doctor https://api.example.com/orders/7 \\
      --origin https://app.example.com --credentials \\
      -X PUT -H "Content-Type: application/json" -d "{{}}"
"""


def _request(
    url: str, origin: str, method: str, headers: tuple[str, ...], data: str | None, credentials: bool
) -> Request:
    if not _is_address(url):
        raise Unusable(f"{url!r} is no address of a server: write http://... or https://...")
    try:
        body = None if data is None else data.encode()
    except UnicodeEncodeError:
        raise Unusable("--data: only text can be sent, and that is none") from None
    pairs = []
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon:
            raise Unusable(f'-H {header!r} has no value: write "{header}: value"; it may decide about the preflight')
        pairs.append((name.strip(), value.strip()))
    try:
        return Request(
            url=url,
            origin=origin,
            method=method,
            headers=tuple(pairs),
            credentials=Credentials.INCLUDE if credentials else Credentials.SAME_ORIGIN,
            body=body,
        )
    except ValueError as error:
        raise Unusable(f"--origin: {error}") from None


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that are no IPv6 address
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _client(url: str, timeout: float, insecure: bool, ca_file: str | None) -> BoundedClient:
    try:
        return BoundedClient(url, timeout=timeout, verify=not insecure, ca_file=ca_file)
    except OSError as error:
        raise Unusable(f"--ca-file: {error}") from None


def _hazards(request: Request, verdict: Verdict, client: BoundedClient) -> Iterator[Hazard]:
    """Dangers at the address where the course ended, as far as a GET shows them."""
    last = verdict.exchanges[-1]
    plain_get = last.sent.method == "GET" and last.sent.get(ORIGIN) == request.origin
    if plain_get:
        answer: Received = last.received
    else:
        answer = client(
            SentRequest(
                method="GET", url=last.sent.url, headers=HeaderLines((("Accept", "*/*"), (ORIGIN, request.origin)))
            )
        )
    yield from find_hazards(last.sent.url, request.origin, answer, client)


def _as_data(verdict: Verdict, hazards: list[Hazard], unfinished: str | None, sent: int) -> dict[str, Any]:
    first = _first_finding(verdict, hazards)
    return {
        "works": verdict.readable_in_practice,
        "works_by_the_standard": verdict.readable,
        "finding": first,
        "checks": [
            {
                "step": check.step.value,
                "passed": check.passed,
                "passed_in_practice": check.passed_in_practice,
                "explanation": check.explanation,
                "mend": check.fix,
                "header": check.header,
                "value": check.value,
                "section": check.url,
                "exchange": check.exchange,
            }
            for check in verdict.checks
        ],
        "exchanges": [
            {
                "method": exchange.sent.method,
                "url": exchange.sent.url,
                "preflight": exchange.sent.preflight,
                "request_headers": exchange.sent.headers,
                "status": exchange.received.status,
                "response_headers": exchange.received.headers,
            }
            for exchange in verdict.exchanges
        ],
        "status": verdict.status,
        "readable_headers": [name for name, _ in verdict.readable_headers],
        "hidden_headers": verdict.hidden_headers,
        "hazards": [asdict(hazard) for hazard in hazards],
        "unfinished": unfinished,
        "requests": sent,
    }


def _first_finding(verdict: Verdict, hazards: list[Hazard]) -> dict[str, str] | None:
    """What to mend first: the step that fails, else the gravest danger."""
    if not verdict.readable:
        check = deciding(verdict)
        return {
            "what": check.step.value,
            "explanation": check.explanation,
            "mend": check.fix,
            "page": page_section(verdict),
        }
    if hazards:
        return {"what": hazards[0].name, "explanation": hazards[0].wrong, "mend": hazards[0].mend}
    return None
