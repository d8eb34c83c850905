"""A recorded HAR file, judged again: nothing is sent, the responses are those that the browser got.

Facts
-----
HAR 1.2 lists exchanges under log.entries. Chromium and Firefox list preflights as entries of their own, before or after
their requests. A request whose preflight failed has status 0 and no response, and in Chromium's not even an Origin:
then the preflight tells. Neither says whether a request was one with credentials, but by the Cookie, or by
Sec-Fetch-Storage-Access, which is sent with those alone; what CORS blocked has net::ERR_FAILED in Chromium's `_error`.
http://www.softwareishard.com/blog/har-12-spec/
https://privacycg.github.io/storage-access-headers/
"""

import base64
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any

from corecors._decisions.headers import ORIGIN, REQUEST_HEADERS, REQUEST_METHOD
from corecors.browser import Received, SentRequest
from corecors.browser.urls import parse_url
from corecors.cli.curl_command import CurlCommand
from corecors.cli.examination import Examination, examine
from corecors.cli.page_request import PageRequest, from_curl, page_origin
from corecors.cli.unanswered import Failure, UnreachableError

BLOCKED = "net::ERR_FAILED"
# What Chromium says where no answer came; the start is enough.
NET_ERRORS = {
    "net::ERR_NAME_NOT_RESOLVED": "dns",
    "net::ERR_CONNECTION_REFUSED": "refused",
    "net::ERR_CONNECTION_TIMED_OUT": "timeout",
    "net::ERR_TIMED_OUT": "timeout",
    "net::ERR_CERT_": "certificate",
    "net::ERR_SSL_": "tls",
    "net::ERR_EMPTY_RESPONSE": "closed",
    "net::ERR_CONNECTION_CLOSED": "closed",
    "net::ERR_CONNECTION_RESET": "closed",
    "net::ERR_INVALID_HTTP_RESPONSE": "not-http",
    "net::ERR_BLOCKED_BY_CLIENT": "blocked",
}
MAX_LENGTH = 256 << 20  # bytes; recordings hold bodies


