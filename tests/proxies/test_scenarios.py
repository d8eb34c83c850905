"""The scenarios that every adapter passes, through real proxies in front of an application without CORS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from scenarios import POLICIES, RESPONSES, SCENARIOS, expected, governing

from corecors import Policy
from corecors.export import TARGETS, ExportError, render
from proxies.kinds import Proxy, ProxyKind
from proxies.upstream import Response, Upstream, answering
from proxies.verdicts import elements
from servers.http_connection import MalformedAnswer

EXPORTED = [name for name in POLICIES if name != "predicate"]


@pytest.fixture(scope="module")
def application() -> Iterator[Upstream]:
    with answering() as server:
        for response in RESPONSES.values():
            server.responses[response.path] = Response(response.status, response.headers, response.body or b"an error")
        yield server


def can_be_told(kind: ProxyKind, policy: str) -> bool:
    return kind.takes_paths or isinstance(POLICIES[policy], Policy)


@pytest.fixture(scope="module")
def proxy(kind: ProxyKind, application: Upstream) -> Iterator[Proxy]:
    policies = [POLICIES[name] if can_be_told(kind, name) else Policy() for name in EXPORTED]
    with kind.with_policies(policies, application.port) as running:
        yield running


@pytest.mark.parametrize("policy", [pytest.param(name, id=name) for name in EXPORTED])
def test_a_proxy_answers_the_scenarios(kind: ProxyKind, proxy: Proxy, application: Upstream, policy: str) -> None:
    if not can_be_told(kind, policy):
        with pytest.raises(ExportError, match="can be told one Policy"):
            render(POLICIES[policy], kind.name)
        return
    wrong, sent = [], 0
    for scenario in SCENARIOS:
        if scenario.policy != policy:
            continue
        sent += 1
        request, response = scenario.request, scenario.response
        before = len(application.seen)
        try:
            got = proxy.ask(EXPORTED.index(policy), request.method, response.path, request.headers, request.body)
        except MalformedAnswer as error:
            wrong.append((scenario.name, [str(error)]))
            continue
        want = expected(scenario)
        if got.status == 400 and len(application.seen) == before and not want.cors:
            continue  # the proxy takes it for no request at all, and says so to nobody
        found = []
        if want.status is not None and got.status != want.status:
            # What is not GET is answered by the views of other tests with 405, here with what was asked for.
            found += [] if want.status == 405 else [f"status {got.status} instead of {want.status}"]
        if reaching := (len(application.seen) > before) != want.reaches_the_application:
            found.append(f"reaches the application: {not reaching}")
        # An OPTIONS that nobody governs is the application's, which here answers as to any other request.
        if governing(scenario) is None and request.method == "OPTIONS":
            assert found == []
        elif got.status != 304 and meaning(got.headers) != meaning(want.cors):
            found.append(f"{meaning(got.headers)} instead of {meaning(want.cors)}")
        if not (want.vary or frozenset()) <= elements(got.headers, "Vary"):
            found.append(f"Vary {elements(got.headers, 'Vary')} instead of {want.vary}")
        if found:
            wrong.append((scenario.name, found))
    assert wrong == []
    assert sent > 20


def meaning(lines: Iterable[tuple[str, str]]) -> dict[str, object]:
    """What header lines say about CORS: one value, or the elements of a list, by name."""
    found: dict[str, object] = {}
    for name, value in lines:
        lowered = name.lower()
        if lowered.startswith("access-control-") and lowered.endswith(("methods", "headers")):
            found[lowered] = elements(lines, name)
        elif lowered.startswith("access-control-") or lowered == "timing-allow-origin":
            assert lowered not in found, f"two lines of {name}"
            found[lowered] = value
    return found


@pytest.mark.parametrize("target", TARGETS)
def test_a_predicate_is_refused_by_name(target: str) -> None:
    with pytest.raises(ExportError) as caught:
        render(POLICIES["predicate"], target)
    assert [problem.field for problem in caught.value.problems] == ["allow_origin_predicate"]
