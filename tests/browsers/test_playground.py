"""The page of `corecors demo --serve` in a real browser, as a person uses it: with a mouse, a keyboard, a phone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

if TYPE_CHECKING:
    from .engines import Engine

pytestmark = pytest.mark.parametrize("engine", ["Chromium"], indirect=True, scope="session")

PATIENCE = 60  # seconds for what takes less than one on a quiet machine
PHONE, DESK = 390, 1280  # pixels
FIELDS = [
    *("allow_origins", "allow_methods", "allow_headers", "expose_headers", "max_age"),
    *("allow_credentials", "dangerously_allow_null_origin", "debug"),
    *("by", "method", "headers", "body", "credentials"),
]


class Page:
    """The demo's page, newly opened."""

    def __init__(self, engine: Engine, addresses: dict[str, str]) -> None:
        assert engine.driver is not None
        assert engine.console is not None
        self.url, self.api = addresses["page"], addresses["API"]
        self.origin = self.url.rstrip("/")
        self.driver = engine.driver
        self.driver.set_script_timeout(PATIENCE)
        self.console = engine.console
        self._open = engine.open

    def open(self, url: str = "") -> None:
        """Load the page, or another of its addresses, and wait until the cases are through."""
        self._open("about:blank")  # from one link to another, only the fragment changes and nothing is loaded
        self._open(url or self.url)
        self.wait("!document.getElementById('again').disabled")

    def run_script(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)  # type: ignore[no-untyped-call]

    def wait(self, condition: str) -> None:
        """Wait until a condition in JavaScript holds."""
        script = f"const done = arguments[0]; (function look() {{ {condition} ? done(1) : setTimeout(look, 20); }})();"
        self.driver.execute_async_script(script)  # type: ignore[no-untyped-call]

    def text(self, selector: str) -> str:
        return str(self.run_script("return document.querySelector(arguments[0]).innerText", selector))

    def texts(self, selector: str) -> list[str]:
        script = "return [...document.querySelectorAll(arguments[0])].map((found) => found.innerText)"
        return [str(text) for text in self.run_script(script, selector)]

    def fill(self, **fields: str | bool) -> None:
        """Fill fields in as a person does: click, select all, type."""
        from selenium.webdriver.common.by import By
        from selenium.webdriver.common.keys import Keys
        from selenium.webdriver.support.select import Select

        for name, value in fields.items():
            field = self.driver.find_element(By.CSS_SELECTOR, f"#play [name={name}]")
            if isinstance(value, bool):
                if field.is_selected() != value:
                    field.click()
            elif field.tag_name == "select":
                Select(field).select_by_value(value)
            else:
                field.send_keys(Keys.CONTROL, "a")
                field.send_keys(value or Keys.DELETE)

    def form(self) -> dict[str, str | bool]:
        script = """
        return Object.fromEntries(arguments[0].map((name) => {
          const field = document.getElementById("play").elements[name];
          return [name, field.type === "checkbox" ? field.checked : field.value];
        }));
        """
        state: dict[str, str | bool] = self.run_script(script, FIELDS)
        return state

    def play(self, **fields: str | bool) -> str:
        """Fill in, press Run, and give back what the page says of it."""
        self.fill(**fields)
        self.run_script("document.getElementById('run').click()")
        return self.outcome()

    def outcome(self) -> str:
        self.wait("!document.getElementById('run').disabled")
        return self.text("#played")

    def resize(self, width: int, scheme: str = "light") -> None:
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)  # type: ignore[attr-defined]
        features = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", features)  # type: ignore[attr-defined]


@pytest.fixture
def page(engine: Engine, addresses: dict[str, str]) -> Iterator[Page]:
    page = Page(engine, addresses)
    page.resize(DESK)
    page.open()
    page.console()  # what others left
    yield page
    page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})  # type: ignore[attr-defined]


def test_every_case_ends_as_the_policy_says(page: Page) -> None:
    assert page.text("#summary") == "All 18 cases ended as the policy says."
    results = page.texts("#cases tr td:nth-child(5)")
    assert results.count("agrees") == 18
    assert results.count("–") == 2


def test_the_playground_begins_with_something_that_works(page: Page) -> None:
    said = page.play()
    assert said.startswith("This browser let the page read the answer: 200, ")
    assert "x-total" in said
    assert "x-backend" not in said
    assert page.texts("#exchanges h3") == [
        "Preflight: OPTIONS, answered with 204 No Content",
        "Request: PUT, answered with 200 OK",
    ]
    sent, answered = page.texts("#exchanges li:first-child pre")
    assert "Access-Control-Request-Headers: content-type,x-token" in sent
    assert f"Access-Control-Allow-Origin: {page.origin}" in answered


