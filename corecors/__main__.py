"""`corecors`, also `python -m corecors`: the entry to the command line.

This module needs the standard library alone, so that an installation without the extra `cli` can say what is missing.
"""

import sys
from importlib.util import find_spec

NEEDED = ("click", "rich", "urllib3", "werkzeug")


def main() -> None:
    """Run the command line on `sys.argv` and exit. Exits 2 if the packages of the extra `cli` are not installed."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        names = " and ".join([", ".join(missing[:-1]), missing[-1]] if missing[1:] else missing)
        come = "which come" if missing[1:] else "which comes"
        print(
            f'corecors: the command line needs {names}, {come} with the extra `cli`: pip install "corecors[cli]"',
            file=sys.stderr,
        )
        sys.exit(2)
    from corecors.cli.entry import run

    sys.exit(run())


if __name__ == "__main__":
    main()
