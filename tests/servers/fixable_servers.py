"""Real servers that know nothing of CORS, started with or without the lines that the doctor says to write there."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from corecors.cli.doctor import doctor
from corecors.cli.servers import SOFTWARE, Needs
from servers.availability import missing_for_node, node_modules
from servers.processes import running

WANTED = ["-H", "X-Token: 1", "-H", "Authorization: Bearer x", "--credentials", "--no-hazards"]
"""What a page asks for, as options of the doctor; `needs` has the same."""


def needs(origin: str) -> Needs:
    return Needs(origin, names=("authorization", "x-token"), credentials=True)


Command = Callable[[int, Path], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Broken:
    """A server without CORS. `command(lines)` starts it with the lines that fix it, "" for none.

    software: what the doctor has to recognise, None where nothing tells; says: whether it is told by the answer.
    cause: the root cause of what a page sees there.
    """

    software: str | None
    command: Callable[[str], Command]
    missing: Callable[[], str | None]
    environment: Mapping[str, str] | None = None
    says: bool = True
    cause: str = "missing-header"


def _writing(name: str, text: Callable[[int, Path], str], command: Callable[[Path], Sequence[str]]) -> Command:
    def start(port: int, folder: Path) -> Sequence[str]:
        file = folder / name
        file.write_text(text(port, folder))
        return command(file)

    return start


def _nginx(lines: str) -> Command:
    outside = "\n".join(line for line in lines.splitlines() if line.startswith("map "))
    inside = "\n".join(line for line in lines.splitlines() if not line.startswith("map "))

    def text(port: int, folder: Path) -> str:
        places = "".join(
            f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        return (
            f"daemon off; pid {folder}/pid; error_log stderr;\nevents {{}}\nhttp "
            f"{{ access_log off; {places}\n{outside}\n"
            f"server {{ listen 127.0.0.1:{port}; location / {{\n{inside}\nreturn 200;\n}} }} }}\n"
        )

    return _writing("nginx.conf", text, lambda file: ["nginx", "-e", "stderr", "-c", str(file)])


def _apache(lines: str) -> Command:
    modules = "/usr/lib/apache2/modules"
    names = ("mpm_event", "authz_core", "headers", "setenvif", "rewrite", "dir")
    loaded = "\n".join(f"LoadModule {name}_module {modules}/mod_{name}.so" for name in names)

    def text(port: int, folder: Path) -> str:
        (folder / "index.html").write_text("here")
        return (
            f"{loaded}\nServerName localhost\nListen 127.0.0.1:{port}\nPidFile {folder}/pid\nErrorLog /dev/stderr\n"
            f"DocumentRoot {folder}\nDirectoryIndex index.html\nDefaultRuntimeDir {folder}\n{lines}\n"
        )

    return _writing("apache.conf", text, lambda file: ["apache2", "-D", "FOREGROUND", "-f", str(file)])


def _haproxy(lines: str) -> Command:
    def text(port: int, folder: Path) -> str:
        return (
            "defaults\n  mode http\n  timeout client 9s\n  timeout server 9s\n  timeout connect 9s\n"
            f"frontend here\n  bind 127.0.0.1:{port}\n{lines}\n  http-request return status 200\n"
        )

    return _writing("haproxy.cfg", text, lambda file: ["haproxy", "-db", "-f", str(file)])


def _caddy(lines: str) -> Command:
    def text(port: int, folder: Path) -> str:
        # Caddy names itself where it answers as a proxy or from files, which `respond` alone does not.
        (folder / "index.html").write_text("here")
        site = f"http://127.0.0.1:{port} {{\n{lines}\nroot * {folder}\nfile_server\n}}\n"
        return f"{{\nadmin off\nauto_https off\n}}\n{site}"

    return _writing("Caddyfile", text, lambda file: ["caddy", "run", "--adapter", "caddyfile", "--config", str(file)])


def _express(lines: str) -> Command:
    def text(port: int, folder: Path) -> str:
        return (
            f"const app = require('express')();\n{lines}\napp.get('/', (_, answer) => answer.send('here'));\n"
            f"app.listen({port}, '127.0.0.1');\n"
        )

    return _writing("server.js", text, lambda file: ["node", str(file)])


def _python(head: str, tail: str) -> Callable[[str], Command]:
    def fixed(lines: str) -> Command:
        def text(port: int, folder: Path) -> str:
            return f"{head}\n{lines}\n{tail.replace('PORT', str(port))}"

        return _writing("served.py", text, lambda file: [sys.executable, str(file)])

    return fixed


FLASK = _python(
    "from flask import Flask\napp = Flask('served')\n@app.get('/')\ndef index():\n    return 'here'",
    "app.run('127.0.0.1', PORT)",
)
FASTAPI = _python(
    "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\nasync def index():\n    return 'here'",
    "import uvicorn\nuvicorn.run(app, host='127.0.0.1', port=PORT)",
)
DJANGO = _python(
    "MIDDLEWARE = []\nDEBUG = False\nSECRET_KEY = 'x'\nALLOWED_HOSTS = ['*']\nROOT_URLCONF = '__main__'\n",
    "from django.conf import settings\n"
    "settings.configure(**{name: value for name, value in globals().items() if name.isupper()})\n"
    "import django\ndjango.setup()\n"
    "from django.http import HttpResponse\nfrom django.urls import path\n"
    "urlpatterns = [path('', lambda request: HttpResponse('here'))]\n"
    "from django.core.servers.basehttp import WSGIRequestHandler, run\n"
    "from django.core.wsgi import get_wsgi_application\n"
    "run('127.0.0.1', PORT, get_wsgi_application(), threading=True)\n",
)
AIOHTTP = _python(
    "from aiohttp import web\nasync def index(request):\n    return web.Response(text='here')\n"
    "app = web.Application()\napp.router.add_get('/', index)",
    "web.run_app(app, host='127.0.0.1', port=PORT)",
)


def _php(lines: str) -> Command:
    def text(port: int, folder: Path) -> str:
        return f"<?php\n{lines}\necho 'here';\n"

    return lambda port, folder: [
        *("php", "-d", "expose_php=1", "-S", f"127.0.0.1:{port}"),
        *_writing("index.php", text, lambda file: [str(file)])(port, folder),
    ]


def _http_server(lines: str) -> Command:
    def start(port: int, folder: Path) -> Sequence[str]:
        if not lines:
            return [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
        (folder / "serve.py").write_text(lines.replace("8000", str(port)))
        return [sys.executable, "serve.py"]

    return start


def _node(lines: str) -> Command:
    def text(port: int, folder: Path) -> str:
        return f"require('http').createServer((asked, answer) => answer.end('here')).listen({port}, '127.0.0.1');\n"

    return _writing("server.js", text, lambda file: ["node", str(file)])


def program(name: str) -> Callable[[], str | None]:
    return lambda: None if shutil.which(name) else name


def npm(*names: str) -> Callable[[], str | None]:
    return lambda: missing_for_node(*names)


def package(name: str) -> Callable[[], str | None]:
    def missing() -> str | None:
        try:
            __import__(name)
        except ImportError:
            return name
        return None

    return missing


SERVERS = {
    "nginx": Broken("nginx", _nginx, program("nginx")),
    "Apache": Broken("Apache", _apache, program("apache2")),
    "Caddy": Broken("Caddy", _caddy, program("caddy"), cause="options-not-answered"),
    "HAProxy": Broken("HAProxy", _haproxy, program("haproxy"), says=False),
    "Express": Broken("Express", _express, npm("express", "cors"), {"NODE_PATH": str(node_modules())}),
    "Flask": Broken("Flask or another WSGI application", FLASK, package("flask")),
    "FastAPI": Broken("FastAPI or Starlette", FASTAPI, package("fastapi"), cause="options-not-answered"),
    "Django": Broken("Django", DJANGO, package("django")),
    "aiohttp": Broken("aiohttp", AIOHTTP, package("aiohttp"), cause="options-not-answered"),
    "PHP": Broken("PHP", _php, program("php")),
    "http.server": Broken("Python's http.server", _http_server, lambda: None, cause="options-not-answered"),
    "Node": Broken(None, _node, program("node"), says=False),
}


@contextmanager
def served(broken: Broken, lines: str, folder: Path) -> Iterator[str]:
    environment = {
        "PYTHONPATH": os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH")])),
        **(broken.environment or {}),
    }
    with running(broken.software or "a server", broken.command(lines), folder, environment) as server:
        yield f"http://127.0.0.1:{server.port}/"


def written_for(broken: Broken, url: str, origin: str) -> str | None:
    """The lines that fix it for a page of `origin`, as somebody copies them; None where the doctor knows no server.

    Of a server that does not tell what it is the report has no lines: they are those for somebody who knows.
    """
    if broken.software is None:
        return None
    if not broken.says:
        (software,) = (each for each in SOFTWARE if each.name == broken.software)
        return software.lines(needs(origin))
    output = CliRunner(env={"COLUMNS": "80"}).invoke(doctor, [url, "--origin", origin, *WANTED]).output
    (block,) = re.findall(r"^For .*:\n((?:    .*\n|\n(?=    ))+)", output, re.MULTILINE)
    return "\n".join(line.removeprefix("    ") for line in str(block).splitlines())
