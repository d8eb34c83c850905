"""What the playground's page asks of the library: text in, text out, nothing sent, no code of a visitor's run."""

import json
from collections.abc import Callable
from typing import Any

from corecors_playground.pasted import read_pasted
from corecors_playground.questions import answer

CALLS: dict[str, Callable[[Any], dict[str, Any]]] = {"answer": answer, "pasted": read_pasted}


def handle(call: str, text: str) -> str:
    """The result of one of `CALLS` for `text`; both are JSON."""
    return json.dumps(CALLS[call](json.loads(text)))
