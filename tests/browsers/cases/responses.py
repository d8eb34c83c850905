"""Whole answers: which headers a script may read, errors, streams, and what the application did by itself."""

from __future__ import annotations

from ..case import BLOCKED, Act, Case

EXPOSED = "Exposed headers"
ANSWERS = "Answers of every kind"

CASES = (
    Case(
        name="no header is exposed but the safelisted ones",
        group=EXPOSED,
        policy={"allow_origins": ["{app}"]},
        acts=(
            Act(
                read=("X-Total", "Cache-Control", "Content-Language", "Set-Cookie"),
                sees="200 GET X-Total=hidden Cache-Control=no-store Content-Language=en Set-Cookie=hidden",
            ),
        ),
        requests=1,
    ),
    Case(
        name="one header is exposed",
        group=EXPOSED,
        policy={"allow_origins": ["{app}"], "expose_headers": ["x-total"]},
        acts=(Act(read=("X-Total", "X-Page"), sees="200 GET X-Total=7 X-Page=hidden"),),
        requests=1,
    ),
    Case(
        name="two headers are exposed, to XMLHttpRequest",
        group=EXPOSED,
        policy={"allow_origins": ["{app}"], "expose_headers": ["X-Total", "X-Page"]},
        acts=(
            Act(
                do="xhr", read=("X-Total", "X-Page", "Set-Cookie"), sees="200 GET X-Total=7 X-Page=2 Set-Cookie=hidden"
            ),
        ),
        requests=1,
    ),
    Case(
        name="every header is exposed, cookies excepted",
        group=EXPOSED,
        transport=True,
        policy={"allow_origins": ["{app}"], "expose_headers": ["*"]},
        acts=(Act(read=("X-Total", "X-Page", "Set-Cookie"), sees="200 GET X-Total=7 X-Page=2 Set-Cookie=hidden"),),
        requests=1,
    ),
    Case(
        name="every header is exposed where any origin may read",
        group=EXPOSED,
        policy={"allow_origins": ["*"], "expose_headers": ["*"]},
        acts=(Act(page="stranger", read=("X-Total", "X-Page"), sees="200 GET X-Total=7 X-Page=2"),),
        requests=1,
    ),
    Case(
        name="named headers with credentials",
        group=EXPOSED,
        policy={"allow_origins": ["{app}"], "expose_headers": ["X-Total"], "allow_credentials": True},
        acts=(Act(credentials="include", read=("X-Total", "X-Page"), sees="200 GET X-Total=7 X-Page=hidden"),),
        requests=1,
    ),
    Case(
        name="a header is exposed after a preflight",
        group=EXPOSED,
        policy={"allow_origins": ["{app}"], "expose_headers": ["X-Total"], "allow_methods": ["PUT"]},
        acts=(Act(method="PUT", read=("X-Total",), sees="200 PUT X-Total=7"),),
        preflights=1,
        requests=1,
    ),
    Case(
        name="a header is exposed on an error",
        group=EXPOSED,
        policy={"allow_origins": ["{app}"], "expose_headers": ["X-Total"]},
        acts=(Act(url="{api}/no-such-thing", read=("X-Total",), sees="404 missing X-Total=0"),),
        requests=1,
    ),
    Case(
        name="the timings of an answer are hidden",
        group=EXPOSED,
        policy={"allow_origins": ["{app}"]},
        acts=(Act(do="timing", sees="200 GET, timings hidden"),),
        requests=1,
    ),
    Case(
        name="the timings of an answer may be read",
        group=EXPOSED,
        policy={"allow_origins": ["{app}"], "allow_timing": True},
        acts=(Act(do="timing", sees="200 GET, timings readable"),),
        requests=1,
    ),
    Case(
        name="404 may be read",
        group=ANSWERS,
        transport=True,
        policy={"allow_origins": ["{app}"]},
        acts=(Act(url="{api}/no-such-thing", sees="404 missing"),),
        requests=1,
    ),
    Case(
        name="404 to another origin",
        group=ANSWERS,
        policy={"allow_origins": ["{app}"]},
        acts=(Act(page="stranger", url="{api}/no-such-thing", sees=BLOCKED),),
        requests=1,
    ),
    Case(
        name="500 may be read",
        group=ANSWERS,
        policy={"allow_origins": ["{app}"]},
        acts=(Act(url="{api}/broken", sees="500 broken"),),
        requests=1,
    ),
    Case(
        name="500 after a preflight may be read",
        group=ANSWERS,
        transport=True,
        policy={"allow_origins": ["{app}"], "allow_methods": ["PUT"]},
        acts=(Act(url="{api}/broken", method="PUT", sees="500 broken"),),
        preflights=1,
        requests=1,
    ),
    Case(
        name="401 may be read",
        group=ANSWERS,
        policy={"allow_origins": ["{app}"]},
        acts=(Act(url="{api}/unauthorised", sees="401 who are you"),),
        requests=1,
    ),
    Case(
        name="204 may be read",
        group=ANSWERS,
        transport=True,
        policy={"allow_origins": ["{app}"], "allow_methods": ["DELETE"]},
        acts=(Act(url="{api}/nothing", method="DELETE", sees="204"),),
        preflights=1,
        requests=1,
    ),
    Case(
        name="an error that replaces an answer already begun",
        group=ANSWERS,
        policy={"allow_origins": ["{app}"]},
        acts=(Act(url="{api}/late-error", sees="500 late"),),
        requests=1,
    ),
    Case(
        name="a stream is read chunk by chunk",
        group=ANSWERS,
        transport=True,
        policy={"allow_origins": ["{app}"]},
        acts=(Act(do="stream", url="{api}/stream", sees="200 one two three"),),
        requests=1,
    ),
    Case(
        name="a stream to another origin",
        group=ANSWERS,
        transport=True,
        policy={"allow_origins": ["{app}"]},
        acts=(Act(page="stranger", do="stream", url="{api}/stream", sees=BLOCKED),),
        requests=1,
    ),
    Case(
        name="CORS headers that the application set are replaced, not doubled",
        group=ANSWERS,
        transport=True,
        policy={"allow_origins": ["{app}"], "allow_credentials": True},
        acts=(
            Act(url="{api}/own-cors", credentials="include", sees="200 own"),
            Act(page="stranger", url="{api}/own-cors", sees=BLOCKED),
        ),
        requests=2,
    ),
    Case(
        name="fetch with keepalive",
        group=ANSWERS,
        policy={"allow_origins": ["{app}"], "allow_methods": ["PUT"]},
        acts=(
            Act(
                method="PUT",
                body="x",
                headers={"Content-Type": "text/plain"},
                options={"keepalive": True},
                sees="200 PUT",
            ),
        ),
        preflights=1,
        requests=1,
    ),
    Case(
        name="fetch without CORS gets an answer that it cannot read",
        group=ANSWERS,
        policy={"allow_origins": ["{app}"]},
        acts=(Act(page="stranger", options={"mode": "no-cors"}, predicted=False, sees="0"),),
        requests=1,
    ),
)
