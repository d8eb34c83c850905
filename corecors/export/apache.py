"""A policy as the configuration of Apache's httpd 2.4: directives for a server or a `<VirtualHost>`.

It needs mod_setenvif, mod_headers and mod_rewrite.

Facts
-----
- httpd has two tables of response headers, and sends both. `Header always` fills one, an application behind mod_proxy
  the other: what gives way is unset in both.
- `SetEnvIf` looks for a request header of the name that it is given before it looks at a variable, so that a client
  could set one. `SetEnvIfExpr` does not; and `req_novary` reads a header without an addition to `Vary`, which in other
  places `%{HTTP:...}` makes.
- `Header edit*` matches what is left again and again: a regex that can match nothing never ends, and the process dies.
- `$0` and `$1` are empty for a regex without a group.
- A regex stands between "#", all of it in quotes: within, these are `\\\\x23` and `\\\\x22`.
- Two request lines of one name are one, joined by a comma. A request header that is empty is as good as missing.
- A <VirtualHost> has the SetEnvIfExpr and Header of the server around it too, before its own, but none of its rules.
- Slashes at the beginning of a target are one before anything reads it, and one to the application.
- Directives of this kind in a `<Location>`, a `<Directory>` or .htaccess see a path that was decoded already.
"""

from collections.abc import Iterator
from typing import Final

from corecors._decisions import headers
from corecors._decisions.sources import PolicySource
from corecors._origins.parsing import Origin
from corecors._policy.policy import Policy
from corecors.export.parts import ECHOED, METHOD, ON_REQUEST, REPLACED, TOKEN, Parts, literal, together
from corecors.export.paths import (
    MOVES,
    PLAIN_PATH,
    UNDECIDED,
    UNTOUCHED,
    Branch,
    Governed,
    Limits,
    prefix_regex,
    take_all_apart,
)
from corecors.export.text import TWICE, check_listen, heading, read_upstream, remark

TARGET: Final = "apache"
FAILED: Final = 403
_LIMITS: Final = Limits(
    word=8000,
    names=7000,
    why="is longer than httpd reads, 8,191 characters",
    addresses="httpd reads of a regular expression",
)
_ORIGIN: Final = "req_novary('Origin')"
_METHOD: Final = "req_novary('Access-Control-Request-Method')"
_ECHOES: Final = {headers.ALLOW_METHODS: "method", headers.ALLOW_HEADERS: "names"}
_NAMES: Final = "'%{req_novary:Access-Control-Request-Headers},'"  # the comma makes every name end with one


def render(
    policy: Policy | PolicySource, *, whole: bool = False, upstream: str | None = None, listen: str = "127.0.0.1:8080"
) -> str:
    """`policy` for Apache. Raises `ExportError`, and `ValueError` for options that are none."""
    check_listen(listen)
    governed, taken = take_all_apart(policy, TARGET, _LIMITS)
    lines = [*_request(governed, taken), "", *_response(governed, taken)]
    fragment = "".join(f"{line}\n" for line in lines)
    top = heading(policy, TARGET)
    if whole:
        return top + _whole(fragment, read_upstream(upstream), listen)
    return f"{top}# For a server or a <VirtualHost>, before its other RewriteRules.\n\n{fragment}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _value(text: str) -> str:
    """A value of `Header` that is `text`, a list of tokens, and nothing else."""
    return _quoted(text.replace("%", "%%"))


def _matches(what: str, regex: str) -> str:
    written = regex.replace("#", "\\x23").replace('"', "\\x22")
    return rf"{what} =~ m#\A({written})\z#"


def _set(variable: str, value: str, *conditions: str) -> str:
    return f'SetEnvIfExpr "{" && ".join(conditions)}" corecors_{variable}={value}'


def _is_set(variable: str) -> str:
    return f"-n reqenv('corecors_{variable}')"


def _is_unset(variable: str) -> str:
    return f"-z reqenv('corecors_{variable}')"


def _guard(branch: Branch) -> tuple[str, ...]:
    return () if branch.number is None else (f"reqenv('corecors_governor') == '{branch.number}'",)


# Requests


