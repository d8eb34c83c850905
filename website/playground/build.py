"""Builds the playground: a folder of static files, in which the library runs in the visitor's browser.

`python website/playground/build.py FOLDER` builds it there by itself; `python website` builds it into the site.

It consists of the page's own files, next to this one; Pyodide, which is CPython for browsers, from its npm package,
whose digest is pinned here; and one archive of compiled Python modules: those of the standard library that may be
needed, the library itself from this clone, and `corecors_playground`. The two large files are compressed here, so that
few bytes travel from a host that compresses nothing, and so that the page knows how many there are.
"""

import base64
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KEPT = ROOT / "build" / "website" / "npm"  # what was fetched once
REQUIRE = "CORECORS_REQUIRE_PLAYGROUND"

VERSION = "314.0.7"
SHA512 = "0YvXxEhfEdpLfb/XkM2BFAeMROq0iMUX2bzzH9pOttyMcWkwq+HbE5uyuGD82LN7y2q+SNvi/6V5JEsOlD2R1A=="  # as npm has it

OWN = ("index.html", "playground.css", "playground.js", "worker.js")
RUNTIME = "runtime.js"  # made here: what worker.js loads, and how long it is
AS_IT_IS = ("pyodide.mjs", "pyodide.asm.mjs")
WASM = "pyodide.asm.wasm"
MODULES = "modules.zip"
STDLIB = "python_stdlib.zip"

# Of the standard library, what nothing here imports. One that is missed is an error on the page and no wrong answer.
LEFT_OUT = tuple(
    "_pyio.py _pyrepl/ argparse.py asyncio/proactor asyncio/windows bdb.py configparser.py csv.py ctypes/ doctest.py "
    "email/ ftplib.py html/ http/ imaplib.py logging/config.py logging/handlers.py mailbox.py modulefinder.py "
    "multiprocessing/ optparse.py pdb.py pickletools.py plistlib.py poplib.py profile.py pstats.py pydoc.py smtplib.py "
    "socketserver.py sqlite3/ statistics.py tarfile.py trace.py unittest/ urllib/request.py wave.py webbrowser.py "
    "wsgiref/ xml/ xmlrpc/ zoneinfo/".split()
)
ENCODINGS = frozenset("__init__ aliases ascii idna latin_1 punycode raw_unicode_escape unicode_escape utf_8".split())
NOT_OF_THE_LIBRARY = ("export", "live", "testing")  # nothing that a page asks about


class MissingError(Exception):
    """Something without which the playground cannot be built."""


def build(folder: Path) -> None:
    """Fill `folder` with the playground. Without npm it has the page alone, which then says so; with
    `CORECORS_REQUIRE_PLAYGROUND=1` in the environment that is an error.

    Raises `MissingError`.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in OWN:
        shutil.copy(HERE / name, folder / name)
    try:
        package = pyodide()
        archive = modules(package)
    except MissingError as error:
        if os.environ.get(REQUIRE) == "1":
            raise
        print(f"The playground has no Python in it: {error}", file=sys.stderr)
        write_runtime(folder, {})
        return
    written = {name: as_file(folder, name, (package / name).read_bytes()) for name in AS_IT_IS}
    for name, content in {WASM: (package / WASM).read_bytes(), MODULES: archive}.items():
        # Not .gz: some hosts would say Content-Encoding, and the browser would unpack it before the page counts it.
        written[name] = as_file(folder, f"{name}.bin", gzip.compress(content, compresslevel=9, mtime=0))
    written[WASM]["platform"] = json.loads((package / "pyodide-lock.json").read_text())["info"]
    write_runtime(folder, written)


def as_file(folder: Path, name: str, content: bytes) -> dict[str, Any]:
    """Write it; what `worker.js` is told about it."""
    (folder / name).write_bytes(content)
    return {"file": name, "bytes": len(content), "version": hashlib.sha256(content).hexdigest()[:12]}


def pyodide() -> Path:
    """The folder of the npm package, fetched by npm once. Raises `MissingError`."""
    archive = KEPT / f"pyodide-{VERSION}.tgz"
    KEPT.mkdir(parents=True, exist_ok=True)
    if not archive.exists():
        npm = shutil.which("npm")
        if npm is None:
            raise MissingError("npm, with which Pyodide comes, is not installed")
        run([npm, "pack", "--silent", f"pyodide@{VERSION}"])
    content = archive.read_bytes()
    if base64.b64encode(hashlib.sha512(content).digest()).decode() != SHA512:
        raise MissingError(f"{archive} is not the package whose digest is pinned")
    with tarfile.open(archive) as files:
        files.extractall(KEPT, filter="data")
    return KEPT / "package"


def modules(package: Path) -> bytes:
    """The archive of Python modules, stored and not compressed: it is compressed as a whole, and read faster so.

    Raises `MissingError`.
    """
    node = shutil.which("node")
    if node is None:
        raise MissingError("node, with which the modules are compiled, is not installed")
    plain, compiled = KEPT / "modules-plain.zip", KEPT / MODULES
    with zipfile.ZipFile(package / STDLIB) as given, zipfile.ZipFile(plain, "w", zipfile.ZIP_STORED) as archive:
        for entry in given.infolist():
            if not entry.is_dir() and is_kept(entry.filename):
                archive.writestr(zipfile.ZipInfo(entry.filename), given.read(entry))
        for path, name in sources():
            archive.writestr(zipfile.ZipInfo(name), path.read_bytes())
    run([node, str(HERE / "compile.mjs"), str(package), str(plain), str(compiled)])
    return compiled.read_bytes()


def is_kept(name: str) -> bool:
    """Whether a module of the standard library is of any use here."""
    folder, _, module = name.partition("/")
    if folder == "encodings":
        return module.removesuffix(".py") in ENCODINGS
    return not name.startswith(LEFT_OUT)


def sources() -> Iterator[tuple[Path, str]]:
    """The library's own files and the playground's, each with its name in the archive."""
    for path in sorted((ROOT / "corecors").rglob("*.py")):
        if not set(path.relative_to(ROOT / "corecors").parts[:-1]) & set(NOT_OF_THE_LIBRARY):
            yield path, path.relative_to(ROOT).as_posix()
    for path in sorted((HERE / "python").rglob("*.py")):
        yield path, path.relative_to(HERE / "python").as_posix()


def run(command: list[str]) -> None:
    """Raises `MissingError` where it fails."""
    done = subprocess.run(command, cwd=KEPT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MissingError(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout).strip()}")


def write_runtime(folder: Path, files: dict[str, dict[str, Any]]) -> None:
    text = "// Made by build.py: what worker.js loads.\n" + f"export const FILES = {json.dumps(files, indent=2)};\n"
    (folder / RUNTIME).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    build(Path(sys.argv[1]))
