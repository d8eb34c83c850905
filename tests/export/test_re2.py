"""What is said to RE2 and to Go instead of what Perl's engines are told."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corecors import Policy
from corecors.export.parts import take_apart
from corecors.export.re2 import too_long, too_many_repetitions, without_last_comma

LISTS = st.lists(
    st.sampled_from(
        ["x-a", "X-A", "x-b", "authorization", "", " ", "\t", " x-a", "x-b  ", " \tx-a\t ", "x y", "é", "*"]
    )
).map(",".join)
POLICIES = {
    "names": Policy(allow_headers=["X-A", "X-B"]),
    "none": Policy(),
    "any": Policy(allow_headers=["*"]),
    "any, and Authorization": Policy(allow_headers=["*", "Authorization"]),
}


@pytest.mark.parametrize("name", POLICIES)
@given(text=st.one_of(LISTS, st.text("xa-, \tX", max_size=12), st.integers(14, 20).map(lambda n: "," * n + "x-a")))
def test_a_condition_on_a_list_says_the_same_of_it_without_the_last_comma(name: str, text: str) -> None:
    parts, _ = take_apart(POLICIES[name], backtracks=False)
    for condition in parts.names:
        bare = without_last_comma(condition)
        assert bare.wanted == condition.wanted
        assert (re.fullmatch(bare.regex, text) is None) == (re.fullmatch(condition.regex, f"{text},") is None)


@pytest.mark.parametrize("longest", [0, 1, 57, 999, 1000, 1001, 4096])
def test_a_length_is_told_to_the_character(longest: int) -> None:
    condition = too_long(longest)
    assert not condition.wanted
    assert re.fullmatch(condition.regex, "x" * longest) is None
    assert re.fullmatch(condition.regex, "x" * (longest + 1))
    assert max(map(int, re.findall(r"\{([0-9]+)\}", condition.regex))) <= 1000


@pytest.mark.parametrize(
    ("regex", "taken"),
    [
        pytest.param(r"https://[a-z]{1,63}\.example\.com", True, id="few"),
        pytest.param(r"https://(?:[a-z]{1,20}\.){1,20}example\.com", True, id="nested"),
        pytest.param(r"https://(?:[a-z]{1,50}\.){1,20}example\.com", True, id="a thousand"),
        pytest.param(r"https://(?:[a-z]{1,50}\.){1,21}example\.com", False, id="more, multiplied"),
        pytest.param(r"https://(?:(?:[a-z]{10}-){10}[0-9]\.){11}example\.com", False, id="exact ones too"),
        pytest.param(r"https://(?:[a-z]{1,63}\.)*example\.com", True, id="a star multiplies nothing"),
    ],
)
def test_repetitions_within_repetitions_are_multiplied(regex: str, taken: bool) -> None:
    parts, problems = take_apart(Policy(allow_origin_regexes=[regex]), backtracks=False)
    assert problems == []
    found = list(too_many_repetitions(parts, "allow_origin_regexes", "Envoy"))
    assert (found == []) == taken
