"""What debug mode promises: the console names the step that failed."""

from __future__ import annotations

from ..case import BLOCKED, Act, Case

GROUP = "Debug mode"

CASES = (
    Case(
        name="debug names the refused method",
        group=GROUP,
        transport=True,
        policy={"allow_origins": ["{app}"], "allow_methods": ["PUT"], "debug": True},
        acts=(Act(method="DELETE", sees=BLOCKED),),
        preflights=1,
        requests=0,
        console=("Method DELETE is not allowed by Access-Control-Allow-Methods in preflight response",),
    ),
    Case(
        name="debug names the refused header",
        group=GROUP,
        policy={"allow_origins": ["{app}"], "allow_headers": ["X-Alpha"], "debug": True},
        acts=(Act(headers={"X-Alpha": "1", "X-Gamma": "2"}, sees=BLOCKED),),
        preflights=1,
        requests=0,
        console=("x-gamma", "is not allowed by Access-Control-Allow-Headers in preflight response"),
    ),
    Case(
        name="debug names the refused origin",
        group=GROUP,
        policy={"allow_origins": ["{app}"], "allow_methods": ["PUT"], "debug": True},
        acts=(Act(page="stranger", method="PUT", sees=BLOCKED),),
        preflights=1,
        requests=0,
        console=("{stranger}", "Access-Control-Allow-Origin"),
    ),
    Case(
        name="debug lets Authorization through no more than without",
        group=GROUP,
        policy={"allow_origins": ["{app}"], "allow_headers": ["*"], "debug": True},
        acts=(Act(headers={"Authorization": "Bearer t"}, sees=BLOCKED),),
        preflights=1,
        requests=0,
        console=("authorization", "is not allowed by Access-Control-Allow-Headers in preflight response"),
    ),
    Case(
        name="debug changes nothing for what is allowed",
        group=GROUP,
        policy={"allow_origins": ["{app}"], "allow_methods": ["PUT"], "allow_headers": ["X-Alpha"], "debug": True},
        acts=(Act(method="PUT", headers={"X-Alpha": "1"}, sees="200 PUT"),),
        preflights=1,
        requests=1,
    ),
    Case(
        name="without debug the console does not name the method",
        group=GROUP,
        policy={"allow_origins": ["{app}"], "allow_methods": ["PUT"]},
        acts=(Act(method="DELETE", sees=BLOCKED),),
        preflights=1,
        requests=0,
        console=("Access-Control-Allow-Origin",),
        console_lacks=("Method DELETE",),
    ),
)
