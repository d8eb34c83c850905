"""The POLICY argument: a TOML file, `module:attribute`, or `env:`.

What it names is a policy, a source of policies, or an application with CORS in it.
"""

import os
import sys
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from corecors import Policy, PolicyError, PolicySource, source_from_env, source_from_toml
from corecors._policy.policy import FIELDS
from corecors.cli.applications import Application, application_in
from corecors.cli.terminal import Unusable

ENVIRONMENT = "env:"
FORMS = "POLICY is a TOML file, module:attribute, or env:"
MAX_FILE_LENGTH = 1 << 20  # bytes; a policy has some hundred, a pyproject.toml some thousand
# Codes of problems that are about the document: nothing in it was meant as a policy.
UNREADABLE = {"not-toml": "{message}", "no-table": "has neither a table [cors] or [tool.corecors] nor a policy's keys"}

Governing = Policy | PolicySource | Application


def read_policy(source: str) -> Governing:
    """What the argument `source` names.

    Raises `PolicyError` for a policy that is refused, `click.ClickException` with exit code 2 for anything that cannot
    be read.
    """
    if source.startswith(ENVIRONMENT):
        prefix = source.removeprefix(ENVIRONMENT) or "CORS_"
        if not any(name.startswith(prefix) for name in os.environ):
            raise Unusable(f"there is no variable that begins with {prefix}: nobody would be allowed")
        return source_from_env(os.environ, prefix)
    module, colon, attribute = source.partition(":")
    if colon and "/" not in source and not Path(source).exists() and all(map(str.isidentifier, module.split("."))):
        return _imported(module, attribute)
    return _in_file(Path(source))


def _in_file(path: Path) -> Governing:
    text = _text(path)
    try:
        return source_from_toml(text)
    except PolicyError as error:
        # A file that holds other things, and no policy, is not a wrong policy.
        first = error.problems[0]
        if first.code not in UNREADABLE:
            raise
        raise _unusable(f"{str(path)!r} {UNREADABLE[first.code].format(message=first.message)}") from None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE_LENGTH + 1)
        if len(text) > MAX_FILE_LENGTH:
            raise _unusable(f"{str(path)!r} is larger than a policy can be ({MAX_FILE_LENGTH:,} bytes)")
        return text.decode("utf-8-sig")
    except FileNotFoundError:
        raise _not_found(f"there is no file {str(path)!r}", _nearest_file(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise _unusable(f"{str(path)!r} cannot be read: {reason}") from None
    except ValueError as error:  # a path with a null byte
        raise _unusable(f"{str(path)!r} is not a path: {error}") from None


def _imported(module: str, attribute: str) -> Governing:
    sys.path.insert(0, os.getcwd())
    try:
        found: Any = import_module(module)
    except (PolicyError, KeyboardInterrupt):
        raise
    except ModuleNotFoundError as error:
        raise _not_found(f"the module {module!r} cannot be imported: {_words(error)}") from None
    except BaseException as error:  # SystemExit too, which scripts without a `main` guard raise
        raise _unusable(f"the module {module!r} cannot be imported: {_words(error)}") from None
    finally:
        sys.path.remove(os.getcwd())
    for name in attribute.split(".") if attribute else ["policy"]:
        try:
            found = getattr(found, name)
        except AttributeError:
            policies = [key for key, value in getattr(found, "__dict__", {}).items() if isinstance(value, Policy)]
            nearest = get_close_matches(name, policies, n=1) or policies[:1]
            raise _unusable(f"the module {module!r} has no {name!r}", nearest[0] if nearest else None) from None
        except Exception as error:
            raise _unusable(f"{module}:{attribute} cannot be read: {_words(error)}") from None
    governing = application_in(found)
    if governing is None:
        what = "neither a Policy nor a policy source nor an application"
        raise _unusable(f"{module}:{attribute or 'policy'} is of type {type(found).__name__}, {what}")
    return governing


def _words(error: BaseException) -> str:
    """The error on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")


def _unusable(wrong: str, nearest: str | None = None) -> click.ClickException:
    return Unusable(f"{wrong}; did you mean {nearest!r}?" if nearest else wrong)


def _not_found(wrong: str, nearest: str | None = None) -> click.ClickException:
    return _unusable(wrong if nearest else f"{wrong} ({FORMS})", nearest)


def _nearest_file(path: Path) -> str | None:
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix == ".toml"]
    except OSError:
        return None
    nearest = get_close_matches(path.name, names, n=1)
    return str(path.with_name(nearest[0])) if nearest else None


POLICY_HELP = f"""\b
POLICY is one of
  cors.toml              a file with {FIELDS[0]} = [...] and the like,
  pyproject.toml         or with a table [tool.corecors] (or [cors]),
  shop.settings:policy   a Policy or a source of policies in a module,
  shop:app               an application: Flask, Bottle, FastAPI, Django, ...
  env:                   the variables CORS_ALLOW_ORIGINS and the like
                         (env:SHOP_CORS_ for another prefix).
"""
