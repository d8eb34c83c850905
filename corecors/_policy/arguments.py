"""Reading a policy's arguments: each into its canonical value, with everything that is wrong collected on the way."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from corecors._decisions import headers
from corecors._origins.parsing import MAX_HOST_LENGTH, OriginError, mended_origin, read_origin, shown
from corecors._origins.patterns import OriginPattern, parse_pattern
from corecors._origins.public_suffixes import has_public_suffix_at_or_below, knows_public_suffixes
from corecors._policy.problems import Problem

if TYPE_CHECKING:
    from corecors._origins.regex.compiling import OriginRegex

MAX_MAX_AGE = 86_400  # seconds; the longest that any browser honours (Firefox; Chromium stops at 7,200)
ANY_ORIGIN = "*"

# Most entries of a long list look like this; one match in place of a parse. The last label begins with a letter, so the
# host is no IPv4 address, and https without a port is never insecure.
_PLAIN_HTTPS_ORIGIN = re.compile(
    r"https://(?:[a-z0-9_][a-z0-9_-]{0,62}+(?<!-)\.)*+[a-z](?!x[0-9a-f]*$)[a-z0-9_-]{0,62}+(?<!-)"
)
_LONGEST_PLAIN_ORIGIN = len("https://") + MAX_HOST_LENGTH
_ANYONE_WITH_CREDENTIALS = (
    "beside credentials would hand every visitor's data to any site; list the origins, or leave credentials out"
)
_FALSE_WORDS = frozenset({"0", "false", "no", "off", "", "none"})


class Validation:
    """Reads the arguments, each into its canonical value, and collects what is wrong with any of them."""

    def __init__(self, credentials: bool) -> None:
        self.credentials = credentials
        self.problems: list[Problem] = []

    def refuse(self, field: str, value: object, wrong: str, mend: str | None = None) -> None:
        self.problems.append(Problem(field, value, wrong, mend))

    # Shapes

    def entries(self, field: str, value: Any) -> tuple[Any, ...]:
        """`value` as a tuple, where it is a collection of entries and not one entry, a mapping or nothing."""
        if isinstance(value, (str, bytes, bytearray, re.Pattern)):
            kind = "one regular expression" if isinstance(value, re.Pattern) else "one string"
            self.refuse(field, value, f"is {kind} where a list belongs", _listed(value))
        elif value is None:
            self.refuse(field, value, "is no list; leave the argument out, or give an empty list")
        elif isinstance(value, Mapping):
            self.refuse(field, value, "is a mapping where a list belongs")
        elif field == "allow_origins" and callable(value):
            self.refuse(field, value, "is a function where a list belongs; give it as allow_origin_predicate")
        else:
            try:
                # A set has no order of its own; header values should not change from one start to the next.
                return tuple(sorted(value, key=str) if isinstance(value, (set, frozenset)) else value)
            except TypeError:
                self.refuse(field, value, f"is of type {type(value).__name__} where a list belongs")
        return ()

    def strings(self, field: str, value: Any) -> tuple[str, ...]:
        entries = self.entries(field, value)
        if set(map(type, entries)) <= {str}:
            return entries
        # Text of a class of its own (an enum's, a template's) is kept as plain text: servers take no other in a header.
        return tuple(str.__str__(entry) for entry in entries if self._is_string(field, entry))

    def _is_string(self, field: str, entry: object) -> bool:
        if isinstance(entry, str):
            return True
        mend = None
        if isinstance(entry, bytes) and entry.isascii():
            mend = repr(entry.decode("ascii"))
        elif field == "allow_origins" and "://" in str(entry):  # an object for a URL, as of pydantic or yarl
            origin = mended_origin(str(entry)) or str(entry)
            mend = repr(origin) if read_origin(origin) is not None else None
        nested = isinstance(entry, (list, tuple, set, frozenset))
        self.refuse(field, entry, "is a list within the list" if nested else f"is no string but {_type(entry)}", mend)
        return False

    def flag(self, field: str, value: object) -> bool:
        if not isinstance(value, bool):
            word = str(value).strip().lower()
            mend = "True" if word in {"1", "true", "yes", "on"} else "False" if word in _FALSE_WORDS else None
            self.refuse(field, value, f"is {_type(value)} where True or False belongs", mend)
        return value is True

    def max_age(self, value: Any) -> int | None:
        if value is None:
            return None
        mend = None
        if isinstance(value, timedelta):
            seconds: object = value // timedelta(seconds=1)
            if timedelta(seconds=int(value // timedelta(seconds=1))) != value:
                self.refuse("max_age", value, "is no whole number of seconds", str(seconds))
                return None
        else:
            seconds = value
        if isinstance(seconds, bool) or not isinstance(seconds, int):
            if isinstance(value, (str, float)) and re.fullmatch(r"[0-9]{1,5}(\.0)?", str(value)):
                mend = str(int(float(value)))
            self.refuse("max_age", value, f"is {_type(value)} where a number of seconds or a timedelta belongs", mend)
            return None
        if not 0 <= seconds <= MAX_MAX_AGE:
            why = "no browser keeps an answer longer" if seconds > 0 else "0 forbids keeping the answer"
            mend = str(MAX_MAX_AGE if seconds > 0 else 0)
            self.refuse("max_age", value, f"is outside 0..{MAX_MAX_AGE} seconds; {why}", mend)
            return None
        return int(seconds)

    def predicate(self, value: Any) -> Callable[[str], bool] | None:
        if value is None:
            return None
        if not callable(value):
            self.refuse("allow_origin_predicate", value, f"is {_type(value)} where a function of one origin belongs")
            return None
        from inspect import iscoroutinefunction  # a heavy module, needed here alone

        if iscoroutinefunction(value):
            self.refuse("allow_origin_predicate", value, "is asynchronous; the decision is made without waiting")
            return None
        return value  # type: ignore[no-any-return]  # callable() says no more

    # Names

    def methods(self, value: Any) -> tuple[str, ...]:
        names = self._distinct(self.strings("allow_methods", value))
        for name in names:
            if name == headers.WILDCARD:
                if len(names) > 1:
                    self.refuse("allow_methods", name, "already covers the other entries; write it alone", "['*']")
            elif not headers.is_token(name):
                self.refuse("allow_methods", name, "is no method name", _one_mend(_split_names(name)))
            elif name.upper() in headers.FORBIDDEN_METHODS:
                self.refuse("allow_methods", name, "is a method that no browser lets script send; leave it out")
            elif name not in headers.NORMALIZED_METHODS and name.upper() in headers.NORMALIZED_METHODS:
                self.refuse("allow_methods", name, "never matches: method names are case-sensitive", repr(name.upper()))
            elif len(name) > headers.MAX_METHOD_LENGTH:
                self.refuse("allow_methods", name, f"is longer than {headers.MAX_METHOD_LENGTH} characters")
        return names

    def request_headers(self, value: Any) -> tuple[str, ...]:
        field = "allow_headers"
        names = self._distinct(self.strings(field, value), str.lower)
        covered = {headers.WILDCARD, headers.NON_WILDCARD_REQUEST_HEADER}
        if headers.WILDCARD in names and not {name.lower() for name in names} <= covered:
            self.refuse(field, headers.WILDCARD, "already covers every other name but Authorization; name no others")
        for name in names:
            lowered = name.lower()
            if name == headers.WILDCARD:
                continue
            if not headers.is_token(name):
                self.refuse(field, name, "is no header name", _one_mend(_split_names(name)))
            elif lowered.startswith("access-control-"):
                self.refuse(field, name, "is written by the browser or the server itself; leave it out")
            elif headers.is_forbidden_request_header(name):
                self.refuse(field, name, "is a header that script can never set; leave it out")
        return names

    def exposed_headers(self, value: Any) -> tuple[str, ...]:
        field = "expose_headers"
        names = self._distinct(self.strings(field, value), str.lower)
        for name in names:
            if name == headers.WILDCARD:
                if self.credentials:
                    self.refuse(field, name, "is taken literally beside credentials; name the headers")
                elif len(names) > 1:
                    self.refuse(field, name, "already covers the other entries; write it alone", "['*']")
            elif not headers.is_token(name):
                self.refuse(field, name, "is no header name", _one_mend(_split_names(name)))
            elif name.lower() in headers.FORBIDDEN_RESPONSE_HEADER_NAMES:
                self.refuse(field, name, "is never readable by script, whatever is exposed; leave it out")
        return names

    @staticmethod
    def _distinct(names: tuple[str, ...], key: Callable[[str], str] = str) -> tuple[str, ...]:
        first: dict[str, str] = {}
        for name in names:
            first.setdefault(key(name), name)
        return tuple(first.values())

    # Origins

    def origins(
        self, entries: tuple[str, ...], allow_insecure: bool, allow_public_suffixes: bool
    ) -> tuple[Iterable[str], list[OriginPattern], bool]:
        """The exact origins, the parsed entries with a wildcard, and whether any origin is allowed."""
        is_plain = _PLAIN_HTTPS_ORIGIN.fullmatch
        others = [text for text in entries if is_plain(text) is None or len(text) > _LONGEST_PLAIN_ORIGIN]
        wildcards = []
        any_origin = False
        refused = 0
        for text in others:
            if text == ANY_ORIGIN:
                any_origin = True
                continue
            try:
                pattern = parse_pattern(text)
            except OriginError as error:
                refused += 1
                self.refuse("allow_origins", text, error.wrong, error.mend and repr(error.mend))
                continue
            if not pattern.is_exact:
                wildcards.append(pattern)
            self._dangers(text, pattern, allow_insecure, allow_public_suffixes)
        if any_origin and self.credentials:
            self.refuse("allow_origins", ANY_ORIGIN, _ANYONE_WITH_CREDENTIALS)
        if any_origin and len(set(entries)) > 1:
            self.refuse("allow_origins", ANY_ORIGIN, "already covers the other entries; write it alone", "['*']")
        if not (any_origin or wildcards or refused):
            return entries, [], False
        unlisted = {text for text in others if "*" in text}
        return [text for text in entries if text not in unlisted], wildcards, any_origin

    def _dangers(self, text: str, pattern: OriginPattern, allow_insecure: bool, allow_public_suffixes: bool) -> None:
        if not self.credentials:
            return
        origin = pattern.origin
        if origin.scheme == "http" and not origin.is_loopback and not allow_insecure:
            self.refuse(
                "allow_origins",
                text,
                "is plain http beside credentials: whoever sits on the network can be that origin; "
                "use https, or say allow_insecure_origins=True",
            )
        if pattern.is_open_to_anyone and not allow_public_suffixes:
            note = "" if knows_public_suffixes() else " (few public suffixes are known: install corecors[psl])"
            self.refuse(
                "allow_origins",
                text,
                f"allows names that anyone can register below {origin.host}{note}, with credentials; "
                "name your own domain, or say allow_public_suffix_subdomains=True",
            )

    def regexes(
        self, patterns: tuple[Any, ...], allow_unproven: bool, allow_insecure: bool, allow_public_suffixes: bool
    ) -> "list[OriginRegex]":
        if not patterns:
            return []
        from corecors._origins.regex.compiling import (  # the analysis is large, and most policies have none
            RegexError,
            compile_regex,
        )

        field = "allow_origin_regexes"
        compiled = []
        for pattern in patterns:
            if not isinstance(pattern, (str, re.Pattern)):
                self.refuse(field, pattern, f"is no regular expression but {_type(pattern)}")
                continue
            source = pattern if isinstance(pattern, str) else pattern.pattern
            wildcard = _wildcard_meant(source)
            if wildcard is not None:
                self.refuse(field, source, f"is no regular expression; give {wildcard!r} in allow_origins")
                continue
            try:
                regex = compile_regex(pattern, allow_unproven=allow_unproven, allow_strangers=not self.credentials)
            except RegexError as error:
                self.refuse(field, source, error.wrong, error.mend)
                continue
            compiled.append(regex)
            if self.credentials and regex.accepts_any_origin:
                self.refuse(field, source, f"accepts any origin: {_ANYONE_WITH_CREDENTIALS}")
            elif self.credentials:
                self._regex_dangers(source, regex, allow_insecure, allow_public_suffixes)
        return compiled

    def _regex_dangers(
        self, source: str, regex: "OriginRegex", allow_insecure: bool, allow_public_suffixes: bool
    ) -> None:
        field = "allow_origin_regexes"
        if regex.insecure_example is not None and not allow_insecure:
            self.refuse(
                field,
                source,
                f"accepts plain http beside credentials ({regex.insecure_example}): whoever sits on the network can be "
                "that origin; begin it with https://, or say allow_insecure_origins=True",
            )
        for suffix, example in regex.open_suffixes:
            if not allow_public_suffixes and has_public_suffix_at_or_below(suffix):
                self.refuse(
                    field,
                    source,
                    f"lets in whoever registers a name below the public suffix {suffix} ({example}), beside "
                    "credentials; name your own domain, or say allow_public_suffix_subdomains=True",
                )

    def null(self, allow_null: bool, predicate: Callable[[str], bool] | None) -> None:
        if allow_null and self.credentials and predicate is None:
            self.refuse(
                "allow_null_origin",
                True,
                "beside credentials lets every site in, for any page can send `null` from a sandboxed frame; "
                "leave it out, or let allow_origin_predicate decide about 'null'",
            )


def _wildcard_meant(source: object) -> str | None:
    """The pattern of `allow_origins` that was surely meant where a regular expression was asked for."""
    if not isinstance(source, str) or "*" not in source:
        return None
    if source == ANY_ORIGIN:
        return source
    try:
        pattern = parse_pattern(source)
    except OriginError as error:
        return error.mend if source.startswith("*.") else None
    return None if pattern.is_exact else source


def _type(value: object) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"


def _split_names(text: str) -> list[str]:
    """The names that one entry holds by mistake: `"GET, PUT"`, `'["GET", "PUT"]'`."""
    return [part for part in re.split(r"[\s,;\[\]\"'():]+", text) if part]


def _one_mend(names: list[str]) -> str | None:
    return ", ".join(map(repr, names)) if names and all(map(headers.is_token, names)) else None


def _listed(value: object) -> str | None:
    """The list that a bare string surely meant."""
    if isinstance(value, re.Pattern):
        return f"[{value!r}]"
    if not isinstance(value, str) or len(value) > 1000:
        return None
    parts = [part for part in re.split(r"[\s,;\[\]\"']+", value) if part]
    return f"[{', '.join(shown(part) for part in parts)}]" if parts else "[]"
