"""A child that a test interrupts can be interrupted, whatever the job that runs the tests does with signals."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import child_processes
import pytest

ASKED = [sys.executable, "-c", "import signal; print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"]


@pytest.fixture
def ignored_interrupts() -> Iterator[None]:
    """As in `sh -c 'pytest &'`: a shell lets jobs in the background ignore SIGINT, and children inherit that."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ignored_interrupts")
def test_a_child_does_not_inherit_that_interrupts_are_ignored() -> None:
    process = child_processes.start(ASKED, stdout=subprocess.PIPE)
    assert process.communicate(timeout=60)[0].strip() == "False"
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
