"""Elements and other ways than fetch() by which a page asks another origin: all of them obey the same headers."""

from __future__ import annotations

from collections.abc import Mapping

from ..case import BLOCKED, Act, Case

GROUP = "Elements, events and beacons"
ALLOWED = {"allow_origins": ["{app}"]}
WITH_CREDENTIALS = {"allow_origins": ["{app}"], "allow_credentials": True}
ANONYMOUS = {"crossorigin": "anonymous"}
USE_CREDENTIALS = {"crossorigin": "use-credentials"}
PLAIN = {"crossorigin": None}
MODULE = {"type": "module", "crossorigin": None}
FONTS_WITHOUT_CORS = "WebKitGTK asks for fonts without CORS: no `Origin` header, and no check of the answer"
JSON = {"Content-Type": "application/json"}


def image(sees: str, options: Mapping[str, str | None], page: str = "app", host: str = "api") -> Act:
    credentials = "include" if options == USE_CREDENTIALS else "same-origin"
    url = f"{{{host}}}/pixel.png"
    return Act(
        do="image", url=url, options=options, credentials=credentials, page=page, predicted=options != PLAIN, sees=sees
    )


def script(sees: str, url: str, options: Mapping[str, str | None], page: str = "app", *, predicted: bool = True) -> Act:
    credentials = "include" if options["crossorigin"] == "use-credentials" else "same-origin"
    return Act(
        do="script", url=url, options=options, credentials=credentials, page=page, predicted=predicted, sees=sees
    )


