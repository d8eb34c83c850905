"""What an installed corecors answers, and which build it is, as JSON. Run by the interpreter of an environment that has
nothing else: the standard library, and the attack corpora beside this folder.

The allowed are named by the corpora; whoever runs this knows what to expect.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "support"))

import attack_corpora

import corecors
from corecors import Policy, evaluate, preflight_headers
from corecors.adapters import asgi, wsgi

POLICY = Policy(allow_origins=attack_corpora.ALLOW_LIST, allow_headers=["X-One"], allow_credentials=True)
OWN = ("Content-Type", "text/plain")


def through_wsgi(origin: str) -> list[tuple[str, str]]:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [OWN])
        return []

    seen: list[tuple[str, str]] = []
    door = wsgi.CORSMiddleware(app, POLICY, rejections=None)
    door({"REQUEST_METHOD": "GET", "HTTP_ORIGIN": origin}, lambda status, headers, exc_info=None: seen.extend(headers))
    return seen


def through_asgi(origin: str) -> list[tuple[str, str]]:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [tuple(each.encode() for each in OWN)]})

    seen: list[tuple[str, str]] = []

    async def send(message: Any) -> None:
        seen.extend((name.decode().title(), value.decode("latin-1")) for name, value in message["headers"])

    door = asgi.CORSMiddleware(app, POLICY, rejections=None)
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "headers": [(b"origin", origin.encode("utf-8", "surrogatepass"))],
    }
    asyncio.run(door(scope, None, send))  # type: ignore[arg-type]
    return seen


answers = {
    each.id: [
        evaluate(POLICY, "GET", each.value).allowed,
        preflight_headers(POLICY, each.value, "POST", "x-one"),
        through_wsgi(each.value),
        through_asgi(each.value),
    ]
    for each in attack_corpora.origins()
}
print(json.dumps({"compiled": corecors.__compiled__, "file": asgi.__file__, "answers": answers}))
