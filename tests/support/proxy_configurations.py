"""Configurations that people write for proxies: right ones, and changes to them that are traps.

`PORT`, `UPSTREAM` and `FOLDER` are put in before a proxy runs them.
"""

from __future__ import annotations

from typing import NamedTuple

NGINX = r"""
events { worker_connections 64; }
http {
    map $http_origin $cors {
        default "";
        "~^https://app\.example\.com$" $http_origin;
        "~^https://[a-z0-9-]+\.preview\.example\.org$" $http_origin;
    }
    server {
        listen 127.0.0.1:PORT;
        proxy_hide_header Access-Control-Allow-Origin;
        add_header Access-Control-Allow-Origin $cors always;
        add_header Vary Origin always;
        location / {
            proxy_pass http://127.0.0.1:UPSTREAM;
        }
    }
}
"""
NGINX_ONE_ORIGIN = r"""
events { worker_connections 64; }
http {
    server {
        listen 127.0.0.1:PORT;
        location / {
            proxy_pass http://127.0.0.1:UPSTREAM;
            proxy_hide_header Access-Control-Allow-Origin;
            add_header Access-Control-Allow-Origin https://app.example.com always;
            add_header Access-Control-Allow-Credentials true always;
            add_header Access-Control-Allow-Methods "GET, PUT" always;
            add_header Access-Control-Allow-Headers "content-type" always;
            add_header Access-Control-Max-Age 600 always;
        }
    }
}
"""
HAPROXY = r"""
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend api
    bind 127.0.0.1:PORT
    http-request set-var(txn.origin) req.fhdr(origin)
    acl listed var(txn.origin) -m str https://app.example.com https://admin.example.com
    acl preview var(txn.origin) -m reg ^https://[a-z0-9-]+\.preview\.example\.org$
    http-request set-var(txn.allowed) var(txn.origin) if listed or preview
    http-after-response del-header Access-Control-Allow-Origin
    http-after-response set-header Access-Control-Allow-Origin %[var(txn.allowed)] if { var(txn.allowed) -m found }
    http-after-response add-header Vary Origin
    use_backend down if { path_beg /down }
    default_backend application
backend application
    server application 127.0.0.1:UPSTREAM
backend down
    server down 127.0.0.1:1
"""
HAPROXY_ANYONE = r"""
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend api
    bind 127.0.0.1:PORT
    http-after-response set-header Access-Control-Allow-Origin *
    http-after-response set-header Access-Control-Expose-Headers "x-total, x-page"
    default_backend application
backend application
    server application 127.0.0.1:UPSTREAM
"""
_APACHE = r"""
ServerRoot /usr/lib/apache2
DefaultRuntimeDir FOLDER
PidFile FOLDER/apache.pid
ErrorLog FOLDER/error.log
Mutex pthread
ServerName localhost
Listen 127.0.0.1:PORT
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule setenvif_module modules/mod_setenvif.so
LoadModule headers_module modules/mod_headers.so
LoadModule rewrite_module modules/mod_rewrite.so
LoadModule proxy_module modules/mod_proxy.so
LoadModule proxy_http_module modules/mod_proxy_http.so
ProxyPass /down http://127.0.0.1:1/
ProxyPass / http://127.0.0.1:UPSTREAM/
"""
APACHE = (
    _APACHE
    + r"""
SetEnvIf Origin "^https://(app|admin)\.example\.com$" ALLOWED=$0
Header onsuccess unset Access-Control-Allow-Origin
Header always set Access-Control-Allow-Origin "%{ALLOWED}e" env=ALLOWED
Header always merge Vary Origin
"""
)
APACHE_IF = (
    _APACHE
    + r"""
Header onsuccess unset Access-Control-Allow-Origin
<If "%{HTTP:Origin} =~ m#^https://[a-z0-9-]+\.preview\.example\.org$#">
    Header always set Access-Control-Allow-Origin "expr=%{req:Origin}"
    Header always set Access-Control-Allow-Credentials true
</If>
Header always merge Vary Origin
"""
)
_TYPE = "type.googleapis.com/envoy.extensions.filters"
ENVOY = rf"""
static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: PORT}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": {_TYPE}.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: api
          http_filters:
          - name: envoy.filters.http.cors
            typed_config: {{"@type": {_TYPE}.http.cors.v3.Cors}}
          - name: envoy.filters.http.router
            typed_config: {{"@type": {_TYPE}.http.router.v3.Router}}
          route_config:
            virtual_hosts:
            - name: api
              domains: ["*"]
              response_headers_to_remove: [access-control-allow-origin]
              response_headers_to_add:
              - header: {{key: Vary, value: Origin}}
              typed_per_filter_config:
                envoy.filters.http.cors:
                  "@type": {_TYPE}.http.cors.v3.CorsPolicy
                  allow_origin_string_match:
                  - exact: https://app.example.com
                  - safe_regex: {{regex: 'https://[a-z0-9-]+\.preview\.example\.org'}}
                  allow_methods: GET, PUT
                  allow_headers: content-type
                  max_age: "600"
                  allow_credentials: true
                  forward_not_matching_preflights: false
              routes:
              - match: {{prefix: /}}
                route: {{cluster: application}}
  clusters:
  - name: application
    type: STATIC
    load_assignment:
      cluster_name: application
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: UPSTREAM}}}}}}
"""
CADDY = r"""
{
	admin off
	auto_https off
	persist_config off
}
http://:PORT {
	bind 127.0.0.1
	@allowed header_regexp Origin ^https://(app|admin)\.example\.com$
	header @allowed >Access-Control-Allow-Origin {header.Origin}
	header {
		+Vary Origin
		defer
	}
	handle /down {
		reverse_proxy 127.0.0.1:1
	}
	reverse_proxy 127.0.0.1:UPSTREAM {
		header_down -Access-Control-Allow-Origin
	}
	handle_errors {
		@allowed_there header_regexp Origin ^https://(app|admin)\.example\.com$
		header @allowed_there Access-Control-Allow-Origin {header.Origin}
		header Vary Origin
		respond {err.status_code}
	}
}
"""
CADDY_LISTED = r"""
{
	admin off
	auto_https off
	persist_config off
}
(cors) {
	@origin{args[0]} header Origin {args[0]}
	header @origin{args[0]} Access-Control-Allow-Origin {args[0]}
}
http://:PORT {
	bind 127.0.0.1
	import cors https://app.example.com
	import cors https://admin.example.com
	header +Vary Origin
	reverse_proxy 127.0.0.1:UPSTREAM {
		header_down -Access-Control-Allow-Origin
	}
}
"""

