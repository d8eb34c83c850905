"""Which origins a policy lets in."""

from __future__ import annotations

from ..case import BLOCKED, Act, Case

GROUP = "Origins"


def by_predicate(origin: str) -> bool:
    return "app.localhost" in origin


CASES = (
    Case(
        name="an exact origin may read",
        group=GROUP,
        transport=True,
        policy={"allow_origins": ["{app}"]},
        acts=(Act(sees="200 GET"),),
        requests=1,
    ),
    Case(
        name="another origin is answered but may not read",
        group=GROUP,
        transport=True,
        policy={"allow_origins": ["{app}"]},
        acts=(Act(page="stranger", sees=BLOCKED),),
        requests=1,
    ),
    Case(
        name="a subdomain of an exact origin may not read",
        group=GROUP,
        policy={"allow_origins": ["{app}"]},
        acts=(Act(sees="200 GET"), Act(page="sub", sees=BLOCKED)),
        requests=2,
    ),
    Case(
        name="a policy that allows nobody",
        group=GROUP,
        policy={},
        acts=(Act(sees=BLOCKED),),
        requests=1,
    ),
    Case(
        name="any origin may read",
        group=GROUP,
        transport=True,
        policy={"allow_origins": ["*"]},
        acts=(Act(sees="200 GET"), Act(page="stranger", sees="200 GET")),
        requests=2,
    ),
    Case(
        name="one of several origins",
        group=GROUP,
        policy={"allow_origins": ["https://elsewhere.example", "{sub}", "{app}"]},
        acts=(Act(sees="200 GET"), Act(page="sub", sees="200 GET"), Act(page="stranger", sees=BLOCKED)),
        requests=3,
    ),
    Case(
        name="any subdomain stands for the subdomain and not for the host itself",
        group=GROUP,
        policy={"allow_origins": ["{scheme}://*.app.localhost:{port}"]},
        acts=(Act(sees=BLOCKED), Act(page="sub", sees="200 GET"), Act(page="stranger", sees=BLOCKED)),
        requests=3,
    ),
    Case(
        name="any port of one host",
        group=GROUP,
        policy={"allow_origins": ["{scheme}://app.localhost:*"]},
        acts=(Act(sees="200 GET"), Act(page="sub", sees=BLOCKED)),
        requests=2,
    ),
    Case(
        name="the same host without the port is another origin",
        group=GROUP,
        policy={"allow_origins": ["{scheme}://app.localhost"]},
        acts=(Act(sees=BLOCKED),),
        requests=1,
    ),
    Case(
        name="the same host under the other scheme is another origin",
        group=GROUP,
        policy={"allow_origins": ["{other_scheme}://app.localhost:{port}"]},
        acts=(Act(sees=BLOCKED),),
        requests=1,
    ),
    Case(
        name="a regex matches the whole origin",
        group=GROUP,
        policy={"allow_origin_regexes": [r"{scheme}://app\.localhost:[0-9]+"]},
        acts=(Act(sees="200 GET"), Act(page="sub", sees=BLOCKED)),
        requests=2,
    ),
    Case(
        name="a predicate decides",
        group=GROUP,
        policy={"allow_origin_predicate": by_predicate},
        acts=(Act(sees="200 GET"), Act(page="stranger", sees=BLOCKED)),
        requests=2,
    ),
    Case(
        name="a sandboxed frame has the origin null, which no list contains",
        group=GROUP,
        policy={"allow_origins": ["{app}"]},
        acts=(Act(place="sandbox", sees=BLOCKED),),
        requests=1,
    ),
    Case(
        name="a sandboxed frame where null is allowed by name",
        group=GROUP,
        policy={"allow_origins": ["{app}"], "dangerously_allow_null_origin": True, "allow_methods": ["PUT"]},
        acts=(Act(place="sandbox", sees="200 GET"), Act(place="sandbox", method="PUT", sees="200 PUT")),
        preflights=1,
        requests=2,
    ),
    Case(
        name="a sandboxed frame where any origin may read",
        group=GROUP,
        policy={"allow_origins": ["*"]},
        acts=(Act(place="sandbox", sees="200 GET"),),
        requests=1,
    ),
    Case(
        name="a worker has the origin of its page",
        group=GROUP,
        policy={"allow_origins": ["{app}"], "allow_methods": ["PUT"]},
        acts=(Act(place="worker", method="PUT", sees="200 PUT"),),
        preflights=1,
        requests=1,
    ),
    Case(
        name="a worker from a data URL has the origin null",
        group=GROUP,
        policy={"allow_origins": ["{app}"]},
        acts=(Act(place="data worker", sees=BLOCKED),),
        requests=1,
    ),
)
