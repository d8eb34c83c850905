"""Peers in other languages, in processes of their own but in the same run, measured in the same way.

A program in this folder is told the sizes and prints a JSON object: scenario to nanoseconds, beyond the bare handler
or, for preflights, in all. It measures as `benchmarks.timing` does: bare and wrapped in turn, minimum over many rounds,
header values that are new strings.
"""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.results import Figure, Results

HERE = Path(__file__).parent
SIZES = (10, 1_000, 100_000)
INSTALL_SECONDS, RUN_SECONDS = 120, 120

# Where Debian's packages golang-github-*-dev put their sources.
DEBIAN_GOPATH = Path("/usr/share/gocode")
RS_CORS = DEBIAN_GOPATH / "src/github.com/rs/cors"


def measure_foreign_peers(results: Results) -> None:
    """Add Node's cors and Go's rs/cors to the group "peers", or a line to what was skipped."""
    with tempfile.TemporaryDirectory(prefix="corecors-benchmarks-") as folder:
        _measure_node(results, Path(folder))
        _measure_go(results, Path(folder))


def _measure_node(results: Results, folder: Path) -> None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        results.skipped.append("Node's cors was not measured: node or npm is missing.")
        return
    install = [npm, "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund", "cors@2"]
    try:
        subprocess.run(install, check=True, capture_output=True, timeout=INSTALL_SECONDS)
        version = json.loads((folder / "node_modules/cors/package.json").read_text())["version"]
        environment = {**os.environ, "NODE_PATH": str(folder / "node_modules")}
        _record(results, f"Node cors {version}", "Node cors", [node, str(HERE / "node_cors.js")], environment)
    except (subprocess.SubprocessError, OSError) as error:
        results.skipped.append(f"Node's cors was not measured: {_first_line(error)}")


def _measure_go(results: Results, folder: Path) -> None:
    results.skipped.append(
        "Go's jub0bs/cors was not measured: Debian does not package it, and its Go is too old for it."
    )
    go = shutil.which("go")
    if go is None or not RS_CORS.is_dir():
        results.skipped.append(
            "Go's rs/cors was not measured: go or its sources are missing "
            "(Debian: golang-go, golang-github-rs-cors-dev)."
        )
        return
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": str(DEBIAN_GOPATH), "GOFLAGS": ""}
    program = folder / "rs_cors"
    try:
        subprocess.run(
            [go, "build", "-o", str(program), str(HERE / "rs_cors.go")],
            check=True,
            capture_output=True,
            timeout=INSTALL_SECONDS,
            env=environment,
        )
        _record(results, f"rs/cors ({_go_version(go)})", "Go rs/cors", [str(program)], environment)
    except (subprocess.SubprocessError, OSError) as error:
        results.skipped.append(f"Go's rs/cors was not measured: {_first_line(error)}")


def _record(results: Results, version: str, subject: str, command: list[str], environment: dict[str, str]) -> None:
    finished = subprocess.run(
        [*command, *map(str, SIZES)], check=True, capture_output=True, text=True, timeout=RUN_SECONDS, env=environment
    )
    results.machine[subject] = version
    for scenario, nanoseconds in json.loads(finished.stdout).items():
        size = int(scenario.rsplit(", ", 1)[1].split()[0].replace(",", ""))
        results.figures.append(Figure("peers", scenario, subject, nanoseconds, around="origins", size=size))


def _go_version(go: str) -> str:
    return subprocess.run([go, "version"], check=True, capture_output=True, text=True).stdout.split()[2]


def _first_line(error: Exception) -> str:
    output = getattr(error, "stderr", None) or str(error).encode()
    text = output if isinstance(output, str) else output.decode(errors="replace")
    return text.strip().splitlines()[0] if text.strip() else type(error).__name__
