"""Envoy and Caddy with many policies at once, both from PyPI."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxies.kinds import _Texts

_TYPE = "type.googleapis.com/envoy.extensions.filters"
ENVOY = """\
layered_runtime:
  layers:
  - name: tests
    static_layer:
      re2.max_program_size.error_level: 1000000
static_resources:
  listeners:
{listeners}
  clusters:
  - name: application
    type: STATIC
    load_assignment:
      cluster_name: application
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {upstream}}}}}}}
"""
ENVOY_LISTENER = f"""\
  - address: {{{{{{address}}}}}}
    filter_chains:
    - {{tls}}
      filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": {_TYPE}.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: tests
          http_protocol_options: {{{{allow_custom_methods: true, accept_http_10: true}}}}
          http_filters:
{{filters}}
          - name: envoy.filters.http.router
            typed_config: {{{{"@type": {_TYPE}.http.router.v3.Router}}}}
          route_config:
            virtual_hosts:
            - name: application
              domains: ["*"]
              routes:
{{routes}}
              - match: {{{{prefix: /}}}}
                route: {{{{cluster: application}}}}
"""


def envoy(texts: _Texts, port: int, upstream: int, folder: Path) -> Sequence[str]:
    listeners = []
    parts = zip(texts.each(part="filters"), texts.each(part="routes"), strict=True)
    for number, (filters, routes) in enumerate(parts):
        addresses = [f"pipe: {{path: {folder}/p{number}.sock}}"]
        if number == 0:
            addresses.append(f"socket_address: {{address: 127.0.0.1, port_value: {port}}}")
        inner = {"filters": _indented(filters, 10), "routes": _indented(routes, 14)}
        listeners += [ENVOY_LISTENER.format(address=address, tls="", **inner) for address in addresses]
        if texts.tls and number == 0:
            address = f"socket_address: {{address: 127.0.0.1, port_value: {texts.tls.port}}}"
            listeners.append(ENVOY_LISTENER.format(address=address, tls=_envoy_tls(texts.tls.certificate), **inner))
    (folder / "envoy.yaml").write_text(ENVOY.format(listeners="".join(listeners), upstream=upstream))
    command = ("-c", str(folder / "envoy.yaml"), "--concurrency", "1", "--log-level", "error")
    return (*command, "--disable-hot-restart")


def _envoy_tls(certificate: Path) -> str:
    pair = f"{{certificate_chain: {{filename: {certificate}}}, private_key: {{filename: {certificate}}}}}"
    context = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
    common = f"{{alpn_protocols: [h2, http/1.1], tls_certificates: [{pair}]}}"
    typed = f'{{"@type": {context}, common_tls_context: {common}}}'
    return f"transport_socket: {{name: envoy.transport_sockets.tls, typed_config: {typed}}}"


def _indented(text: str, width: int) -> str:
    return "".join(f"{' ' * width}{line}" for line in text.splitlines(keepends=True))


CADDY = """\
{{
	admin off
	auto_https off
	persist_config off
	grace_period 1s
	servers {{
		protocols h1 h2
	}}
}}
{sites}
"""
CADDY_SITE = """\
{address} {{
	bind 127.0.0.1
	{tls}
	route {{
{route}
		reverse_proxy 127.0.0.1:{upstream}
	}}
	handle_errors {{
{errors}
		respond {{err.status_code}}
	}}
}}
"""


def caddy(texts: _Texts, port: int, upstream: int, folder: Path) -> Sequence[str]:
    sites = []
    parts = zip(texts.each(part="route"), texts.each(part="errors"), strict=True)
    for number, (route, errors) in enumerate(parts):
        address = f"http://p{number}.test:{port}" if number else f"http://:{port}"
        inner = {"upstream": upstream, "route": route, "errors": errors}
        sites.append(CADDY_SITE.format(address=address, tls="", **inner))
        if texts.tls and number == 0:
            tls = f"tls {texts.tls.certificate} {texts.tls.certificate}"
            sites.append(CADDY_SITE.format(address=f"https://:{texts.tls.port}", tls=tls, **inner))
    (folder / "Caddyfile").write_text(CADDY.format(sites="".join(sites)))
    return ("run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile"))
