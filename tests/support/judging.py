"""One request of a page to a server that answers every request alike, judged by the model of the browser."""

from corecors.browser import Credentials, Received, Request, SentRequest, Verdict, simulate

PAGE = "http://app.example:8000"
API = "http://api.example:8000/item"
INCLUDE = Credentials.INCLUDE

ACAO = "Access-Control-Allow-Origin"
ACAC = "Access-Control-Allow-Credentials"
ACAM = "Access-Control-Allow-Methods"
ACAH = "Access-Control-Allow-Headers"
ACEH = "Access-Control-Expose-Headers"

Lines = tuple[tuple[str, str], ...]


def judge(
    method: str = "GET",
    *request_headers: tuple[str, str],
    answer: Lines = ((ACAO, "*"),),
    preflight: Lines | None = None,
    status: int = 200,
    preflight_status: int = 204,
    credentials: Credentials = Credentials.SAME_ORIGIN,
    origin: str = PAGE,
    upload_listeners: bool = False,
) -> Verdict:
    """Judge one request to a server that answers every request alike, and every preflight alike."""

    def send(sent: SentRequest) -> Received:
        if sent.preflight:
            return Received(preflight_status, answer if preflight is None else preflight)
        return Received(status, answer)

    request = Request(
        url=API,
        origin=origin,
        method=method,
        headers=request_headers,
        credentials=credentials,
        upload_listeners=upload_listeners,
    )
    return simulate(request, send)


def with_credentials(*more: tuple[str, str]) -> Lines:
    return ((ACAO, PAGE), (ACAC, "true"), *more)
