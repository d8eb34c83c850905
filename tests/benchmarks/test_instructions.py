"""No change makes a request more expensive unnoticed: machine instructions, as multiples of the floor's in one run.

The floor costs what the interpreter costs, so the ratios hold wherever the tests run. They differ between versions of
Python, and were recorded on 3.11.
"""

import shutil
import sys

import pytest

import corecors
from benchmarks.instructions import ASGI, FAMILIES, OPTION_FAMILIES, Case, asgi_cases, instructions
from benchmarks.options import variants
from benchmarks.scenarios import with_exact_origins
from benchmarks.subjects import BARE, FLOOR, OURS

VALGRIND = shutil.which("valgrind")
TOLERANCE = 1.15

# Pure and compiled, in multiples of what the floor adds to that request (preflights: of the floor's own, in all). The
# ASGI floor answers no preflights, so those are in multiples of what it adds to a request that is allowed.
RECORDED = [
    pytest.param("no Origin", OURS.name, 1.68, 0.72, id="no Origin"),
    pytest.param("allowed", OURS.name, 1.81, 0.79, id="allowed"),
    pytest.param("refused", OURS.name, 2.41, 1.04, id="refused"),
    pytest.param("preflight allowed", OURS.name, 1.65, 1.16, id="preflight that passes"),
    pytest.param("preflight refused", OURS.name, 2.39, 1.29, id="preflight that fails"),
    pytest.param("allowed", "on_decision", 8.8, 3.5, id="on_decision"),
    pytest.param("allowed", "block_disallowed", 1.81, 0.79, id="block_disallowed"),
    pytest.param("refused", "block_disallowed", 11.6, 4.3, id="block_disallowed, refused"),
    pytest.param("allowed", "report_only", 11.8, 4.3, id="report_only"),
    pytest.param("allowed", "a predicate", 12.4, 7.3, id="a predicate"),
    pytest.param("allowed", "a policy for each path", 3.5, 1.8, id="a policy for each path"),
    pytest.param("no Origin", ASGI + OURS.name, 1.27, 0.84, id="ASGI, no Origin"),
    pytest.param("allowed", ASGI + OURS.name, 1.38, 0.93, id="ASGI, allowed"),
    pytest.param("refused", ASGI + OURS.name, 1.57, 1.0, id="ASGI, refused"),
    pytest.param("preflight allowed", ASGI + OURS.name, 4.9, 4.1, id="ASGI, preflight that passes"),
    pytest.param("preflight refused", ASGI + OURS.name, 4.3, 3.6, id="ASGI, preflight that fails"),
]


@pytest.fixture(scope="module")
def counted() -> dict[Case, float]:
    if VALGRIND is None or sys.version_info[:2] != (3, 11):
        pytest.skip("instructions are counted by valgrind, on Python 3.11")
    cases = [(family, subject.name) for family in FAMILIES for subject in (BARE, FLOOR, OURS)] + asgi_cases()
    options = variants(with_exact_origins(10)[0].rules)
    return instructions(VALGRIND, [*cases, *((family, option) for family in OPTION_FAMILIES for option in options)])


@pytest.mark.parametrize(("family", "subject", "pure", "compiled"), RECORDED)
def test_a_request_costs_no_more_than_recorded(
    counted: dict[Case, float], family: str, subject: str, pure: float, compiled: float
) -> None:
    prefix = ASGI if subject.startswith(ASGI) else ""
    bare = 0 if family.startswith("preflight") else counted[family, prefix + BARE.name]
    floor = "allowed" if (family, prefix + FLOOR.name) not in counted else family
    least = counted[floor, prefix + FLOOR.name] - (bare if floor == family else counted[floor, prefix + BARE.name])
    ratio = (counted[family, subject] - bare) / least
    assert ratio <= (compiled if corecors.__compiled__ else pure) * TOLERANCE
