"""A curl command line, as browsers copy one, read without a shell.

No file is read and nothing is run: an option that would read a file is an error that says what to write instead.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from corecors.cli.shell_words import QuotingError, split_command

_IPV6_HOST = re.compile(r"(?<=//)\[[0-9A-Fa-f:.]+\]")


class CurlError(ValueError):
    """Text that is not a curl command, or one that is not understood. The message never shows a value."""


@dataclass(slots=True)
class CurlCommand:
    """What a curl command asks for. `method` is None where it follows from the body."""

    url: str = ""
    method: str | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | None = None
    insecure: bool = False
    data: list[str] = field(default_factory=list)
    as_query: bool = False
    as_json: bool = False
    globs: bool = True

    def finished(self) -> "CurlCommand":
        """The same, with address, body and method as curl derives them."""
        if self.globs:
            self.url = _without_globs(self.url)
        if self.data and self.as_query:
            self.url += ("&" if "?" in self.url else "?") + "&".join(self.data)
        elif self.data:
            self.body = "&".join(self.data).encode("utf-8", "surrogateescape")
            if not any(name.lower() == "content-type" for name, _ in self.headers):
                self.headers.append(("Content-Type", "application/x-www-form-urlencoded"))
        if self.method is None:
            self.method = "GET" if self.body is None else "POST"
        return self


def read_curl(text: str) -> CurlCommand:
    """Read a command. Raises `CurlError`."""
    try:
        words = split_command(text)
    except QuotingError as error:
        raise CurlError(str(error)) from None
    if not words or not re.fullmatch(r"(?:.*[/\\])?curl(?:\.exe)?", words[0], re.IGNORECASE):
        raise CurlError("it does not begin with curl")
    command = CurlCommand()
    rest = iter(words[1:])
    only_operands = False
    for word in rest:
        if word in (";", "&", "&&"):
            raise CurlError("it has several commands: copy one request, not all of them")
        if only_operands or word == "-" or not word.startswith("-"):
            _take_url(command, word)
        elif word == "--":
            only_operands = True
        elif word.startswith("--"):
            _long(command, word, rest)
        else:
            _short(command, word[1:], rest)
    if not command.url:
        raise CurlError("it names no address")
    return command.finished()


def _without_globs(url: str) -> str:
    """The address, in which Chromium and Safari escape what curl would take for a list of addresses (curl, "URL
    Globbing"); what is not escaped is such a list."""
    if re.search(r"(?<!\\)[][{}]", _IPV6_HOST.sub("", url)):
        raise CurlError("its address has brackets or braces, by which curl means several addresses: add -g")
    return re.sub(r"\\([][{}])", r"\1", url)


def _take_url(command: CurlCommand, word: str) -> None:
    if command.url:
        raise CurlError("it names more than one address")
    command.url = word if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", word) else f"http://{word}"


def _long(command: CurlCommand, word: str, rest: Iterator[str]) -> None:
    name = word[2:]
    if name in WITH_VALUE:
        WITH_VALUE[name](command, _next(word, rest))
    elif name in IGNORED_WITH_VALUE:
        _next(word, rest)
    elif name in FLAGS:
        FLAGS[name](command)
    elif name.removeprefix("no-") not in IGNORED_FLAGS:
        raise CurlError(f"it has the option --{name.partition('=')[0]}, which is not known here")


def _short(command: CurlCommand, letters: str, rest: Iterator[str]) -> None:
    """`-sSL`, `-XPUT`, `-X PUT`."""
    for number, letter in enumerate(letters, 1):
        name = SHORT.get(letter)
        if name is None:
            raise CurlError(f"it has the option -{letter}, which is not known here")
        if name in WITH_VALUE or name in IGNORED_WITH_VALUE:
            value = letters[number:] or _next(f"-{letter}", rest)
            if name in WITH_VALUE:
                WITH_VALUE[name](command, value)
            return
        if name in FLAGS:
            FLAGS[name](command)


def _next(option: str, rest: Iterator[str]) -> str:
    value = next(rest, None)
    if value is None:
        raise CurlError(f"nothing follows {option}")
    return value


def _set_method(command: CurlCommand, value: str) -> None:
    command.method = value


def _add_header(command: CurlCommand, value: str) -> None:
    name, colon, text = value.partition(":")
    if not colon and value.endswith(";"):  # curl's way of writing a header without a value
        command.headers.append((value[:-1].strip(), ""))
    elif value.startswith("@"):
        raise CurlError("-H @FILE reads a file: write the headers out")
    elif text.strip():  # else curl leaves out a header of its own
        command.headers.append((name.strip(), text.strip()))


def _add_data(command: CurlCommand, value: str) -> None:
    if value.startswith("@"):
        raise CurlError("-d @FILE reads a file: write the body out, with --data-raw")
    command.data.append(value)


def _add_raw(command: CurlCommand, value: str) -> None:
    command.data.append(value)


def _add_encoded(command: CurlCommand, value: str) -> None:
    name, equals, text = value.partition("=")
    if "@" in name or (not equals and "@" in value):
        raise CurlError("--data-urlencode with @FILE reads a file: write the body out")
    if not equals:
        name, text = "", value
    command.data.append(f"{name}={quote_plus(text)}" if name else quote_plus(text))


def _add_json(command: CurlCommand, value: str) -> None:
    _add_data(command, value)
    if command.as_json:
        return
    command.as_json = True
    names = {name.lower() for name, _ in command.headers}
    command.headers += [(name, "application/json") for name in ("Content-Type", "Accept") if name.lower() not in names]


def _add_form(command: CurlCommand, value: str) -> None:
    raise CurlError("-F makes a body with a boundary of its own: copy the request from the browser, or use --data-raw")


def _add_user(command: CurlCommand, value: str) -> None:
    command.headers.append(("Authorization", "Basic " + b64encode(value.encode()).decode()))


def _add_cookie(command: CurlCommand, value: str) -> None:
    if "=" not in value:
        raise CurlError("-b FILE reads a file: write the cookies out")
    command.headers.append(("Cookie", value))


def _as_header(name: str) -> Callable[[CurlCommand, str], None]:
    return lambda command, value: command.headers.append((name, value))


def _set_head(command: CurlCommand) -> None:
    command.method = "HEAD"


def _set_get(command: CurlCommand) -> None:
    command.as_query = True


def _set_insecure(command: CurlCommand) -> None:
    command.insecure = True


def _take_literally(command: CurlCommand) -> None:
    command.globs = False


WITH_VALUE: dict[str, Callable[[CurlCommand, str], None]] = {
    "request": _set_method,
    "header": _add_header,
    "data": _add_data,
    "data-ascii": _add_data,
    "data-binary": _add_data,
    "data-raw": _add_raw,
    "data-urlencode": _add_encoded,
    "json": _add_json,
    "form": _add_form,
    "form-string": _add_form,
    "user": _add_user,
    "cookie": _add_cookie,
    "referer": _as_header("Referer"),
    "user-agent": _as_header("User-Agent"),
    "oauth2-bearer": lambda command, value: command.headers.append(("Authorization", f"Bearer {value}")),
    "range": lambda command, value: command.headers.append(("Range", f"bytes={value}")),
    "url": _take_url,
}
FLAGS: dict[str, Callable[[CurlCommand], None]] = {
    "head": _set_head,
    "get": _set_get,
    "insecure": _set_insecure,
    "globoff": _take_literally,
}
IGNORED_WITH_VALUE = frozenset(
    "output write-out max-time connect-timeout proxy cacert cert key retry cookie-jar resolve max-redirs interface "
    "retry-delay ciphers tls-max limit-rate dump-header".split()
)
IGNORED_FLAGS = frozenset(
    "compressed location silent show-error include verbose fail http1.0 http1.1 http2 http2-prior-knowledge "
    "http3 path-as-is ipv4 ipv6 tlsv1.2 tlsv1.3 no-buffer keepalive buffer progress-bar location-trusted ssl-no-revoke "
    "fail-with-body".split()
)
SHORT = {
    "X": "request",
    "H": "header",
    "d": "data",
    "F": "form",
    "u": "user",
    "b": "cookie",
    "e": "referer",
    "A": "user-agent",
    "r": "range",
    "I": "head",
    "G": "get",
    "k": "insecure",
    "o": "output",
    "w": "write-out",
    "m": "max-time",
    "x": "proxy",
    "E": "cert",
    "c": "cookie-jar",
    "D": "dump-header",
    "L": "location",
    "s": "silent",
    "S": "show-error",
    "i": "include",
    "v": "verbose",
    "f": "fail",
    "g": "globoff",
    "N": "no-buffer",
    "4": "ipv4",
    "6": "ipv6",
    "0": "http1.0",
    "#": "progress-bar",
}