def test_a_header_that_is_not_listed_is_refused_with_the_explanation(page: Page) -> None:
    said = page.play(headers="X-Other: 1", method="GET", body="")
    assert said.startswith("This browser kept the answer from the page: TypeError: Failed to fetch.")
    assert page.texts("#exchanges h3") == ["Preflight: OPTIONS, answered with 403 Forbidden"]
    assert "'x-other' is not allowed" in page.text("#exchanges p.differs")
    (console,) = [line for line in page.console() if "blocked by CORS" in line]
    assert "Response to preflight request doesn't pass access control check" in console


def test_with_debug_the_browsers_console_names_the_header(page: Page) -> None:
    page.play(headers="X-Other: 1", method="GET", body="", debug=True)
    (console,) = [line for line in page.console() if "blocked by CORS" in line]
    assert "Request header field x-other is not allowed" in console


def test_a_policy_that_is_refused_shows_all_its_problems(page: Page) -> None:
    said = page.play(allow_origins="https://app.example.com/", max_age="-1", allow_credentials=True)
    assert said.startswith("A policy refuses to be this:")
    problems = page.texts("#played li")
    assert len(problems) == 2
    assert any("slash" in problem for problem in problems)
    assert any("max_age" in problem for problem in problems)
    assert page.texts("#exchanges li") == []


def test_what_the_browser_itself_refuses_is_told(page: Page) -> None:
    said = page.play(method="TRACE", body="")
    assert said.startswith("This browser sent nothing: TypeError: ")
    assert page.texts("#exchanges li") == []


def test_the_same_page_on_another_port_is_another_origin(page: Page) -> None:
    page.play(by="stranger")
    assert "is not allowed" in page.text("#exchanges p.differs")
    assert "read the answer" in page.play(by="stranger", allow_origins="http://127.0.0.1:*")


def test_a_sandboxed_frame_is_null(page: Page) -> None:
    page.play(by="sandbox")
    assert "'null'" in page.text("#exchanges p.differs")
    assert "Origin: null" in page.text("#exchanges pre")
    assert "read the answer" in page.play(dangerously_allow_null_origin=True)
    assert "read the answer" in page.play(by="page")


def test_cookies_need_leave(page: Page) -> None:
    said = page.play(credentials=True)
    assert said.startswith("This browser kept the answer")
    assert "read the answer" in page.play(allow_credentials=True)
    assert "Cookie: corecors_demo=ada" in page.text("#exchanges li:last-child pre")


def test_the_link_reproduces_policy_and_request(page: Page) -> None:
    changes: dict[str, str | bool] = {
        "allow_origins": f"{page.origin}\nhttps://*.example.com",
        "allow_headers": "X-Ü & <b>, PAGE",
        "max_age": "",
        "debug": True,
        "by": "stranger",
        "method": "DELETE",
        "headers": 'X-Quote: "100 %"',
        "credentials": True,
    }
    page.fill(**changes)
    filled = page.form()
    assert {name: filled[name] for name in changes} == changes
    link = page.run_script("return document.getElementById('link').href")
    assert json.loads(unquote(link.partition("#")[2]))["allow_origins"] == "PAGE\nhttps://*.example.com"
    page.open(link)
    assert page.form() == filled
    assert page.run_script("return window.scrollY") == 0, "the playground is the first thing on the page"


def test_run_leads_to_its_result(page: Page) -> None:
    page.resize(PHONE)
    page.run_script("window.scrollTo(0, 0)")
    page.play()
    seen = "const box = document.getElementById('played').getBoundingClientRect();"
    assert page.run_script(f"{seen} return box.top >= 0 && box.top < window.innerHeight")
    page.resize(DESK)
    left, right = (f"document.getElementById('{name}').getBoundingClientRect()" for name in ("play", "result"))
    assert page.run_script(f"return {right}.left >= {left}.right"), "side by side"


def test_allowed_and_blocked_are_told_apart_by_more_than_colour(page: Page) -> None:
    page.play(headers="X-Other: 1")
    assert "\u2717" in page.run_script(
        "return getComputedStyle(document.querySelector('#exchanges p'), '::before').content"
    )
    assert (
        page.run_script("return getComputedStyle(document.querySelector('#exchanges li')).borderLeftStyle") == "dashed"
    )
    page.play(headers="X-Token: 1")
    assert "\u2713" in page.run_script(
        "return getComputedStyle(document.querySelector('#exchanges p'), '::before').content"
    )


