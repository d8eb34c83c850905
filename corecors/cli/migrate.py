"""`corecors migrate`: the configuration of another library as a policy."""

from typing import IO, Any, Final

import click

from corecors import PolicyError
from corecors._policy.foreign_names import PAGE
from corecors.cli.old_configuration import MAX_LENGTH, configuration_in
from corecors.cli.terminal import Unusable, say
from corecors.cli.translation import LIBRARIES, Arguments, Translation, Untranslatable, translated

_WIDTH: Final = 100
# What needs a decision: it worked there, and does not here.
_UNRESOLVED: Final = ("left-out", "any-origin-with-credentials", "star-with-credentials", "route-methods")


# What to do with the policy.
_THEN: Final = {
    "flask-cors": "Then: from corecors.adapters.flask import CORS; CORS(app, policy)",
    "starlette": "Then: from corecors.adapters.starlette import CORS; CORS(app, policy)",
    "django": "Then, in the settings: CORS_POLICY = policy",
    "quart-cors": "Then: from corecors.adapters.asgi import CORSMiddleware; "
    "app.asgi_app = CORSMiddleware(app.asgi_app, policy)",
    "aiohttp-cors": "Then: from corecors.adapters.aiohttp import setup_cors; setup_cors(app, policy)",
    "wsgicors": "Then: from corecors.adapters.wsgi import CORSMiddleware; app = CORSMiddleware(app, policy)",
    "asgi-cors": "Then: from corecors.adapters.asgi import CORSMiddleware; app = CORSMiddleware(app, policy)",
}


@click.command(
    epilog="Exits 0, 1 if something is left out that a person has to decide about, 2 if it cannot be translated."
)
@click.argument("file", type=click.File(encoding="utf-8", errors="replace"), default="-", metavar="[FILE]")
@click.option(
    "--from",
    "library",
    type=click.Choice(list(LIBRARIES)),
    required=True,
    metavar="LIBRARY",
    help=f"What it is written for: {', '.join(LIBRARIES)}.",
)
@click.pass_context
def migrate(context: click.Context, file: IO[str], library: str) -> None:
    """Translate the configuration of another library.

    FILE, or standard input, has a dict literal, the settings, or the call as it stands in your program. It is never
    run. Prints Python that runs by itself and ends in a `policy`, with a comment for each difference that a browser can
    notice. What has no translation is left out, so that a policy never allows more than before.

    \b
    Examples:
      corecors migrate --from django shop/settings.py
      echo 'CORS(app, origins="https://app.example.com")' |
          corecors migrate --from flask-cors
    """
    text = file.read(MAX_LENGTH + 1)
    try:
        translation = translated(library, configuration_in(text))
        translation.policy  # noqa: B018  # it can be made
    except Untranslatable as error:
        raise Unusable(f"{error} (see {PAGE})") from None
    except PolicyError as error:
        raise Unusable(f"{error}\n(see {PAGE})") from None
    say(program(library, translation))
    undecided = [each for each in translation.differences if each.code in _UNRESOLVED]
    if undecided:
        needs = "needs" if len(undecided) == 1 else "need"
        click.echo(f"corecors: {len(undecided)} of the comments {needs} a decision of yours", err=True)
    context.exit(1 if undecided else 0)


def program(library: str, translation: Translation) -> str:
    """A Python program that ends in a `policy`: the translation, each difference a comment."""
    names = ["Policy"]
    if len(translation.tiers) > 1:
        names.append("OriginPolicies")
    if translation.prefix:
        names.append("PathPolicies")
    lines = [f"from corecors import {', '.join(sorted(names))}", ""]
    lines.append(f"# Translated from {library} by `corecors migrate`; {PAGE} says more.")
    if translation.differences:
        lines.append("# What a browser can notice:")
    for text in dict.fromkeys(difference.text for difference in translation.differences):
        lines += _comment(text)
    written = [_policy(arguments) for arguments in translation.tiers]
    if len(written) == 1:
        value = written[0]
    else:
        inner = "".join(f"{_indented(each)},\n" for each in written)
        value = f"OriginPolicies(\n    [\n{_indented(inner.rstrip())}\n    ]\n)" if written else ""
    if translation.prefix:
        value = f"PathPolicies(\n    {{\n{_indented(f'{_source(translation.prefix)}: {value},', 8)}\n    }}\n)"
    lines += [f"policy = {value}", f"# {_THEN[library]}"]
    return "\n".join(lines)


def _comment(text: str) -> list[str]:
    from textwrap import wrap

    return wrap(
        text,
        _WIDTH,
        initial_indent="# - ",
        subsequent_indent="#   ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _policy(arguments: Arguments) -> str:
    """`Policy(...)` as source, an argument a line."""
    if not arguments:
        return "Policy()"
    return "Policy(\n" + "".join(f"    {name}={_source(value)},\n" for name, value in arguments.items()) + ")"


def _source(value: Any) -> str:
    """A value as people write it."""
    if isinstance(value, str):
        if not value.isprintable() or '"' in value or value.endswith("\\"):
            return repr(value)
        return f'r"{value}"' if "\\" in value else f'"{value}"'
    if not isinstance(value, list):
        return repr(value)
    items = [_source(each) for each in value]
    if sum(map(len, items)) + 2 * len(items) < _WIDTH - 30:
        return f"[{', '.join(items)}]"
    return "[\n" + "".join(f"        {each},\n" for each in items) + "    ]"


def _indented(text: str, by: int = 4) -> str:
    return "\n".join(" " * by + line if line else line for line in text.split("\n"))
