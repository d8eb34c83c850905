"""The one base of every error that corecors raises for what it was given."""


class CORSError(Exception):
    """Something that was given to corecors and that it refuses: an origin, a regular expression, a policy."""


class OriginError(CORSError, ValueError):
    """Text that is not a serialised origin, or not an origin pattern.

    `code` is a stable word for what is wrong ("trailing-slash"), `message` says it as a clause that follows the text
    ("has a trailing slash"). `fix` is the corrected text where one correction is certain, else None.
    """

    def __init__(self, code: str, message: str, fix: str | None = None) -> None:
        super().__init__(message if fix is None else f"{message}; write {fix!r}")
        self.code = code
        self.message = message
        self.fix = fix

    def __reduce__(self) -> tuple[type["OriginError"], tuple[str, str, str | None]]:
        return type(self), (self.code, self.message, self.fix)
