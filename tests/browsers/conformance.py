"""docs/conformance.md: what a run of all engines has seen, as a page for people."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from types import FunctionType

from .case import API_HOSTS, ENGINE_NAMES, PAGE_HOSTS, SETUPS, Act, Case, Setup
from .cases import CASES
from .rounds import Round

AGREES = "✓"
NOT_ASKED = "–"

HEAD = """\
# Conformance: what real browsers make of it

Written by `pytest tests/browsers --write-conformance`, from the run of {date}. A change by hand is lost with the next.

{counts}

{versions}

Pages on `{pages}` call an API on `{apis}`, on a real server.
Each case was run in each engine with each of these setups:

{adapters}

and {few} of them, those that touch what a framework does to requests and responses, through each of these doors too:

{doors}

The certificate is self-signed. What the script must see follows from the policy and was written down before; the
*model* is `corecors.browser.simulate`, asking the same servers.

* {agrees}: with every setup the scripts saw what stands in the column *sees*, and the server saw as many preflights and
  other requests as stand there. For the model: it predicted what the scripts saw and each request that the engines
  sent: method, address, `Origin`, the two `Access-Control-Request-*` headers to the byte, cookies or none.
* {not_asked}: not for the model, which knows nothing of requests without CORS nor of the HTTP cache.
* Anything else in a cell is what was seen there instead. The last section explains each.

