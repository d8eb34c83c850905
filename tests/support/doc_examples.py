"""The examples in the pages of docs, run as they stand there."""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"
DOORS = ("adapters", "wsgi", "flask", "bottle", "asgi", "starlette", "aiohttp", "other-frameworks")  # a page each
ADAPTERS = "\n".join((DOCS / f"{page}.md").read_text(encoding="utf-8") for page in DOORS)
MIGRATING = (DOCS / "migrating.md").read_text(encoding="utf-8")


def run(page: str, name: str, app: Any) -> dict[str, Any]:
    """Run the example of that name, in which `app` is what it wraps; the names that it leaves behind."""
    [code] = re.findall(rf"<!-- example: {re.escape(name)} -->\n```python\n(.*?)```", page, re.DOTALL)
    # A module like any other: frameworks look annotations up in it.
    module = sys.modules[f"example_{name}"] = ModuleType(f"example_{name}")
    namespace = vars(module)
    namespace.update(app=app, application=app)
    exec(compile(code, name, "exec"), namespace)
    return namespace
