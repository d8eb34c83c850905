"""Random targets and methods through the real routing of Flask and Bottle: the policy that governed is that of the view
that ran, or nobody was let in.
"""

import time
import warnings
from collections.abc import Callable, Iterable
from random import Random
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

import routed_apps
from routed_apps import PAGE, Routed, governing
from wsgi_client import call, environ_of

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ODD_METHODS = ("get", "Put", "patch", "PaTcH", "head", "options", "ANY", "PROXY", "BREW", "brew", "QUERY", "TRACE")
PIECES = (
    b"%FF %80 %C0%AF %E2%82 %ED%A0%80 %F4%90%80%80 %EF%BF%BD %00 %0A %0D %09 %20 + %2f %2F %5c \\ / // /. /.. /./ /../ "
    b"%2e %2E%2E %252e %252f ; ;x=1 %3B %3F %23 %25 %7F * : @ , ~ %C3%A9 e%CC%81 %C3%BC %EF%BC%97 %D9%A3 -7 07 7.0 "
    b"nan x admin own none"
).split()


class Request(NamedTuple):
    method: str
    path: bytes  # as sent, percent-encoded
    host: str
    told: bool  # whether the server tells how the path was sent
    plain: bool  # whether nothing about it is odd

    def environ(self) -> dict[str, Any]:
        path = unquote_to_bytes(self.path).decode("latin-1")
        environ = environ_of(self.method, "/", (("Origin", PAGE), ("Host", self.host)))
        environ["PATH_INFO"] = path
        if self.told:
            environ["RAW_URI"] = self.path.decode("latin-1")
        return environ


def requests(random: Random, routed: Routed) -> Iterable[Request]:
    paths = [path.encode() for path in routed.paths]
    while True:
        plain = random.random() < 0.1
        path = random.choice(paths)
        for _ in range(0 if plain else random.choice((0, 1, 1, 1, 2, 3))):
            path = mutated(random, path, random.choice(paths))
        odd = not plain and random.random() < 0.2
        method = random.choice(ODD_METHODS if odd else METHODS)
        host = routed.hosts[0] if plain else random.choice(routed.hosts)
        yield Request(method, path, host, random.random() < 0.5, plain)


def mutated(random: Random, path: bytes, other: bytes) -> bytes:
    at = len(path) if random.random() < 0.3 else random.randrange(len(path) + 1)
    change = random.randrange(9)
    if change <= 2:
        return path[:at] + random.choice(PIECES) + path[at:]
    if change == 3:
        return path[:at] + path[at + 1 :]
    if change == 4:
        return path[:at] + path[at : at + 1].swapcase() + path[at + 1 :]
    if change == 5 and path[at : at + 1]:
        return path[:at] + b"%%%02x" % path[at] + path[at + 1 :]
    if change == 6:
        return path.rstrip(b"/") if path.endswith(b"/") else path + b"/"
    if change == 7:
        slash = path.find(b"/", at)
        return path if slash < 0 else path[:slash] + b"/" + path[slash:]
    return path + other


def exchange(routed: Routed, request: Request) -> tuple[list[str], int | str | None, int | str | None]:
    """The views that ran for a request; what governed it, and the preflight for it."""
    routed.ran.clear()
    actual = governing(call(routed.app, request.environ()))
    views = list(routed.ran)
    asking = request._replace(method="OPTIONS").environ() | {"HTTP_ACCESS_CONTROL_REQUEST_METHOD": request.method}
    return views, actual, governing(call(routed.app, asking))


def fault(
    routed: Routed, request: Request, views: list[str], actual: int | str | None, preflight: int | str | None
) -> str | None:
    """What is wrong with how a request, and the preflight for it, were governed."""
    if len(views) > 1:
        return f"{views} ran"
    if not views:
        return None
    (view,) = views
    right = routed.governs[view]
    untouched = "own" if right is None else right
    if actual not in (None, untouched):
        return f"{view} ran, the request was governed by {actual} and not by {right}"
    if preflight not in ((None, "own") if right is None else (None, right)):
        return f"{view} would run, the preflight was governed by {preflight} and not by {right}"
    if request.plain and (actual != untouched or (right is not None and preflight != right)):
        return f"{view} ran, and nobody was let in: {actual}, preflight {preflight}"
    return None


BUILDERS: dict[str, Callable[..., Routed]] = {"flask": routed_apps.flask_app, "bottle": routed_apps.bottle_app}


def applications(framework: str) -> list[Routed]:
    made = []
    for blocking in (False, True):
        made += [
            BUILDERS[framework](flavour, block_disallowed=blocking, rejections=None)
            for flavour in ("plain", "paths", "mounted")
        ]
        if framework == "flask":
            made.append(routed_apps.flask_hosts(block_disallowed=blocking, rejections=None))
    return made


class Found(NamedTuple):
    request: Request
    fault: str


def fuzz(framework: str, seed: int, *, count: int | None = None, seconds: float = 0) -> tuple[list[Found], int, int]:
    """What was found, how many requests were made, and how many of them reached a view."""
    random = Random(seed)
    streams = [(routed, iter(requests(random, routed))) for routed in applications(framework)]
    found: dict[str, Found] = {}
    made = reached = 0
    end = time.monotonic() + seconds
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Current server name")
        while made < count if count is not None else time.monotonic() < end:
            for routed, stream in streams:
                request = next(stream)
                views, actual, preflight = exchange(routed, request)
                made += 1
                reached += bool(views)
                wrong = fault(routed, request, views, actual, preflight)
                if wrong is not None:
                    found.setdefault(wrong, Found(request, wrong))
    return list(found.values()), made, reached
