"""Uses of the aiohttp door as a typed program would write them. Never run: mypy and pyright read it."""

from typing import assert_type

from aiohttp import web

from corecors import CORSRequest, Decision, PathPolicies, Policy, PolicySource
from corecors.adapters.aiohttp import CORS, CORS_KEY, cross_origin, setup_cors

policy = Policy(allow_origins=["https://app.example.com"])


@cross_origin(policy)
async def handler(request: web.Request) -> web.Response:
    return web.Response()


@cross_origin(None)
class Items(web.View):
    @cross_origin(PathPolicies({"/items": policy}))
    async def get(self) -> web.Response:
        return web.Response()


def note(decision: Decision, request: CORSRequest) -> None: ...


app = web.Application()
cors = setup_cors(
    app,
    policy,
    on_decision=note,
    report_only=PathPolicies({"/": policy}),
    block_disallowed=True,
    check_websockets=False,
    own_origins=["https://api.example.com"],
    rejections=None,
)
app.add_routes([web.get("/", handler), web.view("/items", Items)])
assert_type(cors, CORS)
assert_type(app[CORS_KEY], CORS)
assert_type(cors.policy, Policy | PolicySource | None)
cors.policy = PathPolicies({"/": policy})
cors.policy = "*"  # type: ignore[assignment]
