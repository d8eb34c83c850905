"""The table of scenarios for every ASGI framework: each does what `evaluate` decides, as the WSGI adapters do."""

import asyncio
import logging
from functools import cache
from typing import Any

import pytest
from asgi_client import Application, Message, answer_of, scope_of
from asgi_scenario_apps import BUILDERS, application
from scenarios import POLICIES, SCENARIOS, Scenario, differences

served = cache(application)


@pytest.fixture(autouse=True)
def _expected_failures() -> Any:
    """One view fails on purpose, and every framework tells its log."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


async def ask(app: Application, scenario: Scenario) -> list[str]:
    request = scenario.request
    lengths = (("Content-Length", str(len(request.body))),) if request.body else ()
    scope = scope_of(request.method, scenario.response.path, (("Host", "api.test"), *request.headers, *lengths))
    waiting: list[Message] = [{"type": "http.request", "body": request.body, "more_body": False}]
    sent: list[Message] = []
    answered = asyncio.Event()

    async def receive() -> Message:
        if waiting:
            return waiting.pop()
        await answered.wait()  # a client stays until it has its answer
        return {"type": "http.disconnect"}

    async def keep(message: Message) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            answered.set()

    try:
        await app(scope, receive, keep)
    except RuntimeError as error:
        if str(error) != "the application failed":  # the failing view, which frameworks tell their server of
            raise
    answer = answer_of(sent)
    if request.method == "HEAD":
        answer = answer._replace(body=b"")  # as every server cuts it off
    return differences(scenario, answer)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("framework", BUILDERS)
def test_the_framework_does_what_is_decided(framework: str, policy: str) -> None:
    async def every() -> dict[str, list[str]]:
        app = served(framework, policy)
        if framework == "blacksheep":
            await app.app.start()  # type: ignore[attr-defined]  # which its server's lifespan does
        mine = [scenario for scenario in SCENARIOS if scenario.policy == policy]
        assert len(mine) >= len(SCENARIOS) / len(POLICIES) / 2
        return {scenario.name: found for scenario in mine if (found := await ask(app, scenario))}

    assert asyncio.run(every()) == {}
