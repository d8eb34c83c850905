"""A policy as the configuration of Envoy, 1.36 or newer: HTTP filters, and routes that answer preflights.

Envoy's own CORS filter is not used: it cannot check a method, sends no `Vary`, and takes one matcher for an origin
where two have to hold. What is used: `composite`, which runs a filter for requests that a matcher takes, and
`header_mutation`; for preflights, routes whose matchers all have to hold, and `direct_response`. Nothing in it can edit
a list, so a few lines of Lua take out of what the application exposes whatever no browser should read.

Facts
-----
- A matcher that was never asked, because Envoy refused the request by itself, runs nothing: nobody is let in.
- Filters see a response in reverse order, the router's first. So what the application said is removed before the
  policy's words are put there, and errors that Envoy makes pass through the same filters.
- Several lines of one name are matched as one value, joined by commas: two origins are nobody's.
- Expressions are RE2's: linear, matched whole, no repetition of more than 1,000, nested ones multiplied (`re2`).
  Envoy refuses large ones unless `re2.max_program_size.error_level` lets them be.
- In values "%" begins a command: "%%" is one.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Final

from corecors._decisions import headers
from corecors._decisions.sources import PolicySource
from corecors._origins.parsing import Origin
from corecors._policy.policy import Policy
from corecors._policy.problems import Problem
from corecors.export.parts import (
    ECHOED,
    METHOD,
    ON_REQUEST,
    REPLACED,
    Condition,
    Grant,
    Parts,
    literal,
    take_apart,
)
from corecors.export.problems import one_policy, refuse
from corecors.export.re2 import too_long, too_many_repetitions, without_last_comma
from corecors.export.text import TOLD_TWICE, TWICE, check_part, heading, read_listen, read_upstream, remark

TARGET: Final = "envoy"
_ONE_ALONE: Final = (
    "Envoy can be told one Policy, for its matchers see a path as it was sent, and not as the application reads it: "
    "export each policy for a listener of its own"
)
MAX_VALUE: Final = 16_384  # bytes of a header's value in Envoy's configuration
PROGRAM_SIZE: Final = 1_000_000  # of an expression, as RE2 counts; the longest that a policy can have is far below
_TYPE = "type.googleapis.com/"
_MUTATION = f"{_TYPE}envoy.extensions.filters.http.header_mutation.v3.HeaderMutation"
_INPUT = f"{_TYPE}envoy.type.matcher.v3.HttpRequestHeaderMatchInput"
_FILTERS = ("corecors.allowed", "corecors.every")
_ONCE = f"""\
function envoy_on_request(handle)
  local seen = handle:streamInfo():dynamicMetadata()
  if seen:get("corecors") ~= nil then
    handle:respond({{[":status"] = "{TWICE}"}}, "{TOLD_TWICE}")
  end
  seen:set("corecors", "policy", true)
end
"""
# Keeps what is a name. A `*` means every header where a page sends no cookies, whatever the policy says.
_EXPOSED = """\
function envoy_on_response(handle)
  local headers, names = handle:headers(), {}
  for line = 0, headers:getNumValues("access-control-expose-headers") - 1 do
    for element in headers:getAtIndex("access-control-expose-headers", line):gmatch("[^,]+") do
      local name = element:match("^[ \\t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \\t]*$")
      if name@STAR@ then table.insert(names, name) end
    end
  end
  headers:remove("access-control-expose-headers")
  if #names > 0 then headers:add("access-control-expose-headers", table.concat(names, ", ")) end
