"""`corecors demo`: a small API under a policy, and a browser's rules applied to it over real HTTP."""

import logging
import signal
import threading

import click
from rich.console import Console

from corecors.browser import simulate
from corecors.cli.demo_cases import CASES, Site
from corecors.cli.demo_client import Client
from corecors.cli.demo_report import Outcome, legend, summary, table
from corecors.cli.demo_servers import running_site
from corecors.cli.terminal import terminal


@click.command(epilog="Exits 0 if every case ended as the policy says, else 1.")
@click.option("--serve", is_flag=True, help="Serve until Ctrl-C, for a browser and curl.")
@click.pass_context
def demo(context: click.Context, serve: bool) -> None:
    """Watch a browser's rules applied to a small API.

    Starts an API on one port of 127.0.0.1 and a page on another, does what a browser would do for each of the demo's
    cases, and prints what was sent, what came back, and what script could read. With --serve, your own browser does,
    and the page has a playground for a policy of your own.

    \b
    Examples:
      corecors demo
      corecors demo --serve
    """
    console = terminal()
    with running_site() as site:
        if serve:
            keep_open(site, console)
            return
        # The table says what was refused; without any handler, logging would write it to standard error as well.
        logging.getLogger("corecors").addHandler(logging.NullHandler())
        outcomes = run(site)
    console.print(legend(site))
    console.print(table(outcomes))
    console.print(summary(outcomes))
    context.exit(0 if all(outcome.as_expected for outcome in outcomes) else 1)


def run(site: Site) -> list[Outcome]:
    """Try every case, as a browser with an empty preflight cache would."""
    client = Client()
    try:
        return [Outcome(case, site.expectation(case), simulate(site.request(case), client.send)) for case in CASES]
    finally:
        client.close()


def keep_open(site: Site, console: Console) -> None:
    """Say where everything is, and return when the user interrupts, or somebody terminates it."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # how service managers and containers end it
        console.print(f"page  {site.page}/", soft_wrap=True)
        console.print(f"API   {site.api}", soft_wrap=True)
        console.print("Open the page: your browser then tries the demo's cases. Ctrl-C stops all.")
        console.print(f"curl -i -H 'Origin: https://app.example.com' {site.api}/articles", soft_wrap=True)
        threading.Event().wait()
    except KeyboardInterrupt:
        console.print("Stopped.")
    finally:
        signal.signal(signal.SIGTERM, before)