class HarError(ValueError):
    """Text that is not a HAR file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One recorded exchange. `number` counts from 1, as `--entry` does. The last two are Chromium's own."""

    number: int
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    received: Received
    resource_type: str | None = None
    error: str = ""

    def get(self, name: str) -> str | None:
        """A request header."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def origin(self) -> str | None:
        """The origin of the page, as the request said it."""
        return self.get(ORIGIN)

    @property
    def is_script(self) -> bool | None:
        """Whether a script asked; None where that is not recorded."""
        return None if self.resource_type is None else self.resource_type in ("fetch", "xhr")

    @property
    def is_preflight(self) -> bool:
        return self.method == "OPTIONS" and self.origin is not None and self.get(REQUEST_METHOD) is not None


_NUMBER = attrgetter("number")


@dataclass(frozen=True, slots=True)
class Recording:
    """What a file holds, in order. Entries are looked up by address and method: long recordings have thousands."""

    entries: tuple[Entry, ...]
    _by_request: dict[tuple[str, str | None], list[Entry]] = field(init=False, repr=False, compare=False)
    _preflights: dict[tuple[str, str | None], list[Entry]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_request: dict[tuple[str, str | None], list[Entry]] = {}
        preflights: dict[tuple[str, str | None], list[Entry]] = {}
        for entry in self.entries:
            url = _normal(entry.url)
            by_request.setdefault((url, entry.method), []).append(entry)
            if entry.is_preflight:
                preflights.setdefault((url, entry.get(REQUEST_METHOD)), []).append(entry)
        object.__setattr__(self, "_by_request", by_request)
        object.__setattr__(self, "_preflights", preflights)

    def cross_origin(self) -> Iterator[Entry]:
        """The entries that CORS is about: of a preflight and its request the latter, where it was recorded."""
        for entry in self.entries:
            address, origin = parse_url(entry.url), self.origin_of(entry)
            if origin is None or address is None or address.origin == origin:
                continue
            if not entry.is_preflight or (_normal(entry.url), entry.get(REQUEST_METHOD)) not in self._by_request:
                yield entry

    def origin_of(self, entry: Entry) -> str | None:
        """The origin of the page: as the request said it; of a script's request that never went out and says none, that
        of its preflight, or of the page in Referer."""
        if entry.origin is not None or entry.received.status != 0 or not entry.is_script:
            return entry.origin
        preflight, referer = self._preflight_of(entry, entry.method), entry.get("Referer")
        if preflight is not None:
            return preflight.origin
        return None if referer is None else page_origin(referer)

    def examine(self, entry: Entry) -> Examination:
        """Judge one entry by what was recorded. Raises `RequestError`."""
        asked, origin = _asked(entry), self.origin_of(entry) or "null"

        def judged(asked: PageRequest) -> Examination:
            return examine(asked.from_origin(origin), lambda sent: self._answer(entry, sent), send_unsafe=True)

        found = judged(asked)
        if entry.error == BLOCKED and not asked.credentials and found.works is not False:
            # The browser blocked what would pass without credentials. Where it would not with them, it was with them.
            with_credentials = judged(replace(asked, credentials=True))
            return with_credentials if with_credentials.works is False else found
        return found

    def _preflight_of(self, entry: Entry, method: str | None) -> Entry | None:
        """The nearest that asked for the method at the address of `entry`."""
        found = self._preflights.get((_normal(entry.url), method), [])
        at = bisect_left(found, entry.number, key=_NUMBER)
        return min(found[max(at - 1, 0) : at + 1], key=lambda each: abs(each.number - entry.number), default=None)

    def _answer(self, entry: Entry, sent: SentRequest) -> Received:
        if not sent.preflight:
            # Of what a redirect leads to there is an entry of its own, often with the same headers.
            found = entry if sent.url == _normal(entry.url) else self._other(entry, sent)
            if found is None or found.received.status == 0 or found.is_preflight:
                raise UnreachableError(_failure_of(found))
            return found.received
        preflight = entry if entry.is_preflight else self._preflight_of(entry, sent.get(REQUEST_METHOD))
        if preflight is not None and preflight.received.status != 0:
            return preflight.received
        if preflight is not None or entry.received.status == 0:
            raise UnreachableError(_failure_of(preflight or entry))
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
        found = self._by_request.get((sent.url, sent.method), [])
        return next(iter(found[bisect_right(found, entry.number, key=_NUMBER) :][:1]), None)


def _failure_of(entry: Entry | None) -> Failure:
    """Why there is no response in the file, as far as it says so."""
    error = "" if entry is None else entry.error
    code = next((code for start, code in NET_ERRORS.items() if error.startswith(start)), "not-recorded")
    return Failure(code, f"the browser says {error}" if error else "the file has no response to it")


def _normal(url: str) -> str:
    address = parse_url(url)
    return url if address is None else address.url


def _asked(entry: Entry) -> PageRequest:
    if entry.is_preflight:
        names = [name.strip() for name in (entry.get(REQUEST_HEADERS) or "").split(",") if name.strip()]
        # What they said is not recorded with the preflight; a value that needs permission stands for it.
        values = tuple((name, "application/json" if name == "content-type" else "x" * 129) for name in names)
        credentials = entry.get("Sec-Fetch-Storage-Access") is not None
        return PageRequest(entry.url, entry.get(REQUEST_METHOD) or "GET", values, credentials=credentials)
    command = CurlCommand(entry.url, entry.method, list(entry.headers), entry.body)
    return from_curl(command, credentials=entry.get("Sec-Fetch-Storage-Access") is not None)


def read_har(text: str) -> Recording:
    """Read the text of a HAR file. Raises `HarError`."""
    try:
        entries = json.loads(text.removeprefix("\ufeff"))["log"]["entries"]
        found = tuple(_entry(number, entry) for number, entry in enumerate(entries, 1))
    except RecursionError:
        raise HarError("it is nested too deeply") from None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
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
        None if entry.get("_resourceType") is None else str(entry["_resourceType"]),
        str(response.get("_error") or ""),
    )


def _pairs(headers: list[dict[str, Any]]) -> tuple[tuple[str, str], ...]:
    # HTTP/2's own (:authority) are no headers. Firefox joins the lines of one name with a line break.
    return tuple(
        (str(header["name"]), line)
        for header in headers
        if not str(header["name"]).startswith(":")
        for line in str(header["value"]).encode("utf-8", "replace").decode("latin-1").split("\n")
    )
