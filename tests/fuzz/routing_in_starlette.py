"""Made-up applications of Starlette and FastAPI for some seconds: the policy of the endpoint that ran governs, and the
preflight follows it.

    python tests/fuzz/routing_in_starlette.py [SECONDS [SEED]]
"""

import logging
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import starlette_routing

REQUESTS = 30  # to each application


def main(seconds: float, seed: int) -> int:
    logging.disable(logging.CRITICAL)  # who is refused is meant
    end = time.monotonic() + seconds
    applications = 0
    while time.monotonic() < end:
        found = starlette_routing.findings(seed, REQUESTS)
        if found:
            print(f"the application of seed {seed}:", *found, sep="\n  ")
            return 1
        seed += 1
        applications += 1
    print(f"{applications} applications, {applications * REQUESTS} requests: each governed by the endpoint that ran")
    return 0


if __name__ == "__main__":
    sys.exit(
        main(
            float(sys.argv[1]) if len(sys.argv) > 1 else 60,
            int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns(),
        )
    )
