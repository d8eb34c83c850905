"""Random regexes and random texts, each pair asked of the automaton and of `re.fullmatch`.

    python tests/support/regex_pairs.py 1000000 7      the number of pairs, the seed

Patterns are small and texts short, so that `re` is quick whatever the pattern.
"""

import random
import re
import sys

from corecors._origins.regex.automaton import Automaton, Matcher, TooLarge
from corecors._origins.regex.syntax import parse_regex

_ATOMS = ["a", "b", "ab", "0", r"\.", "-", ".", "[ab]", "[^a]", r"\d", r"\w", r"[^\d.]", r"\S", "[a-]", r"\x61", r"\W"]
_QUANTIFIERS = ["*", "+", "?", "{2}", "{0}", "{0,2}", "{1,3}", "{2,}", "{,2}", "{,}", "*?", "+?", "??", "{1,2}?"]
_TEXT = "aaabb.-0:/"
_TEXTS = 20  # for each pattern


def pattern(numbers: random.Random, depth: int) -> str:
    """A regex whose groups are at most `depth` deep."""
    kind = numbers.random()
    if depth == 0 or kind < 0.25:
        return numbers.choice(_ATOMS)
    if kind < 0.5:
        return f"(?:{numbers.choice(_ATOMS)}){numbers.choice(_QUANTIFIERS)}"
    if kind < 0.7:
        return "".join(pattern(numbers, depth - 1) for _ in range(numbers.randint(0, 3)))
    if kind < 0.85:
        return f"(?:{pattern(numbers, depth - 1)}){numbers.choice(_QUANTIFIERS)}"
    return f"({'|'.join(pattern(numbers, depth - 1) for _ in range(numbers.randint(1, 3)))})"


def disagreements(numbers: random.Random, pairs: int) -> list[tuple[str, str]]:
    """The pairs of pattern and text on which the automaton and `re` differ, among so many random ones."""
    found = []
    done = 0
    while done < pairs:
        source = pattern(numbers, numbers.randint(1, 4))
        if numbers.random() < 0.2:
            source = f"^{source}$"
        try:
            matcher = Matcher(Automaton([parse_regex(source)]))
        except TooLarge:
            continue
        fullmatch = re.compile(source).fullmatch
        for _ in range(_TEXTS):
            text = "".join(numbers.choices(_TEXT, k=numbers.randint(0, 9)))
            if matcher.matches(text) is not (fullmatch(text) is not None):
                found.append((source, text))
        done += _TEXTS
    return found


if __name__ == "__main__":
    number, seed = int(sys.argv[1]), int(sys.argv[2])
    different = disagreements(random.Random(seed), number)
    print(f"{number:,} pairs, {len(different)} disagreements", *different[:20], sep="\n")
    sys.exit(bool(different))
