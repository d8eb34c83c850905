"""A server that allows everything and notes what it is asked, to the byte."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from broken_servers import serving

# What whoever sends a request says of itself; all else has to be the same.
BY_THE_CLIENT = frozenset({"HOST", "CONNECTION", "ACCEPT_ENCODING", "EXPECT", "CONTENT_LENGTH"})


class Recorded(NamedTuple):
    """One request. The names of `headers` are those of WSGI, without `HTTP_`."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def is_preflight(self) -> bool:
        return "ACCESS_CONTROL_REQUEST_METHOD" in self.headers

    def without(self, *names: str) -> Recorded:
        """What has to be the same, whoever sends it."""
        own = BY_THE_CLIENT | set(names)
        return self._replace(headers={name: value for name, value in self.headers.items() if name not in own})


@contextmanager
def recording() -> Iterator[tuple[str, list[Recorded]]]:
    """The address of the server, and what it was asked so far."""
    seen: list[Recorded] = []

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        headers = {name[5:]: value for name, value in environ.items() if name.startswith("HTTP_")}
        headers["CONTENT_TYPE"] = environ.get("CONTENT_TYPE", "")
        seen.append(Recorded(environ["REQUEST_METHOD"], environ["REQUEST_URI"], headers, body))
        allowed = [("Access-Control-Allow-Origin", headers.get("ORIGIN", "*"))]
        allowed += [("Access-Control-Allow-Credentials", "true"), ("Vary", "Origin")]
        allowed += [("Access-Control-Allow-Methods", headers.get("ACCESS_CONTROL_REQUEST_METHOD", ""))]
        allowed += [("Access-Control-Allow-Headers", headers.get("ACCESS_CONTROL_REQUEST_HEADERS", ""))]
        start_response("200 OK", [*allowed, ("Content-Length", "0")])
        return []

    with serving(app) as url:
        yield url, seen
