"""`corecors demo`: a small API under a policy, and a browser's rules applied to it over real HTTP."""

import logging
import shlex
import signal
import threading
from contextlib import ExitStack

import click

from corecors.browser import simulate
from corecors.cli.demo_cases import CASES, HOST, Site
from corecors.cli.demo_client import Client
from corecors.cli.demo_report import Outcome, print_outcomes, print_site
from corecors.cli.demo_servers import running_site
from corecors.cli.terminal import Paper, Unusable


@click.command(epilog="Exits 0 if every case ended as the policy says, else 1.")
@click.option("--serve", is_flag=True, help="Serve until Ctrl-C, for a browser and curl.")
@click.option("--port", type=click.IntRange(0, 65533), default=0, help="Of the page; the API has the next one.")
@click.option("--store", metavar="URL", help="Keep the API's origins in this store, and follow it.")
@click.pass_context
def demo(context: click.Context, serve: bool, port: int, store: str | None) -> None:
    """Watch a browser's rules applied to a small API.

    Starts an API on one port of 127.0.0.1 and a page on another, does what a browser would do for each of the demo's
    cases, and prints what was sent, what came back, and what script could read. With --serve, your own browser does,
    and the page has a playground for a policy of your own. With --store, the API's host is a tenant, whose origins
    `corecors origins` changes while it serves.

    \b
    Examples:
      corecors demo
      corecors demo --serve
      corecors demo --store sqlite:///tenants.db --serve
    """
    with ExitStack() as stack:
        try:
            site = stack.enter_context(running_site(port, store))
        except OSError as error:
            raise Unusable(f"--port {port}: {error.strerror or error}") from None
        if serve:
            keep_open(site, store)
            return
        # The table says what was refused; without any handler, logging would write it to standard error as well.
        logging.getLogger("corecors").addHandler(logging.NullHandler())
        outcomes = run(site)
        print_site(site)
    print_outcomes(outcomes)
    Paper().line("Next: corecors demo --serve tries them in your own browser, with a playground for a policy of yours.")
    context.exit(0 if all(outcome.as_expected for outcome in outcomes) else 1)


def run(site: Site) -> list[Outcome]:
    """Try every case, as a browser with an empty preflight cache would."""
    client = Client()
    try:
        return [Outcome(case, site.expectation(case), simulate(site.request(case), client.send)) for case in CASES]
    finally:
        client.close()


def keep_open(site: Site, store: str | None) -> None:
    """Say where everything is, and return when the user interrupts, or somebody terminates it."""
    paper = Paper()
    before = signal.getsignal(signal.SIGTERM)
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # how service managers and containers end it
        paper.line(f"page  {site.page}/", whole=True)
        paper.line(f"API   {site.api}", whole=True)
        paper.line("Open the page: it has a playground, and your browser tries the demo's cases. Ctrl-C stops all.")
        paper.line(f"Next: curl -i -H 'Origin: https://app.example.com' {site.api}/articles", whole=True)
        if store is not None:
            change = f"corecors origins --store {shlex.quote(store)} remove {HOST} https://app.example.com"
            paper.line(f"Then: {change}", whole=True)
        threading.Event().wait()
    except KeyboardInterrupt:
        paper.line("Stopped.")
    finally:
        signal.signal(signal.SIGTERM, before)
