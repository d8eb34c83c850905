"""`python -m benchmarks`."""

import argparse
from collections.abc import Sequence

from benchmarks import wsgi
from benchmarks.results import Results, describe_machine
from benchmarks.subjects import FLOOR, OURS, PASS_THROUGH


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What CORS costs a request.")
    commands = parser.add_subparsers(dest="command", required=True)
    wsgi_command = commands.add_parser("wsgi", help="the WSGI adapter against the floor")
    wsgi_command.add_argument("--quick", action="store_true", help="in under 30 s")
    wsgi_command.add_argument("--only", default="", metavar="TEXT", help="only scenarios whose name contains TEXT")
    options = parser.parse_args(arguments)
    results = Results(describe_machine())
    plan = [(scenario, apps) for scenario, apps in wsgi.against_the_floor() if options.only in scenario.name]
    wsgi.measure_against_the_floor(results, plan, rounds=400, max_seconds=0.5 if options.quick else 2.0)
    print(f"{'added ns':48}{'pass':>8}{'floor':>8}{'ours':>8}{'× floor':>9}   (preflights: total ns)")
    for scenario, apps in plan:
        for app in apps:
            pass_through, floor, ours = (
                results.value("wsgi", scenario.name, subject.name, app) for subject in (PASS_THROUGH, FLOOR, OURS)
            )
            ratio = f"{ours / floor:.2f}" if floor and ours else "–"
            print(f"{scenario.name + ', ' + app:48}{_ns(pass_through)}{_ns(floor)}{_ns(ours)}{ratio:>9}")


def _ns(value: float | None) -> str:
    return f"{'–' if value is None else f'{value:.0f}':>8}"
