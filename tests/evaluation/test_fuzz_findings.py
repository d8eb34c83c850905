"""The seeds of the fuzzer and everything that it ever found, replayed."""

import fuzz_targets
import pytest


@pytest.mark.parametrize("target", fuzz_targets.TARGETS)
def test_what_the_fuzzer_starts_from_and_what_it_found_holds(target: str) -> None:
    seeds = fuzz_targets.seeds(target)
    assert seeds
    for text in seeds:
        fuzz_targets.TARGETS[target](text)


@pytest.mark.parametrize("target", fuzz_targets.TARGETS)
def test_the_seeds_reach_both_ends_of_each_target(target: str) -> None:
    """A target whose seeds are all refused, or all accepted, tests half of it."""
    judges = {
        "origin": fuzz_targets.read_origin,
        "pattern": lambda text: _accepts(fuzz_targets.parse_pattern, text),
        "request_headers": fuzz_targets.parse_request_headers,
        "regex": lambda text: None if fuzz_targets.compile_regexes([text]).errors else text,
    }
    assert {judges[target](text) is None for text in fuzz_targets.seeds(target)} == {True, False}


def _accepts(parse: object, text: str) -> object:
    assert callable(parse)
    try:
        return parse(text)
    except ValueError:
        return None
