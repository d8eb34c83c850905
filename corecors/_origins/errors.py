"""The one base of every error that corecors raises for what it was given."""


class CORSError(Exception):
    """Something that was given to corecors and that it refuses: an origin, a regular expression, a policy."""