end
"""


def render(
    policy: Policy | PolicySource,
    *,
    whole: bool = False,
    upstream: str | None = None,
    part: str | None = None,
    listen: str = "127.0.0.1:8080",
) -> str:
    """`policy` for Envoy.

    part: "filters" or "routes" for one of the two parts; by default both, each below a line that says where it belongs.
    Raises `ExportError`, and `ValueError` for options that are none.
    """
    check_part(part, whole, ("filters", "routes"))
    host, port = read_listen(listen)
    policy = one_policy(policy, TARGET, _ONE_ALONE)
    parts, problems = take_apart(policy, backtracks=False)
    refuse(TARGET, [*problems, *_problems(policy), *too_many_repetitions(parts, "allow_origin_regexes", "Envoy")])
    filters = "\n".join(_filters(parts)) + "\n"
    routes = "\n".join(_routes(parts)) + "\n"
    top = heading(policy, TARGET)
    if whole:
        return top + _whole(filters, routes, read_upstream(upstream), host, port)
    if part is not None:
        return top + (filters if part == "filters" else routes)
    return (
        f"{top}\n# ---- for http_filters of the HTTP connection manager, before all others\n"
        f"# Its expressions need, in the bootstrap's runtime: re2.max_program_size.error_level: {PROGRAM_SIZE}\n"
        f"# For methods that Envoy does not know, http_protocol_options: {{allow_custom_methods: true}}\n\n{filters}"
        f"\n# ---- for routes of the virtual host, before all others\n\n{routes}"
    )


def _problems(policy: Policy) -> Iterator[Problem]:
    for field in ("allow_methods", "allow_headers", "expose_headers"):
        if len(", ".join(getattr(policy, field)).replace("%", "%%")) > MAX_VALUE:
            message = f"is longer than the value of a header in Envoy's configuration can be, {MAX_VALUE:,} bytes"
            yield Problem(field, getattr(policy, field), "not-exportable", message)


def _quoted(text: str) -> str:
    """`text`, which is ASCII, as YAML."""
    return json.dumps(text)


def _format(text: str) -> str:
    """A value that is `text` and nothing else."""
    return text.replace("%", "%%")


def _one_of(texts: Iterable[str]) -> str:
    return f"(?:{'|'.join(map(literal, texts))})"


def _origin_conditions(parts: Parts) -> list[tuple[str, tuple[Condition, ...]]]:
    """Ways for an origin to be allowed, each with the conditions that all have to hold, and a remark."""
    ways: list[tuple[str, tuple[Condition, ...]]] = []
    if parts.exact:
        ways.append(("listed", (Condition(_one_of(parts.exact)),)))
    if parts.rules:
        rule = Condition(f"(?:{'|'.join(rule.regex for rule in parts.rules)})")
        ways.append((remark(", ".join(rule.entry for rule in parts.rules)), (*parts.well_formed, rule)))
    return ways


# Responses


def _filters(parts: Parts) -> Iterator[str]:
    every = [("remove", name, "") for name in REPLACED]
    allowed: list[tuple[str, str, str]] = []
    origin = headers.WILDCARD if parts.any_origin else "%REQ(origin)%"
    granted = every if parts.any_origin else allowed
    granted.append(("OVERWRITE_IF_EXISTS_OR_ADD", headers.ALLOW_ORIGIN, origin))
    for name, value in parts.actual:
        action = "APPEND" if name == headers.EXPOSE_HEADERS else "OVERWRITE"
        granted.append((f"{action}_IF_EXISTS_OR_ADD", name, _format(value)))
    if parts.timing:
        granted.append(("OVERWRITE_IF_EXISTS_OR_ADD", headers.TIMING_ALLOW_ORIGIN, origin))
    if not parts.any_origin:
        every.append(("APPEND_IF_EXISTS_OR_ADD", headers.VARY, headers.ORIGIN))
        ways = _origin_conditions(parts)
        if ways:
            yield f"- name: {_FILTERS[0]}"
            yield "  typed_config:"
            yield f'    "@type": {_TYPE}envoy.extensions.common.matching.v3.ExtensionWithMatcher'
            yield "    extension_config:"
            yield "      name: composite"
            yield f'      typed_config: {{"@type": {_TYPE}envoy.extensions.filters.http.composite.v3.Composite}}'
            yield "    xds_matcher:"
            yield "      matcher_list:"
            yield "        matchers:"
            for what, conditions in ways:
                yield f"        # {what}"
                yield from _indented(_way(conditions, allowed), 8)
            yield "      on_no_match:"
            yield from _indented(_action([("remove", headers.EXPOSE_HEADERS, "")]), 8)
        else:
            every.append(("remove", headers.EXPOSE_HEADERS, ""))
    yield "# The application's own words on CORS give way."
    yield f"- name: {_FILTERS[1]}"
    yield "  typed_config:"
    yield from _indented(_mutation(every), 4)
    yield "# A second policy for one request would let in anyone that either lets in: it is an error."
    script = _ONCE
    if parts.any_origin or _origin_conditions(parts):
        yield "# What the application exposes is merged, but for what is not a name."
        script += _EXPOSED.replace("@STAR@", ' and name ~= "*"' if parts.credentials else "")
    yield "- name: corecors.exposed"
    yield "  typed_config:"
    yield f'    "@type": {_TYPE}envoy.extensions.filters.http.lua.v3.Lua'
    yield "    default_source_code:"
    yield "      inline_string: |"
    yield from _indented(script.splitlines(), 8)


def _way(conditions: tuple[Condition, ...], mutations: list[tuple[str, str, str]]) -> Iterator[str]:
    yield "- predicate:"
    if len(conditions) == 1:
        yield from _indented(_predicate(conditions[0]), 4)
    else:
        yield "    and_matcher:"
        yield "      predicate:"
        for condition in conditions:
            first, *rest = _predicate(condition)
            yield f"      - {first}"
            yield from _indented(rest, 8)
    yield "  on_match:"
    yield from _indented(_action(mutations), 4)


def _predicate(condition: Condition) -> Iterator[str]:
    indent = 0
    if not condition.wanted:
        yield "not_matcher:"
        indent = 2
    yield from _indented(
        (
            "single_predicate:",
            f'  input: {{name: origin, typed_config: {{"@type": {_INPUT}, header_name: origin}}}}',
            f"  value_match: {{safe_regex: {{google_re2: {{}}, regex: {_quoted(condition.regex)}}}}}",
        ),
        indent,
    )


def _action(mutations: list[tuple[str, str, str]]) -> Iterator[str]:
    yield "action:"
    yield "  name: corecors"
    yield "  typed_config:"
    yield f'    "@type": {_TYPE}envoy.extensions.filters.http.composite.v3.ExecuteFilterAction'
    yield "    typed_config:"
    yield "      name: corecors"
    yield "      typed_config:"
    yield from _indented(_mutation(mutations), 8)


def _mutation(mutations: list[tuple[str, str, str]]) -> Iterator[str]:
    yield f'"@type": {_MUTATION}'
    yield "mutations:"
    yield "  response_mutations:"
    for action, name, value in mutations:
        if action == "remove":
            yield f"  - remove: {name.lower()}"
        else:
            yield f"  - append: {_header(action, name, value)}"


def _header(action: str, name: str, value: str) -> str:
    return f"{{append_action: {action}, header: {{key: {name.lower()}, value: {_quoted(value)}}}}}"


def _indented(lines: Iterable[str], width: int) -> Iterator[str]:
    return (" " * width + line for line in lines)


# Preflights


def _routes(parts: Parts) -> Iterator[str]:
    method = METHOD if parts.methods is None else _one_of(parts.methods)
    ways: list[tuple[str, list[str]]] = [
        (what, [_header_matcher(headers.ORIGIN, condition) for condition in conditions])
        for what, conditions in _origin_conditions(parts)
    ]
    if parts.any_origin:
        ways = [("any origin", [_present(headers.ORIGIN)])]
    asked = [_header_matcher(headers.REQUEST_METHOD, Condition(method))]
    for condition in (too_long(parts.longest_names), *map(without_last_comma, parts.names)):
        asked.append(_header_matcher(headers.REQUEST_HEADERS, condition))
    preflight = [_present(headers.ORIGIN), _present(headers.REQUEST_METHOD)]
    for passed, matchers in (("names", asked), ("method", asked[:1]), ("origin", preflight)):
        granted = [(grant.header, _granted(grant)) for grant in parts.preflight if passed in grant.passed]
        status = parts.preflight_status if passed == "names" else parts.failed_status
        for what, origin in ways if granted else ():
            yield f"# preflights that pass{'' if passed == 'names' else f' up to their {passed}'}: {what}"
            yield from _route([*origin, *matchers], status, granted)
    yield "# all other preflights"
    yield from _route(preflight, parts.failed_status, [])


def _granted(grant: Grant) -> str:
    return f"%REQ({ECHOED[grant.header].lower()})%" if grant.value is None else _format(grant.value)


def _route(matchers: list[str], status: int, granted: list[tuple[str, str]]) -> Iterator[str]:
    yield "- match:"
    yield "    prefix: /"
    yield "    headers:"
    yield '    - {name: ":method", string_match: {exact: OPTIONS}}'
    yield from _indented(matchers, 4)
    yield f"  direct_response: {{status: {status}}}"
    yield "  typed_per_filter_config:"
    for name in _FILTERS:
        yield f'    {name}: {{"@type": {_TYPE}envoy.config.route.v3.FilterConfig, disabled: true}}'
    yield "  response_headers_to_add:"
    for name, value in [*granted, (headers.VARY, ON_REQUEST)]:
        yield f"  - {_header('OVERWRITE_IF_EXISTS_OR_ADD', name, value)}"


def _present(name: str) -> str:
    return f"- {{name: {name.lower()}, present_match: true}}"


def _header_matcher(name: str, condition: Condition) -> str:
    """A matcher; a header that is missing is one without text."""
    inverted = "" if condition.wanted else ", invert_match: true"
    missing = ", treat_missing_header_as_empty: true" if name == headers.REQUEST_HEADERS else ""
    match = f"string_match: {{safe_regex: {{regex: {_quoted(condition.regex)}}}}}"
    return f"- {{name: {name.lower()}, {match}{missing}{inverted}}}"


def _whole(filters: str, routes: str, upstream: Origin, host: str, port: int) -> str:
    def inner(text: str, width: int) -> str:
        return "".join(f"{' ' * width}{line}\n" for line in text.splitlines())

    address = f"{{address: {_quoted(host)}, port_value: {port}}}"
    behind_port = upstream.port or (443 if upstream.scheme == "https" else 80)
    behind = f"{{address: {_quoted(upstream.host.strip('[]'))}, port_value: {behind_port}}}"
    tls = ""
    if upstream.scheme == "https":
        tls = f"""
    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config:
        "@type": {_TYPE}envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
        sni: {_quoted(upstream.host)}
        common_tls_context:
          validation_context:
            trusted_ca: {{filename: /etc/ssl/certs/ca-certificates.crt}}
            match_typed_subject_alt_names:
            - {{san_type: DNS, matcher: {{exact: {_quoted(upstream.host)}}}}}"""
    return f"""\
layered_runtime:
  layers:
  - name: corecors
    static_layer:
      re2.max_program_size.error_level: {PROGRAM_SIZE}

static_resources:
  listeners:
  - address: {{socket_address: {address}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": {_TYPE}envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: corecors
          http_protocol_options: {{allow_custom_methods: true}}
          http_filters:
{inner(filters, 10)}\
          - name: envoy.filters.http.router
            typed_config: {{"@type": {_TYPE}envoy.extensions.filters.http.router.v3.Router}}
          route_config:
            virtual_hosts:
            - name: application
              domains: ["*"]
              routes:
{inner(routes, 14)}\
              - match: {{prefix: /}}
                route: {{cluster: application}}
  clusters:
  - name: application
    type: STRICT_DNS
    load_assignment:
      cluster_name: application
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {behind}}}}}{tls}
"""
