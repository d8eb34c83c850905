"""Made-up applications of aiohttp for some seconds: the policy of the handler that ran governs, and the preflight
follows it.

    python tests/fuzz/routing_in_aiohttp.py [SECONDS [SEED]]
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import aiohttp_routing

REQUESTS = 30  # to each application, each from every origin, with its preflight


def main(seconds: float, seed: int) -> int:
    end = time.monotonic() + seconds
    applications = 0
    while time.monotonic() < end:
        found = aiohttp_routing.findings(seed, REQUESTS)
        if found:
            print(f"the application of seed {seed}:", *found, sep="\n  ")
            return 1
        seed += 1
        applications += 1
    print(f"{applications} applications, {applications * REQUESTS} requests: each governed by the handler that ran")
    return 0


if __name__ == "__main__":
    sys.exit(
        main(
            float(sys.argv[1]) if len(sys.argv) > 1 else 60,
            int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns(),
        )
    )
