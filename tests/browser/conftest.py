"""The running app in a real Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
READY = (
    "() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
)


expect.set_options(timeout=30_000)  # a busy machine is no failure


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All browser tests on one worker: one server and one Chromium serve them all."""
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=ARGUMENTS, headless=True
        )
        yield browser
        browser.close()


class Visitor:
    """One fresh browser window."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.foreign: list[str] = []
        self.broken: list[str] = []
        page.on("request", self._request)
        page.on("pageerror", lambda error: self.broken.append(str(error)))

    def _request(self, request: object) -> None:
        url = str(request.url)  # type: ignore[attr-defined]
        if not url.startswith((self.address, self.address.replace("http", "ws"), "data:", "blob:")):
            self.foreign.append(url)

    def open(self, path: str = "/") -> Page:
        self.page.goto(self.address + path)
        return self.settle()

    def settle(self, extra: int = 500) -> Page:
        """Wait until the page has nothing more to do."""
        self.page.wait_for_selector("[data-testid=stApp]", timeout=60_000)
        self.page.wait_for_function(READY, timeout=90_000)
        self.page.wait_for_timeout(extra)
        self.page.wait_for_function(READY, timeout=90_000)
        return self.page


@pytest.fixture
def visit(chromium: Browser, server: str) -> Iterator[Callable[..., Visitor]]:
    """`visit(width, scheme)`: a visitor with a window of that width, in light or dark."""
    contexts = []

    def make(width: int = 1440, scheme: str = "light", height: int = 900) -> Visitor:
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]
        )
        contexts.append(context)
        return Visitor(context.new_page(), server)

    yield make
    for context in contexts:
        context.close()
