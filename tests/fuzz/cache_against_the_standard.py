"""Hold the preflight cache against the standard's own steps:

    python tests/fuzz/cache_against_the_standard.py [SECONDS [SEED]]

Prints the requests that led to a difference, and ends with 1 if there was one. What is found becomes a test in
tests/browser/test_cache.py.
"""

import random
import sys
import time

import naive_preflight_cache

SECONDS = 60.0
LENGTH = 40  # requests on one cache
MAX_FINDINGS = 5


def main(seconds: float, seed: int) -> int:
    source, count, findings = random.Random(seed), 0, 0
    end = time.monotonic() + seconds
    while time.monotonic() < end and findings < MAX_FINDINGS:
        course, asked = naive_preflight_cache.Course(), []
        for _ in range(LENGTH):
            asked.append(naive_preflight_cache.random_ask(source))
            found = course.difference(asked[-1])
            count += 1
            if found is not None:
                findings += 1
                print(*asked, found, sep="\n", end="\n\n")
                break
    print(f"{count:,} requests compared with the standard's steps, seed {seed}: {findings} courses differ")
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(
        main(
            float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS,
            int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(2**32),
        )
    )
