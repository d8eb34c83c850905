"""`doctor --curl` reads what browsers copy: their own generators write the commands, and Debian's curl is the judge.

The generators are run under Node.js from where they are kept (copied_as_curl.mjs): Chromium's in the npm package of its
developer tools, Firefox's in its omni.ja, WebKit's, which is Safari's, in the library of WebKitGTK. Safari itself, and
cmd and curl on Windows, are not tested: what cmd would hand to curl is told by the same generator for bash.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner
from request_recorder import Recorded, recording

from corecors.cli.doctor import doctor
from corecors.cli.examination import SAFE_METHODS
from servers.availability import leave_out, missing_for_node, node_modules

CHROMIUM = "chrome-devtools-frontend/front_end/panels/network/NetworkLogView.ts"
FIREFOX = ("/usr/lib/firefox-esr/browser/omni.ja", "chrome/devtools/modules/devtools/client/shared/curl.js")
WEBKIT = ("usr/lib/*/libwebkit2gtk-4.*.so.*", "/org/webkit/inspector/UserInterface/Main.js")

PAGE = "https://shop.example.com"
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
EMOJI = "\U0001f600"
MULTIPART = (
    "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in (("title", 'it\'s "5 > 3"'), ("note", "a\r\nb"), ("city", "Zürich"))
    )
    + f"--{BOUNDARY}--\r\n"
)


class Asked(NamedTuple):
    """A request as a browser's panel knows it. `headers`: those of the page, of which the browser's own are apart."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    cookie: str | None = None

    def at(self, server: str) -> dict[str, Any]:
        """What the generators are given."""
        own = [
            *(("Host", server.removeprefix("http://")), ("Connection", "keep-alive"), ("Accept", "*/*")),
            *(("Accept-Language", "de,en;q=0.5"), ("Accept-Encoding", "gzip, deflate, br, zstd")),
            *(("User-Agent", AGENT), ("sec-ch-ua", '"Chromium";v="156", "Not)A;Brand";v="24"')),
            *(("sec-ch-ua-platform", '"Linux"'), ("Sec-Fetch-Mode", "cors"), ("Origin", PAGE), ("Referer", f"{PAGE}/")),
            *([] if self.cookie is None else [("Cookie", self.cookie)]),
        ]
        return {"url": server + self.target, "method": self.method, "headers": [*own, *self.headers], "body": self.body}