RIGHT: dict[str, tuple[str, str]] = {
    "nginx, by map": ("nginx", NGINX),
    "nginx, one origin": ("nginx", NGINX_ONE_ORIGIN),
    "HAProxy, by variable": ("haproxy", HAPROXY),
    "HAProxy, anyone": ("haproxy", HAPROXY_ANYONE),
    "Apache, by SetEnvIf": ("apache", APACHE),
    "Apache, by If": ("apache", APACHE_IF),
    "Envoy, its own filter": ("envoy", ENVOY),
    "Caddy, by expression": ("caddy", CADDY),
    "Caddy, listed": ("caddy", CADDY_LISTED),
}

ALLOW_ORIGIN = "Access-Control-Allow-Origin"
APP = "https://app.example.com"
OWN_CORS = ((ALLOW_ORIGIN, "*"), ("Vary", "Accept-Encoding"))


class Attack(NamedTuple):
    """A request, and the lines of one header in its answer that show the trap; the right configuration has others."""

    origin: str | None
    shows: tuple[str, ...]
    header: str = ALLOW_ORIGIN
    path: str = "/"
    method: str = "GET"
    upstream: tuple[tuple[str, str], ...] = ()
    status: int = 200
    """Of the upstream."""


class Change(NamedTuple):
    """A right configuration with `old` replaced by `new`. `finds`: the codes, each with a piece of its line."""

    name: str
    right: str
    old: str
    new: str
    finds: dict[str, str]
    attack: Attack | None = None

    @property
    def proxy(self) -> str:
        return RIGHT[self.right][0]

    @property
    def text(self) -> str:
        text = RIGHT[self.right][1]
        assert self.old in text, self.name
        return text.replace(self.old, self.new, 1)


def echoed(origin: str) -> Attack:
    return Attack(origin, (origin,))
