"""What the doctor says to write at a server is right: applied to the broken server, it works when it is asked again."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from corecors.cli.doctor import doctor
from corecors.cli.servers import SOFTWARE, Needs, Software
from servers.availability import leave_out
from servers.processes import running

PAGE = "https://app.example.com"
ASKED = ["-H", "X-Token: 1", "-H", "Authorization: Bearer x", "--credentials", "--no-hazards"]
NEEDS = Needs(PAGE, names=("authorization", "x-token"), credentials=True)
NODE_MODULES = "CORECORS_NODE_MODULES"  # where express and cors are installed

Command = Callable[[int, Path], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Broken:
    """A server without CORS. `command(lines)` starts it with the lines that fix it, "" for none.

    software: what the doctor has to recognise; says: whether it is told by the answer.
    """

    software: str
    command: Callable[[str], Command]
    missing: Callable[[], str | None]
    environment: Mapping[str, str] | None = None
    says: bool = True


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


def _python(head: str, tail: str, program: str = "python") -> Callable[[str], Command]:
    def fixed(lines: str) -> Command:
        def text(port: int, folder: Path) -> str:
            return f"{head}\n{lines}\n{tail.replace('PORT', str(port))}"

        return _writing("served.py", text, lambda file: [shutil.which(program) or program, str(file)])

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


def program(name: str) -> Callable[[], str | None]:
    return lambda: None if shutil.which(name) else name


def package(name: str) -> Callable[[], str | None]:
    def missing() -> str | None:
        try:
            __import__(name)
        except ImportError:
            return name
        return None

    return missing


def _express_is_missing() -> str | None:
    folder = os.environ.get(NODE_MODULES, "")
    found = shutil.which("node") and all((Path(folder) / name).is_dir() for name in ("express", "cors"))
    return None if found else f"Node.js, and express and cors in {NODE_MODULES}"


SERVERS = {
    "nginx": Broken("nginx", _nginx, program("nginx")),
    "Apache": Broken("Apache", _apache, program("apache2")),
    "Caddy": Broken("Caddy", _caddy, program("caddy")),
    "HAProxy": Broken("HAProxy", _haproxy, program("haproxy"), says=False),
    "Express": Broken("Express", _express, _express_is_missing, {"NODE_PATH": os.environ.get(NODE_MODULES, "")}),
    "Flask": Broken("Flask or another WSGI application", FLASK, package("flask")),
    "FastAPI": Broken("FastAPI or Starlette", FASTAPI, package("fastapi")),
    "Django": Broken("Django", DJANGO, package("django")),
    "aiohttp": Broken("aiohttp", AIOHTTP, package("aiohttp")),
}


@contextmanager
def served(broken: Broken, lines: str, folder: Path) -> Iterator[str]:
    environment = {
        "PYTHONPATH": os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH")])),
        **(broken.environment or {}),
    }
    with running(broken.software, broken.command(lines), folder, environment) as server:
        yield f"http://127.0.0.1:{server.port}/"


def asked(url: str) -> dict[str, Any]:
    (found,) = json.loads(CliRunner().invoke(doctor, [url, "--origin", PAGE, *ASKED, "--json"]).output)["runs"]
    assert isinstance(found, dict)
    return found


def written_for(url: str) -> str:
    """The lines that the doctor's report says to write there, as somebody copies them."""
    output = CliRunner(env={"COLUMNS": "80"}).invoke(doctor, [url, "--origin", PAGE, *ASKED]).output
    (block,) = re.findall(r"^For .*:\n((?:    .*\n|\n(?=    ))+)", output, re.MULTILINE)
    return "\n".join(line.removeprefix("    ") for line in str(block).splitlines())


@pytest.mark.parametrize("name", SERVERS)
def test_what_the_doctor_says_to_write_makes_it_work(name: str, tmp_path: Path) -> None:
    broken = SERVERS[name]
    if (missing := broken.missing()) and name == "Express":  # npm's, and no extra of ours could name it
        pytest.skip(f"NOT TESTED: the fix for Express needs {missing}")
    if missing:
        leave_out(f"the fix for {name} needs {missing}, which is not installed")
    software: Software = next(each for each in SOFTWARE if each.name == broken.software)
    with served(broken, "", tmp_path / "broken") as url:
        before = asked(url)
        assert before["works"] is False
        assert before["cause"]["server"] == (software.name if broken.says else None)
        lines = written_for(url) if broken.says else software.lines(NEEDS)
    with served(broken, lines, tmp_path / "fixed") as url:
        after = asked(url)
        arguments = [url, "--origin", "https://stranger.example", *ASKED, "--json"]
        (stranger,) = json.loads(CliRunner().invoke(doctor, arguments).output)["runs"]
    assert after["cause"] is None, (lines, after)
    assert after["works"] is True
    assert stranger["works"] is False


def test_the_lines_name_the_page_and_not_this_machine() -> None:
    for software in SOFTWARE:
        text = software.lines(NEEDS)
        assert PAGE in text.replace("\\", "")  # a regular expression escapes the dots
        assert "127.0.0.1" not in text
