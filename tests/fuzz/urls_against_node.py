"""Hold the model's reading of URLs against Node's:

    python tests/fuzz/urls_against_node.py [SECONDS [SEED]]

Prints each URL about which they differ, and ends with 1 if there was one. Where Node is missing it says so and ends
with 0, or with 1 where CORECORS_REQUIRE_FUZZ is set. What is found becomes a row in tests/browser/test_urls.py.
"""

import os
import random
import sys
import time

import node_urls

SECONDS = 60.0
MAX_FINDINGS = 20


def main(seconds: float, seed: int) -> int:
    source, count, findings = random.Random(seed), 0, 0
    end = time.monotonic() + seconds
    try:
        node = node_urls.Node()
    except FileNotFoundError as error:
        print(f"URLs were not compared with Node's: {error}")
        return int(bool(os.environ.get("CORECORS_REQUIRE_FUZZ")))
    with node:
        while time.monotonic() < end and findings < MAX_FINDINGS:
            question = node_urls.random_question(source)
            answer = node.ask(question)
            count += 1
            found = node_urls.difference(question, answer)
            if found is not None:
                findings += 1
                print(f"{question!a}: {found}; Node: {answer!a}, ours: {node_urls.parse(question)}")
    print(f"{count:,} URLs compared with Node's, seed {seed}: {findings} differ")
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(
        main(
            float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS,
            int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(2**32),
        )
    )
