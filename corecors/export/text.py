"""What stands around a configuration: its first lines, its comments, the address behind it."""

import re
import sys
from collections.abc import Iterable
from typing import Final

from corecors._decisions import headers
from corecors._decisions.sources import PolicySource
from corecors._origins.errors import OriginError
from corecors._origins.parsing import Origin, parse_origin
from corecors._origins.showing import printable
from corecors._policy.dangers import warnings
from corecors._policy.policy import Policy

_LONGEST_REMARK = 100  # characters of what a comment quotes
VERSION: str = sys.modules["corecors"].__version__  # the package is above this one, and loaded first
TWICE: Final = 500  # what is answered where two policies would govern one request
TOLD_TWICE: Final = "Two policies of corecors govern this request: leave one of them out."
UPSTREAM = "http://127.0.0.1:8000"


def heading(policy: Policy | PolicySource, target: str) -> str:
    """The first lines: who wrote this, of what policy, and whether it is one for production."""
    debugging = [f"{problem.field} {problem.message}" for problem in warnings(policy) if problem.code == "debug"]
    return (
        f"# CORS for {target}, written by corecors {VERSION}. Change the policy and export it again.\n"
        f"# {remark(repr(policy))}\n" + "".join(f"# Warning: {remark(text)}\n" for text in debugging)
    )


def remark(text: str) -> str:
    """`text`, which may be anything, for a comment: printable ASCII on one line."""
    return printable(text, _LONGEST_REMARK)


def not_carried(policies: Iterable[Policy], carried: re.Pattern[str], what: str) -> str:
    """A comment on listed methods that no application behind the proxy ever sees, whatever a configuration says: not
    `carried`, with `what` the proxy does about them. Empty where there are none."""
    listed = {method for policy in policies for method in policy.allow_methods}
    methods = sorted(method for method in listed if not carried.fullmatch(method) and method != headers.WILDCARD)
    return f"# {what}: {remark(', '.join(methods))}\n" if methods else ""


def check_part(part: str | None, whole: bool, parts: tuple[str, str]) -> None:
    """Raise `ValueError` for a part that is none of a configuration's two."""
    if part not in (None, *parts) or (whole and part):
        raise ValueError(f'part is "{parts[0]}" or "{parts[1]}", and a whole file has both')


def check_listen(listen: str) -> None:
    """Raise `ValueError` for what is not an address to listen on."""
    if not re.fullmatch(r"[0-9a-z.:\[\]]+", listen):
        raise ValueError(f"{listen!r} is not an address to listen on")


def read_listen(listen: str) -> tuple[str, int]:
    """The host, without brackets, and the port of an address to listen on. Raises `ValueError`."""
    check_listen(listen)
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f"{listen!r} is not an address to listen on")
    return host.strip("[]"), int(port)


def read_upstream(text: str | None) -> Origin:
    """The address of the application: scheme, host and port. Raises `ValueError`."""
    try:
        origin = parse_origin(UPSTREAM if text is None else text)
    except OriginError as error:
        raise ValueError(f"{text!r} is not the address of an application: it {error}") from None
    if origin.scheme not in ("http", "https"):
        raise ValueError(f"{text!r} is not the address of an application: it is neither http nor https")
    return origin
