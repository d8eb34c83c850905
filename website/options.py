"""The page of a policy's options: each with its default, type, variable and key, and an example of each form.

What an option does is the row of docs/policy.md; the rest is read from the code, and every example is read back by the
functions that users call: the page is not built when one of them says something else than the Python next to it.
"""

import json
import re
from pathlib import Path
from typing import Any

from corecors import Policy, policy_from_env, policy_from_toml

APP = "https://app.example.com"

# What an example needs beside the option itself stands in it too, so that it can be copied.
EXAMPLES: dict[str, dict[str, Any]] = {
    "allow_origins": {"allow_origins": [APP, "https://pr-*.preview.example.com", "http://localhost:*"]},
    "allow_origin_regexes": {"allow_origin_regexes": [r"https://pr-\d+-v\d+\.example\.com"]},
    "allow_methods": {"allow_origins": [APP], "allow_methods": ["GET", "PUT", "DELETE"]},
    "allow_headers": {"allow_origins": [APP], "allow_headers": ["Content-Type", "Authorization"]},
    "expose_headers": {"allow_origins": [APP], "expose_headers": ["X-Total"]},
    "allow_credentials": {"allow_origins": [APP], "allow_credentials": True},
    "max_age": {"allow_origins": [APP], "max_age": 3600},
    "preflight_status": {"allow_origins": [APP], "preflight_status": 200},
    "allow_timing": {"allow_origins": [APP], "allow_timing": True},
    "debug": {"allow_origins": ["http://localhost:*"], "debug": True},
    "dangerously_allow_null_origin": {"allow_origins": [APP], "dangerously_allow_null_origin": True},
    "dangerously_allow_insecure_origins": {
        "allow_origins": ["http://intranet.example.com"],
        "allow_credentials": True,
        "dangerously_allow_insecure_origins": True,
    },
    "dangerously_allow_public_suffix_subdomains": {
        "allow_origins": ["https://*.github.io"],
        "allow_credentials": True,
        "dangerously_allow_public_suffix_subdomains": True,
    },
    "dangerously_allow_open_regexes": {
        "allow_origin_regexes": [r"https://[a-z]+\.example"],
        "allow_credentials": True,
        "dangerously_allow_open_regexes": True,
    },
}
PREDICATE = """from corecors import Policy

TENANTS = {"https://shop.example.net"}

policy = Policy(allow_origin_predicate=lambda origin: origin in TENANTS)
"""


def write_options(docs: Path, page: Path) -> None:
    """Write the page `page`, below the folder of all pages, from the rows of docs/policy.md."""
    rows = dict(re.findall(r"^\| `(\w+)` \| `.*?` \| (.*) \|$", (docs / "policy.md").read_text("utf-8"), re.MULTILINE))
    parts = [INTRODUCTION]
    for name, default in Policy.__init__.__kwdefaults__.items():
        parts.append(section(name, default, rows[name].replace("](", "](../").replace("](../#", "](../policy.md#")))
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("\n".join(parts), encoding="utf-8")


INTRODUCTION = """# Every option of a policy

Read from the code when this page was built; each example was read back by the function that is named with it. [The
policy](../policy.md) has the same options at a glance, the formats, and several policies at once.
"""


def section(name: str, default: object, what_it_does: str) -> str:
    what_it_does = what_it_does[0].upper() + what_it_does[1:]
    title = f"## {name}\n\n{what_it_does}.\n"
    facts = {"type": f"`{type_of(name)}`", "default": f"`{default!r}`"}
    if name == "allow_origin_predicate":
        facts |= {"variable": "a function cannot be written in one", "TOML key": "nor in TOML"}
        return f"{title}\n{table(facts)}\n```python\n{PREDICATE}```\n"
    facts |= {"variable": f"`{variable(name)}`", "TOML key": f"`{name}`"}
    example = EXAMPLES[name]
    policy = Policy(**example)
    toml = "[cors]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in example.items())
    environment = {variable(key): in_a_variable(key, value) for key, value in example.items()}
    shell = "".join(f"{key}={value}\n" for key, value in environment.items())
    if not policy_from_toml(toml) == policy_from_env(environment) == policy:
        raise AssertionError(f"the examples of {name} are three different policies")
    arguments = "".join(f"    {key}={json_as_python(value)},\n" for key, value in example.items())
    python = f"from corecors import Policy\n\npolicy = Policy(\n{arguments})\n"
    forms = {
        "Python": ("python", python),
        "TOML, by policy_from_toml": ("toml", toml),
        "Variables, by policy_from_env": ("sh", shell),
    }
    return f"{title}\n{table(facts)}\n" + "".join(tab(words, *form) for words, form in forms.items())


def variable(name: str) -> str:
    return f"CORS_{name.upper()}"


def in_a_variable(name: str, value: object) -> str:
    if isinstance(value, list):
        return json.dumps(value) if name == "allow_origin_regexes" else ",".join(value)
    return json.dumps(value)


def json_as_python(value: object) -> str:
    if isinstance(value, list):
        texts = [f'r"{text}"' if "\\" in text else json.dumps(text) for text in value]
        one_line = f"[{', '.join(texts)}]"
        return one_line if len(one_line) <= 60 else "[\n" + "".join(f"        {text},\n" for text in texts) + "    ]"
    return repr(value)


def type_of(name: str) -> str:
    annotation = Policy.__init__.__annotations__[name]
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    if "[" in str(annotation) or "|" in str(annotation):
        text = str(annotation)
    return re.sub(r"\b(?:collections\.abc|datetime|typing)\.", "", text).replace("|", "\\|")


def table(facts: dict[str, str]) -> str:
    head = f"| {' | '.join(facts)} |\n| {' | '.join('---' for _ in facts)} |\n"
    return f"{head}| {' | '.join(facts.values())} |\n"


def tab(words: str, language: str, code: str) -> str:
    inner = "".join(f"    {line}\n" if line else "\n" for line in code.splitlines())
    return f'=== "{words}"\n\n    ```{language}\n{inner}    ```\n\n'
