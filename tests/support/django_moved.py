"""The guide's steps from django-cors-headers, carried out on the text of a settings module.

Every name, default and argument is read from the tables of docs/migrating.md, so that what is tested is the page.
"""

import pprint
import re
from pathlib import Path
from typing import Any

MIGRATING = Path(__file__).parents[2] / "docs" / "migrating.md"
SECTION = re.compile(r"^## django-cors-headers\n(.*?)^## ", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `(CORS_[A-Z_]+)` \| (.*?) \| `([a-z_]+)", re.MULTILINE)
OLD_MIDDLEWARE = "corsheaders.middleware.CorsMiddleware"


def moved(text: str) -> str:
    """The settings module `text` after all steps."""
    old: dict[str, Any] = {"__file__": __file__}
    exec(compile(text, "settings.py", "exec"), old)
    # Step 1 and 2.
    text = text.replace("'corsheaders'", "'corecors.adapters.django'")
    text = re.sub(rf"\n\s*'{re.escape(OLD_MIDDLEWARE)}',", "", text)
    text = text.replace("MIDDLEWARE = [", "MIDDLEWARE = [\n    'corecors.adapters.django.CORSMiddleware',", 1)
    # Step 3.
    lines = [line for line in text.splitlines() if not line.startswith("CORS_")]
    return "\n".join([*lines, *_policy_lines(old), ""])


def _policy_lines(old: dict[str, Any]) -> list[str]:
    policy: dict[str, Any] = {}
    (section,) = SECTION.findall(MIGRATING.read_text(encoding="utf-8"))
    for name, default, argument in ROW.findall(section):
        value = old.get(name, _default(default))
        if name.endswith("MAX_AGE"):
            value = value or None  # "0 there is None here"
        elif name in ("CORS_ALLOW_ALL_ORIGINS", "CORS_ORIGIN_ALLOW_ALL"):
            value = ["*"] if value else []
        if isinstance(value, list | tuple):
            policy[argument] = [*policy.get(argument, []), *value]
        else:
            policy[argument] = value
    if "*" in policy["allow_origins"]:
        policy["allow_origins"] = ["*"]
    written = pprint.pformat(policy, width=100, sort_dicts=False)
    if "CORS_URLS_REGEX" not in old:
        return [f"CORS_POLICY = {written}"]
    prefix = re.fullmatch(r"\^(/[a-z/]*/)\.\*\$", old["CORS_URLS_REGEX"])
    assert prefix is not None
    imported = "from corecors import PathPolicies, policy_from_mapping"
    return [imported, f"CORS_POLICY = PathPolicies({{{prefix[1]!r}: policy_from_mapping({written})}})"]


def _default(cell: str) -> Any:
    """What a cell of the page's tables stands for."""
    plain = cell.strip("`")
    if cell.startswith("`"):
        return {"[]": [], "()": [], "False": False, "None": None}.get(plain, int(plain) if plain.isdigit() else plain)
    return [word.strip() for word in cell.split(",")]
