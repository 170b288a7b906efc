"""One harness for all pages: a real server over the simulated archive, and a real Chromium."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright

from support.command import DEEPFIELD
from support.serving import serving_process

SCREENSHOTS = Path(__file__).parent / "screenshots"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",  # the sky and the tables are drawn with Canvas 2D, which software GL makes very slow
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.hookimpl(tryfirst=True)  # before the tests are given to processes by their groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def home(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Deepfield home with the simulated archive ingested."""
    home = tmp_path_factory.mktemp("browser") / "home"
    subprocess.run(
        [DEEPFIELD, "ingest", simulated], check=True, timeout=280, env={**os.environ, "DEEPFIELD_HOME": str(home)}
    )
    return home


@pytest.fixture(scope="session")
def address(home: Path) -> Iterator[str]:
    """The address of a server started as a user starts it, on a free port."""
    with serving_process(home) as address:
        yield address


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser, address: str) -> Iterator[BrowserContext]:
    """A fresh profile. A request that leaves the own server, or an error in the page, fails the test."""
    context = chromium.new_context(base_url=address, viewport={"width": 1600, "height": 1000}, accept_downloads=True)
    strays: list[str] = []
    errors: list[str] = []

    def only_own_server(route: Route) -> None:
        if route.request.url.startswith((address, "blob:", "data:")):
            route.continue_()
        else:
            strays.append(route.request.url)
            route.abort()

    context.route("**/*", only_own_server)
    context.on("weberror", lambda error: errors.append(str(error.error)))
    yield context
    context.close()
    assert not strays, f"requests left the own server: {strays}"
    assert not errors, f"errors in the page: {errors}"


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def screenshot(page: Page, request: pytest.FixtureRequest):
    """Keep a picture of the page under the test's name."""
    SCREENSHOTS.mkdir(exist_ok=True)

    def take(name: str = "") -> None:
        stem = "-".join(filter(None, [request.node.name.removeprefix("test_"), name]))
        page.screenshot(path=SCREENSHOTS / f"{stem}.png")

    return take
