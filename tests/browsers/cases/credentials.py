"""Requests with cookies. The API stands on the page's own host at another port, so the cookies are first-party ones."""

from __future__ import annotations

from ..case import BLOCKED, Act, Case

GROUP = "Credentials"
COOKIE = "{near}/cookie"

CASES = (
    Case(
        name="a cookie goes along and the answer may be read",
        group=GROUP,
        policy={"allow_origins": ["{app}"], "allow_credentials": True},
        acts=(Act(url=COOKIE, credentials="include", sees="200 session=1"),),
        requests=1,
    ),
    Case(
        name="no cookie without credentials mode include",
        group=GROUP,
        policy={"allow_origins": ["{app}"], "allow_credentials": True},
        acts=(
            Act(url=COOKIE, credentials="same-origin", sees="200 no cookie"),
            Act(url=COOKIE, credentials="omit", sees="200 no cookie"),
        ),
        requests=2,
    ),
    Case(
        name="a cookie goes along where the policy has no credentials",
        group=GROUP,
        policy={"allow_origins": ["{app}"]},
        acts=(Act(url=COOKIE, credentials="include", sees=BLOCKED),),
        requests=1,
    ),
    Case(
        name="credentials where any origin may read",
        group=GROUP,
        policy={"allow_origins": ["*"]},
        acts=(
            Act(url=COOKIE, credentials="include", sees=BLOCKED),
            Act(url=COOKIE, credentials="omit", sees="200 no cookie"),
        ),
        requests=2,
    ),
    Case(
        name="PUT with credentials, preflighted without the cookie",
        group=GROUP,
        transport=True,
        policy={"allow_origins": ["{app}"], "allow_credentials": True, "allow_methods": ["PUT"]},
        acts=(Act(url=COOKIE, method="PUT", credentials="include", sees="200 session=1"),),
        preflights=1,
        requests=1,
    ),
    Case(
        name="PUT with credentials where the policy has none is never sent",
        group=GROUP,
        policy={"allow_origins": ["{app}"], "allow_methods": ["PUT"]},
        acts=(Act(url=COOKIE, method="PUT", credentials="include", sees=BLOCKED),),
        preflights=1,
        requests=0,
    ),
    Case(
        name="PUT with credentials where any origin may read is never sent",
        group=GROUP,
        policy={"allow_origins": ["*"], "allow_methods": ["PUT"]},
        acts=(Act(url=COOKIE, method="PUT", credentials="include", sees=BLOCKED),),
        preflights=1,
        requests=0,
    ),
    Case(
        name="another origin with credentials",
        group=GROUP,
        policy={"allow_origins": ["{app}"], "allow_credentials": True, "allow_methods": ["PUT"]},
        acts=(
            Act(page="stranger", credentials="include", sees=BLOCKED),
            Act(page="stranger", method="PUT", credentials="include", sees=BLOCKED),
        ),
        preflights=1,
        requests=1,
    ),
    Case(
        name="any subdomain with credentials",
        group=GROUP,
        policy={"allow_origins": ["{scheme}://*.app.localhost:{port}"], "allow_credentials": True},
        acts=(
            Act(credentials="include", sees=BLOCKED),
            Act(page="sub", credentials="include", sees="200 GET"),
        ),
        requests=2,
    ),
    Case(
        name="XMLHttpRequest with credentials",
        group=GROUP,
        policy={"allow_origins": ["{app}"], "allow_credentials": True},
        acts=(Act(do="xhr", url=COOKIE, credentials="include", sees="200 session=1"),),
        requests=1,
    ),
    Case(
        name="XMLHttpRequest with credentials where the policy has none",
        group=GROUP,
        policy={"allow_origins": ["{app}"]},
        acts=(Act(do="xhr", url=COOKIE, credentials="include", sees=BLOCKED),),
        requests=1,
    ),
    Case(
        name="a cookie is set even by an answer that may not be read",
        group=GROUP,
        transport=True,
        policy={"allow_origins": ["{app}"]},
        acts=(
            Act(url="{near}/set-cookie", credentials="include", sees=BLOCKED),
            Act(do="cookie", options={"name": "fresh"}, predicted=False, sees="fresh=2"),
        ),
        requests=1,
    ),
)
