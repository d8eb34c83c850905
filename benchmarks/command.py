"""`python -m benchmarks`."""

import argparse
from collections.abc import Sequence

from benchmarks import wsgi
from benchmarks.subjects import FLOOR, OURS, PASS_THROUGH


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What CORS costs a request.")
    commands = parser.add_subparsers(dest="command", required=True)
    wsgi_command = commands.add_parser("wsgi", help="the WSGI adapter against the floor")
    wsgi_command.add_argument("--quick", action="store_true", help="only the scenarios of the targets, in under 30 s")
    wsgi_command.add_argument("--only", default="", metavar="TEXT", help="only scenarios whose name contains TEXT")
    options = parser.parse_args(arguments)
    plan = wsgi.quick_scenarios() if options.quick else wsgi.whole_scenarios()
    plan = [(scenario, apps) for scenario, apps in plan if options.only in scenario.name]
    cells = wsgi.measure(plan, rounds=400, batch=100, max_seconds=0.5 if options.quick else 2.0)
    print(f"{'added ns':48}{'pass':>8}{'floor':>8}{'ours':>8}{'× floor':>9}   (preflights: total ns)")
    for cell in cells:
        costs = "".join(_number(cell.cost(subject.name)) for subject in (PASS_THROUGH, FLOOR, OURS))
        ratio = cell.ratio(OURS.name)
        print(f"{cell.scenario.name + ', ' + cell.app:48}{costs}{'' if ratio is None else f'{ratio:.2f}':>9}")


def _number(value: float | None) -> str:
    return f"{'–' if value is None else f'{value:.0f}':>8}"