CASES = (
    Case(
        name="img crossorigin, whose pixels may be read",
        group=GROUP,
        policy=ALLOWED,
        acts=(image("loaded, pixels readable", ANONYMOUS),),
        requests=1,
    ),
    Case(
        name="img crossorigin for another origin",
        group=GROUP,
        policy=ALLOWED,
        acts=(image(BLOCKED, ANONYMOUS, page="stranger"),),
        requests=1,
    ),
    Case(
        name="img crossorigin=use-credentials",
        group=GROUP,
        transport=True,
        policy=WITH_CREDENTIALS,
        acts=(image("loaded, pixels readable", USE_CREDENTIALS, host="near"),),
        requests=1,
    ),
    Case(
        name="img crossorigin=use-credentials where any origin may read",
        group=GROUP,
        policy={"allow_origins": ["*"]},
        acts=(image(BLOCKED, USE_CREDENTIALS),),
        requests=1,
    ),
    Case(
        name="img without crossorigin is shown, its pixels stay hidden",
        group=GROUP,
        policy=ALLOWED,
        acts=(image("loaded, pixels not readable: SecurityError", PLAIN),),
        requests=1,
    ),
    Case(
        name="script type=module",
        group=GROUP,
        policy=ALLOWED,
        acts=(script("loaded", "{api}/module.js", MODULE),),
        requests=1,
    ),
    Case(
        name="script type=module for another origin",
        group=GROUP,
        policy=ALLOWED,
        acts=(script(BLOCKED, "{api}/module.js", MODULE, page="stranger"),),
        requests=1,
    ),
    Case(
        name="script type=module with credentials",
        group=GROUP,
        policy=WITH_CREDENTIALS,
        acts=(script("loaded", "{near}/module.js", {"type": "module", "crossorigin": "use-credentials"}),),
        requests=1,
    ),
    Case(
        name="import() of a module",
        group=GROUP,
        policy=ALLOWED,
        acts=(Act(do="dynamicImport", url="{api}/module.js", sees="loaded, exports module"),),
        requests=1,
    ),
    Case(
        name="import() for another origin",
        group=GROUP,
        policy=ALLOWED,
        acts=(Act(do="dynamicImport", url="{api}/module.js", page="stranger", sees=BLOCKED),),
        requests=1,
    ),
    Case(
        name="script crossorigin, whose errors may be read",
        group=GROUP,
        policy=ALLOWED,
        acts=(
            script(
                "loaded, its error readable",
                "{api}/throwing.js",
                {"type": "classic", "crossorigin": "anonymous"},
            ),
        ),
        requests=1,
    ),
    Case(
        name="script without crossorigin runs, its errors stay hidden",
        group=GROUP,
        policy=ALLOWED,
        acts=(
            script(
                "loaded, its error hidden: Script error.",
                "{api}/throwing.js",
                {"type": "classic", "crossorigin": None},
                predicted=False,
            ),
        ),
        requests=1,
        unlike_the_others={"Firefox": ("loaded, its error readable",)},
        why_unlike="Firefox, as it is driven here, tells a page what went wrong in a script of another origin",
    ),
    Case(
        name="stylesheet crossorigin, whose rules may be read",
        group=GROUP,
        policy=ALLOWED,
        acts=(Act(do="stylesheet", url="{api}/style.css", options=ANONYMOUS, sees="loaded, 1 rule readable"),),
        requests=1,
    ),
    Case(
        name="stylesheet crossorigin for another origin",
        group=GROUP,
        policy=ALLOWED,
        acts=(Act(do="stylesheet", url="{api}/style.css", options=ANONYMOUS, page="stranger", sees=BLOCKED),),
        requests=1,
    ),
    Case(
        name="stylesheet without crossorigin applies, its rules stay hidden",
        group=GROUP,
        policy=ALLOWED,
        acts=(
            Act(
                do="stylesheet",
                url="{api}/style.css",
                options=PLAIN,
                predicted=False,
                sees="loaded, rules not readable: SecurityError",
            ),
        ),
        requests=1,
    ),
    Case(
        name="a font",
        group=GROUP,
        policy=ALLOWED,
        acts=(Act(do="font", url="{api}/font.ttf", sees="loaded"),),
        requests=1,
        unlike_the_others={"WebKitGTK": ("loaded",)},
        why_unlike=FONTS_WITHOUT_CORS,
    ),
    Case(
        name="a font for another origin",
        group=GROUP,
        policy=ALLOWED,
        acts=(Act(do="font", url="{api}/font.ttf", page="stranger", sees=BLOCKED),),
        requests=1,
        unlike_the_others={"WebKitGTK": ("loaded",)},
        why_unlike=FONTS_WITHOUT_CORS,
    ),
    Case(
        name="a font where any origin may read",
        group=GROUP,
        policy={"allow_origins": ["*"]},
        acts=(Act(do="font", url="{api}/font.ttf", page="stranger", sees="loaded"),),
        requests=1,
        unlike_the_others={"WebKitGTK": ("loaded",)},
        why_unlike=FONTS_WITHOUT_CORS,
    ),
    Case(
        name="EventSource",
        group=GROUP,
        policy=ALLOWED,
        acts=(Act(do="events", url="{api}/events", sees="message hello"),),
        requests=1,
    ),
    Case(
        name="EventSource for another origin",
        group=GROUP,
        policy=ALLOWED,
        acts=(Act(do="events", url="{api}/events", page="stranger", sees=BLOCKED),),
        requests=1,
    ),
    Case(
        name="EventSource with credentials",
        group=GROUP,
        transport=True,
        policy=WITH_CREDENTIALS,
        acts=(Act(do="events", url="{near}/events", credentials="include", sees="message hello"),),
        requests=1,
    ),
    Case(
        name="EventSource with credentials where the policy has none",
        group=GROUP,
        policy=ALLOWED,
        acts=(Act(do="events", url="{near}/events", credentials="include", sees=BLOCKED),),
        requests=1,
    ),
    Case(
        name="sendBeacon of text is sent no matter who may read",
        group=GROUP,
        policy=ALLOWED,
        acts=(
            Act(
                do="beacon",
                page="stranger",
                method="POST",
                body="x",
                headers={"Content-Type": "text/plain"},
                credentials="include",
                options={"until": "POST"},
                predicted=False,
                sees="POST arrived",
            ),
        ),
        requests=1,
    ),
    Case(
        name="sendBeacon of JSON is preflighted with credentials",
        group=GROUP,
        policy={**WITH_CREDENTIALS, "allow_headers": ["Content-Type"]},
        acts=(
            Act(
                do="beacon",
                method="POST",
                body="{}",
                headers=JSON,
                credentials="include",
                options={"until": "POST"},
                sees="POST arrived",
            ),
        ),
        preflights=1,
        requests=1,
    ),
    Case(
        name="sendBeacon of JSON where the policy has no credentials is never sent",
        group=GROUP,
        policy={**ALLOWED, "allow_headers": ["Content-Type"]},
        acts=(
            Act(
                do="beacon",
                method="POST",
                body="{}",
                headers=JSON,
                credentials="include",
                options={"until": "OPTIONS"},
                sees="OPTIONS arrived",
            ),
        ),
        preflights=1,
        requests=0,
    ),
    Case(
        name="fetch with keepalive from a frame that goes away",
        group=GROUP,
        policy=ALLOWED,
        acts=(
            Act(
                do="leaving",
                method="POST",
                body="x",
                headers={"Content-Type": "text/plain"},
                options={"until": "POST"},
                sees="POST arrived",
            ),
        ),
        requests=1,
    ),
)
