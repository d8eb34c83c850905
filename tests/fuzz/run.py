"""Fuzz the parsers with atheris: `python tests/fuzz/run.py` for all of them, a minute in all, or

    python tests/fuzz/run.py TARGET [SECONDS]

What fails is printed with its input. Such an input becomes a line of seeds/TARGET.txt, which the tests replay.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import atheris

SECONDS = 13  # for each target where nothing else is said
MAX_LENGTH = 1400  # bytes; a longer text is refused for its length alone
TIMEOUT = 20  # seconds for one input: an endless loop, not a slow machine

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
            "-verbosity=0",
        ]
        atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={corpus}/", corpus], call)
        atheris.Fuzz()


def main() -> int:
    if len(sys.argv) > 1:
        fuzz(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else SECONDS)
    failed = [
        target for target in fuzz_targets.TARGETS if subprocess.run([sys.executable, __file__, target]).returncode
    ]
    print("found something in:", ", ".join(failed)) if failed else print("found nothing")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
