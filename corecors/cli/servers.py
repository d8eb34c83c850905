"""Which software answered, as far as it says so, and how a server of that kind is told to send CORS headers."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from corecors.browser import Received


@dataclass(frozen=True, slots=True)
class Needs:
    """What a page needs of a server. `methods`, `names`: what its preflight asks for, beyond what always passes."""

    origin: str
    path: str = "/"
    methods: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    credentials: bool = False


@dataclass(frozen=True, slots=True)
class Software:
    """A kind of server.

    name: for people. says: the headers that tell, each with a pattern. where: where `lines` belong, in words.
    lines: what to write there.
    """

    name: str
    says: tuple[tuple[str, str], ...]
    where: str
    lines: Callable[[Needs], str]


def recognised(answers: Iterable[Received]) -> Software | None:
    """The software that gave `answers`: the application itself where it tells, else what stands in front of it."""
    received = list(answers)
    for software in SOFTWARE:
        for header, pattern in software.says:
            if any(re.search(pattern, answer.get(header) or "", re.IGNORECASE) for answer in received):
                return software
    return None


def _nginx(needs: Needs) -> str:
    shared = [
        "add_header Access-Control-Allow-Origin $cors_origin always;",
        *(["add_header Access-Control-Allow-Credentials true always;"] if needs.credentials else []),
        "add_header Vary Origin always;",
    ]
    preflight = [
        f'add_header Access-Control-Allow-Methods "{", ".join(_methods(needs))}" always;',
        *([f'add_header Access-Control-Allow-Headers "{", ".join(needs.names)}" always;'] if needs.names else []),
        "return 204;",
    ]
    return "\n".join(
        [
            "# next to server { }, in http { }",
            f'map $http_origin $cors_origin {{ default ""; "{needs.origin}" $http_origin; }}',
            "# in the location { } that answers; inside `if` nothing of the lines above it counts",
            *shared,
            "if ($request_method = OPTIONS) {",
            *(f"    {line}" for line in [*shared, *preflight]),
            "}",
        ]
    )


def _apache(needs: Needs) -> str:
    origin = re.escape(needs.origin).replace("/", r"\/")
    return "\n".join(
        [
            "# needs mod_headers, mod_setenvif and mod_rewrite: a2enmod headers setenvif rewrite",
            f'SetEnvIf Origin "^({origin})$" CORS_ORIGIN=$1',
            'Header always set Access-Control-Allow-Origin "%{CORS_ORIGIN}e" env=CORS_ORIGIN',
            *(
                ['Header always set Access-Control-Allow-Credentials "true" env=CORS_ORIGIN']
                if needs.credentials
                else []
            ),
            f'Header always set Access-Control-Allow-Methods "{", ".join(_methods(needs))}" env=CORS_ORIGIN',
            *(
                [f'Header always set Access-Control-Allow-Headers "{", ".join(needs.names)}" env=CORS_ORIGIN']
                if needs.names
                else []
            ),
            "Header always merge Vary Origin",
            "RewriteEngine On",
            "RewriteCond %{REQUEST_METHOD} =OPTIONS",
            "RewriteRule ^ - [R=204,L]",
        ]
    )


def _caddy(needs: Needs) -> str:
    shared = [
        "header @cors {",
        "    defer",
        f"    Access-Control-Allow-Origin {needs.origin}",
        *(["    Access-Control-Allow-Credentials true"] if needs.credentials else []),
        f'    Access-Control-Allow-Methods "{", ".join(_methods(needs))}"',
        *([f'    Access-Control-Allow-Headers "{", ".join(needs.names)}"'] if needs.names else []),
        "}",
        "header +Vary Origin",
    ]
    return "\n".join(
        [
            f"@cors header Origin {needs.origin}",
            *shared,
            "# for its own errors, file_server's 404 say",
            "handle_errors {",
            *(f"    {line}" for line in [*shared, "respond {err.status_code}"]),
            "}",
            "@preflight {",
            "    method OPTIONS",
            "    header Access-Control-Request-Method *",
            "}",
            "respond @preflight 204",
        ]
    )


def _haproxy(needs: Needs) -> str:
    ours = "{ var(txn.cors) -m found }"
    credentials = [f"http-after-response set-header Access-Control-Allow-Credentials true if {ours}"]
    names = [f'http-after-response set-header Access-Control-Allow-Headers "{", ".join(needs.names)}" if {ours}']
    return "\n".join(
        [
            f"http-request set-var(txn.cors) req.hdr(origin) if {{ req.hdr(origin) -m str {needs.origin} }}",
            f"http-request return status 204 if METH_OPTIONS {ours}",
            f"http-after-response set-header Access-Control-Allow-Origin %[var(txn.cors)] if {ours}",
            *(credentials if needs.credentials else []),
            f'http-after-response set-header Access-Control-Allow-Methods "{", ".join(_methods(needs))}" if {ours}',
            *(names if needs.names else []),
            "http-after-response add-header Vary Origin",
        ]
    )


def _express(needs: Needs) -> str:
    return (
        "// npm install cors; before every route\n"
        "app.use(require('cors')({\n"
        f"  origin: ['{needs.origin}'],\n"
        f"  methods: {list(_methods(needs))},\n"
        + (f"  allowedHeaders: {list(needs.names)},\n" if needs.names else "")
        + (f"  credentials: {'true' if needs.credentials else 'false'},\n")
        + "}));"
    )


def policy_source(needs: Needs, indent: str = "") -> str:
    """A corecors policy that gives a page what it needs, as Python."""
    arguments = [f'allow_origins=["{needs.origin}"]', f"allow_methods={_quoted(_methods(needs))}"]
    if needs.names:
        arguments.append(f"allow_headers={_quoted(needs.names)}")
    if needs.credentials:
        arguments.append("allow_credentials=True")
    return "Policy(\n" + "".join(f"{indent}    {argument},\n" for argument in arguments) + f"{indent})"


def _flask(needs: Needs) -> str:
    return _python("flask", "from corecors.adapters.flask import CORS", f"CORS(app, {policy_source(needs)})")


def _starlette(needs: Needs) -> str:
    return _python("starlette", "from corecors.adapters.starlette import CORS", f"CORS(app, {policy_source(needs)})")


def _django(needs: Needs) -> str:
    first = 'MIDDLEWARE.insert(0, "corecors.adapters.django.CORSMiddleware")'
    return _python("django", "", f"{first}\nCORS_POLICY = {policy_source(needs)}")


def _aiohttp(needs: Needs) -> str:
    imported = "from corecors.adapters.aiohttp import setup_cors"
    return _python("aiohttp", imported, f"setup_cors(app, {policy_source(needs)})")


def _wsgi(needs: Needs) -> str:
    imported = "from corecors.adapters.wsgi import CORSMiddleware"
    return _python("", imported, f"application = CORSMiddleware(application, {policy_source(needs)})")


def _python(extra: str, imported: str, code: str) -> str:
    package = f'"corecors[{extra}]"' if extra else "corecors"
    imports = "\n".join(line for line in ("from corecors import Policy", imported) if line)
    return f"# pip install {package}\n{imports}\n\n{code}"


def _spring(needs: Needs) -> str:
    names = [f"configuration.setAllowedHeaders(List.of({_java(needs.names)}));"] if needs.names else []
    credentials = ["configuration.setAllowCredentials(true);"] if needs.credentials else []
    return "\n".join(
        [
            "@Bean CorsConfigurationSource corsConfigurationSource() {",
            "    var configuration = new CorsConfiguration();",
            f'    configuration.setAllowedOrigins(List.of("{needs.origin}"));',
            f"    configuration.setAllowedMethods(List.of({_java(_methods(needs))}));",
            *(f"    {line}" for line in [*names, *credentials]),
            "    var source = new UrlBasedCorsConfigurationSource();",
            '    source.registerCorsConfiguration("/**", configuration);',
            "    return source;",
            "}",
            "// with Spring Security also: http.cors(withDefaults())",
        ]
    )


def _aspnet(needs: Needs) -> str:
    credentials = ".AllowCredentials()" if needs.credentials else ""
    names = f".WithHeaders({_java(needs.names)})" if needs.names else ""
    return (
        "builder.Services.AddCors(options => options.AddDefaultPolicy(policy => policy\n"
        f'    .WithOrigins("{needs.origin}").WithMethods({_java(_methods(needs))}){names}{credentials}));\n'
        "app.UseCors();  // after UseRouting, before UseAuthentication"
    )


def _rails(needs: Needs) -> str:
    credentials = ", credentials: true" if needs.credentials else ""
    methods = ", ".join(f":{method.lower()}" for method in (*_methods(needs), "OPTIONS"))
    names = f", headers: [{_java(needs.names)}]" if needs.names else ""
    return (
        "# gem 'rack-cors'; config/initializers/cors.rb\n"
        "Rails.application.config.middleware.insert_before 0, Rack::Cors do\n"
        "  allow do\n"
        f'    origins "{needs.origin}"\n'
        f'    resource "*"{names}, methods: [{methods}]{credentials}\n'
        "  end\n"
        "end"
    )


def _php(needs: Needs) -> str:
    lines = [f"    header('{name}: {value}');" for name, value in header_lines(needs) if name != "Vary"]
    return "\n".join(
        [
            "header('Vary: Origin');",
            f"if (($_SERVER['HTTP_ORIGIN'] ?? '') === '{needs.origin}') {{",
            *lines,
            "}",
            "if ($_SERVER['REQUEST_METHOD'] === 'OPTIONS') { http_response_code(204); exit; }",
        ]
    )


def _next(needs: Needs) -> str:
    headers = ", ".join(f"{{ key: '{name}', value: '{value}' }}" for name, value in header_lines(needs))
    return (
        "// next.config.js; the route answers OPTIONS by `export function OPTIONS() { return new Response(null) }`\n"
        f"async headers() {{ return [{{ source: '/:path*', headers: [{headers}] }}]; }}"
    )


def _api_gateway(needs: Needs) -> str:
    names = f",AllowHeaders={','.join(needs.names)}" if needs.names else ""
    credentials = ",AllowCredentials=true" if needs.credentials else ""
    return (
        "# an HTTP API: its own CORS settings answer preflights\n"
        f"aws apigatewayv2 update-api --api-id ID --cors-configuration AllowOrigins={needs.origin},"
        f"AllowMethods={','.join(_methods(needs))}{names}{credentials}\n"
        "# a REST API: Enable CORS on the resource, deploy it again, and add the headers to the gateway "
        "responses 4XX, 5XX"
    )


def _s3(needs: Needs) -> str:
    known = ("GET", "HEAD", "POST", "PUT", "DELETE")  # S3 takes no other in a rule
    methods = ", ".join(f'"{method}"' for method in _methods(needs) if method in known)
    names = ", ".join(f'"{name}"' for name in needs.names)
    return f'[{{"AllowedOrigins": ["{needs.origin}"], "AllowedMethods": [{methods}], "AllowedHeaders": [{names}]}}]'


def _http_server(needs: Needs) -> str:
    lines = [f'        self.send_header("{name}", "{value}")' for name, value in header_lines(needs)]
    return "\n".join(
        [
            "# it has no setting for this: save these lines as serve.py, and run that instead",
            "from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer",
            "",
            "class Handler(SimpleHTTPRequestHandler):",
            "    def end_headers(self):",
            *lines,
            "        super().end_headers()",
            "",
            "    def do_OPTIONS(self):",
            "        self.send_response(204)",
            "        self.end_headers()",
            "",
            'ThreadingHTTPServer(("localhost", 8000), Handler).serve_forever()',
        ]
    )


def _as_header_lines(needs: Needs) -> str:
    return "\n".join(f"{name}: {value}" for name, value in header_lines(needs))


def header_lines(needs: Needs) -> list[tuple[str, str]]:
    """The headers themselves, for a server of any kind: whole lines to copy."""
    lines = [("Access-Control-Allow-Origin", needs.origin)]
    if needs.credentials:
        lines.append(("Access-Control-Allow-Credentials", "true"))
    if needs.methods:
        lines.append(("Access-Control-Allow-Methods", ", ".join(_methods(needs))))
    if needs.names:
        lines.append(("Access-Control-Allow-Headers", ", ".join(needs.names)))
    return [*lines, ("Vary", "Origin")]


def _methods(needs: Needs) -> tuple[str, ...]:
    return tuple(dict.fromkeys(("GET", "HEAD", "POST", *needs.methods)))


def _quoted(values: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"


def _java(values: Iterable[str]) -> str:
    return ", ".join(f'"{value}"' for value in values)


# In this order: what an application says of itself tells more than the proxy in front of it.
SOFTWARE = (
    Software("Express", (("X-Powered-By", r"^Express"),), "in the application", _express),
    Software("Next.js", (("X-Powered-By", r"Next\.js"),), "in next.config.js", _next),
    Software("Flask or another WSGI application", (("Server", r"Werkzeug"),), "in the application", _flask),
    Software("Django", (("Server", r"WSGIServer/\S+ CPython"),), "in the settings", _django),
    Software("Python's http.server", (("Server", r"^SimpleHTTP/"),), "in a file of your own", _http_server),
    Software("FastAPI or Starlette", (("Server", r"uvicorn|hypercorn"),), "in the application", _starlette),
    Software("aiohttp", (("Server", r"aiohttp"),), "in the application", _aiohttp),
    Software("Django under daphne", (("Server", r"daphne"),), "in the settings", _django),
    Software("a WSGI application under gunicorn", (("Server", r"gunicorn|waitress"),), "in the application", _wsgi),
    Software("Rails", (("X-Runtime", r"^[0-9.]+$"), ("X-Powered-By", r"Passenger")), "in an initializer", _rails),
    Software("Spring", (("X-Application-Context", r"."), ("Server", r"^Apache-Coyote")), "in a configuration", _spring),
    Software("PHP", (("X-Powered-By", r"PHP"),), "before any output", _php),
    Software(
        "ASP.NET", (("Server", r"Kestrel|Microsoft-IIS"), ("X-Powered-By", r"ASP\.NET")), "in Program.cs", _aspnet
    ),
    Software("AWS API Gateway", (("X-Amz-Apigw-Id", r"."), ("Apigw-Requestid", r".")), "in the gateway", _api_gateway),
    Software("Amazon S3", (("Server", r"AmazonS3"),), "in the bucket's CORS configuration", _s3),
    Software("Caddy", (("Server", r"^Caddy"), ("Via", r"Caddy")), "in the site's block of the Caddyfile", _caddy),
    Software("Apache", (("Server", r"^Apache(?!-Coyote)"),), "in the VirtualHost or .htaccess", _apache),
    Software("nginx", (("Server", r"^(?:nginx|openresty)"),), "in the configuration", _nginx),
    Software("HAProxy", (("Via", r"haproxy"), ("Server", r"haproxy")), "in the frontend", _haproxy),
    Software(
        "Envoy",
        (("Server", r"^envoy"), ("X-Envoy-Upstream-Service-Time", r".")),
        "in the cors filter of the route, or in the application behind it",
        _as_header_lines,
    ),
    Software("Traefik", (("Via", r"traefik"),), "in a headers middleware of the router", _as_header_lines),
    Software(
        "CloudFront",
        (("Via", r"CloudFront"), ("X-Amz-Cf-Id", r".")),
        "in a response headers policy, with Origin in the cache key",
        _as_header_lines,
    ),
    Software(
        "Cloudflare",
        (("Server", r"^cloudflare"), ("Cf-Ray", r".")),
        "at the server behind Cloudflare, which passes headers on",
        _as_header_lines,
    ),
)