def _request(governed: Governed, taken: list[tuple[Branch, Parts]]) -> Iterator[str]:
    yield "# A second policy for one request would let in anyone that either lets in: it is an error."
    yield _set("twice", "1", _is_set("once"))
    yield _set("once", "1", "true")
    yield "# A preflight: OPTIONS with Origin and Access-Control-Request-Method"
    yield _set("preflight", "1", "%{REQUEST_METHOD} == 'OPTIONS'", f"-n {_ORIGIN}", f"-n {_METHOD}")
    yield from _governor(governed)
    for branch, parts in taken:
        yield ""
        yield from _origins(branch, parts)
        yield from _preflight(branch, parts)
    yield ""
    yield "RewriteEngine On"
    yield "RewriteCond %{ENV:corecors_twice} =1"
    yield f"RewriteRule ^ - [R={TWICE},L]"
    for status in sorted({FAILED, *(parts.preflight_status for _, parts in taken)}):
        yield f"RewriteCond %{{ENV:corecors_outcome}} ={status}"
        yield f"RewriteRule ^ - [R={status},L]"


def _governor(governed: Governed) -> Iterator[str]:
    if governed.paths is None:
        return
    yield ""
    yield "# Which policy governs the path; a path that can be read in more than one way has none."
    yield _set("governor", governed.default, "true")
    for prefix, governor in reversed(governed.paths):
        yield _set("governor", governor, _matches("unescape(%{REQUEST_URI})", prefix_regex(prefix)))
    yield _set("governor", UNDECIDED, f"! ({_matches('%{REQUEST_URI}', PLAIN_PATH)})")
    yield "# Nor has a preflight that asks for a header from which servers take another path."
    yield _set("governor", UNDECIDED, _matches(_NAMES, MOVES))
    yield _set("undecided", "1", f"reqenv('corecors_governor') == '{UNDECIDED}'")
    yield _set("touched", "1", f"reqenv('corecors_governor') != '{UNTOUCHED}'")
    yield _set("outcome", str(FAILED), _is_set("undecided"), _is_set("preflight"))


def _origins(branch: Branch, parts: Parts) -> Iterator[str]:
    guard, allowed = _guard(branch), f"{branch.tag}allowed"
    if parts.any_origin:
        yield _set(allowed, "*", *(guard or ("true",)))
        return
    for origin in parts.exact:
        yield _set(allowed, "$1", *guard, _matches(_ORIGIN, literal(origin)))
    if parts.rules:
        yield "# What a browser may have written, and an entry of the policy lets in:"
        well_formed = f"{branch.tag}well_formed"
        yield _set(well_formed, "1", *guard, _matches(_ORIGIN, together(parts.well_formed)))
        for rule in parts.rules:
            yield f"# {remark(rule.entry)}"
            yield _set(allowed, "$1", _is_set(well_formed), _matches(_ORIGIN, rule.regex))


def _preflight(branch: Branch, parts: Parts) -> Iterator[str]:
    tag, guard = branch.tag, _guard(branch)
    methods = METHOD if parts.methods is None else f"(?:{'|'.join(map(literal, parts.methods))})"
    names = f"(?=.{{0,{parts.longest_names}}},\\z){together(parts.names)}"
    yield _set("outcome", str(parts.failed_status), *guard, _is_set("preflight"))
    yield "# Which checks a preflight passes: of its origin, then of its method, then of its names"
    yield _set(f"{tag}passes_origin", "1", *guard, _is_set("preflight"), _is_set(f"{tag}allowed"))
    yield _set(f"{tag}passes_method", "1", _is_set(f"{tag}passes_origin"), _matches(_METHOD, methods))
    yield _set(f"{tag}passes_names", "1", _is_set(f"{tag}passes_method"), _matches(_NAMES, names))
    yield _set("outcome", str(parts.preflight_status), _is_set(f"{tag}passes_names"))
    for header, value, after in parts.preflight:
        if value is None and header in _ECHOES:
            asked = f"req_novary('{ECHOED[header]}')"
            yield _set(f"{tag}{_ECHOES[header]}", "$1", _is_set(f"{tag}passes_{after}"), _matches(asked, ".+"))
    # What the answer to a preflight, or to any other request, is given:
    yield _set(f"{tag}shares", "1", _is_set(f"{tag}allowed"), _is_unset("outcome"))
    yield _set(f"{tag}granted", "1", _is_set(f"{tag}passes_{parts.preflight[0].after}"))
    yield _set(f"{tag}granted", "1", _is_set(f"{tag}shares"))
    if not parts.any_origin:
        yield _set(f"{tag}actual", "1", *guard, _is_unset("outcome"))
    yield _set(f"{tag}on_request", "1", *guard, _is_set("outcome"))