`app`, `sub` and `stranger` are the origins of the pages, `origin` is that of the request; *blocked* is a `TypeError`
for `fetch()`, an `error` event for the rest.
"""


def page(rounds: Sequence[Round]) -> str:
    """The whole page. `rounds`: one for each engine and setup."""
    by_engine = {name: {made.sites.setup: made for made in rounds if made.engine.name == name} for name in ENGINE_NAMES}
    parts = [head(by_engine)]
    for group in dict.fromkeys(case.group for case in CASES):
        parts.append(f"## {group}\n")
        parts.append(table([case for case in CASES if case.group == group], by_engine))
    parts.append("## Where they differ\n")
    parts.append("\n".join(differences(CASES)) + "\n")
    return "\n".join(parts)


def head(by_engine: Mapping[str, Mapping[Setup, Round]]) -> str:
    names = {name: by_setup[SETUPS[0]].engine.version for name, by_setup in by_engine.items()}
    rows = [
        *names.items(),
        ("corecors", version("corecors")),
        ("Python", platform.python_version()),
        ("System", system()),
    ]
    agreeing = sum(all(cell(case, by_engine[name]) == AGREES for name in ENGINE_NAMES) for case in CASES)
    counts = (
        f"{len(CASES)} cases in {len(names)} engines with {sum(setup.every_case for setup in SETUPS)} setups. "
        f"In {agreeing} of the cases all engines do the same; the other {len(CASES) - agreeing} stand at the end,\n"
        f"next to what all engines do unlike the standard ({sum(bool(case.unlike_the_standard) for case in CASES)})."
    )
    return HEAD.format(
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        counts=counts,
        versions="\n".join(["| | version |", "| --- | --- |", *(f"| {name} | {number} |" for name, number in rows)]),
        pages="`, `".join(PAGE_HOSTS.values()),
        apis="`, `".join(API_HOSTS.values()),
        adapters=listed(setup for setup in SETUPS if setup.every_case),
        few=sum(case.transport for case in CASES),
        doors=listed(setup for setup in SETUPS if not setup.every_case),
        agrees=AGREES,
        not_asked=NOT_ASKED,
    )


def system() -> str:
    return platform.freedesktop_os_release()["PRETTY_NAME"]


def listed(setups: Iterable[Setup]) -> str:
    return "\n".join(f"* {setup}" for setup in setups)


def table(cases: Iterable[Case], by_engine: Mapping[str, Mapping[Setup, Round]]) -> str:
    lines = [
        f"| case | policy, or the server's own lines | the page | sees | preflights | other requests"
        f" | {' | '.join(ENGINE_NAMES)} | model |",
        "| --- | --- | --- | --- | --- | --- |" + " --- |" * (len(ENGINE_NAMES) + 1),
    ]
    for case in cases:
        cells = [
            case.name,
            rules(case),
            "<br>".join(described(act) for act in case.acts),
            "<br>".join(act.sees for act in case.acts),
            str(case.preflights),
            "any" if case.requests is None else str(case.requests),
            *(cell(case, by_engine[name]) for name in ENGINE_NAMES),
            model_cell(case, [made for by_setup in by_engine.values() for made in by_setup.values()]),
        ]
        lines.append(f"| {' | '.join(escaped(text) for text in cells)} |")
    return "\n".join(lines) + "\n"


def rules(case: Case) -> str:
    if case.policy is not None:
        return "<br>".join(f"`{name}={written(value)}`" for name, value in case.policy.items()) or "`Policy()`"
    assert case.fixed is not None
    actual = [f"`{name}: {written(value)}`" for name, value in case.fixed.actual]
    if not case.preflights:
        return "<br>".join(actual)
    preflight = [f"`{name}: {written(value)}`" for name, value in case.fixed.preflight]
    return "<br>".join([f"preflight {case.fixed.preflight_status}:", *preflight, "then:", *actual])


def written(value: object) -> str:
    """A value as it stands in the table, `{app}` as `app`."""
    if isinstance(value, FunctionType):
        return value.__name__
    text = value if isinstance(value, str) else repr(value)
    return text.replace("'{app}'", "app").replace("'{sub}'", "sub").replace("{", "").replace("}", "").replace("'", '"')


def described(act: Act) -> str:
    """What the page does, in a few words."""
    words = [f"{act.page}:" if act.place == "page" else f"{act.page}, {act.place}:", act.do]
    if act.do in ("fetch", "stream", "xhr", "timing", "beacon", "leaving"):
        words.append(act.method)
    if act.headers:
        words.append("with " + ", ".join(f"{name}: {value}" for name, value in act.headers.items() if len(value) < 60))
    words += [f"{name}={value}" for name, value in act.options.items() if value is not None and name != "until"]
    if act.credentials != "same-origin":
        words.append(f"credentials {act.credentials}")
    if "redirect" in act.url:
        words.append(
            "redirected " + act.url.partition("/redirect?")[2].replace("&", " to ").replace("{", "").replace("}", "")
        )
    return " ".join(words)


def cell(case: Case, by_setup: Mapping[Setup, Round]) -> str:
    found: dict[Setup, str] = {}
    for setup, made in by_setup.items():
        if not setup.runs(case):
            continue
        requests, outcomes = made.requests(case), made.outcomes(case)
        preflights = sum(seen.is_preflight for seen in requests)
        others = len(requests) - preflights
        as_many = preflights == case.preflights and case.requests in (None, others)
        if outcomes == case.meant and as_many and case.own_way(made.engine.name, setup.scheme) is None:
            found[setup] = AGREES
        else:
            counted = "" if as_many else f"; {preflights} preflights, {others} others"
            found[setup] = f"**{'<br>'.join(outcomes)}**{counted}"
    if len(set(found.values())) == 1:
        return next(iter(found.values()))
    by_scheme = {setup.scheme: text for setup, text in found.items()}
    if all(by_scheme[setup.scheme] == text for setup, text in found.items()):
        return "<br>".join(f"{scheme}: {text}" for scheme, text in by_scheme.items())
    return "<br>".join(f"{setup}: {text}" for setup, text in found.items())


def model_cell(case: Case, rounds: Iterable[Round]) -> str:
    if not any(act.predicted for act in case.acts):
        return NOT_ASKED
    found: set[str] = set()
    for made in rounds:
        if not made.sites.setup.runs(case):
            continue
        predictions = made.sites.predictions[case.slug]
        if any(prediction is not None and prediction.laxer for prediction in predictions):
            found.add("**blocked by the standard**, lets through what engines let through")
        elif all(p is None or p.sees == act.sees for p, act in zip(predictions, case.acts, strict=True)):
            as_predicted = made.requests(case) == made.sites.predicted_requests(case)
            found.add(AGREES if as_predicted or not made.is_predicted(case) else "**other requests**")
        else:
            found.add("**" + "<br>".join(NOT_ASKED if p is None else p.sees for p in predictions) + "**")
    return "<br>".join(sorted(found))


def differences(cases: Iterable[Case]) -> Iterable[str]:
    reasons: dict[str, list[str]] = {}
    for case in cases:
        for reason in filter(None, (case.unlike_the_standard, case.why_unlike)):
            reasons.setdefault(reason, []).append(case.name)
    for reason, names in reasons.items():
        yield f"* {'; '.join(f'*{name}*' for name in names)}: {reason}."


def escaped(text: str) -> str:
    return text.replace("|", "\\|")
