"""The header lines of a message, and the ways in which a browser reads them.

Facts
-----
A message is a list of lines, and a name may stand on several. What a browser makes of them depends on who asks: most
checks join all lines with ", " and compare the whole, a list of names is read line by line and fails as a whole, and
a few headers are split at commas that stand outside quotation marks.
https://fetch.spec.whatwg.org/#concept-header-list
"""

import re

from corecors._decisions.headers import is_token, list_elements

HTTP_WHITESPACE = "\t\n\r "  # https://fetch.spec.whatwg.org/#http-whitespace
HTTP_TAB_OR_SPACE = "\t "  # https://fetch.spec.whatwg.org/#http-tab-or-space

# Anything up to a comma, where a quoted string may hold commas and, after a backslash, quotation marks; one that is
# not closed reaches to the end. Possessive throughout: whatever was read is never read again.
_SPLIT_VALUE = re.compile(r'(?:[^",]++|"(?:[^"\\]|\\.)*+(?:"|\\?\Z))*+', re.DOTALL)


class HeaderLines(tuple[tuple[str, str], ...]):
    """Header lines in order: one pair of name and value a line, text decoded as latin-1.

    Nothing that stood on the wire is lost: a doubled `Access-Control-Allow-Origin` fails in every browser, and a
    mapping would hide it.
    """

    __slots__ = ()

    def lines(self, name: str) -> list[str]:
        """The values of all lines of that name, without the white space around them.

        Source: https://fetch.spec.whatwg.org/#concept-header-value-normalize
        """
        lowered = name.lower()
        return [value.strip(HTTP_WHITESPACE) for key, value in self if key.lower() == lowered]

    def get(self, name: str) -> str | None:
        """The value of the header: all lines of that name, joined with ", "; None if it is absent.

        Source: https://fetch.spec.whatwg.org/#concept-header-list-get
        """
        values = self.lines(name)
        return ", ".join(values) if values else None

    def split(self, name: str) -> list[str]:
        """The values of the header, split at its commas; none if it is absent.

        Source: https://fetch.spec.whatwg.org/#concept-header-list-get-decode-split
        """
        value = self.get(name)
        return [] if value is None else split_value(value)

    def tokens(self, name: str) -> tuple[list[str], str | None]:
        """The items of a list of tokens, and the first item that is not one: then the whole list counts for nothing.

        An absent header is an empty list; several lines are one list; empty items are skipped.
        Source: https://fetch.spec.whatwg.org/#extract-header-list-values, RFC 9110 section 5.6.1
        """
        items = list_elements(self.lines(name))
        wrong = next((item for item in items if not is_token(item)), None)
        return (items, None) if wrong is None else ([], wrong)

    def without(self, *names: str) -> "HeaderLines":
        """The lines of all other names; `names` in lower case."""
        return HeaderLines(line for line in self if line[0].lower() not in names)


def split_value(value: str) -> list[str]:
    """The parts of one header value, split at commas outside of quoted strings; quotation marks stay.

    Source: https://fetch.spec.whatwg.org/#header-value-get-decode-and-split
    """
    values: list[str] = []
    start = 0
    while start <= len(value):
        found = _SPLIT_VALUE.match(value, start)
        assert found is not None  # it matches the empty text
        values.append(found[0].strip(HTTP_TAB_OR_SPACE))
        start = found.end() + 1
    return values
