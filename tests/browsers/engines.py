"""Three real browsers: how each is started, told to open a page, and ended.

The pages report their own outcomes to the server that they came from, so an engine is asked for very little: open a
URL, name its version, and, where its driver can, hand over the console. That keeps the three alike.

Every engine runs with an empty home of its own, without the proxy variables of the machine, and in a process group
of its own, which is what is ended at the end: no other process is ever touched.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.options import Options as ChromeOptions
from selenium.webdriver.chrome.service import Service as ChromeService
from selenium.webdriver.common.service import Service
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.remote_connection import RemoteConnection
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.webkitgtk.options import Options as WebKitOptions
from selenium.webdriver.webkitgtk.service import Service as WebKitService

START_SECONDS = 60  # a browser takes 1 to 6 seconds to start; ten times that on a busy machine
PAGE_SECONDS = 60  # for loading one page from loopback
STARTS = 3  # a browser that does not come up is started again; what it then does is never repeated

CHROMIUM_ARGUMENTS = (
    "--headless",
    "--no-sandbox",  # the sandbox needs a user that is not root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--no-proxy-server",
    "--remote-allow-origins=*",  # for its own developer tools, opened in a tab
)

FIREFOX_PREFERENCES: dict[str, bool | int | str] = {
    "marionette.port": 0,  # any free port; Firefox writes it into the profile
    "network.proxy.type": 0,
    "network.trr.mode": 5,  # no DNS over HTTPS
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "app.update.enabled": False,
    "app.normandy.enabled": False,
    "browser.safebrowsing.downloads.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.search.update": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.connection.enabled": False,
    "extensions.update.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.server": "",
}

# Where Debian keeps the small browser of WebKitGTK; the middle part is the machine's architecture.
MINIBROWSERS = "/usr/lib/*/webkit2gtk-4.*/MiniBrowser"


class EngineError(Exception):
    """A browser did not start, or no longer answers its driver."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A running browser."""

    name: str
    version: str
    open: Callable[[str], None]
    """Load a page; returns once it has loaded."""
    console: Callable[[], list[str]] | None
    """The console's messages since the last call; None where the driver has no such thing."""
    run_script: Callable[..., Any]
    """Run the body of a function in the page, with arguments after it; what it returns."""
    driver: WebDriver | None = None
    """The driver itself, for what not every engine can: press keys, take a picture."""
    marionette: Any = None
    """Firefox's driver, which is not selenium's."""


@dataclass(frozen=True, slots=True)
class EngineKind:
    """A browser that may be installed here."""

    name: str
    needs: tuple[str, ...]
    """Programs that must be installed, by name or path pattern."""
    packages: str
    """Debian's packages that bring them."""
    start: Callable[[Path], AbstractContextManager[Engine]]

    def missing(self) -> list[str]:
        return [program for program in self.needs if find_program(program) is None]


def find_program(program: str) -> str | None:
    """The path of a program given by its name, or by an absolute pattern such as `/usr/lib/*/x`."""
    if program.startswith("/"):
        return next((str(path) for path in sorted(Path("/").glob(program[1:]))), None)
    return shutil.which(program)


def program_path(program: str) -> str:
    path = find_program(program)
    if path is None:
        raise EngineError(f"{program} is not installed")
    return path


@contextmanager
def started(kind: EngineKind) -> Iterator[Engine]:
    """Start a browser in an empty home and end it afterwards, with everything it started."""
    failures: list[str] = []
    for _ in range(STARTS):
        home = Path(tempfile.mkdtemp(prefix=f"{kind.name}-"))
        running = kind.start(home)
        try:
            engine = running.__enter__()
        except (EngineError, WebDriverException, OSError) as failure:
            failures.append(str(failure))
            shutil.rmtree(home, ignore_errors=True)
            continue
        try:
            yield engine
        finally:
            running.__exit__(None, None, None)
            shutil.rmtree(home, ignore_errors=True)
        return
    raise EngineError(f"{kind.name} did not start in {STARTS} attempts: {failures}")


