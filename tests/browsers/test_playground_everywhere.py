"""The page of `corecors demo --serve` in Firefox and WebKit: by the keyboard alone, and as wide as a phone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from .test_playground import FIELDS, PATIENCE, PHONE

if TYPE_CHECKING:
    from .engines import Engine

pytestmark = pytest.mark.parametrize("engine", ["Firefox", "WebKitGTK"], indirect=True, scope="session")

TAB, ENTER, BACKSPACE = "\ue004", "\ue007", "\ue003"  # WebDriver, "Keyboard actions"
WAIT = """
const done = arguments[0];
(function look() { %s ? done(true) : setTimeout(look, 20); })();
"""
FOCUSED = """
const found = document.activeElement;
const style = getComputedStyle(found);
return [found.name || found.id || found.innerText, style.outlineStyle !== "none" || found.matches(":focus-visible")];
"""


class Hands:
    """What a person does in a browser, whichever its driver is."""

    def __init__(self, engine: Engine) -> None:
        self._driver: Any = engine.driver or engine.marionette
        self._is_marionette = engine.driver is None
        if self._is_marionette:
            self._driver.timeout.script = PATIENCE
        else:
            self._driver.set_script_timeout(PATIENCE)
        self.open = engine.open

    def run(self, script: str, *arguments: object) -> Any:
        if self._is_marionette:
            return self._driver.execute_script(script, list(arguments))
        return self._driver.execute_script(script, *arguments)

    def wait(self, condition: str) -> None:
        """Wait until a condition in JavaScript holds."""
        assert self._driver.execute_async_script(WAIT % condition)

    def press(self, keys: str) -> None:
        """Press keys on what has the focus."""
        if self._is_marionette:
            self._driver.get_active_element().send_keys(keys)
        else:
            self._driver.switch_to.active_element.send_keys(keys)

    def enter_frame(self) -> None:
        if self._is_marionette:
            self._driver.switch_to_frame(self._driver.find_element("css selector", "#narrow"))
        else:
            self._driver.switch_to.frame(self._driver.find_element("css selector", "#narrow"))

    def leave_frame(self) -> None:
        if self._is_marionette:
            self._driver.switch_to_frame()
        else:
            self._driver.switch_to.default_content()


@pytest.fixture
def hands(engine: Engine, addresses: dict[str, str]) -> Iterator[Hands]:
    hands = Hands(engine)
    hands.open("about:blank")
    hands.open(addresses["page"])
    hands.wait("!document.getElementById('again').disabled")
    yield hands
    hands.leave_frame()


def played(hands: Hands) -> str:
    hands.wait("!document.getElementById('run').disabled")
    return str(hands.run("return document.getElementById('played').innerText"))


def test_every_case_ends_as_the_policy_says(hands: Hands) -> None:
    assert hands.run("return document.getElementById('summary').innerText") == (
        "All 18 cases ended as the policy says."
    )


def test_the_keyboard_alone_is_enough(hands: Hands) -> None:
    visited: list[str] = []
    for _ in range(30):
        hands.press(TAB)
        name, can_be_seen = hands.run(FOCUSED)
        visited.append(name)
        assert can_be_seen, f"the focus on {name} cannot be seen"
        if name == "method":
            hands.press(BACKSPACE * 10 + "DELETE")
        if name == "run":
            break
    assert visited == ["The demo's own cases", *FIELDS, "run"]
    hands.press(ENTER)
    hands.wait("document.querySelector('#exchanges h3')")
    assert "read the answer" in played(hands)
    titles = "return [...document.querySelectorAll('#exchanges h3')].map((found) => found.innerText)"
    assert hands.run(titles)[-1] == "Request: DELETE, answered with 200 OK"


def test_nothing_is_wider_than_a_phone(hands: Hands) -> None:
    """In a frame of that width: no window of a desktop is as narrow."""
    hands.run(
        "document.body.innerHTML = '<iframe id=narrow></iframe>';"
        "const frame = document.getElementById('narrow');"
        "frame.style = `border: 0; width: ${arguments[0]}px; height: 900px`;"
        "frame.src = location.href.split('#')[0];",
        PHONE,
    )
    hands.wait(
        "document.getElementById('narrow').contentDocument?.getElementById('again')?.disabled === false"
        " && document.getElementById('narrow').contentWindow.location.href !== 'about:blank'"
    )
    hands.enter_frame()
    assert hands.run("return window.innerWidth") == PHONE
    hands.run(
        "const { headers, allow_origins } = document.getElementById('play').elements;"
        "headers.value = 'X-Other: 1';"
        "allow_origins.value += `\\nhttps://${'long'.repeat(15)}.example.com`;"
        "document.getElementById('run').click();"
    )
    hands.wait("document.querySelector('#exchanges p.differs')")
    assert "kept the answer" in played(hands)
    inside, outside = hands.run("return [document.documentElement.clientWidth, document.documentElement.scrollWidth]")
    assert outside <= inside
    cut = hands.run(
        "return [...document.querySelectorAll('main *')].filter((found) => !found.closest('thead') && "
        "found.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)"
        ".map((found) => found.outerHTML.slice(0, 200))"
    )
    assert cut == []