# Responses


def _response(governed: Governed, taken: list[tuple[Branch, Parts]]) -> Iterator[str]:
    touched = "" if governed.paths is None else " env=corecors_touched"
    yield "# The application's own words on CORS give way, in both of httpd's tables."
    for header in REPLACED:
        yield f"Header unset {header}{touched}"
        yield f"Header always unset {header}{touched}"
    expose = headers.EXPOSE_HEADERS
    yield "# What it exposes to an origin that is allowed is merged."
    for branch, parts in taken:
        star = "[*](?=[ \\t]*(?:,|\\z))|" if parts.credentials else ""
        regex = rf",[ \t]*+(?:{star}(?!{TOKEN}+[ \t]*(?:,|\z)))[^,]*"
        for table in ("", "always "):
            yield rf'Header {table}edit {expose} "\A" "," env=corecors_{branch.tag}shares'
            yield f'Header {table}edit* {expose} "{regex}" "" env=corecors_{branch.tag}shares'
    kept = [f"-z reqenv('corecors_{branch.tag}shares')" for branch, _ in taken]
    kept += [] if governed.paths is None else [_is_set("touched")]
    for table in ("", "always "):
        yield f'Header {table}unset {expose} "expr={" && ".join(kept) or "true"}"'
    if governed.paths is not None:
        yield f"Header always add {headers.VARY} {headers.ORIGIN} env=corecors_undecided"
    for branch, parts in taken:
        yield ""
        yield from _answer(parts, f"corecors_{branch.tag}")


def _answer(parts: Parts, prefix: str) -> Iterator[str]:
    allowed = f'"%{{{prefix}allowed}}e"'
    for header, value, after in parts.preflight:
        if header in (headers.ALLOW_ORIGIN, headers.ALLOW_CREDENTIALS):
            yield f"Header always set {header} {allowed if value is None else _value(value)} env={prefix}granted"
        elif value is None:
            yield f'Header always set {header} "%{{{prefix}{_ECHOES[header]}}}e" env={prefix}{_ECHOES[header]}'
        else:
            yield f"Header always set {header} {_value(value)} env={prefix}passes_{after}"
    for header, value in parts.actual:
        if header != headers.ALLOW_CREDENTIALS:
            yield f"Header always add {header} {_value(value)} env={prefix}shares"
    if parts.timing:
        yield f"Header unset {headers.TIMING_ALLOW_ORIGIN} env={prefix}shares"
        yield f"Header always unset {headers.TIMING_ALLOW_ORIGIN} env={prefix}shares"
        yield f"Header always set {headers.TIMING_ALLOW_ORIGIN} {allowed} env={prefix}shares"
    if not parts.any_origin:
        yield f"Header always add {headers.VARY} {headers.ORIGIN} env={prefix}actual"
    yield f'Header always add {headers.VARY} "{ON_REQUEST}" env={prefix}on_request'


_MODULES = ("mpm_event", "authz_core", "setenvif", "headers", "rewrite", "proxy", "proxy_http")


def _whole(fragment: str, upstream: Origin, listen: str) -> str:
    modules = [*_MODULES, *(["ssl"] if upstream.scheme == "https" else [])]
    loaded = "".join(f"LoadModule {name}_module modules/mod_{name}.so\n" for name in modules)
    tls = "SSLProxyEngine On\nSSLProxyVerify require\nSSLProxyCheckPeerName On\n" if "ssl" in modules else ""
    return f"""\
# Paths are Debian's.
ServerRoot /usr/lib/apache2
DefaultRuntimeDir /var/run
PidFile /var/run/corecors-apache.pid
ErrorLog /dev/stderr
ServerName localhost
Listen {listen}
{loaded}User www-data
Group www-data

{fragment}
{tls}ProxyPass / {upstream}/
ProxyPreserveHost On
"""
