"""No change makes a request more expensive unnoticed: machine instructions, as multiples of the floor's in one run.

The floor costs what the interpreter costs, so the ratios hold wherever the tests run. They differ between versions of
Python, and were recorded on 3.11.
"""

import shutil
import sys

import pytest

import corecors
from benchmarks.instructions import FAMILIES, OPTION_FAMILIES, Case, instructions
from benchmarks.options import variants
from benchmarks.scenarios import with_exact_origins
from benchmarks.subjects import BARE, FLOOR, OURS

VALGRIND = shutil.which("valgrind")
TOLERANCE = 1.15

# Pure and compiled, in multiples of what the floor adds (preflights: in all).
RECORDED = [
    pytest.param("no Origin", OURS.name, 1.61, 1.10, id="no Origin"),
    pytest.param("allowed", OURS.name, 1.82, 1.34, id="allowed"),
    pytest.param("refused", OURS.name, 3.07, 2.10, id="refused"),
    pytest.param("preflight allowed", OURS.name, 1.76, 1.30, id="preflight that passes"),
    pytest.param("preflight refused", OURS.name, 2.59, 1.77, id="preflight that fails"),
    pytest.param("allowed", "on_decision", 10.5, 5.9, id="on_decision"),
    pytest.param("allowed", "block_disallowed", 1.82, 1.34, id="block_disallowed"),
    pytest.param("refused", "block_disallowed", 18.5, 10.8, id="block_disallowed, refused"),
    pytest.param("allowed", "report_only", 14.3, 8.5, id="report_only"),
    pytest.param("allowed", "a predicate", 14.2, 10.2, id="a predicate"),
    pytest.param("allowed", "a policy for each path", 12.5, 6.9, id="a policy for each path"),
]


@pytest.fixture(scope="module")
def counted() -> dict[Case, float]:
    if VALGRIND is None or sys.version_info[:2] != (3, 11):
        pytest.skip("instructions are counted by valgrind, on Python 3.11")
    cases = [(family, subject.name) for family in FAMILIES for subject in (BARE, FLOOR, OURS)]
    options = variants(with_exact_origins(10)[0].rules)
    return instructions(VALGRIND, [*cases, *((family, option) for family in OPTION_FAMILIES for option in options)])


@pytest.mark.parametrize(("family", "subject", "pure", "compiled"), RECORDED)
def test_a_request_costs_no_more_than_recorded(
    counted: dict[Case, float], family: str, subject: str, pure: float, compiled: float
) -> None:
    bare = 0 if family.startswith("preflight") else counted[family, BARE.name]
    ratio = (counted[family, subject] - bare) / (counted[family, FLOOR.name] - bare)
    assert ratio <= (compiled if corecors.__compiled__ else pure) * TOLERANCE
