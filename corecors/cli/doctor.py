"""`corecors doctor`: why a browser says no to a running server, step by step, and what is dangerous about its CORS."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import click

from corecors.browser import Credentials, Received, Request, SentRequest
from corecors.cli.bounded_client import BoundedClient, Deadline
from corecors.cli.curl_command import CurlError, read_curl
from corecors.cli.diagnosis import SCHEMA, Diagnosis, as_data, diagnose
from corecors.cli.doctor_report import Report
from corecors.cli.examination import End, Examination, examine, plain_get
from corecors.cli.github import annotations_of
from corecors.cli.har_file import MAX_LENGTH, HarError, Recording, read_har
from corecors.cli.hazards import Hazard, about_cookies, find_hazards, in_order
from corecors.cli.masking import masked_url
from corecors.cli.page_request import PageRequest, RequestError, from_curl, from_options
from corecors.cli.terminal import Paper, Unusable
from corecors.cli.unanswered import MAX_REQUESTS, TooManyRequestsError, UnreachableError
from corecors.cli.websocket_probe import as_http, find_websocket_hazards

TEXT, JSON, GITHUB = "text", "json", "github"


@click.command(epilog="Exits 0 if it works as far as it was sent, 1 if it would fail, 2 if that cannot be told.")
@click.argument("url", required=False)
@click.option(
    "--origin", "origins", multiple=True, help="The page's origin or address, or null. Several: each is tried."
)
@click.option("-X", "--method", help="What the page calls fetch() with.  [default: GET, with -d POST]")
@click.option("-H", "--header", "headers", multiple=True, metavar="NAME: VALUE", help="A header that the page sets.")
@click.option("-d", "--data", multiple=True, help="The body that the page sends, as text.")
@click.option("--credentials", is_flag=True, help='With cookies: credentials: "include".')
@click.option("--send", is_flag=True, help="Really send what may change something, once: POST, PUT, DELETE.")
@click.option("--curl", metavar="CURL", help="The request as a copied curl command: a file, - or the text.")
@click.option("--har", metavar="FILE", help="Judge a recorded HAR file; nothing is sent.")
@click.option("--entry", type=int, help="With --har: the report on this entry.")
@click.option("--websocket", is_flag=True, help="Also ask whether a WebSocket is opened to a page of any site.")
@click.option("--no-hazards", is_flag=True, help="Only the request itself, without looking for dangers.")
@click.option("--strict", is_flag=True, help="Exit 1 for a serious danger too.")
@click.option("--timeout", default=10.0, show_default=True, type=click.FloatRange(0.1, 300), help="Seconds for it all.")
@click.option("--insecure", is_flag=True, help="Take any certificate.")
@click.option("--ca-file", type=click.Path(exists=True, dir_okay=False), help="Certificates to trust, in PEM form.")
@click.option("--format", "form", type=click.Choice([TEXT, JSON, GITHUB]), default=TEXT, help="For whom to print it.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.pass_context
def doctor(
    context: click.Context,
    url: str | None,
    origins: tuple[str, ...],
    method: str | None,
    headers: tuple[str, ...],
    data: tuple[str, ...],
    credentials: bool,
    send: bool,
    curl: str | None,
    har: str | None,
    entry: int | None,
    websocket: bool,
    no_hazards: bool,
    strict: bool,
    timeout: float,
    insecure: bool,
    ca_file: str | None,
    form: str,
    as_json: bool,
) -> None:
    form = JSON if as_json else form
    try:
        if har is not None:
            diagnoses = _recorded(har, entry)
            brief = entry is None
        else:
            page = _page_request(url, method, headers, data, credentials, curl)
            asked = origins or ((page.origin,) if page.origin else ())
            if not asked:
                raise click.UsageError("Missing option '--origin': the origin of the page that asks.")
            requests = [page.from_origin(origin) for origin in asked]
            diagnoses = []
            deadline = Deadline(timeout)
            for request in requests:
                client = _client(page.url, deadline, insecure or page.insecure, ca_file)
                diagnoses.append(_asked(request, page, client, send=send, hazards=not no_hazards, websocket=websocket))
            brief = False
    except (RequestError, CurlError, HarError) as error:
        what = "--curl: " if isinstance(error, CurlError) else "--har: " if isinstance(error, HarError) else ""
        raise Unusable(masked_url(f"{what}{error}")) from None
    if form == JSON:
        click.echo(json.dumps({"schema": SCHEMA, "runs": [as_data(each) for each in diagnoses]}, indent=2))
    elif form == GITHUB:
        for line in annotations_of(diagnoses):
            click.echo(line)
    elif brief:
        _print_list(diagnoses)
    else:
        _print(diagnoses)
    context.exit(max((each.exit_code(strict=strict) for each in diagnoses), key=_severity, default=0))


doctor.help = f"""Find out why a browser says no to a running server.

Behaves like a browser towards URL: sends a preflight where one is due, with the bytes that browsers send, checks every
answer by the Fetch standard, follows redirects, and tells what script can read. Then it looks for dangers. At most
{MAX_REQUESTS} requests go out for an origin, all to the host in URL, and only GET, HEAD and OPTIONS unless --send is
given. Of a response only the headers are awaited. Secrets are shown nowhere.

\b
Examples:
  corecors doctor https://api.example.com/orders \\
      --origin https://app.example.com
  corecors doctor https://api.example.com/orders/7 \\
      --origin https://app.example.com --credentials \\
      -X PUT -H "Content-Type: application/json" -d "{{}}"
  corecors doctor --curl copied.txt
  corecors doctor --har recorded.har