def test_the_policies_of_the_cases_are_on_the_page(page: Page) -> None:
    text = page.run_script("return document.getElementById('policies').textContent")
    assert 'allow_methods = ["GET", "HEAD", "POST", "PUT", "DELETE"]' in text


@pytest.mark.parametrize("fragment", ["#playground", "#%7B%22method", "#%", "#null", "#[]", "#7"])
def test_an_address_that_holds_no_state_changes_nothing(page: Page, fragment: str) -> None:
    before = page.form()
    page.open(page.url + fragment)
    assert page.form() == before
    page.fill(method="PATCH")
    page.run_script("window.location.hash = '#playground'")
    page.wait("window.location.hash === '#playground'")
    assert page.form()["method"] == "PATCH"


def test_the_keyboard_alone_is_enough(page: Page) -> None:
    from selenium.webdriver.common.keys import Keys

    visited: list[str] = []
    for _ in range(30):
        page.driver.switch_to.active_element.send_keys(Keys.TAB)
        focused = page.driver.switch_to.active_element
        visited.append(focused.get_attribute("name") or focused.get_attribute("id") or focused.text)
        style = page.run_script("return getComputedStyle(document.activeElement).outlineStyle")
        assert style != "none", f"the focus on {visited[-1]} cannot be seen"
        if visited[-1] == "method":
            focused.send_keys(Keys.CONTROL, "a")
            focused.send_keys("DELETE")
        if visited[-1] == "run":
            break
    assert visited == ["The demo's own cases", *FIELDS, "run"]
    page.driver.switch_to.active_element.send_keys(Keys.ENTER)
    assert "read the answer" in page.outcome()
    assert page.texts("#exchanges h3")[-1] == "Request: DELETE, answered with 200 OK"


def test_every_field_and_table_cell_tells_a_screen_reader_what_it_is(page: Page) -> None:
    from selenium.webdriver.common.by import By

    for name in FIELDS:
        assert page.driver.find_element(By.CSS_SELECTOR, f"#play [name={name}]").accessible_name, name
    page.resize(PHONE)
    roles = {"table": "table", "#cases tr": "row", "#cases th": "rowheader", "#cases td": "cell"}
    for selector, role in roles.items():
        assert page.driver.find_element(By.CSS_SELECTOR, selector).aria_role == role, selector
    assert page.driver.find_element(By.ID, "played").aria_role == "status"


def test_the_console_has_no_error_of_the_pages_own(page: Page) -> None:
    page.run_script("document.getElementById('again').click()")
    page.wait("!document.getElementById('again').disabled")
    page.play()
    page.play(allow_origins="https://app.example.com")
    messages = page.console()
    assert messages
    for message in messages:
        of_the_api = message.startswith((page.api, page.api.replace("127.0.0.1", "localhost")))
        assert of_the_api or "has been blocked by CORS policy" in message, message


@pytest.mark.parametrize("width", [320, PHONE, 800, DESK])
def test_nothing_is_wider_than_the_window(page: Page, width: int) -> None:
    page.resize(width)
    page.play(headers="X-Other: 1", allow_origins=f"https://{'long' * 15}.example.com\n{page.origin}")
    inside, outside = page.run_script(
        "return [document.documentElement.clientWidth, document.documentElement.scrollWidth]"
    )
    assert outside <= inside
    cut = page.run_script(
        "return [...document.querySelectorAll('main *')].filter((found) => !found.closest('thead') "
        "&& found.getBoundingClientRect().right > document.documentElement.clientWidth).map((found) => found.outerHTML)"
    )
    assert cut == []


CONTRAST = """
const luminance = (colour) => {
  const context = new OffscreenCanvas(1, 1).getContext("2d");
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue] = [...context.getImageData(0, 0, 1, 1).data].slice(0, 3)
    .map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const sample = document.createElement("p");
sample.style = `color: ${arguments[0]}; background: Canvas`;
document.body.append(sample);
const { color, backgroundColor } = getComputedStyle(sample);
sample.remove();
const [dark, light] = [luminance(color), luminance(backgroundColor)].sort((one, other) => one - other);
return (light + 0.05) / (dark + 0.05);
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("colour", ["CanvasText", "var(--good)", "var(--bad)", "var(--dim)"])
def test_text_stands_out_from_its_ground(page: Page, scheme: str, colour: str) -> None:
    """WCAG 2.2, 1.4.3: a contrast of at least 4.5 to 1."""
    page.resize(DESK, scheme)
    assert page.run_script(CONTRAST, colour) >= 4.5
