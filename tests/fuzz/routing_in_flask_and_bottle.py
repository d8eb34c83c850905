"""Hold the policy that governs a request against the view that ran, through the real routing of Flask and Bottle:

    python tests/fuzz/routing_in_flask_and_bottle.py [SECONDS [SEED]]

Prints each request whose policy was not that of its view, and ends with 1 if there was one. What is found becomes a
row in tests/adapters/test_routed.py.
"""

import sys
from random import Random

import routing_fuzzer

SECONDS = 60.0


def main(seconds: float, seed: int) -> int:
    findings = 0
    for framework in routing_fuzzer.BUILDERS:
        found, made, reached = routing_fuzzer.fuzz(framework, seed, seconds=seconds / len(routing_fuzzer.BUILDERS))
        for each in found:
            print(f"{each.request}: {each.fault}")
        print(f"{framework}: {made:,} requests, {reached:,} reached a view, seed {seed}: {len(found)} kinds of fault")
        findings += len(found)
    return int(bool(findings))


if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(
        main(
            float(arguments[0]) if arguments else SECONDS,
            int(arguments[1]) if len(arguments) > 1 else Random().randrange(10**9),
        )
    )
