"""`--distributions FOLDER` keeps what the tests looked at: the sdist, the wheel, and the list of what it holds."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--distributions", metavar="FOLDER", help="a folder to fill with what the tests looked at")
