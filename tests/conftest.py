"""What holds for every test."""

import os

from hypothesis import settings

# What the terminal of whoever runs the tests is like is no business of theirs.
for name in ("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE"):
    os.environ.pop(name, None)

# No test may fail because the machine was busy.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