"""


def _severity(code: int) -> int:
    return (0, 2, 1).index(code)  # one that fails weighs more than one that cannot be told


def _page_request(
    url: str | None,
    method: str | None,
    headers: tuple[str, ...],
    data: tuple[str, ...],
    credentials: bool,
    curl: str | None,
) -> PageRequest:
    if curl is not None:
        if url is not None or headers or data:
            raise Unusable("--curl has the address, the headers and the body: leave out URL, -H and -d")
        page = from_curl(read_curl(_text_of(curl, "--curl")), method=method, credentials=credentials)
    elif url is not None:
        page = from_options(as_http(url), method, headers, data, credentials)
    else:
        raise click.UsageError("Missing argument 'URL' (or --curl, or --har).")
    if not _is_address(page.url):
        raise Unusable(f"{masked_url(page.url)!r} is not the address of a server: write http://... or https://...")
    return page


def _text_of(source: str, option: str) -> str:
    """The text that `source` is: of standard input, of a file, or itself."""
    if source == "-":
        return sys.stdin.read(MAX_LENGTH)
    if option == "--curl" and source.lstrip().lower().startswith("curl"):
        return source
    try:
        with Path(source).open(encoding="utf-8-sig", errors="surrogateescape") as file:
            return file.read(MAX_LENGTH)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise Unusable(f"{option}: the file cannot be read: {reason}") from None


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that are not an IPv6 address
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _client(url: str, deadline: Deadline, insecure: bool, ca_file: str | None) -> BoundedClient:
    try:
        return BoundedClient(url, deadline=deadline, verify=not insecure, ca_file=ca_file)
    except OSError as error:
        raise Unusable(f"--ca-file: {error}") from None


def _asked(
    request: Request, page: PageRequest, client: BoundedClient, *, send: bool, hazards: bool, websocket: bool
) -> Diagnosis:
    """Ask the server itself."""

    def ask(sent: SentRequest) -> Received:
        if sent.preflight:
            return client(sent)  # never with what belongs to the request itself
        own = (line for line in page.own if sent.credentials or line[0].lower() != "cookie")
        return client(sent, own)

    examination = examine(request, ask, send_unsafe=send)
    stop = examination.stop
    found: list[Hazard] = []
    unfinished = None
    # What a GET says is a hint to the cause, and what the dangers are measured by; else nothing is asked for it.
    begun = bool(examination.verdict.exchanges) or (stop is not None and stop.end is End.NOT_SENT)
    if begun and (hazards or websocket or not examination.works):
        try:
            examination = _looked_around(examination, client)
            if hazards:
                assert examination.plain is not None
                # extend() keeps what came before an exception: the verdict stands, and so do the dangers found so far.
                found.extend(find_hazards(_where(examination), request.origin, examination.plain, client))
            if websocket:
                found.extend(find_websocket_hazards(_where(examination), request.origin, client))
        except (TooManyRequestsError, UnreachableError) as error:
            unfinished = str(error) if hazards else None
    if hazards and examination.last is not None and request.credentials is Credentials.INCLUDE:
        found.extend(about_cookies(examination.last.received))
    return diagnose(examination, tuple(in_order(found)), unfinished, client.sent)


def _looked_around(examination: Examination, client: BoundedClient) -> Examination:
    """With what only one more question tells."""
    last = examination.last
    tls = False
    if last is not None and last.received.status == 400 and last.sent.url.startswith("http:"):
        tls = client.speaks_tls(last.sent.url)
    return replace(examination, port_speaks_tls=tls, plain=plain_get(examination, client))


def _where(examination: Examination) -> str:
    if examination.last is not None:
        return examination.last.sent.url
    assert examination.stop is not None
    return examination.stop.request.url


def _recorded(har: str, number: int | None) -> list[Diagnosis]:
    """Judge what a file holds."""
    recording: Recording = read_har(_text_of(har, "--har"))
    entries = list(recording.cross_origin())
    if number is not None:
        entries = [each for each in recording.entries if each.number == number and recording.origin_of(each)]
        if not entries:
            raise Unusable(f"--entry {number}: the file has no such entry with an Origin")
    return [replace(diagnose(recording.examine(entry)), entry=entry.number) for entry in entries]


def _print(diagnoses: list[Diagnosis]) -> None:
    for number, diagnosis in enumerate(diagnoses):
        if len(diagnoses) > 1:
            paper = Paper()
            if number:
                paper.blank()
            paper.line((f"Origin {diagnosis.origin}", "bold"))
        Report(diagnosis).print()


def _print_list(diagnoses: list[Diagnosis]) -> None:
    """One line for each request of a recording."""
    paper = Paper()
    failing = [each for each in diagnoses if each.exit_code(strict=False)]
    width = max((len(str(each.entry)) for each in diagnoses), default=0)
    if not diagnoses:
        paper.line("No request in this file crosses origins.")
        return
    paper.line(
        (f"{len(failing)} of {len(diagnoses)} requests across origins fail.", "bold red" if failing else "bold green")
    )
    for diagnosis in diagnoses:
        request, masker = diagnosis.examination.request, diagnosis.secrets()
        word, style = ("FAILED", "bold red") if diagnosis in failing else ("passed", "green")
        paper.line(
            masker.text(f"{request.method} {request.url}  from {request.origin}"),
            label=(f"  {word} {diagnosis.entry:{width}}  ", style),
        )
        cause = diagnosis.cause
        if cause is not None:
            indent = " " * (len(word) + width + 5)
            paper.line(masker.text(f"{cause.says}\nFix: {cause.fix}"), label=indent)
            for name, value in cause.lines:
                paper.line(masker.text(f"{indent}    {name}: {value}"), whole=True)
    if failing:
        paper.line(("Next: ", "bold green"), "--entry NUMBER has the report on one of them.")
