"""Envoy: what is wrong with its CORS filter. Read by PyYAML, which keeps the lines; JSON is YAML too.

Facts
-----
The filter compares with string matchers: `exact`, `prefix`, `suffix`, `contains`, and `safe_regex`, which has to match
the whole origin. A matcher that takes the text `*` allows everybody. The filter sends no Vary, leaves what the server
behind sent where it refuses, and hands it preflights that it refuses unless it is told not to.
https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/cors_filter
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

from corecors._origins.showing import shown
from corecors.cli.proxies.findings import (
    ANY_ORIGIN_REFLECTED,
    ANY_ORIGIN_WITH_CREDENTIALS,
    IGNORES_CASE,
    MISSING_VARY,
    PART_OF_ORIGIN,
    UPSTREAM_HEADER_KEPT,
    Finding,
    Place,
    Trap,
    example_of,
    found,
    in_order,
)
from corecors.cli.proxies.reading import MAX_DEPTH, read_text, unusable
from corecors.cli.proxies.regexes import Expressions
from corecors.cli.proxies.values import ALLOW_ORIGIN, LISTS, VARY, Sent, compared, value_findings
from corecors.cli.terminal import Unusable

Node: TypeAlias = Any  # of PyYAML, which need not be installed to import this
PREFLIGHT_FORWARDED = Trap(
    "preflight-forwarded",
    "warning",
    "hands a preflight that it refuses to the server behind, whose answer then decides",
    "add forward_not_matching_preflights: false",
)
FILTER_MISSING = Trap(
    "filter-missing",
    "error",
    "is not read by any filter: {why}, and no response has a CORS header",
    "put envoy.filters.http.cors among the http_filters, under the name that stands here",
)
FILTER_ORDER = Trap(
    "filter-order",
    "warning",
    "stands before the CORS filter and asks for a login, which a preflight never carries: it is answered 401",
    "put envoy.filters.http.cors before it",
)
POLICY = "envoy.extensions.filters.http.cors.v3.CorsPolicy"
FILTER = "envoy.extensions.filters.http.cors.v3.Cors"
MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ASKING_FOR_LOGIN = {
    "envoy.extensions.filters.http.basic_auth.v3.BasicAuth",
    "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
}
CHANGING_HEADERS = ("header_mutation", "lua", "ext_proc", "wasm", "golang", "dynamic_modules")
MATCHERS = {"prefix": "beg", "suffix": "end", "contains": "sub"}
MAX_NODES = 100_000  # visited, aliases counted each time


def findings_in(path: Path) -> list[Finding]:
    """The traps in the file at `path`. Raises `Unusable`."""
    try:
        import yaml
    except ImportError:
        raise Unusable("reading Envoy's configuration needs PyYAML: pip install 'corecors[proxies]'") from None
    text = read_text(path)
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        documents = list(yaml.compose_all(text, Loader=loader))
    except RecursionError:
        raise unusable(path, "has more levels than a configuration has") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark is not None else ""
        raise unusable(path, f"is not YAML: {getattr(error, 'problem', None) or 'it cannot be read'}{where}") from None
    if not any(hasattr(document, "value") and isinstance(document.value, list) for document in documents):
        raise unusable(path, "is not Envoy's configuration: it holds no mapping")
    analysis = _Analysis(path, text.splitlines())
    for document in documents:
        analysis.walk(document, ())
    return in_order(analysis.findings)


def _entries(node: Node) -> Iterator[tuple[Node, str, Node]]:
    """The keys of a mapping, as nodes and as text, with their values."""
    if getattr(node, "id", "") == "mapping":
        for key, value in node.value:
            if isinstance(key.value, str):
                yield key, key.value, value


def _get(node: Node, *keys: str) -> Node:
    for wanted in keys:
        node = next((value for _, key, value in _entries(node) if key == wanted), None)
    return node


def _items(node: Node) -> list[Node]:
    if node is None:
        return []
    return list(node.value) if node.id == "sequence" else [node]


def _text(node: Node) -> str | None:
    return node.value if node is not None and isinstance(node.value, str) else None


def _is_true(node: Node) -> bool:
    """`true`, or a BoolValue."""
    return (_text(node) or "").lower() == "true" or (_text(_get(node, "value")) or "").lower() == "true"


def _type(node: Node) -> str:
    return (_text(_get(node, "@type")) or "").rpartition("/")[2]


class _Analysis:
    def __init__(self, path: Path, lines: list[str]) -> None:
        self.path = path
        self.lines = lines
        self.expressions = Expressions(path)
        self.findings: list[Finding] = []
        self.visited = 0

    def place(self, node: Node) -> Place:
        line = node.start_mark.line
        text = self.lines[line].strip().removeprefix("- ") if line < len(self.lines) else ""
        return Place(str(self.path), line + 1, text)

    def add(self, node: Node, field: str, trap: Trap, **details: object) -> None:
        self.findings.append(found(self.place(node), field, trap, **details))

    def walk(self, node: Node, above: tuple[Node, ...]) -> None:
        self.visited += 1
        if self.visited > MAX_NODES or len(above) > MAX_DEPTH:
            raise unusable(self.path, "has more entries or levels than a configuration has")
        if node.id == "sequence":
            for item in node.value:
                self.walk(item, (*above, node))
        elif node.id == "mapping":
            if _type(node) == POLICY:
                self.about_policy(node, above)
            elif _type(node) == MANAGER:
                self.about_filters(node)
            for key, name, value in _entries(node):
                if name == "cors" and _get(value, "allow_origin_string_match") is not None:
                    self.about_policy(value, (*above, node))
                elif name == "response_headers_to_add":
                    self.about_added(value, (*above, node))
                del key
                self.walk(value, (*above, node))

    # The policy

    def about_policy(self, policy: Node, above: tuple[Node, ...]) -> None:
        matchers = _get(policy, "allow_origin_string_match")
        if matchers is None:
            return
        credentials = _is_true(_get(policy, "allow_credentials"))
        for matcher in _items(matchers):
            self.about_matcher(matcher, credentials)
        key = next(key for key, name, _ in _entries(policy) if name == "allow_origin_string_match")
        forwarded = _get(policy, "forward_not_matching_preflights")
        if forwarded is None or _is_true(forwarded):
            self.add(forwarded or key, "forward_not_matching_preflights", PREFLIGHT_FORWARDED)
        self.about_what_is_around(key, above)
        self.about_constants(policy, credentials)

    def about_matcher(self, matcher: Node, credentials: bool) -> None:
        ignores = _is_true(_get(matcher, "ignore_case"))
        if ignores:
            self.add(matcher, "ignore_case", IGNORES_CASE, line="leave out ignore_case")
        for key, kind, node in _entries(matcher):
            value = _text(node)
            if kind == "safe_regex":
                regex = _text(_get(node, "regex"))
                if regex is not None:
                    place = self.place(_get(node, "regex") or node)
                    self.findings += self.expressions.findings(place, kind, regex, whole=True)
            elif value == "*" and kind in ("exact", *MATCHERS):
                if credentials:
                    self.add(key, kind, ANY_ORIGIN_WITH_CREDENTIALS)
            elif kind == "exact" and value is not None:
                self.findings += compared(self.place(key), "exact", value)
            elif kind in MATCHERS and value is not None:
                example = example_of(MATCHERS[kind], value.lower() if ignores else value)
                if example is not None:
                    self.add(key, kind, PART_OF_ORIGIN, example=example)

    def about_what_is_around(self, key: Node, above: tuple[Node, ...]) -> None:
        added = {name for level in above for name, _, _ in _added(_get(level, "response_headers_to_add"))}
        removed = {
            (_text(name) or "").lower() for level in above for name in _items(_get(level, "response_headers_to_remove"))
        }
        for level in above:
            if _type(level) == MANAGER:
                types = [_type(_get(each, "typed_config")) for each in _items(_get(level, "http_filters"))]
                if any(name in each for each in types for name in CHANGING_HEADERS):
                    return  # what that does, nothing here tells
        if VARY not in added:
            line = "add Vary: Origin to response_headers_to_add of the virtual host"
            self.add(key, "allow_origin_string_match", MISSING_VARY, line=line)
        if ALLOW_ORIGIN not in removed:
            self.add(
                key,
                "allow_origin_string_match",
                UPSTREAM_HEADER_KEPT,
                what="where an origin is refused here, it lets in whom it likes",
                line="add access-control-allow-origin to response_headers_to_remove of the virtual host",
            )

    def about_constants(self, policy: Node, credentials: bool) -> None:
        fields = ("allow_methods", "allow_headers", "expose_headers", "max_age")
        names: dict[str, str] = dict(zip(fields, (*LISTS, "access-control-max-age"), strict=True))
        sent = [
            Sent(names[name], value, self.place(key))
            for key, name, node in _entries(policy)
            if name in names and (value := _text(node)) is not None
        ]
        if credentials:
            sent.append(Sent("access-control-allow-credentials", "true", self.place(policy)))
        self.findings += value_findings(sent)

    # Headers of routes

    def about_added(self, headers: Node, above: tuple[Node, ...]) -> None:
        guarded = any(
            (_text(_get(header, "name")) or "").lower() == "origin"
            for level in above
            for header in _items(_get(level, "match", "headers"))
        )
        found_here = _added(headers)
        sent = [Sent(name, None if "%" in value else value, self.place(node)) for name, value, node in found_here]
        self.findings += value_findings(sent)
        credentials = any(each.name == "access-control-allow-credentials" and each.value == "true" for each in sent)
        for name, value, node in found_here:
            if name == ALLOW_ORIGIN and value.lower() in ("%req(origin)%", "%request_header(origin)%") and not guarded:
                self.add(node, name, ANY_ORIGIN_WITH_CREDENTIALS if credentials else ANY_ORIGIN_REFLECTED)

    # Filters

    def about_filters(self, manager: Node) -> None:
        filters = _items(_get(manager, "http_filters"))
        types = [_type(_get(each, "typed_config")) for each in filters]
        if not filters or not all(types):
            return  # a filter whose configuration comes from elsewhere
        names = {_text(_get(each, "name")) for each, type_ in zip(filters, types, strict=True) if type_ == FILTER}
        for key, name, level in _per_filter(_get(manager, "route_config")):
            if _type(level) == POLICY and name not in names:
                why = f"no CORS filter is called {shown(name)}" if names else "there is no CORS filter in http_filters"
                self.add(key, "typed_per_filter_config", FILTER_MISSING, why=why)
        if FILTER not in types:
            return
        for each, type_ in zip(filters[: types.index(FILTER)], types, strict=False):
            bypasses = _is_true(_get(each, "typed_config", "bypass_cors_preflight"))
            if type_ in ASKING_FOR_LOGIN and not bypasses:
                self.add(each, "http_filters", FILTER_ORDER)


def _added(headers: Node) -> list[tuple[str, str, Node]]:
    """Names in lower case, values, and where they stand."""
    found_here = []
    for each in _items(headers):
        name, value = _text(_get(each, "header", "key")), _text(_get(each, "header", "value"))
        if name is not None:
            found_here.append((name.lower(), value or "", each))
    return found_here


def _per_filter(routes: Node) -> Iterator[tuple[Node, str, Node]]:
    for level in [routes, *_items(_get(routes, "virtual_hosts"))]:
        yield from _entries(_get(level, "typed_per_filter_config"))
        for route in _items(_get(level, "routes")):
            yield from _entries(_get(route, "typed_per_filter_config"))