def environment(home: Path, **more: str) -> dict[str, str]:
    """The variables for a browser: no proxy, no display, and every folder it writes to below `home`."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    folders = {
        "HOME": home,
        "TMPDIR": home / "tmp",
        "XDG_CACHE_HOME": home / "cache",
        "XDG_CONFIG_HOME": home / "config",
        "XDG_DATA_HOME": home / "data",
        "XDG_RUNTIME_DIR": home / "run",
    }
    for folder in folders.values():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return kept | {name: str(folder) for name, folder in folders.items()} | more


def end_group(process: subprocess.Popen[Any]) -> None:
    """End a process that leads a group of its own, and whatever of the group is left."""
    for ending in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, ending)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            continue


def end_service(service: Service) -> None:
    process: subprocess.Popen[Any] | None = getattr(service, "process", None)  # there is none before it has started
    if process is not None:
        end_group(process)


def open_with(driver: WebDriver) -> Callable[[str], None]:
    def open_page(url: str) -> None:
        try:
            driver.get(url)
        except WebDriverException as failure:
            raise EngineError(f"{url} did not load: {failure.msg}") from failure

    return open_page


def scripts_of(driver: WebDriver) -> Callable[..., Any]:
    def run_script(script: str, *arguments: object) -> Any:
        return driver.execute_script(script, *arguments)  # type: ignore[no-untyped-call]

    return run_script


@contextmanager
def chromium(home: Path, *more: str) -> Iterator[Engine]:
    """`more`: arguments of its own."""
    options = ChromeOptions()
    options.binary_location = program_path("chromium")
    options.accept_insecure_certs = True
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in (*CHROMIUM_ARGUMENTS, *more, f"--user-data-dir={home / 'profile'}"):
        options.add_argument(argument)
    service = ChromeService(
        program_path("chromedriver"),
        env=environment(home),
        popen_kw={"start_new_session": True},
        log_output=subprocess.DEVNULL,
    )
    try:
        driver = webdriver.Chrome(options=options, service=service)
        try:
            driver.set_page_load_timeout(PAGE_SECONDS)

            def console() -> list[str]:
                return [str(entry["message"]) for entry in driver.get_log("browser")]  # type: ignore[no-untyped-call]

            version = driver.capabilities["browserVersion"]
            yield Engine("Chromium", version, open_with(driver), console, scripts_of(driver), driver)
        finally:
            with suppress(WebDriverException, OSError):  # it is ended below in any case
                driver.quit()
    finally:
        end_service(service)


@contextmanager
def webkitgtk(home: Path) -> Iterator[Engine]:
    with virtual_display(home) as display:
        options = WebKitOptions()
        options.binary_location = program_path(MINIBROWSERS)
        options.accept_insecure_certs = True
        options.add_argument("--automation")
        variables = environment(
            home,
            DISPLAY=display,
            GDK_BACKEND="x11",
            LIBGL_ALWAYS_SOFTWARE="1",
            NO_AT_BRIDGE="1",
            GIO_USE_VFS="local",
            GSETTINGS_BACKEND="memory",
            WEBKIT_DISABLE_COMPOSITING_MODE="1",
        )
        service = WebKitService(
            program_path("WebKitWebDriver"),
            env=variables,
            popen_kw={"start_new_session": True},
            log_output=subprocess.DEVNULL,
        )
        try:
            service.start()
            # What webdriver.WebKitGTK does too, but by a way of which selenium itself warns.
            connection = RemoteConnection(client_config=ClientConfig(service.service_url))
            driver = webdriver.Remote(connection, options=options)
            try:
                driver.set_page_load_timeout(PAGE_SECONDS)
                version = driver.capabilities["browserVersion"]
                yield Engine("WebKitGTK", version, open_with(driver), None, scripts_of(driver), driver)
            finally:
                with suppress(WebDriverException, OSError):
                    driver.quit()
        finally:
            end_service(service)


@contextmanager
def virtual_display(home: Path) -> Iterator[str]:
    """An X server without a screen; the name of its display, which Xvfb chooses itself and reports through a pipe."""
    reading, writing = os.pipe()
    with open(reading, "rb") as report:
        try:
            server = subprocess.Popen(
                [program_path("Xvfb"), "-displayfd", str(writing), "-screen", "0", "1024x768x24", "-nolisten", "tcp"],
                env=environment(home),
                pass_fds=(writing,),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            os.close(writing)
        try:
            number = report.readline().strip().decode()  # ends with the display's number, or empty if Xvfb ends first
            if not number:
                raise EngineError("Xvfb ended before it had a display")
            yield f":{number}"
        finally:
            end_group(server)


@contextmanager
def firefox(home: Path) -> Iterator[Engine]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # packages that marionette_driver imports use old names
        from marionette_driver.errors import MarionetteException  # type: ignore[import-untyped]
        from marionette_driver.marionette import Marionette  # type: ignore[import-untyped]

    profile = home / "profile"
    profile.mkdir()
    preferences = [f"user_pref({quoted(name)}, {quoted(value)});" for name, value in FIREFOX_PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(preferences) + "\n")
    arguments = ["--headless", "--no-remote", "--marionette", "--profile", str(profile)]
    process = subprocess.Popen(
        # The last is for its developer tools, which are part of the browser and not of a page.
        [program_path("firefox-esr"), *arguments, "--remote-allow-system-access"],
        env=environment(home, MOZ_CRASHREPORTER_DISABLE="1"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        driver = Marionette(host="127.0.0.1", port=marionette_port(process, profile), socket_timeout=2 * PAGE_SECONDS)
        try:
            capabilities: Any = driver.start_session({"acceptInsecureCerts": True}, timeout=START_SECONDS)
            driver.timeout.page_load = PAGE_SECONDS
        except (MarionetteException, OSError) as failure:
            raise EngineError(f"Firefox opened no session: {failure}") from failure

        def open_page(url: str) -> None:
            try:
                driver.navigate(url)
            except (MarionetteException, OSError) as failure:
                raise EngineError(f"{url} did not load: {failure}") from failure

        def run_script(script: str, *arguments: object) -> Any:
            return driver.execute_script(script, script_args=arguments)

        try:
            yield Engine("Firefox", capabilities["browserVersion"], open_page, None, run_script, marionette=driver)
        finally:
            with suppress(MarionetteException, OSError):
                driver.delete_session()
    finally:
        end_group(process)


def quoted(value: bool | int | str) -> str:
    """A value as JavaScript writes it; none of ours needs escaping."""
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def marionette_port(process: subprocess.Popen[bytes], profile: Path) -> int:
    """The port that Firefox listens on; it writes it into a file of the profile once it does."""
    announcement = profile / "MarionetteActivePort"
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise EngineError(f"Firefox ended with {process.returncode} before it listened")
        if announcement.exists() and (text := announcement.read_text().strip()):
            return int(text)
        time.sleep(0.05)  # between two looks at the file system; the deadline above is what bounds it
    raise EngineError(f"Firefox did not listen within {START_SECONDS} seconds")


ENGINES: Sequence[EngineKind] = (
    EngineKind("Chromium", ("chromium", "chromedriver"), "chromium chromium-driver", chromium),
    EngineKind("Firefox", ("firefox-esr",), "firefox-esr", firefox),
    EngineKind("WebKitGTK", ("WebKitWebDriver", MINIBROWSERS, "Xvfb"), "webkit2gtk-driver xvfb", webkitgtk),
)
