"""The pages of every public name, made by mkdocstrings of the docstrings, and the list of them."""

import shutil
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True)
class Part:
    """A page of the reference: a public module, in `file`, and one line on what it is for."""

    file: str
    module: str
    about: str


PARTS = (
    Part("core.md", "corecors", "policies, the three functions, what they return, and what a door is made of"),
    Part("wsgi.md", "corecors.adapters.wsgi", "any WSGI application"),
    Part("flask.md", "corecors.adapters.flask", "Flask"),
    Part("bottle.md", "corecors.adapters.bottle", "Bottle"),
    Part("asgi.md", "corecors.adapters.asgi", "any ASGI application"),
    Part("starlette.md", "corecors.adapters.starlette", "Starlette and FastAPI"),
    Part("django.md", "corecors.adapters.django", "Django"),
    Part("aiohttp.md", "corecors.adapters.aiohttp", "aiohttp"),
    Part("live.md", "corecors.live", "policies that follow a store"),
    Part("browser.md", "corecors.browser", "what a browser does with a response"),
    Part("testing.md", "corecors.testing", "may this page call my API?"),
    Part("export.md", "corecors.export", "a policy as a proxy's configuration"),
)
# An adapter without `__all__` has these; everything else in it is imported or begins with an underscore.
NAMES = {
    "corecors.adapters.wsgi": ["CORSMiddleware"],
    "corecors.adapters.flask": ["CORS", "cross_origin"],
    "corecors.adapters.bottle": ["CORSPlugin"],
    "corecors.adapters.asgi": ["CORSMiddleware"],
    "corecors.adapters.starlette": ["CORS", "cross_origin"],
}


def public_names(module: str) -> list[str]:
    """The names that users import from a public module, in the order of the reference."""
    return sorted(NAMES.get(module) or getattr(import_module(module), "__all__", []), key=str.lower)


def parts() -> list[Part]:
    """The pages that there are: those of modules that exist and have public names."""
    return [part for part in PARTS if find_spec(part.module) is not None and public_names(part.module)]


def copy_sources(folder: Path) -> None:
    """The sources of the package as it is installed: those of an editable one stand in two places."""
    shutil.rmtree(folder, ignore_errors=True)
    for module in ("corecors", "corecors.adapters"):
        (source,) = import_module(module).__path__
        target = folder.joinpath(*module.split("."))
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)


def write_reference(folder: Path) -> None:
    """Write the pages of the public names in `folder`, and its index."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for part in parts():
        names = public_names(part.module)
        text = f"---\ntitle: {part.module}\n---\n\n# `{part.module}`\n\n{part.about[0].upper()}{part.about[1:]}.\n\n"
        text += "".join(f"::: {part.module}.{name}\n\n" for name in names)
        (folder / part.file).write_text(text, encoding="utf-8")
        linked = ", ".join(f"[`{name}`]({part.file}#{part.module}.{name})" for name in names)
        rows.append(f"| [`{part.module}`]({part.file}) | {part.about} | {linked} |\n")
    (folder / "index.md").write_text(INDEX + "".join(rows), encoding="utf-8")


INDEX = """# Reference

- [Every option of a policy](options.md): default, type, variable, TOML key, an example of each form.
- [The options of every door](../policy.md#options-of-every-door).
- [The command line](../command-line.md), with its [exit codes](../command-line.md#exit-codes) and
  [JSON](../command-line.md#json).
- [Reasons and problem codes](core.md#corecors.Reason), stable words that a program can handle.
- Every public name, from its docstring:

| module | what it is for | names |
| --- | --- | --- |
"""
