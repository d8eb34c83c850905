"""`python website`: gather the pages of the site and build it in build/website/html. Warnings are errors."""

import subprocess
import sys

from gathering import PAGES, ROOT, gather
from playground.build import MissingError, build


def main() -> int:
    gather(PAGES)
    try:
        build(PAGES / "playground")
    except MissingError as error:
        print(f"The playground cannot be built: {error}", file=sys.stderr)
        return 1
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict", "--config-file", "zensical.toml"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


sys.exit(main())
