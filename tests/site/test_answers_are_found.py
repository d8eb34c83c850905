"""What people have asked in public: each is answered on a page that the site's own search finds, in its first hits, and
that is three clicks or fewer from the first page."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .test_links import READ, SITE
from .test_pages import wait_for

if TYPE_CHECKING:
    from browsers.engines import Engine

HITS = 5  # sections that a reader looks at before searching for something else
CLICKS = 3

# What somebody types, the section that answers it, and words that stand there.
QUESTIONS = [
    pytest.param(
        "django-cors-headers", "migrating.html#django-cors-headers", "CORS_ALLOW_ALL_ORIGINS", id="another library"
    ),
    pytest.param("no-scheme 127.0.0.1:5500", "refused.html", "127.0.0.1:5500", id="an origin without its scheme"),
    pytest.param("moz-extension", "production.html#origins-that-are-not-https", "moz-extension", id="an extension"),
    pytest.param("http 192.168.1 wildcard", "refused.html", "192.168.1.*:3000", id="any address of a network"),
    pytest.param("vercel wildcard", "refused.html", "vercel.app", id="previews at a host"),
    pytest.param("allow_headers Authorization", "reference/options.html#allow_headers", "does not cover", id="a token"),
    pytest.param("Accept-Language", "refused.html", "Accept-Language", id="headers that need no listing"),
    pytest.param("redirected to login", "errors.html#login", "401", id="a redirect to a login"),
    pytest.param("redirect preflight", "errors.html#preflight-redirected", "final address", id="a redirect to https"),
    pytest.param("502 proxy", "errors.html#server-error", "consequence", id="a proxy without its application"),
    pytest.param("request did not succeed", "errors.html#no-answer", "did not succeed", id="Firefox: did not succeed"),
    pytest.param("origin null", "errors.html#null-origin", "from origin 'null'", id="from origin 'null'"),
    pytest.param("dangers", "command-line.html#dangers", "any origin", id="what else is dangerous"),
    pytest.param(
        "401 Authorization compared", "command-line.html#dangers", "the same status", id="a token's 401 and 200"
    ),
    pytest.param("reflects any origin", "errors.html#wildcard-with-credentials", "reflects", id="a reflecting server"),
    pytest.param("vary origin cache", "errors.html#a-cache-in-between", "Vary: Origin", id="works at first"),
    pytest.param("patch case-sensitive", "errors.html#method-not-allowed", "PATCH", id="patch in lower case"),
    pytest.param("add_header always if", "errors.html#missing-header", "always", id="half of it"),
    pytest.param("header field is not allowed", "errors.html#header-not-allowed", "whole line", id="a header"),
    pytest.param("Access to XMLHttpRequest", "errors.html", "XMLHttpRequest", id="axios and jQuery"),
    pytest.param("X-RateLimit pattern", "refused.html", "X-RateLimit-*", id="names that never match"),
    pytest.param("allow_methods GET POST passes", "policy.html#arguments", "keeps no POST away", id="POST passes"),
    pytest.param("flask-cors resources origins", "migrating.html#flask-cors", "resources", id="coming from flask-cors"),
    pytest.param("cross_origin takes effect", "flask.html", "nothing is sent", id="no header at all in Flask"),
    pytest.param(
        "starlette allow_origin_regex", "migrating.html#starlette-fastapi", "allow_origin_regex", id="Starlette"
    ),
    pytest.param("tool.corecors", "policy.html#formats", "tool.corecors", id="where keys stand in TOML"),
    pytest.param("POLICY is an application", "command-line.html#policy", "shop:app", id="check an application"),
    pytest.param("CORS_MAX_AGE", "reference/options.html#max_age", "CORS_MAX_AGE", id="the variable of an option"),
    pytest.param("PolicySource", "reference/core.html", "policy_for", id="a source of one's own"),
    pytest.param("SameSite cookie", "errors.html#cookies", "SameSite=None", id="the cookie is not sent"),
    pytest.param("third-party cookies", "production.html#cookies-cors-is-one-half", "Partitioned", id="third parties"),
    pytest.param("500 server error", "errors.html#server-error", "500", id="it is really a 500"),
    pytest.param("ambiguous path %2F", "security.html#what-an-ambiguous-path-gets", "%2F", id="// and %2F"),
    pytest.param("rejections log application", "production.html#the-log-of-rejected-requests", "log", id="log"),
    pytest.param("django test Client", "django.html", "django.test.Client", id="Django's test client"),
    pytest.param("pyramid exception", "other-frameworks.html#pyramid", "exception", id="Pyramid's errors"),
    pytest.param("gunicorn preload SIGHUP", "production.html", "--preload", id="SIGHUP under --preload"),
    pytest.param("co.uk psl", "refused.html", "psl", id="public suffixes without the list"),
    pytest.param("merge headers framework", "other-frameworks.html#without-wsgi-or-asgi", "merge", id="no door"),
    pytest.param("Access to font", "errors.html#module-font-or-image", "font", id="a font from a CDN"),
    pytest.param("WebSocket connection failed 403", "errors.html#websocket-refused", "403", id="WebSocket"),
    pytest.param("local network permission", "errors.html#local-network", "permission", id="a device"),
]


OPEN = "document.querySelector('.md-search__button').click()"
FOUND = """
    const [words, done] = arguments;
    const host = [...document.querySelectorAll("*")].find(element => element.shadowRoot?.querySelector("input"));
    const input = host.shadowRoot.querySelector("input");
    const type = text => {
        input.value = text;
        input.dispatchEvent(new Event("input", {bubbles: true}));
    };
    const links = () => [...host.shadowRoot.querySelectorAll("a")].map(link => new URL(link.href));
    const when = async (holds) => {
        while (!holds()) await new Promise(resolve => setTimeout(resolve, 20));
    };
    (async () => {
        type("");
        await when(() => links().length === 0);
        type(words);
        await when(() => links().length > 0);
        return links().map(url => url.pathname.slice(1) + url.hash);
    })().then(done);
