"""Reading a policy's arguments: each into its canonical value, with everything that is wrong collected on the way."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from corecors._decisions import headers
from corecors._origins.errors import Fault, OriginError
from corecors._origins.faults import fixed_origin
from corecors._origins.parsing import LONGEST_PLAIN_ORIGIN, PLAIN_HTTPS_ORIGIN, read_origin
from corecors._origins.patterns import OriginPattern, parse_pattern
from corecors._policy.dangers import danger_of_pattern
from corecors._policy.names import ANY_WORDS, fault_of_name
from corecors._policy.problems import Problem, type_of

if TYPE_CHECKING:
    from corecors._origins.regex.compiling import OriginRegexes

MAX_MAX_AGE = 86_400  # seconds; the longest that any browser honours (Firefox; Chromium stops at 7,200)
ANY_ORIGIN = "*"
_FLAG_WORDS = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off", "", "none"), False),
}
_LONGEST_GUESS = 1000  # characters of one string that a list is made of


class Validation:
    """Reads the arguments, each into its canonical value, and collects what is wrong with any of them.

    `given`: the flags, as they were given. Credentials count as allowed where they are not surely left out, a danger
    where it is surely permitted.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        credentials = given["allow_credentials"]
        self.credentials = not (credentials is None or (isinstance(credentials, int) and not credentials))
        self.allow_insecure = given["dangerously_allow_insecure_origins"] is True
        self.allow_public_suffixes = given["dangerously_allow_public_suffix_subdomains"] is True
        self.allow_open = given["dangerously_allow_open_regexes"] is True
        self.problems: list[Problem] = []

    def refuse(self, field: str, value: object, code: str, message: str, fix: object = None) -> None:
        self.problems.append(Problem(field, value, code, message, fix))

    # Shapes

    def entries(self, field: str, value: Any) -> tuple[Any, ...]:
        """`value` as a tuple, where it is a collection of entries and not one entry, a mapping or nothing."""
        if isinstance(value, re.Pattern):
            fix = [value] if field == "allow_origin_regexes" else None
            self.refuse(field, value, "not-a-list", "is one regular expression where a list belongs", fix)
        elif isinstance(value, (str, bytes, bytearray)):
            self.refuse(field, value, "not-a-list", "is one string where a list belongs", self._listed(field, value))
        elif value is None:
            self.refuse(field, value, "not-a-list", "is not a list; leave the argument out, or give an empty list")
        elif isinstance(value, Mapping):
            self.refuse(field, value, "not-a-list", "is a mapping where a list belongs")
        elif field == "allow_origins" and callable(value):
            message = "is a function where a list belongs; give it as allow_origin_predicate"
            self.refuse(field, value, "function-among-origins", message)
        else:
            try:
                # A set has no order of its own; header values should not change from one start to the next.
                return tuple(sorted(value, key=_order) if isinstance(value, (set, frozenset)) else value)
            except TypeError:
                self.refuse(field, value, "not-a-list", f"is {type_of(value)} where a list belongs")
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
        if isinstance(entry, re.Pattern) and field == "allow_origins":
            message = "is a regular expression; those belong in allow_origin_regexes"
            self.refuse(field, entry, "regex-among-origins", message)
        elif isinstance(entry, (list, tuple, set, frozenset)):
            inner = tuple(sorted(entry, key=_order) if isinstance(entry, (set, frozenset)) else entry)
            certain = bool(inner) and all(isinstance(each, str) and self._is_entry(field, each) for each in inner)
            self.refuse(field, entry, "list-within-list", "is a list within the list", inner if certain else None)
        else:
            text = _as_string(field, entry)
            fix = text if text is not None and self._is_entry(field, text) else None
            cause = ": a variable that is not set?" if entry is None else ""
            self.refuse(field, entry, "not-a-string", f"is not a string but {type_of(entry)}{cause}", fix)
        return False

    def _listed(self, field: str, value: str | bytes | bytearray) -> list[str] | None:
        """The list that a bare string surely meant."""
        if not isinstance(value, str) or len(value) > _LONGEST_GUESS:
            return None
        if field == "allow_origin_regexes":  # commas, brackets and quotation marks belong to a regex itself
            return [value] if value else []
        parts = [part for part in re.split(r"[\s,;\[\]\"']+", value) if part]
        certain = all(self._is_entry(field, part) for part in parts) and (len(parts) == 1 or "*" not in parts)
        return parts if certain else None

    def _is_entry(self, field: str, text: str) -> bool:
        """Whether `text` may be an entry of the list `field`."""
        if text == headers.WILDCARD:
            return not (self.credentials and field in {"allow_origins", "expose_headers"})
        if field == "allow_origins":
            return isinstance(self._read_origin(text), OriginPattern)
        return fault_of_name(field, text) is None

    def flag(self, field: str, value: object) -> bool:
        if not isinstance(value, bool):
            small = value is None or isinstance(value, str) or (isinstance(value, int) and value in (0, 1))
            fix = _FLAG_WORDS.get(str(value).strip().lower()) if small else None
            self.refuse(field, value, "not-a-flag", f"is {type_of(value)} where True or False belongs", fix)
        return value is True

    def max_age(self, field: str, value: Any) -> int | None:
        if value is None:
            return None
        seconds, rest = divmod(value, timedelta(seconds=1)) if isinstance(value, timedelta) else (value, None)
        if rest:
            fix = seconds if 0 <= seconds <= MAX_MAX_AGE else None
            self.refuse(field, value, "not-whole-seconds", "is not a whole number of seconds", fix)
        elif isinstance(seconds, bool) or not isinstance(seconds, int):
            text = str(value) if isinstance(value, (str, float)) else ""
            fix = min(int(float(text)), MAX_MAX_AGE) if re.fullmatch(r"[0-9]{1,5}(\.0)?", text) else None
            message = f"is {type_of(value)} where a number of seconds or a timedelta belongs"
            self.refuse(field, value, "not-seconds", message, fix)
        elif not 0 <= seconds <= MAX_MAX_AGE:
            why = "no browser keeps an answer longer" if seconds > 0 else "0 forbids keeping the answer"
            message = f"is outside 0..{MAX_MAX_AGE} seconds; {why}"
            self.refuse(field, value, "max-age-range", message, MAX_MAX_AGE if seconds > 0 else 0)
        else:
            return int(seconds)
        return None

    def preflight_status(self, field: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value not in (200, 204):
            digits = re.fullmatch("20[04]", value.strip()) if isinstance(value, str) else None
            fix = int(digits[0]) if digits else None
            message = "is not a status of a preflight that passes: 204, or 200 for old clients"
            self.refuse(field, value, "preflight-status", message, fix)
            return 204
        return int(value)

    def refuse_unknown(self, given: Mapping[str, object]) -> None:
        """Refuse arguments that no policy has."""
        from corecors._policy.unknown_names import unknown_names  # a long table, for errors alone

        self.problems += unknown_names(given.items(), credentials=self.credentials)

    def predicate(self, field: str, value: Any) -> Callable[[str], bool] | None:
        if value is None or callable(value):
            return value  # type: ignore[no-any-return]  # callable() says no more
        self.refuse(field, value, "not-a-function", f"is {type_of(value)} where a function of one origin belongs")
        return None

    # Names

    def methods(self, field: str, value: Any) -> tuple[str, ...]:
        return self._names(field, _distinct(self.strings(field, value)))

    def request_headers(self, field: str, value: Any) -> tuple[str, ...]:
        names = _distinct(self.strings(field, value), str.lower)
        lowered = {name.lower() for name in names}
        others = lowered - {headers.WILDCARD, headers.NON_WILDCARD_REQUEST_HEADER}
        if headers.WILDCARD in lowered and others:
            message = "has '*', which already covers every other name but Authorization; name no others"
            fix = [headers.WILDCARD, "Authorization"] if headers.NON_WILDCARD_REQUEST_HEADER in lowered else ["*"]
            self.refuse(field, list(names), "redundant-entries", message, fix)
        return self._names(field, names, alone=False)

    def exposed_headers(self, field: str, value: Any) -> tuple[str, ...]:
        names = _distinct(self.strings(field, value), str.lower)
        is_literal = self.credentials and headers.WILDCARD in names
        if is_literal:
            message = "is taken literally by browsers with credentials; name the headers"
            self.refuse(field, headers.WILDCARD, "exposed-wildcard-with-credentials", message)
        return self._names(field, names, alone=not is_literal)

    def _names(self, field: str, names: tuple[str, ...], *, alone: bool = True) -> tuple[str, ...]:
        """`names`, each of them checked. alone: whether "*" stands for all the others."""
        if alone and headers.WILDCARD in names and len(names) > 1:
            message = "has '*', which already covers the other entries; write it alone"
            self.refuse(field, list(names), "redundant-entries", message, [headers.WILDCARD])
        for name in names:
            if name == headers.WILDCARD:
                continue
            if name.lower() in ANY_WORDS:
                takes_any = self._is_entry(field, headers.WILDCARD)
                instead = "for every name, write the one entry '*'" if takes_any else "name the headers"
                fix = headers.WILDCARD if takes_any and len(names) == 1 else None
                self.refuse(field, name, "word-for-any", f"is not a name; {instead}", fix)
            elif (fault := fault_of_name(field, name)) is not None:
                self.refuse(field, name, *fault)
        return names

    # Origins

    def origins(
        self, entries: tuple[str, ...], known: frozenset[str]
    ) -> tuple[Iterable[str], list[OriginPattern], bool]:
        """The exact origins, the parsed entries with a wildcard, and whether any origin is allowed.

        `known`: what was validated before.
        """
        is_plain = PLAIN_HTTPS_ORIGIN.fullmatch
        unread = entries if not known else [text for text in entries if text not in known]
        others = [text for text in unread if is_plain(text) is None or len(text) > LONGEST_PLAIN_ORIGIN]
        any_origin = ANY_ORIGIN in others
        wildcards = []
        for text in others:
            if text == ANY_ORIGIN:
                continue
            pattern = self._read_origin(text)
            if isinstance(pattern, Fault):
                self.refuse("allow_origins", text, *pattern)
            elif not pattern.is_exact:
                wildcards.append(pattern)
        if any_origin and self.credentials:
            message = (
                "is refused: with credentials this would hand every visitor's data to any site; list the origins, or "
                "leave credentials out"
            )
            self.refuse("allow_origins", ANY_ORIGIN, "any-origin-with-credentials", message)
        elif any_origin and len(set(entries)) > 1:
            message = "has '*', which already covers the other entries; write it alone"
            self.refuse("allow_origins", list(entries), "redundant-entries", message, [ANY_ORIGIN])
        if not (any_origin or wildcards):
            return entries, [], False
        return [text for text in entries if "*" not in text], wildcards, any_origin

    def _read_origin(self, text: str) -> OriginPattern | Fault:
        """One entry of `allow_origins`, or why it cannot be one; a fix is one that this policy accepts."""
        try:
            pattern = parse_pattern(text)
        except OriginError as error:
            certain = error.fix is not None and self._is_entry("allow_origins", error.fix)
            return Fault(error.code, error.message, error.fix if certain else None)
        if self.credentials:
            return danger_of_pattern(pattern, self.allow_insecure, self.allow_public_suffixes) or pattern
        return pattern

    def regexes(self, patterns: tuple[Any, ...]) -> "OriginRegexes | None":
        if not patterns:
            return None
        # The analysis is large, and most policies have none.
        from corecors._origins.regex.compiling import Permissions, compile_regexes

        field = "allow_origin_regexes"
        meant = []
        for pattern in patterns:
            source = _regex_source(pattern)
            wildcard = _wildcard_meant(source)
            if wildcard is None:
                meant.append(pattern)
            else:
                message = f"is not a regular expression; give {wildcard!r} in allow_origins"
                self.refuse(field, source, "pattern-among-regexes", message)
        permitted = Permissions()
        if self.credentials:
            permitted = Permissions(self.allow_open, self.allow_insecure, self.allow_public_suffixes, any_origin=False)
        regexes = compile_regexes(meant, permitted)
        for index, error in regexes.errors:
            self.refuse(field, _regex_source(meant[index]), error.code, error.message, error.fix)
        return regexes

    def null(self, allow_null: bool, predicate: Callable[[str], bool] | None) -> None:
        if allow_null and self.credentials and predicate is None:
            message = (
                "with credentials allows every site, because any page can send `null` from a sandboxed frame; "
                "leave it out, or let allow_origin_predicate decide about 'null'"
            )
            self.refuse("dangerously_allow_null_origin", True, "null-with-credentials", message)


def _distinct(names: tuple[str, ...], key: Callable[[str], str] = str) -> tuple[str, ...]:
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(key(name), name)
    return tuple(first.values())


def _order(entry: object) -> str:
    return entry if isinstance(entry, str) else type(entry).__name__


def _as_string(field: str, entry: object) -> str | None:
    """The text that an entry of another type surely stands for."""
    if isinstance(entry, bytes):
        return entry.decode("ascii") if entry.isascii() else None
    if field != "allow_origins" or isinstance(entry, int):
        return None
    try:
        text = str(entry)  # an object for a URL, as of pydantic or yarl
    except Exception:
        return None
    origin = fixed_origin(text) or text
    return origin if "://" in text and read_origin(origin) is not None else None


def _regex_source(pattern: object) -> object:
    return pattern.pattern if isinstance(pattern, re.Pattern) else pattern


def _wildcard_meant(source: object) -> str | None:
    """The pattern of `allow_origins` that was surely meant where a regular expression was asked for."""
    if not isinstance(source, str) or "*" not in source:
        return None
    if source == ANY_ORIGIN:
        return source
    try:
        pattern = parse_pattern(source)
    except OriginError as error:
        return error.fix if source.startswith("*.") else None
    return None if pattern.is_exact else source
