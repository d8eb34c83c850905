"""May this page call my API? A browser's rules for an application, in tests of one's own.

    page = Page("https://app.example.com", app)
    assert page.fetch("/orders", method="PUT", json={"count": 2}, credentials="include").readable

`app` is an application of any of these frameworks, or the address of a server that runs. `Page` says what is modelled
and what is not. The standard library is all it takes: an application is called as its server would call it, and every
header line is kept as it came, which the test clients of frameworks do not do.
"""

from corecors.testing.page import Page
from corecors.testing.serving import Unreachable

__all__ = ["Page", "Unreachable"]

for _name in __all__:
    globals()[_name].__module__ = __name__