"""


@pytest.fixture(scope="module")
def search(chromium: Engine, site: str) -> Callable[[str], list[str]]:
    """Types a text into the search of the first page; gives the sections that are offered, in their order."""
    driver: Any = chromium.driver
    metrics = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    chromium.open(site + "index.html")
    driver.execute_script(OPEN)
    found = "return [...document.querySelectorAll('*')].some(element => element.shadowRoot?.querySelector('input'))"
    wait_for(driver, found, True)
    return lambda words: driver.execute_async_script(FOUND, words)


@pytest.mark.parametrize(("words", "answer", "said"), QUESTIONS)
def test_one_search_finds_the_answer(search: Callable[[str], list[str]], words: str, answer: str, said: str) -> None:
    assert said in text_of(answer)
    hits = search(words)[:HITS]
    assert answer in hits or ("#" not in answer and answer in [hit.partition("#")[0] for hit in hits])


@pytest.mark.parametrize("answer", sorted({question.values[1] for question in QUESTIONS}))
def test_the_answer_is_three_clicks_away(answer: str) -> None:
    reached = {SITE / "index.html"}
    for _ in range(CLICKS):
        links = {link for page in reached for link in absolute(page)}
        if answer in links:
            return
        reached |= {SITE / link.partition("#")[0] for link in links}
    pytest.fail(f"{answer} is more than {CLICKS} clicks away")


def absolute(page: Path) -> set[str]:
    """Where the links of a page lead, as addresses from the top of the site, with and without their fragments."""
    found = set()
    for link in READ[page].links:
        address, hash_, fragment = link.partition("#")
        target = (page.parent / address).resolve() if address else page
        if target in READ:
            found |= {target.relative_to(SITE).as_posix(), target.relative_to(SITE).as_posix() + hash_ + fragment}
    return found


def text_of(answer: str) -> str:
    """What stands on that page, or in that section of it."""
    page, _, anchor = answer.partition("#")
    html = (SITE / page).read_text(encoding="utf-8").partition("<article")[2].partition("</article>")[0]
    if anchor:
        level, html = re.findall(rf'<h([1-6]) id="{anchor}"(.*)', html, re.DOTALL)[0]
        html = re.split(rf"<h[1-{level}] ", html)[0]
    return unescape(re.sub(r"<[^>]*>", "", html))
