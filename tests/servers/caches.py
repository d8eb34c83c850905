"""Two real HTTP caches: how each is started in front of a server.

Both keep whatever the response's own `Cache-Control` and `Vary` let them keep. The answer's `X-Cache` tells whether it
came from the cache, in the cache's own words.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from servers.processes import Server, running

SYSTEM_PROGRAMS = (
    f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin"  # where an ordinary user's PATH doesn't look
)

NGINX = """\
daemon off;
{user}
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    proxy_cache_path kept keys_zone=answers:1m;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{behind};
            proxy_cache answers;
            proxy_cache_revalidate on;
            add_header X-Cache $upstream_cache_status always;
        }}
    }}
}}
"""

# Grace would serve a stale answer while a fresh one is fetched; keep is what makes it ask again with If-None-Match.
VARNISH = """\
vcl 4.1;
backend default {{ .host = "127.0.0.1"; .port = "{behind}"; }}
sub vcl_backend_response {{
    set beresp.grace = 0s;
    set beresp.keep = 1h;
}}
sub vcl_deliver {{
    if (obj.hits > 0) {{
        set resp.http.X-Cache = "HIT";
    }} else {{
        set resp.http.X-Cache = "MISS";
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class CacheKind:
    """A cache that may be installed here."""

    name: str
    program: str
    package: str
    """Debian's package that brings it."""
    command: Callable[[str, int, int, Path], Sequence[str]]
    """Writes its configuration to the folder; given its program's path, its port and the port behind it."""

    def path(self) -> str | None:
        return shutil.which(self.program, path=SYSTEM_PROGRAMS)

    @contextmanager
    def before(self, behind: int, folder: Path) -> Iterator[Server]:
        """Start it in front of the server that listens on a port, and end it afterwards."""
        program = self.path()
        assert program is not None, f"{self.name} is not installed"
        with running(
            self.name,
            lambda port, place: self.command(program, port, behind, place),
            folder,
            {"PATH": SYSTEM_PROGRAMS},  # Varnish calls a C compiler
        ) as server:
            yield server


def nginx(program: str, port: int, behind: int, folder: Path) -> Sequence[str]:
    user = (
        "user root;" if os.getuid() == 0 else ""
    )  # its workers would become a user who may not enter the test's folder
    (folder / "nginx.conf").write_text(NGINX.format(user=user, port=port, behind=behind))
    return (program, "-p", f"{folder}/", "-c", "nginx.conf", "-e", "stderr")


def varnish(program: str, port: int, behind: int, folder: Path) -> Sequence[str]:
    (folder / "default.vcl").write_text(VARNISH.format(behind=behind))
    return (
        *(program, "-F", "-j", "none", "-n", str(folder / "work"), "-f", str(folder / "default.vcl")),
        *("-a", f"127.0.0.1:{port}", "-s", "malloc,16m", "-p", "vsl_space=1m"),
    )


CACHES = (CacheKind("nginx", "nginx", "nginx", nginx), CacheKind("varnish", "varnishd", "varnish", varnish))
