"""Secrets are shown nowhere: not on the terminal, not in JSON, which ends in tickets and logs of CI.

What is a secret is told by its name: a header's, a query parameter's. Its value is then masked wherever it turns up,
in a redirect's address or in a sentence as well.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote

MASK = "***"
SHORTEST_VALUE = 6  # characters; a shorter secret is masked where it stands, but not looked for in other text

SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
_SECRET_NAME = re.compile(
    r"(?:^|[-_.])(?:token|key|apikey|secret|password|passwd|pwd|signature|sig|credential|auth|jwt|session|sessionid|sid"
    r"|csrf|xsrf|code|otp|ticket)(?:$|[-_.])|token$|apikey$|secret$|password$",
    re.IGNORECASE,
)
_USERINFO = re.compile(r"(?<=//)[^/?#\s]+@")  # to the last @, as browsers read it: a password may have one
_PARAMETER = re.compile(r"(?<=[?&;#])([^=&;#\s?]+)=([^&;#\s]*)")
_SCHEME = re.compile(r"(?:Basic|Bearer|Digest|Negotiate|Token|ApiKey|AWS4-HMAC-SHA256)(?= )", re.IGNORECASE)


def is_secret(name: str) -> bool:
    """Whether a header or a parameter of that name holds a secret."""
    return name.lower() in SECRET_HEADERS or _SECRET_NAME.search(name) is not None


def masked_header(name: str, value: str) -> str:
    """The value of a header as it may be shown: of a cookie its name and attributes, of a token the scheme."""
    lowered = name.lower()
    if lowered == "cookie":
        return "; ".join(f"{part.partition('=')[0].strip()}={MASK}" for part in value.split(";"))
    if lowered == "set-cookie":
        pair, semicolon, attributes = value.partition(";")
        return f"{pair.partition('=')[0]}={MASK}{semicolon}{attributes}"
    if is_secret(name):
        scheme = _SCHEME.match(value)
        return f"{scheme[0]} {MASK}" if scheme else MASK
    return masked_url(value) if lowered in ("location", "referer", "content-location") else value


def masked_url(text: str) -> str:
    """Text with addresses in it, without the passwords and tokens in them."""
    return _PARAMETER.sub(
        lambda found: f"{found[1]}={MASK}" if is_secret(unquote(found[1])) else found[0],
        _USERINFO.sub(f"{MASK}@", text),
    )


class Masker:
    """Masks in any text the secrets that it was told of."""

    def __init__(self) -> None:
        self._values: set[str] = set()

    def learn(self, url: str, headers: Iterable[tuple[str, str]]) -> None:
        """Note the secrets of a message."""
        for text in (url, *(value for name, value in headers if name.lower() == "location")):
            self._note(*(found[2] for found in _PARAMETER.finditer(text) if is_secret(unquote(found[1]))))
            self._note(*(found[0].rstrip("@") for found in _USERINFO.finditer(text)))
        for name, value in headers:
            if name.lower() in ("cookie", "set-cookie"):
                pairs = value.split(";") if name.lower() == "cookie" else [value.partition(";")[0]]
                self._note(value, *(pair.partition("=")[2].strip() for pair in pairs))
            elif is_secret(name):
                scheme = _SCHEME.match(value)
                self._note(value, value[scheme.end() :].strip() if scheme else "")

    def _note(self, *values: str) -> None:
        for value in values:
            # As it stands in addresses and, quoted, in sentences.
            for spelling in (value, unquote(value), quote(value, safe=""), repr(value)[1:-1], ascii(value)[1:-1]):
                if len(spelling) >= SHORTEST_VALUE:
                    self._values.add(spelling)

    def text(self, text: str) -> str:
        """`text` without the secrets."""
        text = masked_url(text)
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, MASK)
        return text

    def data(self, value: Any) -> Any:
        """The same for every text in a tree of lists and mappings; pairs of a header's name and value as headers."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self.data(each) for key, each in value.items()}
        if isinstance(value, tuple | list):
            return [self.data(each) for each in value]
        return value

    def header(self, name: str, value: str) -> str:
        """A header's value, as it may be shown."""
        return self.text(masked_header(name, value))
