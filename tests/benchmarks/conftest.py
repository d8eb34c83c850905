"""The benchmarks are part of the clone, not of what is installed, so their folder has to be found."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

# At the end: what is installed comes first, so that the clone's corecors never shadows it.
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))
