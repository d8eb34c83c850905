"""Processes that a test starts, and that a signal is to end."""

import signal
import subprocess
import threading
from typing import Any


def start(command: list[str], **options: Any) -> subprocess.Popen[str]:
    """`subprocess.Popen` of text, in which SIGINT interrupts the child.

    A process inherits signals that its parent ignores, and jobs that a shell runs in the background, as some CI does
    with tests, ignore SIGINT.
    """
    if threading.current_thread() is not threading.main_thread():  # only that one may set what a signal does
        return subprocess.Popen(command, text=True, **options)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(command, text=True, **options)
    finally:
        signal.signal(signal.SIGINT, before)
