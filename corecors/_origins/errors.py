"""The bases of every error that corecors raises for what it was given, and what such an error says."""

from typing import NamedTuple, Self


class Fault(NamedTuple):
    """What is wrong with a text; `code`, `message` and `fix` as `Problem` has them."""

    code: str
    message: str
    fix: object = None


class CORSError(Exception):
    """Something that was given to corecors and that it refuses: an origin, a regular expression, a policy."""


class TextError(CORSError, ValueError):
    """A text that is refused.

    `code` is a stable word for what is wrong ("trailing-slash"), `message` says it as a clause that follows the text
    ("has a trailing slash"). `fix` is the corrected text where one correction is certain, else None.
    """

    def __init__(self, code: str, message: str, fix: str | None = None) -> None:
        super().__init__(message if fix is None else f"{message}; write {fix!r}")
        self.code = code
        self.message = message
        self.fix = fix

    def __reduce__(self) -> tuple[type[Self], tuple[str, str, str | None]]:
        return type(self), (self.code, self.message, self.fix)


class OriginError(TextError):
    """Text that is not a serialised origin, or not an origin pattern. `code`, `message` and `fix` say why."""
