"""Channels' WebSockets under the project's policy, as docs/django.md has it."""

import asyncio
from typing import Any

import pytest
from channels.generic.websocket import WebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.testing import WebsocketCommunicator
from django.core.asgi import get_asgi_application
from django.test import AsyncClient, override_settings
from django.urls import path
from django_site import OURS

from corecors import Policy
from corecors.adapters.asgi import CORSMiddleware
from corecors.adapters.django import policy_from_settings

APP = "https://app.example.com"
POLICY = Policy(allow_origins=[APP], allow_credentials=True)


class Chat(WebsocketConsumer):
    def connect(self) -> None:
        self.accept()


def application() -> Any:
    sockets = URLRouter([path("chat", Chat.as_asgi())])
    return ProtocolTypeRouter(
        {"http": get_asgi_application(), "websocket": CORSMiddleware(sockets, policy_from_settings())}
    )


@pytest.mark.parametrize(
    ("headers", "accepted"),
    [
        pytest.param([(b"origin", APP.encode()), (b"cookie", b"sessionid=1")], True, id="allowed, with cookies"),
        pytest.param([(b"origin", b"https://stranger.example.net")], False, id="a foreign page"),
        pytest.param([(b"origin", b"https://api.test"), (b"host", b"api.test")], True, id="the server's own page"),
        pytest.param([], True, id="no browser"),
    ],
)
def test_a_handshake_goes_by_the_projects_policy(headers: list[tuple[bytes, bytes]], accepted: bool) -> None:
    async def connect() -> bool:
        communicator = WebsocketCommunicator(application(), "/chat", headers=headers)
        connected, _ = await communicator.connect()
        await communicator.disconnect()
        return bool(connected)

    with override_settings(CORS_POLICY=POLICY, ROOT_URLCONF=(), MIDDLEWARE=[OURS]):
        assert asyncio.run(connect()) == accepted


def test_http_goes_by_the_same_policy() -> None:
    with override_settings(CORS_POLICY=POLICY, ROOT_URLCONF=(), MIDDLEWARE=[OURS]):
        response = asyncio.run(AsyncClient().get("/", headers={"Origin": APP}))
    assert response["Access-Control-Allow-Origin"] == APP
