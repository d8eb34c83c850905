"""Text that somebody else wrote, as it may be shown: on a terminal, in a log, in a message.

Facts
-----
An escape sequence in an origin, a header or a file would move a terminal's cursor or set its title, a line feed would
forge a line of a log, and letters of other scripts or marks that turn the direction of writing would make one name
look like another. So what is shown is printable ASCII, all else being escaped as Python writes it, and it is escaped
where it is shown and not where it comes from: once, for everything.
"""

import re

SHOWN_LENGTH = 80  # characters of a text that is quoted in a message

_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


def printable(text: str, longest: int | None = None) -> str:
    """`text` in printable ASCII, everything else escaped; cut, and marked as cut, where it is longer than `longest`."""
    if longest is not None and len(text) > longest:
        text = text[: max(longest - 3, 0)] + "..."
    return _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)


def shown(text: str) -> str:
    """`text` quoted for a message, as Python writes it: printable ASCII only, and never long."""
    return ascii(text if len(text) <= SHOWN_LENGTH else text[: SHOWN_LENGTH - 3] + "...")
