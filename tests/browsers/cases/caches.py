"""What browsers remember: preflights, by Access-Control-Max-Age, and answers, by Vary."""

from __future__ import annotations

from ..case import BLOCKED, Act, Case, Fixed

PREFLIGHTS = "The preflight cache"
ANSWERS = "The HTTP cache"

PUT = Act(method="PUT", sees="200 PUT")
DELETE = Act(method="DELETE", sees="200 DELETE")
PUT_WITH_COOKIE = Act(method="PUT", credentials="include", url="{near}/data", sees="200 PUT")
DELETE_WITH_COOKIE = Act(method="DELETE", credentials="include", url="{near}/data", sees="200 DELETE")
BOTH = ["PUT", "DELETE"]
# An image without crossorigin is asked for without an Origin header; the fetch after it has one.
SHOWN = Act(
    do="image",
    url="{api}/cacheable.png",
    options={"crossorigin": None},
    predicted=False,
    sees="loaded, pixels not readable: SecurityError",
)

CASES = (
    Case(
        name="max_age=600, three PUT and a DELETE",
        group=PREFLIGHTS,
        policy={"allow_origins": ["{app}"], "allow_methods": BOTH, "max_age": 600},
        acts=(PUT, PUT, PUT, DELETE),
        preflights=1,
        requests=4,
    ),
    Case(
        name="max_age=0, three PUT and a DELETE",
        group=PREFLIGHTS,
        policy={"allow_origins": ["{app}"], "allow_methods": BOTH, "max_age": 0},
        acts=(PUT, PUT, PUT, DELETE),
        preflights=4,
        requests=4,
    ),
    Case(
        name="max_age=600, three PUT and a DELETE with credentials",
        group=PREFLIGHTS,
        policy={"allow_origins": ["{app}"], "allow_methods": BOTH, "max_age": 600, "allow_credentials": True},
        acts=(PUT_WITH_COOKIE, PUT_WITH_COOKIE, PUT_WITH_COOKIE, DELETE_WITH_COOKIE),
        preflights=1,
        requests=4,
    ),
    Case(
        name="max_age=0, three PUT and a DELETE with credentials",
        group=PREFLIGHTS,
        policy={"allow_origins": ["{app}"], "allow_methods": BOTH, "max_age": 0, "allow_credentials": True},
        acts=(PUT_WITH_COOKIE, PUT_WITH_COOKIE, PUT_WITH_COOKIE, DELETE_WITH_COOKIE),
        preflights=4,
        requests=4,
    ),
    Case(
        name="max_age=600 serves every listed header",
        group=PREFLIGHTS,
        policy={"allow_origins": ["{app}"], "allow_headers": ["X-Alpha", "X-Beta"], "max_age": 600},
        acts=(
            Act(headers={"X-Alpha": "1"}, sees="200 GET"),
            Act(headers={"X-Beta": "1"}, sees="200 GET"),
            Act(headers={"X-Alpha": "1", "X-Beta": "1"}, sees="200 GET"),
        ),
        preflights=1,
        requests=3,
    ),
    Case(
        name="max_age=600 and any method with credentials: a preflight for each method",
        group=PREFLIGHTS,
        policy={"allow_origins": ["{app}"], "allow_methods": ["*"], "max_age": 600, "allow_credentials": True},
        acts=(PUT_WITH_COOKIE, DELETE_WITH_COOKIE),
        preflights=2,
        requests=2,
    ),
    Case(
        name="max_age=600, two addresses have a preflight each",
        group=PREFLIGHTS,
        policy={"allow_origins": ["{app}"], "allow_methods": BOTH, "max_age": 600},
        acts=(PUT, Act(url="{api}/data?other", method="PUT", sees="200 PUT"), PUT),
        preflights=2,
        requests=3,
    ),
    Case(
        name="max_age=600, two origins have a preflight each",
        group=PREFLIGHTS,
        policy={"allow_origins": ["{app}", "{sub}"], "allow_methods": BOTH, "max_age": 600},
        acts=(
            PUT,
            PUT,
            Act(page="sub", method="PUT", sees="200 PUT"),
            Act(page="sub", method="DELETE", sees="200 DELETE"),
        ),
        preflights=2,
        requests=4,
    ),
    Case(
        name="two origins read the same stored answer",
        group=ANSWERS,
        transport=True,
        policy={"allow_origins": ["{app}", "{sub}"]},
        acts=(Act(url="{api}/cacheable", sees="200 stored"), Act(page="sub", url="{api}/cacheable", sees="200 stored")),
        requests=2,
    ),
    Case(
        name="a stored answer to a refused origin does not harm an allowed one",
        group=ANSWERS,
        policy={"allow_origins": ["{sub}"]},
        acts=(Act(url="{api}/cacheable", sees=BLOCKED), Act(page="sub", url="{api}/cacheable", sees="200 stored")),
        requests=2,
    ),
    Case(
        name="a stored image without Origin does not harm a fetch of it",
        group=ANSWERS,
        policy={"allow_origins": ["{app}"]},
        acts=(
            SHOWN,
            Act(
                do="image",
                url="{api}/cacheable.png",
                options={"crossorigin": "anonymous"},
                sees="loaded, pixels readable",
            ),
        ),
        requests=2,
    ),
    Case(
        name="where any origin may read, one stored answer serves all",
        group=ANSWERS,
        policy={"allow_origins": ["*"]},
        acts=(Act(url="{api}/cacheable", sees="200 stored"), Act(page="sub", url="{api}/cacheable", sees="200 stored")),
    ),
    Case(
        name="without Vary the stored answer to one origin is given to another",
        group=ANSWERS,
        fixed=Fixed(actual=(("Access-Control-Allow-Origin", "{origin}"),)),
        acts=(
            Act(url="{api}/cacheable", sees="200 stored"),
            Act(page="sub", url="{api}/cacheable", predicted=False, sees=BLOCKED),
        ),
        unlike_the_others={
            "Chromium over https": ("200 stored", "200 stored"),
            "WebKitGTK": ("200 stored", "200 stored"),
        },
        why_unlike="Chromium stores nothing under a certificate that it cannot verify, WebKitGTK nothing while it is "
        "driven by a test; the other cases about the HTTP cache prove nothing there",
    ),
    Case(
        name="a stored answer that is confirmed with 304",
        group=ANSWERS,
        transport=True,
        policy={"allow_origins": ["{app}"]},
        acts=(Act(url="{api}/revalidated", sees="200 tagged"), Act(url="{api}/revalidated", sees="200 tagged")),
        requests=2,
    ),
)
