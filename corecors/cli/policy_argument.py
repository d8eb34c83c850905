"""The POLICY argument: a TOML file, `module:attribute`, or `env:`."""

import os
import sys
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from corecors import Policy, PolicyError, PolicySource, source_from_env, source_from_toml
from corecors._policy.loading import has_variables
from corecors._policy.policy import FIELDS
from corecors.cli.terminal import Unusable

ENVIRONMENT = "env:"
FORMS = "POLICY is a TOML file, module:attribute, or env:"
MAX_FILE_LENGTH = 1 << 20  # bytes; a policy has some hundred, a pyproject.toml some thousand


def read_policy(source: str) -> Policy:
    """The policy that the argument `source` names.

    Raises `PolicyError` for a policy that is refused, `click.ClickException` with exit code 2 for anything that cannot
    be read, and for several policies.
    """
    found = read_source(source)
    if not isinstance(found, Policy):
        raise _unusable(f"{source} is of type {type(found).__name__}, not a Policy")
    return found


def read_source(source: str) -> Policy | PolicySource:
    """What the argument `source` names: a policy, policies by path, or tiers. Raises as `read_policy` does."""
    if source.startswith(ENVIRONMENT):
        prefix = source.removeprefix(ENVIRONMENT) or "CORS_"
        if not has_variables(os.environ, prefix):
            raise _unusable(f"there is no variable that begins with {prefix}")
        return source_from_env(os.environ, prefix)
    module, colon, attribute = source.partition(":")
    if colon and "/" not in source and not Path(source).exists() and all(map(str.isidentifier, module.split("."))):
        return _imported(module, attribute)
    return _of_file(Path(source))


def _of_file(path: Path) -> Policy | PolicySource:
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE_LENGTH + 1)
        if len(text) > MAX_FILE_LENGTH:
            raise _unusable(f"{str(path)!r} is larger than a policy can be ({MAX_FILE_LENGTH:,} bytes)")
        return source_from_toml(text.decode("utf-8"))
    except FileNotFoundError:
        raise _not_found(f"there is no file {str(path)!r}", _nearest_file(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise _unusable(f"{str(path)!r} cannot be read: {reason}") from None
    except PolicyError as error:
        problem = error.problems[0]
        if problem.code == "not-toml":
            raise _unusable(f"{str(path)!r} {problem.message}") from None
        if problem.code == "no-table":
            raise _unusable(
                f"{str(path)!r} has neither a table [cors] or [tool.corecors] nor a policy's keys"
            ) from None
        raise
    except ValueError as error:  # a path with a null byte
        raise _unusable(f"{str(path)!r} is not a path: {error}") from None


def _imported(module: str, attribute: str) -> Policy | PolicySource:
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
    if not (isinstance(found, Policy) or callable(getattr(found, "policy_for", None))):
        name = f"{module}:{attribute or 'policy'}"
        raise _unusable(f"{name} is of type {type(found).__name__}, neither a Policy nor a policy source")
    return found  # type: ignore[no-any-return]  # isinstance() of a protocol says no more


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
  shop.settings:policy   a Policy in a module that can be imported,
  env:                   the variables CORS_ALLOW_ORIGINS and the like
                         (env:SHOP_CORS_ for another prefix).
"""
