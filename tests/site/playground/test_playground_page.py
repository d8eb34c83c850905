"""The playground's page as a person uses it: with the keyboard, on a phone, from a link that somebody sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import pytest

from .conftest import Page

if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver

pytestmark = pytest.mark.parametrize("engine", ["Chromium"], indirect=True, scope="session")

PHONE, DESK = 390, 1280  # pixels
FIELDS = ["policy", "origin", "method", "url", "headers", "credentials"]
REFUSED = {"headers": "Content-Type: application/json\nX-Other: 1"}


@pytest.fixture
def driver(page: Page) -> WebDriver:
    assert page.engine.driver is not None
    return page.engine.driver


@pytest.fixture(autouse=True)
def _as_at_first(page: Page, driver: WebDriver) -> None:
    resize(driver, DESK)
    page.press("#examples a")
    page.fill(pasted="")


def resize(driver: WebDriver, width: int, scheme: str = "light") -> None:
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)  # type: ignore[attr-defined]
    features = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", features)  # type: ignore[attr-defined]


def fragment(**state: object) -> str:
    return "#" + quote(json.dumps(state))


def test_the_keyboard_alone_is_enough(page: Page, driver: WebDriver) -> None:
    from selenium.webdriver.common.keys import Keys

    page.run("document.activeElement.blur(); window.scrollTo(0, 0)")
    page.run("document.querySelector('.home a').focus()")
    visited: list[str] = []
    for _ in range(30):
        driver.switch_to.active_element.send_keys(Keys.TAB)
        focused = driver.switch_to.active_element
        visited.append(focused.get_attribute("id") or focused.text)
        style = page.run("return getComputedStyle(document.activeElement).outlineStyle")
        assert style != "none", f"the focus on {visited[-1]} cannot be seen"
        if visited[-1] == "method":
            focused.send_keys(Keys.CONTROL, "a")
            focused.send_keys("PATCH")
        if visited[-1] == "ask":
            break
    examples = page.texts("#examples a")
    assert visited == ["pasted", "Read it", *examples, *FIELDS, "ask"]
    page.run("performance.clearMarks()")
    driver.switch_to.active_element.send_keys(Keys.ENTER)
    page.wait("performance.getEntriesByName('answered').length > 0")
    assert "'PATCH' is not allowed" in page.text(".explanation")


def test_every_field_tells_a_screen_reader_what_it_is(page: Page, driver: WebDriver) -> None:
    from selenium.webdriver.common.by import By

    names = [driver.find_element(By.ID, name).accessible_name for name in (*FIELDS, "pasted", "ask", "copy")]
    assert all(names)
    assert len(set(names)) == len(names)
    assert driver.find_element(By.ID, "outcome").aria_role == "status"
    regions = page.run(
        "return [...document.querySelectorAll('section, form')].map((each) => each.getAttribute('aria-labelledby'))"
        ".every((id) => document.getElementById(id) !== null)"
    )
    assert regions
    assert page.run("return document.querySelectorAll('h1').length") == 1


@pytest.mark.parametrize("width", [320, PHONE, 800, DESK])
def test_nothing_is_wider_than_the_window(page: Page, driver: WebDriver, width: int) -> None:
    resize(driver, width)
    page.ask(**REFUSED, origin=f"https://{'long' * 15}.example.com", url=f"https://api.example.com/{'w' * 300}")
    for _ in range(2):
        inside, outside = page.run(
            "return [document.documentElement.clientWidth, document.documentElement.scrollWidth]"
        )
        assert outside <= inside
        page.paste("No 'Access-Control-Allow-Origin' header is present on the requested resource.")


def test_the_answer_comes_into_view_on_a_phone(page: Page, driver: WebDriver) -> None:
    resize(driver, PHONE)
    page.run("window.scrollTo(0, 0)")
    page.press("#ask")
    page.wait(
        "(() => { const box = document.getElementById('outcome').getBoundingClientRect();"
        " return box.top >= 0 && box.top < window.innerHeight; })()"
    )


CONTRASTS = """
const paint = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
const parts = (colour) => {
  paint.clearRect(0, 0, 1, 1);
  paint.fillStyle = colour;
  paint.fillRect(0, 0, 1, 1);
  return [...paint.getImageData(0, 0, 1, 1).data];
};
const luminance = ([red, green, blue]) => {
  const [r, g, b] = [red, green, blue].map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = (found) => {
  for (let each = found; each; each = each.parentElement) {
    const colour = parts(getComputedStyle(each).backgroundColor);
    if (colour[3] === 255) {
      return colour;
    }
  }
  return [255, 255, 255];
};
const low = [];
let seen = 0;
for (const found of document.querySelectorAll("main, main *")) {
  const hasText = [...found.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  const says = hasText || found.matches("input, textarea, select");
  if (!says || !found.checkVisibility() || found.disabled) {
    continue;
  }
  seen += 1;
  const colours = [parts(getComputedStyle(found).color), ground(found)];
  const [dark, light] = colours.map(luminance).sort((one, other) => one - other);
  if ((light + 0.05) / (dark + 0.05) < 4.5) {
    low.push(`${found.tagName} ${found.className} ${found.textContent.slice(0, 40)}`);
  }
}
return [seen, low];
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_its_ground(page: Page, driver: WebDriver, scheme: str) -> None:
    """WCAG 2.2, 1.4.3: a contrast of at least 4.5 to 1."""
    resize(driver, DESK, scheme)
    for fields in ({}, REFUSED, {"policy": 'allow_origins = ["https://app.example.com/"]'}):
        page.ask(**fields)
        seen, low = page.run(CONTRASTS)
        assert seen > 20
        assert low == []


def test_allowed_and_refused_are_told_apart_by_more_than_colour(page: Page) -> None:
    sign = "return getComputedStyle(document.querySelector('.verdict'), '::before').content"
    edge = "return getComputedStyle([...document.querySelectorAll('.step')].at(-1)).borderLeftStyle"
    assert page.text(".verdict") == "allowed"
    assert "\u2713" in page.run(sign)
    assert page.run(edge) == "solid"
    page.ask(**REFUSED)
    assert page.text(".verdict") == "refused"
    assert "\u2717" in page.run(sign)
    assert page.run(edge) == "dashed"
    assert "FAILED" in page.text(".check.failed")


def test_the_link_carries_the_question_and_no_secret(page: Page) -> None:
    asked = {
        "policy": 'Policy(allow_origins=["https://*.example.com"])  # Ü & <b> 100 %',
        "origin": "https://a.example.com",
        "method": "DELETE",
        "url": "https://api.example.com/?access_token=s3cretive&page=2",
        "headers": 'Authorization: Bearer s3cretive\nX-Quote: "1"',
        "credentials": "include",
    }
    page.ask(**asked)
    link = str(page.run("return document.getElementById('link').href"))
    state = json.loads(unquote(link.partition("#")[2]))
    assert state == asked | {
        "url": "https://api.example.com/?access_token=***&page=2",
        "headers": 'Authorization: Bearer ***\nX-Quote: "1"',
    }
    said = page.text(".explanation")
    page.open("#" + link.partition("#")[2])
    assert page.form() == state
    assert page.text(".explanation") == said


HOSTILE = [
    pytest.param("__import__('os').system('x')", "is not valid TOML", id="no policy at all"),
    pytest.param("Policy(allow_origins=__import__('os').environ)", "no code is run here", id="a call"),
    pytest.param(
        "Policy(allow_origins=[x for x in ().__class__.__base__.__subclasses__()])", "no code", id="an escape"
    ),
    pytest.param("Policy(allow_origin_predicate=lambda origin: True)", "no code is run here", id="a predicate"),
    pytest.param("import js\njs.document.title = 'x'\nPolicy()", "no code is run here", id="the page"),
    pytest.param("policy = Policy(allow_origins=['<img src=x onerror=alert(1)>'])", "<img src=x", id="markup"),
    pytest.param("Policy(" + "[" * 3000 + "]" * 3000 + ")", "nested too deeply", id="brackets"),
    pytest.param("Policy(max_age=" + "-" * 5000 + "1)", "no code is run here", id="signs"),
    pytest.param("Policy(max_age=" + "9" * 5000 + ")", "Exceeds the limit", id="a number of 5,000 digits"),
    pytest.param("x = 1 " + ".a" * 4000 + "\nPolicy(", "nested too deeply", id="a long chain"),
]


@pytest.mark.parametrize(("policy", "said"), HOSTILE)
def test_a_link_runs_no_code_whatever_it_carries(page: Page, policy: str, said: str) -> None:
    page.follow(fragment(policy=policy, origin="https://app.example.com"))
    assert page.form()["policy"] == policy
    assert said in page.text("#outcome")
    assert page.texts("#outcome .differs") != []
    assert page.run("return document.querySelectorAll('main img, main script').length") == 0
    assert page.run("return document.title") == "Playground - corecors"
    page.press("#examples a")
    assert page.text(".verdict") == "allowed", "Python is as it was"


BROKEN = ["#question", "#%7B%22method", "#%", "#null", "#[]", "#7", fragment(method=7, url=None, policy=["x"])]


@pytest.mark.parametrize("broken", BROKEN)
def test_an_address_that_holds_no_state_changes_nothing(page: Page, broken: str) -> None:
    page.fill(method="PATCH")
    before = page.form()
    changed = "window.addEventListener('hashchange', () => { document.body.dataset.changed = window.location.hash; })"
    page.run(f"{changed}; window.location.hash = arguments[0]", broken)
    page.wait("document.body.dataset.changed === window.location.hash")
    assert page.form() == before
    assert page.text(".verdict") == "allowed", "nothing was asked"


@pytest.mark.parametrize("broken", BROKEN[-2:])
def test_a_page_that_is_opened_with_such_an_address_begins_as_always(page: Page, broken: str) -> None:
    before = page.form()
    page.open(broken)
    assert page.form() == before
    assert page.text(".verdict") == "allowed"


def test_a_field_that_cannot_be_used_is_marked(page: Page) -> None:
    marked = "return [...document.querySelectorAll('[aria-invalid]')].map((field) => field.id)"
    assert page.run(marked) == []
    page.ask(url="https://[/")
    assert page.run(marked) == ["url"]
    page.ask(url="https://api.example.com/", policy="allow_origins = [")
    assert page.run(marked) == ["policy"]
    assert "is not valid TOML" in page.text(".problems")


def test_what_is_neither_message_nor_command_is_told(page: Page) -> None:
    page.fill(pasted="hello")
    page.run("document.querySelector('#paste button').click()")
    page.wait("document.getElementById('meaning').innerText !== ''")
    assert "neither a curl command nor a browser's message" in page.text("#meaning")


def test_the_command_asks_the_same(page: Page) -> None:
    page.ask(headers="X-Quote: it's", credentials="include", url="https://api.example.com/a b?c=d")
    assert page.text(".command") == (
        "corecors check cors.toml --origin https://app.example.com -X PUT -H 'X-Quote: it'\\''s' --path '/a b' "
        "--credentials"
    )


def test_every_example_has_an_answer(page: Page) -> None:
    count = page.run("return document.querySelectorAll('#examples a').length")
    assert count >= 5
    seen = set()
    for number in range(count):
        page.press(f"#examples a:nth-of-type({number + 1})")
        seen.add(page.text("#outcome"))
    assert len(seen) >= 4


def test_the_console_has_no_error(page: Page) -> None:
    assert page.engine.console is not None
    page.engine.console()
    page.open()
    page.ask(**REFUSED)
    assert page.engine.console() == []
