"""`corecors origins`: the tenants of a store, read and written from a terminal."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import click
from rich.progress import track
from rich.table import Table

from corecors import PolicyError, Problem
from corecors._policy.problems import advised, shown_value, type_of
from corecors.cli.terminal import Unusable, say, styled, terminal
from corecors.live import LivePolicies, Status, StoreError
from corecors.live.following import in_words
from corecors.live.records import checked, record_of
from corecors.live.status import counted

DEFAULT_STORE = "sqlite:///tenants.db"
AT_A_TIME = 1000  # tenants that an import writes at once, each time all of them or none
CONNECT_SECONDS = 10.0
REDIS_SCHEMES = ("redis://", "rediss://", "unix://", "valkey://", "valkeys://")


def store_of(url: str) -> Any:
    """The store that `url` names: a database, a Redis, or a directory. Raises `click.ClickException`."""
    try:
        if url.startswith(REDIS_SCHEMES):
            from corecors.live import RedisSource

            return RedisSource(url.replace("valkey", "redis", 1) if url.startswith("valkey") else url)
        if "://" in url:
            from corecors.live import SQLSource

            return SQLSource(url)
        from corecors.live import FileSource

        return FileSource(url)
    except ImportError as error:
        extra = "redis" if url.startswith(REDIS_SCHEMES) else "sql"
        raise Unusable(f'{error.name} is missing, which comes with an extra: pip install "corecors[{extra}]"') from None
    except StoreError as error:
        raise Unusable(str(error)) from None


@contextmanager
def _answering(context: click.Context) -> Iterator[Any]:
    """The store of this call. What is wrong with a record is said problem by problem; a store that fails, on a line."""
    store = context.obj
    try:
        yield store
    except PolicyError as error:
        for problem in error.problems:
            say(_line(problem), err=True)
        context.exit(1)
    except (click.ClickException, click.exceptions.Exit, click.Abort, KeyboardInterrupt, BrokenPipeError):
        raise
    except Exception as error:  # whatever a driver raises
        raise Unusable(f"{store.name} cannot be used: {in_words(error)}") from None


def _line(problem: Problem) -> str:
    advice = advised(problem.fix)
    said = f"{_of_store(problem.field)}: {shown_value(problem.value)} {problem.message}"
    return said + (f"; {advice}" if advice else "")


def _of_store(text: str) -> str:
    """What a store or file has, on one line: another line would look like a tenant, or tell a CI what to do."""
    return text.replace("\n", "\\n")


@click.group(epilog="Exits 0; 1 for a record that is refused or a tenant that is not there; 2 if the store fails.")
@click.option("--store", default=DEFAULT_STORE, show_default=True, envvar="CORECORS_STORE", help="URL, or a directory.")
@click.pass_context
def origins(context: click.Context, store: str) -> None:
    """Read and write the origins of tenants, in a store that is followed.

    \b
    Examples:
      corecors origins init
      corecors origins add shop.example.com https://www.shop.example
      corecors origins --store postgresql://me@db.example/shop list
      CORECORS_STORE=redis://cache.example corecors origins watch
    """
    context.obj = store_of(store)


@origins.command()
@click.pass_context
def init(context: click.Context) -> None:
    """Create what the store needs; what is there stays."""
    with _answering(context) as store:
        store.init()
        say(f"{store.name} is ready")


@origins.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """List all tenants."""
    with _answering(context) as store:
        names = store.tenants()
    if as_json:
        click.echo(json.dumps(names, indent=2))
    else:
        for name in names:
            say(_of_store(name))


@origins.command()
@click.argument("tenant")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.pass_context
def show(context: click.Context, tenant: str, as_json: bool) -> None:
    """Show the record of TENANT."""
    with _answering(context) as store:
        record = _present(context, tenant, store.get(tenant))
    if as_json:
        click.echo(json.dumps(record, indent=2))
        return
    rows = Table.grid(padding=(0, 2))
    for name, value in record.items():
        for number, each in enumerate(value if isinstance(value, list) and value else [value]):
            shown = each if isinstance(each, str) else json.dumps(each)
            rows.add_row(styled((_of_store(name) if number == 0 else "", "bold")), styled(_of_store(shown)))
    terminal().print(rows)


@origins.command()
@click.argument("tenant")
@click.argument("new", metavar="ORIGIN...", nargs=-1, required=True)
@click.pass_context
def add(context: click.Context, tenant: str, new: tuple[str, ...]) -> None:
    """Allow TENANT each ORIGIN; a tenant that is not there is made."""
    with _answering(context) as store:
        record = store.get(tenant) or {"allow_origins": []}
        record["allow_origins"] = list(dict.fromkeys([*_listed(record), *new]))
        store.put(tenant, record)
        say(f"{tenant}: {counted(len(record['allow_origins']), 'origin')}")


@origins.command(short_help="Remove origins of a tenant, or the tenant itself.")
@click.argument("tenant")
@click.argument("old", metavar="[ORIGIN]...", nargs=-1)
@click.pass_context
def remove(context: click.Context, tenant: str, old: tuple[str, ...]) -> None:
    """Remove each ORIGIN of TENANT, or TENANT itself where none is named."""
    with _answering(context) as store:
        record = _present(context, tenant, store.get(tenant))
        if not old:
            store.remove(tenant)
            say(f"{tenant} is removed")
            return
        listed = _listed(record)
        missing = [origin for origin in old if origin not in listed]
        if missing:
            say(f"{tenant} has no {', '.join(missing)}", err=True)
            context.exit(1)
        record["allow_origins"] = [origin for origin in listed if origin not in old]
        store.put(tenant, record)
        say(f"{tenant}: {counted(len(record['allow_origins']), 'origin')}")


@origins.command("import", short_help="Write the tenants of a file, as `export` prints it.")
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.pass_context
def import_(context: click.Context, file: TextIO) -> None:
    """Write the tenants of FILE, JSON as `export` prints it; those that it does not name stay. `-` reads what is piped.

    All records are checked before the first is written.
    """
    try:
        records = json.load(file)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"{file.name} is not valid JSON: {error}") from None
    if not isinstance(records, dict):
        raise Unusable(f"{file.name} has no object of tenants at its top")
    refused = 0
    for tenant, record in _followed_by_a_bar(records.items(), len(records), "checking"):
        try:
            checked(tenant, record)
        except PolicyError as error:
            refused += 1
            for problem in error.problems:
                say(f"{_of_store(tenant)}: {_line(problem)}", err=True)
    if refused:
        say(f"nothing is written: {refused} of {len(records)} records are refused", err=True)
        context.exit(1)
    names = list(records)
    parts = [names[start : start + AT_A_TIME] for start in range(0, len(names), AT_A_TIME)]
    with _answering(context) as store:
        for part in _followed_by_a_bar(parts, len(parts), "writing"):
            store.put_all({tenant: records[tenant] for tenant in part})
    say(f"{counted(len(records), 'tenant')} {'is' if len(records) == 1 else 'are'} written")


@origins.command()
@click.pass_context
def export(context: click.Context) -> None:
    """Print all tenants as JSON."""
    found: dict[str, Any] = {}
    refused = 0
    with _answering(context) as store:
        total = len(store.tenants())
        reader = store.open(CONNECT_SECONDS)
        try:
            for tenant, text in _followed_by_a_bar(reader.read(None).records, total, "reading"):
                try:
                    if isinstance(text, PolicyError):
                        raise text
                    found[tenant] = record_of(text)
                except PolicyError as error:
                    refused += 1
                    for problem in error.problems:
                        say(f"{_of_store(tenant)}: {_line(problem)}", err=True)
        finally:
            reader.close()
    click.echo(json.dumps(dict(sorted(found.items())), indent=2))
    context.exit(1 if refused else 0)


@origins.command(short_help="Follow the store as an application does.")
@click.option("--max-staleness", default=5.0, show_default=True, help="Seconds between two looks at the store.")
@click.pass_context
def watch(context: click.Context, max_staleness: float) -> None:
    """Follow the store as an application does, and show changes as they come, until interrupted."""
    from threading import Event

    ended = Event()
    last: Status | None = None

    def changed(names: tuple[str, ...]) -> None:
        shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
        say(f"changed: {shown}")

    with _answering(context) as store, LivePolicies(store, max_staleness=max_staleness, on_change=changed) as policies:
        policies.start()
        while not ended.wait(0.2):
            status = policies.status()
            if last is None or status[3:] != last[3:]:
                last = status
                age = "never read" if status.age is None else f"{status.age:.1f} s old"
                state = "connected" if status.connected else f"not connected: {status.last_error or 'not yet'}"
                held = f"{counted(status.tenants, 'tenant')}, {counted(status.origins, 'origin')}"
                say(f"{state}; {age}; {held}, {len(status.problems)} refused")
            sys.stdout.flush()


def _present(context: click.Context, tenant: str, record: dict[str, Any] | None) -> dict[str, Any]:
    if record is None:
        say(f"there is no tenant {tenant}", err=True)
        context.exit(1)
    return record


def _listed(record: dict[str, Any]) -> list[Any]:
    """The origins of a record that nobody may have checked, as they stand there. Raises `PolicyError`."""
    origins = record["allow_origins"]
    if not isinstance(origins, list):
        raise PolicyError(
            [Problem("allow_origins", origins, "not-a-list", f"is {type_of(origins)} where a list belongs")]
        )
    return origins


def _followed_by_a_bar(items: Any, total: int, what: str) -> Any:
    """The items; on a terminal a bar shows how far it is."""
    console = terminal(err=True)
    if total < AT_A_TIME or not console.is_terminal:
        return items
    return track(items, total=total, description=what, console=console)
