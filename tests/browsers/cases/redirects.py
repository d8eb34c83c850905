"""Redirects: each answer on the way is checked, and after two remote origins the Origin header says null."""

from __future__ import annotations

from ..case import BLOCKED, Act, Case

GROUP = "Redirects"

CASES = (
    Case(
        name="from the page's own origin to the API",
        group=GROUP,
        policy={"allow_origins": ["{app}"]},
        acts=(Act(url="{own}/redirect?302&{api}/data", sees="200 GET"),),
        requests=1,
    ),
    Case(
        name="within the API",
        group=GROUP,
        policy={"allow_origins": ["{app}"]},
        acts=(Act(url="{api}/redirect?302&{api}/data", sees="200 GET"),),
        requests=2,
    ),
    Case(
        name="a redirect for another origin is not followed",
        group=GROUP,
        policy={"allow_origins": ["{app}"]},
        acts=(Act(page="stranger", url="{api}/redirect?302&{api}/data", sees=BLOCKED),),
        requests=1,
    ),
    Case(
        name="from one API host to another the origin becomes null",
        group=GROUP,
        policy={"allow_origins": ["{app}"]},
        acts=(Act(url="{api}/redirect?302&{other}/data", sees=BLOCKED),),
        requests=2,
    ),
    Case(
        name="from one API host to another where null is allowed",
        group=GROUP,
        policy={"allow_origins": ["{app}"], "dangerously_allow_null_origin": True},
        acts=(Act(url="{api}/redirect?302&{other}/data", sees="200 GET"),),
        requests=2,
    ),
    Case(
        name="from one API host to another where any origin may read",
        group=GROUP,
        policy={"allow_origins": ["*"]},
        acts=(Act(url="{api}/redirect?302&{other}/data", sees="200 GET"),),
        requests=2,
    ),
    Case(
        name="303 after POST becomes GET",
        group=GROUP,
        policy={"allow_origins": ["{app}"]},
        acts=(
            Act(
                url="{api}/redirect?303&{api}/data",
                method="POST",
                body="x",
                headers={"Content-Type": "text/plain"},
                sees="200 GET",
            ),
        ),
        requests=2,
    ),
    Case(
        name="307 after PUT is preflighted again for the new address",
        group=GROUP,
        transport=True,
        policy={"allow_origins": ["{app}"], "allow_methods": ["PUT"]},
        acts=(Act(url="{api}/redirect?307&{api}/data", method="PUT", sees="200 PUT"),),
        preflights=2,
        requests=2,
    ),
    Case(
        name="307 from the page's own origin keeps PUT",
        group=GROUP,
        policy={"allow_origins": ["{app}"], "allow_methods": ["PUT"]},
        acts=(Act(url="{own}/redirect?307&{api}/data", method="PUT", sees="200 PUT"),),
        preflights=1,
        requests=1,
    ),
    Case(
        name="XMLHttpRequest with credentials within the API",
        group=GROUP,
        policy={"allow_origins": ["{app}"], "allow_credentials": True},
        acts=(Act(do="xhr", url="{near}/redirect?302&{near}/cookie", credentials="include", sees="200 session=1"),),
        requests=2,
    ),
)