def typed(kind: str, *more: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return (("Content-Type", kind), *more)


REQUESTS = {
    "a GET with cookies": Asked("GET", "/orders?page=2&q=gr%C3%BC%C3%9Fe", cookie='sid=abc%20d; theme=dark; x="y"'),
    "a cookie without a name": Asked("GET", "/", cookie="abcdef"),
    "a HEAD": Asked("HEAD", "/orders"),
    "an address with brackets and braces": Asked("GET", "/it's/[1]?filter[a]={b}&c=1,2"),
    "a DELETE with a token": Asked("DELETE", "/orders/7", (("Authorization", "Bearer a.b-c_d"),)),
    "headers that are empty or quoted": Asked(
        "GET", "/", (("X-Empty", ""), ("If-Match", '"a\\b"'), ("X-Shell", "$HOME `id` !1 %PATH% ^ \\ & | < > # ~"))
    ),
    "JSON": Asked(
        "POST", "/orders", typed("application/json"), '{"title":"it\'s \\"5 > 3\\" & 100% ^ $HOME `x` \\\\ !"}'
    ),
    "JSON with a caret before a quotation mark": Asked(
        "PUT", "/", typed("application/json"), '{"pattern":"^","a":"^"}'
    ),
    "letters beyond ASCII": Asked("PATCH", "/", typed("text/plain;charset=UTF-8"), "grüße, 中文, ÿ"),
    "an emoji": Asked("POST", "/", typed("text/plain"), EMOJI),
    "a form": Asked("POST", "/", typed("application/x-www-form-urlencoded"), "a=1&b=c+d&e=%25%26&f=@g"),
    "a form that begins with an @": Asked("POST", "/", typed("application/x-www-form-urlencoded"), "@x"),
    "line breaks and tabs": Asked("POST", "/", typed("text/plain"), "a\nb\r\nc\td\n"),
    "bytes": Asked("PUT", "/", typed("application/octet-stream"), "\x01\x1b\x7f\x80\x9f\xff' \xe9"),
    "multipart": Asked(
        "POST", "/", typed(f"multipart/form-data; boundary={BOUNDARY}"), f"{MULTIPART}--{BOUNDARY}--\r\n"
    ),
    "a word": Asked("POST", "/", typed("text/plain"), "-word"),
    "a body of nothing but spaces": Asked("POST", "/", typed("text/plain"), "   "),
}
GENERATORS = ("Chromium", "Chromium for cmd", "Firefox", "Firefox for cmd", "WebKit")
# curl reads a file there, and the doctor never does.
READS_A_FILE = {("WebKit", "a form that begins with an @")}
# JavaScript's two halves of a character, each escaped: bash makes bytes of them that are no text, and the doctor what
# the page sent.
WRITES_HALVES = {("Firefox", "an emoji"), ("WebKit", "an emoji")}


def generators(folder: Path) -> dict[str, str]:
    """Where the generators are, each a file."""
    library = next((str(path) for path in sorted(Path("/").glob(WEBKIT[0]))), None)
    needs = {
        "curl": shutil.which("curl"),
        "gresource (libglib2.0-bin)": shutil.which("gresource"),
        "Firefox": Path(FIREFOX[0]).exists(),
        "WebKitGTK": library,
    }
    missing = [name for name, there in needs.items() if not there]
    if missing := [*missing, *filter(None, [missing_for_node(CHROMIUM, "typescript")])]:
        leave_out(f"what browsers copy as curl needs {', '.join(missing)}")
    with zipfile.ZipFile(FIREFOX[0]) as archive:
        (folder / "curl.js").write_bytes(archive.read(FIREFOX[1]))
    webkit = subprocess.run(
        ["gresource", "extract", str(library), WEBKIT[1]], capture_output=True, check=True, timeout=60
    )
    (folder / "webkit.js").write_bytes(webkit.stdout)
    return {
        "chromium": str(node_modules() / CHROMIUM),
        "firefox": str(folder / "curl.js"),
        "webkit": str(folder / "webkit.js"),
        "typescript": str(node_modules() / "typescript"),
    }


class Copied(NamedTuple):
    """The server, what it was asked, and the commands: of each generator and request, and of what bash gets for it."""

    url: str
    seen: list[Recorded]
    commands: dict[tuple[str, str], tuple[str, str]]


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copied]:
    where = generators(tmp_path_factory.mktemp("generators"))
    with recording() as (url, seen):
        requests = [asked.at(url.rstrip("/")) for asked in REQUESTS.values()]
        process = subprocess.run(
            ["node", str(Path(__file__).with_name("copied_as_curl.mjs"))],
            input=json.dumps(where | {"requests": requests}),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert process.returncode == 0, process.stderr
        commands = {
            (generator, name): tuple(pair)
            for generator, pairs in json.loads(process.stdout).items()
            for name, pair in zip(REQUESTS, pairs, strict=True)
        }
        yield Copied(url, seen, commands)


COMMANDS = [pytest.param(generator, name, id=f"{generator}-{name}") for generator in GENERATORS for name in REQUESTS]


def test_there_are_more_than_thirty_commands() -> None:
    assert len(COMMANDS) - len(READS_A_FILE) >= 30


def run_by_doctor(command: str, *options: str) -> Any:
    result = CliRunner().invoke(doctor, ["--curl", command, "--json", *options])
    assert result.exit_code in (0, 2), result.output
    (found,) = json.loads(result.output)["runs"]
    return found


def joined(body: bytes) -> bytes:
    return body.decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16").encode()


@pytest.mark.parametrize(("generator", "name"), COMMANDS)
def test_the_doctor_sends_what_curl_sends(generator: str, name: str, copied: Copied, tmp_path: Path) -> None:
    command, for_bash = copied.commands[generator, name]
    if (generator, name) in READS_A_FILE:
        assert "reads a file" in CliRunner().invoke(doctor, ["--curl", command]).output
        return
    quiet = re.sub(r"^curl(?:\.exe)?", "curl --http1.1 --output /dev/null --silent --show-error", for_bash)
    subprocess.run(
        ["bash", "-c", quiet],
        check=True,
        cwd=tmp_path,
        timeout=60,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
    )
    expected = copied.seen.pop()
    copied.seen.clear()
    found = run_by_doctor(command, "--send")
    assert found["cause"] is None
    (own,) = (each for each in copied.seen if each.headers.get("USER_AGENT") == AGENT)
    if (generator, name) in WRITES_HALVES:
        expected = expected._replace(body=joined(expected.body))
    assert own.without() == expected.without()
    unsafe = [each.method for each in copied.seen if each.method not in SAFE_METHODS]
    assert unsafe == ([] if REQUESTS[name].method in SAFE_METHODS else [REQUESTS[name].method])


@pytest.mark.parametrize("generator", GENERATORS)
def test_without_send_only_safe_methods_go_out(generator: str, copied: Copied) -> None:
    copied.seen.clear()
    for name in REQUESTS:
        if (generator, name) not in READS_A_FILE:
            before = len(copied.seen)
            run_by_doctor(copied.commands[generator, name][0])
            assert len(copied.seen) > before + 3, "dangers were looked for"
    assert {each.method for each in copied.seen} <= SAFE_METHODS
