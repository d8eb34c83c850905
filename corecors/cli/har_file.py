"""A recorded HAR file, judged again: nothing is sent, the responses are those that the browser got.

Facts
-----
HAR 1.2 lists exchanges under log.entries. Chromium and Firefox list preflights as entries of their own. A request that
the browser blocked has status 0, and often none of the response's headers: then the preflight tells, if it is there.
http://www.softwareishard.com/blog/har-12-spec/
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from corecors._decisions.headers import ORIGIN, REQUEST_HEADERS, REQUEST_METHOD
from corecors.browser import Received, SentRequest
from corecors.browser.urls import parse_url
from corecors.cli.bounded_client import UnreachableError
from corecors.cli.curl_command import CurlCommand
from corecors.cli.examination import Examination, examine
from corecors.cli.network_failures import Failure
from corecors.cli.page_request import PageRequest, from_curl

MAX_LENGTH = 256 << 20  # bytes; recordings hold bodies


class HarError(ValueError):
    """Text that is not a HAR file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One recorded exchange. `number` counts from 1, as `--entry` does."""

    number: int
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    received: Received

    def get(self, name: str) -> str | None:
        """A request header."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def origin(self) -> str | None:
        """The origin of the page, as the request said it."""
        return self.get(ORIGIN)

    @property
    def is_preflight(self) -> bool:
        return self.method == "OPTIONS" and self.origin is not None and self.get(REQUEST_METHOD) is not None


@dataclass(frozen=True, slots=True)
class Recording:
    """What a file holds, in order."""

    entries: tuple[Entry, ...]

    def cross_origin(self) -> Iterator[Entry]:
        """The entries that CORS is about: of a preflight and its request the latter, where it was recorded."""
        for entry in self.entries:
            address = parse_url(entry.url)
            if entry.origin is None or address is None or address.origin == entry.origin:
                continue
            if not entry.is_preflight or not any(
                other.url == entry.url and other.method == entry.get(REQUEST_METHOD) for other in self.entries
            ):
                yield entry

    def examine(self, entry: Entry) -> Examination:
        """Judge one entry by what was recorded. Raises `RequestError`."""
        return examine(
            _asked(entry).from_origin(entry.origin or "null"), lambda sent: self._answer(entry, sent), send_unsafe=True
        )

    def _answer(self, entry: Entry, sent: SentRequest) -> Received:
        if not sent.preflight:
            # Of what a redirect leads to there is an entry of its own, often with the same headers.
            found = entry if sent.url == _normal(entry.url) else self._other(entry, sent)
            if found is None or found.received.status == 0 or found.is_preflight:
                raise UnreachableError(Failure("not-recorded", "the file has no response to it"))
            return found.received
        if entry.is_preflight:
            return entry.received
        near = sorted(
            (each for each in self.entries if each.is_preflight and _normal(each.url) == sent.url),
            key=lambda each: abs(each.number - entry.number),
        )
        fitting = [each for each in near if each.get(REQUEST_METHOD) == sent.get(REQUEST_METHOD)]
        if fitting:
            return fitting[0].received
        if entry.received.status == 0:
            raise UnreachableError(Failure("not-recorded", "the file has no response to it"))
        # The request went out, so its preflight passed, or an earlier one was remembered.
        asked = sent.get(REQUEST_HEADERS) or ""
        return Received(
            204,
            (
                ("Access-Control-Allow-Origin", sent.get(ORIGIN) or ""),
                ("Access-Control-Allow-Credentials", "true"),
                ("Access-Control-Allow-Methods", sent.get(REQUEST_METHOD) or ""),
                ("Access-Control-Allow-Headers", asked),
            ),
        )

    def _other(self, entry: Entry, sent: SentRequest) -> Entry | None:
        later = [each for each in self.entries if each.number > entry.number]
        return next((each for each in later if _normal(each.url) == sent.url and each.method == sent.method), None)


def _normal(url: str) -> str:
    address = parse_url(url)
    return url if address is None else address.url


def _asked(entry: Entry) -> PageRequest:
    if entry.is_preflight:
        names = [name.strip() for name in (entry.get(REQUEST_HEADERS) or "").split(",") if name.strip()]
        # What they said is not recorded with the preflight; a value that needs permission stands for it.
        values = tuple((name, "application/json" if name == "content-type" else "x" * 129) for name in names)
        return PageRequest(entry.url, entry.get(REQUEST_METHOD) or "GET", values)
    command = CurlCommand(entry.url, entry.method, list(entry.headers), entry.body)
    return from_curl(command)


def read_har(text: str) -> Recording:
    """Read the text of a HAR file. Raises `HarError`."""
    try:
        entries = json.loads(text.removeprefix("\ufeff"))["log"]["entries"]
        found = tuple(_entry(number, entry) for number, entry in enumerate(entries, 1))
    except RecursionError:
        raise HarError("it is nested too deeply") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HarError(f"it is not a HAR file ({type(error).__name__})") from None
    return Recording(found)


def _entry(number: int, entry: dict[str, Any]) -> Entry:
    request, response = entry["request"], entry["response"]
    content = request.get("postData") or {}
    text = content.get("text")
    body = None
    if text is not None and request["method"].upper() not in ("GET", "HEAD"):
        body = base64.b64decode(text) if content.get("encoding") == "base64" else str(text).encode("utf-8", "replace")
    return Entry(
        number,
        str(request["method"]),
        str(request["url"]),
        _pairs(request["headers"]),
        body,
        Received(int(response["status"]), _pairs(response["headers"])),
    )


def _pairs(headers: list[dict[str, Any]]) -> tuple[tuple[str, str], ...]:
    # HTTP/2's own (:authority) are no headers. Firefox joins the lines of one name with a line break.
    return tuple(
        (str(header["name"]), line)
        for header in headers
        if not str(header["name"]).startswith(":")
        for line in str(header["value"]).encode("utf-8", "replace").decode("latin-1").split("\n")
    )
