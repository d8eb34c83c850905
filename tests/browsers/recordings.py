"""What a browser's developer tools export as a HAR file, of requests that a page makes while they look on.

Both browsers are asked for what "Save all as HAR" writes: Chromium's tools run in a tab of it, connected to the page by
the DevTools protocol; Firefox's are opened by Marionette.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engines import Engine

PATIENCE = 60  # seconds until the tools have everything; it takes one or two

FETCH_ALL = """
const done = arguments[arguments.length - 1];
(async () => {
  const works = [];
  for (const [url, options] of arguments[0]) {
    works.push(await fetch(url, options).then((response) => response.text()).then(() => true, () => false));
  }
  return works;
})().then(done);
"""
IN_CHROMIUM = """
const done = arguments[0];
(async () => {
  const [HAR, Logs] = await Promise.all(
    ["har/har.js", "logs/logs.js"].map((name) => import(new URL(`models/${name}`, location.href))),
  );
  const requests = Logs.NetworkLog.NetworkLog.instance().requests();
  return { log: await HAR.Log.Log.build(requests, { sanitize: false }) };
})().then((log) => done(JSON.stringify(log)), (error) => done(`failed: ${error.stack}`));
"""
IN_FIREFOX = """
const done = arguments[1];
(async () => {
  const { require } = ChromeUtils.importESModule("resource://devtools/shared/loader/Loader.sys.mjs");
  const { gDevTools } = require("devtools/client/framework/devtools");
  const { setTimeout } = ChromeUtils.importESModule("resource://gre/modules/Timer.sys.mjs");
  const tab = Services.wm.getMostRecentWindow("navigator:browser").gBrowser.selectedTab;
  const toolbox = gDevTools.getToolboxForTab(tab) ?? (await gDevTools.showToolboxForTab(tab, { toolId: "netmonitor" }));
  const tools = await toolbox.getNetMonitorAPI();
  // Whoever exports while they are still taking in what they saw stops them.
  const has = (end) => tools.store.getState().requests.requests.some(({ url, status }) => url.endsWith(end) && status);
  while (arguments[0] && !has(arguments[0])) await new Promise((resolve) => setTimeout(resolve, 50));
  return { log: arguments[0] ? await toolbox.getHARFromNetMonitor() : null };
})().then((log) => done(JSON.stringify(log)), (error) => done(`failed: ${error} ${error.stack}`));
"""
LAST = "/the-last"


def recorded(
    engine: Engine, page: str, requests: Sequence[tuple[str, dict[str, Any]]]
) -> tuple[list[bool], dict[str, Any]]:
    """Whether each of `requests` (address, options of fetch()) worked for the page, and the recording of them."""
    marked = [*requests, (f"{page}{LAST}", {})]
    works, log = (_by_chromium if engine.driver is not None else _by_firefox)(engine, page, marked)
    return works[:-1], log


def _is_whole(log: dict[str, Any]) -> bool:
    """Whether the last request is in it with its answer."""
    return any(
        entry["request"]["url"].endswith(LAST) and entry["response"]["status"] == 200 for entry in log["log"]["entries"]
    )


def _until_whole(read: Any) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        text = read()
        assert not text.startswith("failed"), text
        log: dict[str, Any] = json.loads(text)
        if _is_whole(log):
            return log
        time.sleep(0.1)  # between two looks; the deadline bounds it
    raise AssertionError(f"the tools never had the last request: {text}")


def _by_chromium(
    engine: Engine, page: str, requests: Sequence[tuple[str, dict[str, Any]]]
) -> tuple[list[bool], dict[str, Any]]:
    driver: Any = engine.driver
    driver.set_script_timeout(PATIENCE)
    address = driver.capabilities["goog:chromeOptions"]["debuggerAddress"]
    engine.open(f"{page}/")
    tab = driver.current_window_handle
    driver.switch_to.new_window("tab")
    tools = driver.current_window_handle
    try:
        engine.open(f"http://{address}/devtools/devtools_app.html?ws={address}/devtools/page/{tab}")
        # They see nothing until they are connected to the page, and then every request.
        driver.switch_to.window(tab)
        deadline = time.monotonic() + PATIENCE
        while True:
            driver.execute_async_script(FETCH_ALL, [(f"{page}{LAST}", {})])
            driver.switch_to.window(tools)
            text = driver.execute_async_script(IN_CHROMIUM)
            driver.switch_to.window(tab)
            if not text.startswith("failed") and _is_whole(json.loads(text)):
                break
            assert time.monotonic() < deadline, text
        works = driver.execute_async_script(FETCH_ALL, requests)
        driver.switch_to.window(tools)
        return works, _until_whole(lambda: driver.execute_async_script(IN_CHROMIUM))
    finally:
        driver.switch_to.window(tools)
        driver.close()
        driver.switch_to.window(tab)


def _by_firefox(
    engine: Engine, page: str, requests: Sequence[tuple[str, dict[str, Any]]]
) -> tuple[list[bool], dict[str, Any]]:
    driver = engine.marionette
    driver.timeout.script = PATIENCE
    engine.open(f"{page}/")

    def in_the_tools(awaited: str) -> str:
        with driver.using_context("chrome"):
            return str(driver.execute_async_script(IN_FIREFOX, [awaited]))

    in_the_tools("")  # opens them, and waits until they are
    works = driver.execute_async_script(FETCH_ALL, [list(requests)])
    return works, _until_whole(lambda: in_the_tools(LAST))
