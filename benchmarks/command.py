"""`python -m benchmarks`: everything, or one part of it."""

import argparse
import logging
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from benchmarks import wsgi
from benchmarks.parts import PARTS
from benchmarks.report import report
from benchmarks.results import Results, describe_machine, results_from_json, write_pyperf
from benchmarks.tables import aligned

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"

BROKEN_OFF = "Broken off, and its figures are not complete:"  # the others are, and are not lost
QUICK, WHOLE = 0.3, 1.2  # seconds for each comparison


def main(arguments: Sequence[str] | None = None) -> None:
    # Refusals are logged as they are for users; where that goes is up to them, and here it goes nowhere.
    logging.getLogger("corecors").addHandler(logging.NullHandler())
    options = _parser().parse_args(arguments)
    if options.command == "wsgi":
        _wsgi(options)
    elif options.command == "asgi":
        _asgi(options)
    elif options.command == "own-policy":
        _own_policy(options)
    else:
        _everything(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="What CORS costs a request: ours, the floor and the peers."
    )
    parser.add_argument("--quick", action="store_true", help="shorter, for a first look")
    parser.add_argument("--parts", default="", metavar="NAME,...", help=f"only these: {', '.join(PARTS)}")
    parser.add_argument("--from-json", type=Path, metavar="FILE", help="measure nothing; read the figures in FILE")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    parser.add_argument("--pyperf", type=Path, metavar="FILE", help="write every sample to FILE, for pyperf compare_to")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw the plots into FOLDER")
    parser.add_argument(
        "--write-docs", action="store_true", help="write docs/performance.md, its figures and its plots"
    )
    parser.add_argument(
        "--against", type=Path, metavar="FOLDER", help="the clone of an earlier version, to measure its functions too"
    )
    commands = parser.add_subparsers(dest="command")
    wsgi_command = commands.add_parser("wsgi", help="only the WSGI adapter against the floor")
    wsgi_command.add_argument("--quick", action="store_true", help="in under half a minute")
    wsgi_command.add_argument("--only", default="", metavar="TEXT", help="only scenarios whose name contains TEXT")
    asgi_command = commands.add_parser("asgi", help="only the ASGI adapter against its floor and other libraries")
    asgi_command.add_argument("--quick", action="store_true", help="in seconds")
    own = commands.add_parser("own-policy", help="what a request costs under your own policy")
    own.add_argument("--policy", type=Path, required=True, metavar="FILE", help="a TOML file")
    own.add_argument("--table", default="cors", help="the table that holds the policy, by default [cors]")
    own.add_argument("--seconds", type=float, default=1.0, metavar="S", help="time for each case, by default 1")
    own.add_argument("--origin", action="append", default=[], metavar="ORIGIN", help="measure this origin as well")
    return parser


def _everything(options: argparse.Namespace) -> None:
    if options.from_json is not None:
        results = results_from_json(options.from_json.read_text())
    else:
        results = Results(describe_machine(), against=options.against)
        chosen = [name for name in options.parts.split(",") if name]
        for name, part in PARTS.items():
            if not chosen or name in chosen:
                print(f"measuring: {name}", file=sys.stderr, flush=True)
                try:
                    part.measure(results, QUICK if options.quick else WHOLE)
                except Exception as error:
                    traceback.print_exc()
                    results.skipped.append(f"{BROKEN_OFF} {name}: {type(error).__name__}.")
    # Files first: a run takes long, and what it found must not be lost to a fault in a table.
    if options.json is not None:
        options.json.write_text(results.to_json() + "\n")
    if options.pyperf is not None:
        write_pyperf(results.samples, options.pyperf)
    if options.plots is not None:
        from benchmarks.plots import write_plots

        write_plots(results, options.plots)
    if options.write_docs:
        from benchmarks.page import write_page

        write_page(results, DOCS)
    print(report(results))
    if any(line.startswith(BROKEN_OFF) for line in results.skipped):
        sys.exit(1)


def _wsgi(options: argparse.Namespace) -> None:
    results = Results(describe_machine())
    plan = [(scenario, apps) for scenario, apps in wsgi.against_the_floor() if options.only in scenario.name]
    wsgi.measure_against_the_floor(results, plan, rounds=400, max_seconds=QUICK if options.quick else WHOLE)
    print("\n".join(aligned(wsgi.table(results))))


def _asgi(options: argparse.Namespace) -> None:
    from benchmarks import asgi

    results = Results(describe_machine())
    asgi.measure(results, QUICK if options.quick else 5 * WHOLE)
    print("\n".join([*aligned(asgi.table(results)), *results.notes, *results.skipped]))


def _own_policy(options: argparse.Namespace) -> None:
    from benchmarks.own_policy import measure_policy
    from corecors import PolicyError, policy_from_toml

    try:
        policy = policy_from_toml(options.policy.read_text(encoding="utf-8"), table=options.table)
    except (OSError, PolicyError) as error:
        sys.exit(str(error))
    print(measure_policy(policy, options.origin, max_seconds=options.seconds))
