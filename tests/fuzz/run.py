"""Fuzz the parsers with atheris, and compare the model of the browser with other implementations at random:

    python tests/fuzz/run.py                     all of them, each for its time below, one on each core
    python tests/fuzz/run.py TARGET [SECONDS]

They begin with the same seed each time, so that what a change breaks is told from what nobody had found yet;
CORECORS_FUZZ_SEED is another one, which the long run makes up.

What fails is printed with its input. An input on which atheris fails becomes a line of seeds/TARGET.txt, which the
tests replay; where a difference belongs is said in the script that found it.
"""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import atheris

SECONDS = 13  # for each target where nothing else is said
MAX_LENGTH = 1400  # bytes; a longer text is refused for its length alone
SEED = os.environ.get("CORECORS_FUZZ_SEED", "20261127")
TIMEOUT = 20  # seconds for one input: an endless loop, not a slow machine

# Scripts beside this one that take seconds: they compare instead of crashing, and need no instrumented imports.
COMPARISONS = {
    "urls": "urls_against_node.py",
    "preflight_cache": "cache_against_the_standard.py",
    "routing_in_starlette": "routing_in_starlette.py",
    "routing_in_aiohttp": "routing_in_aiohttp.py",
    "routing_in_flask_and_bottle": "routing_in_flask_and_bottle.py",
}
COMPARISON_SECONDS = 60

with atheris.instrument_imports(include=["corecors"]):
    import fuzz_targets


def fuzz(target: str, seconds: int) -> None:
    """Does not return: libFuzzer ends the process."""
    check = fuzz_targets.TARGETS[target]

    def call(data: bytes) -> None:
        # An environ decodes bytes as latin-1; a configuration is text.
        check(data.decode("latin-1" if target in ("origin", "request_headers") else "utf-8", "surrogateescape"))

    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(fuzz_targets.seeds(target)):
            data = seed.encode("utf-8", "surrogatepass")
            if len(data) <= MAX_LENGTH:
                Path(corpus, str(number)).write_bytes(data)
        options = [
            f"-max_total_time={seconds}",
            f"-max_len={MAX_LENGTH}",
            f"-timeout={TIMEOUT}",
            f"-seed={SEED}",
            "-verbosity=0",
        ]
        atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={corpus}/", corpus], call)
        atheris.Fuzz()


def compare(target: str, seconds: int) -> int:
    """The exit status of the script: 0 where nothing differed."""
    script = Path(__file__).with_name(COMPARISONS[target])
    return subprocess.run([sys.executable, script, str(seconds), SEED]).returncode


def alone(target: str) -> int:
    """The exit status of one target in a process of its own, whose output is shown when it ends."""
    run = subprocess.run([sys.executable, __file__, target], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    sys.stdout.buffer.write(b"%b\n%b" % (target.encode(), run.stdout))
    sys.stdout.flush()
    return run.returncode


def main() -> int:
    if len(sys.argv) > 1:
        target, seconds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None
        if target in COMPARISONS:
            return compare(target, seconds or COMPARISON_SECONDS)
        fuzz(target, seconds or SECONDS)
    targets = [*COMPARISONS, *fuzz_targets.TARGETS]
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # the longest first, so that no core is left with one at the end
        failed = [target for target, found in zip(targets, pool.map(alone, targets), strict=True) if found]
    print("found something in:", ", ".join(failed)) if failed else print("found nothing")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
