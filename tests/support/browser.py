"""A real Chromium, without a window, that talks to nobody but the address under test and remembers what it complained of.

The program is the distribution's package `chromium`; Playwright from tests/requirements.txt only drives it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, sync_playwright
from playwright.sync_api import Browser as Chromium

from support.waiting import DEADLINE_FACTOR

PROGRAM = Path("/usr/bin/chromium")

# Whatever a browser asks for on its own account is off; as root it has no sandbox to be in.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--disable-field-trial-config",
         "--host-resolver-rules=MAP todo.test 127.0.0.1"]

# Generous: several suites share a machine, and a page that does nothing fails all the same.
STEP_MILLISECONDS = 20_000 * DEADLINE_FACTOR


def as_elsewhere(address: str) -> str:
    """The address of a server on this machine, as if it were on another one: browsers trust plain HTTP only at home."""
    return address.replace("//127.0.0.1:", "//todo.test:")


class Screen(NamedTuple):
    width: int
    height: int
    touch: bool = False


DESKTOP = Screen(1100, 800)
PHONE = Screen(360, 640, touch=True)


class Tab:
    """One page, and what it did that it should not have done."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address.rstrip("/")
        self.complaints: list[str] = []
        self.foreign_requests: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("request", self._on_request)

    def assert_clean(self, expected: str = r"(?!)") -> None:
        """No error in the console but those that match `expected`, and no request to any other host."""
        unexpected = [complaint for complaint in self.complaints if not re.search(expected, complaint)]
        assert not unexpected, f"the page complained: {unexpected}"
        assert not self.foreign_requests, f"the page asked other hosts: {self.foreign_requests}"

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def _on_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.netloc != urlsplit(self.address).netloc:
            self.foreign_requests.append(request.url)


class Browser:
    def __init__(self, chromium: Chromium, screenshots: Path) -> None:
        self._chromium = chromium
        self._screenshots = screenshots
        self._contexts: list[BrowserContext] = []

    def open(self, address: str, screen: Screen = DESKTOP, *, path: str = "/", beside: Tab | None = None,
             **options: Any) -> Tab:
        """A new tab at `address`, of a new user, or of the user of the tab `beside`."""
        context = beside.page.context if beside else self._context(screen, options)
        tab = Tab(context.new_page(), address)
        tab.page.goto(tab.address + path)
        return tab

    def photograph(self, name: str) -> list[Path]:
        """A picture of each open tab, for whoever reads a failure."""
        pages = [page for context in self._contexts for page in context.pages]
        made = []
        for number, page in enumerate(pages):
            picture = self._screenshots / f"{re.sub(r'[^A-Za-z0-9]+', '-', name).strip('-')}-{number}.png"
            page.screenshot(path=picture, full_page=True)
            made.append(picture)
        return made

    def close_all(self) -> None:
        for context in self._contexts:
            context.close()
        self._contexts.clear()

    def _context(self, screen: Screen, options: dict[str, Any]) -> BrowserContext:
        size = {"width": screen.width, "height": screen.height}
        context = self._chromium.new_context(viewport=size, has_touch=screen.touch, is_mobile=screen.touch,
                                             locale="en-GB", **options)
        context.set_default_timeout(STEP_MILLISECONDS)
        self._contexts.append(context)
        return context


@contextmanager
def chromium(screenshots: Path) -> Iterator[Browser]:
    assert PROGRAM.exists(), f"no {PROGRAM}: apt-get install chromium"
    screenshots.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        program = playwright.chromium.launch(executable_path=PROGRAM, args=FLAGS)
        browser = Browser(program, screenshots)
        try:
            yield browser
        finally:
            browser.close_all()
            program.close()
