"""Every page of the site in Chromium: wide and narrow, light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import PAGES

if TYPE_CHECKING:
    from browsers.engines import Engine

SIZES = [pytest.param((1280, 900), id="wide"), pytest.param((390, 844), id="narrow")]
SCHEMES = {"light": "default", "dark": "slate"}  # what the visitor prefers, and the theme's name for it

CONTRAST = Path(__file__).with_name("contrast.js").read_text(encoding="utf-8")
WIDTHS = """
    const page = document.scrollingElement;
    return [page.scrollWidth, page.clientWidth, [...document.querySelectorAll("main *")]
        .filter(element => element.getBoundingClientRect().right > page.clientWidth + 1)
        .slice(0, 3).map(element => element.outerHTML.slice(0, 90))];
"""
REQUESTS = "return performance.getEntriesByType('resource').map(entry => entry.name)"
SCHEME = "return document.body.getAttribute('data-md-color-scheme')"
WITHOUT_TRANSITIONS = """
    document.head.append(document.createElement("style"));
    document.head.lastChild.textContent = "* {transition: none !important}";
"""


@pytest.fixture(scope="module", params=SIZES)
def sized(request: pytest.FixtureRequest, chromium: Engine) -> Engine:
    width, height = request.param
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    assert chromium.driver is not None
    chromium.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    return chromium


@pytest.mark.parametrize("page", PAGES)
def test_a_page_can_be_read(sized: Engine, site: str, page: str) -> None:
    """No error, nothing from elsewhere, nothing beyond the edge, and letters that stand out, light and dark."""
    driver: Any = sized.driver
    assert sized.console is not None
    sized.console()
    prefer(driver, "light")
    sized.open(site + page)
    driver.execute_script(WITHOUT_TRANSITIONS)
    for preferred, name in SCHEMES.items():
        prefer(driver, preferred)
        wait_for(driver, SCHEME, name)
        texts, faint = driver.execute_script(CONTRAST)
        assert texts > 10
        assert faint == []
        whole, seen, beyond = driver.execute_script(WIDTHS)
        assert whole <= seen, beyond
    assert [address for address in driver.execute_script(REQUESTS) if not address.startswith((site, "data:"))] == []
    assert sized.console() == []


def prefer(driver: Any, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def wait_for(driver: Any, script: str, value: object) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(driver, 60, poll_frequency=0.02).until(lambda driver: driver.execute_script(script) == value)
