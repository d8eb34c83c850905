r"""A command line taken apart into words, without a shell.

Facts
-----
"Copy as cURL" writes for a shell: for POSIX ones with single quotes, and with $'...' where there are control characters
or exclamation marks, which `shlex` does not know; for Windows' cmd with a caret before what cmd would interpret, and
a backslash before quotation marks inside of double ones. Lines are continued with a backslash or a caret.
POSIX, "Token Recognition"; Bash manual, "ANSI-C Quoting"; Microsoft, "Parsing C command-line arguments".
"""

import re

_POSIX = re.compile(
    r"""(?P<blank>\s+)
    |\\\r?\n(?P<joined>)
    |'(?P<single>[^']*)'
    |\$'(?P<ansi>(?:[^'\\]|\\.)*)'
    |\$?"(?P<double>(?:[^"\\]|\\.)*)"
    |\\(?P<escaped>.)
    |(?P<plain>[^\s'"\\$]+|\$)""",
    re.VERBOSE | re.DOTALL,
)
# A caret before the first quotation mark, or at the end of a line without any single one: in a body for POSIX shells a
# caret stands before a quotation mark as well ('{"pattern":"^"}').
_FOR_CMD = re.compile(r"""[^'"\\$^]*\^["\r\n]|[^']*\^(?:\r?\n|\Z)""")
_SURROGATES = re.compile(r"\\u([Dd][89ABab][0-9A-Fa-f]{2})\\u([Dd][C-Fc-f][0-9A-Fa-f]{2})")
_ANSI = re.compile(
    r"\\(?:u(?P<short>[0-9A-Fa-f]{1,4})|U(?P<long>[0-9A-Fa-f]{1,8})|x(?P<byte>[0-9A-Fa-f]{1,2})|(?P<octal>[0-7]{1,3})"
    r"|(?P<char>.))",
    re.DOTALL,
)
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b", "E": "\x1b"}


class QuotingError(ValueError):
    """A command whose words cannot be told."""


def split_command(text: str) -> list[str]:
    """The words of a command, for whichever shell it was written. Bytes that are not UTF-8 are surrogate escapes.

    Raises `QuotingError`.
    """
    text = text.strip()
    return _split_cmd(text) if _FOR_CMD.match(text) else _split_posix(text)


def _split_posix(text: str) -> list[str]:
    words: list[str] = []
    word: list[str] | None = None  # its pieces; there may be hundreds of thousands
    position = 0
    while position < len(text):
        found = _POSIX.match(text, position)
        if found is None:
            raise QuotingError("a quotation mark is not closed")
        position = found.end()
        kind = found.lastgroup or "plain"
        if kind == "blank":
            words += [] if word is None else ["".join(word)]
            word = None
        if kind in ("blank", "joined"):
            continue
        piece = found[kind]
        if kind == "ansi":
            piece = _from_ansi(piece)
        elif kind == "double":
            piece = re.sub(r'\\(["\\$`])', r"\1", re.sub(r"\\\r?\n", "", piece))
        word = word or []
        word.append(piece)
    return words if word is None else [*words, "".join(word)]


def _from_ansi(text: str) -> str:
    """What stands in $'...'. Browsers write a character beyond 16 bits as the two halves that JavaScript has."""

    def pair(found: re.Match[str]) -> str:
        return bytes.fromhex(found[1] + found[2]).decode("utf-16-be")

    def escape(found: re.Match[str]) -> bytes:
        if found["byte"]:
            return bytes([int(found["byte"], 16)])
        if found["octal"]:
            return bytes([int(found["octal"], 8) & 0xFF])
        if found["char"]:
            return _bytes(_CONTROLS.get(found["char"], found["char"] if found["char"] in "\\'\"?" else found[0]))
        point = int(found["short"] or found["long"], 16)
        if point > 0x10FFFF or 0xD800 <= point <= 0xDFFF:
            raise QuotingError("it has an escape of a character that there is not")
        return _bytes(chr(point))

    text = _SURROGATES.sub(pair, text)
    made, end = [], 0
    for found in _ANSI.finditer(text):
        made += [_bytes(text[end : found.start()]), escape(found)]
        end = found.end()
    return b"".join([*made, _bytes(text[end:])]).decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _split_cmd(text: str) -> list[str]:
    """First cmd's carets, then the rules by which a program on Windows takes its command line apart."""
    # A caret at the end of a line joins it with the next, whose first character is taken as it is: so Chromium writes a
    # line break inside of an argument as a caret and two line breaks.
    text = text.replace("\r\n", "\n")
    plain = re.sub(r"\^(?:\n(.)|(.)|\n?\Z)", lambda found: found[1] or found[2] or "", text, flags=re.DOTALL)
    words: list[str] = []
    word: list[str] | None = None
    quoted, position = False, 0
    while position < len(plain):
        char = plain[position]
        if char == "\\":
            end = position
            while plain[end : end + 1] == "\\":
                end += 1
            slashes, position = end - position, end
            before_quote = plain[position : position + 1] == '"'
            word = word or []
            word.append("\\" * (slashes // 2 if before_quote else slashes))
            if before_quote and slashes % 2:
                word.append('"')
                position += 1
            continue
        position += 1
        if char.isspace() and not quoted:
            if word is not None:
                words.append("".join(word))
            word = None
            continue
        word = word or []
        if char != '"':
            word.append(char)
        elif quoted and plain[position : position + 1] == '"':
            word.append('"')
            position += 1
        else:
            quoted = not quoted
    if quoted:
        raise QuotingError("a quotation mark is not closed")
    if word is not None:
        words.append("".join(word))
    return words
