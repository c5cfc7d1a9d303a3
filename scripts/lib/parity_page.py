"""What verify-parity.sh does on the Todo page, in a real browser. Nothing here looks at todos of other people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from parity_rest import App, Check
from playwright.sync_api import expect

from support.browser import DESKTOP, PHONE, Browser
from support.todo_page import Hand, Keyboard, Mouse, TodoPage, todo_flow


def checks(browser: Browser) -> list[Check]:
    def on_page(name: str, act: Callable[[TodoPage, App], Any], **options: Any) -> Check:
        def run(app: App) -> Any:
            app.clear()
            page = TodoPage(browser.open(app.address, **options, path=f"/?q={quote(app.mark)}"))
            try:
                told = act(page.loaded(), app)
                page.tab.assert_clean()
                return [told, shown(page, app)]
            finally:
                browser.close_all()

        return Check(name, run)

    return [
        on_page("the whole flow works with a mouse", flow(Mouse), screen=DESKTOP),
        on_page("the whole flow works with a finger on a phone", flow(Mouse), screen=PHONE),
        on_page("the whole flow works with nothing but the keyboard", flow(Keyboard), screen=DESKTOP),
        on_page("an empty list, a search and a filter without a find say so", nothing),
        on_page("markup in a title is shown as text", markup),
        on_page("a blank title is refused, in words", blank),
        on_page("a phone needs no scrolling sideways", narrow, screen=PHONE),
    ]


def shown(page: TodoPage, app: App) -> str:
    """The list as a screen reader has it."""
    Mouse(page).look_for(app.mark)
    page.eventually_shows(*[todo["title"] for todo in app.marked()])
    return page.page.get_by_role("main").aria_snapshot().replace(app.mark, "<mark>")


def flow(hand: type[Hand]) -> Callable[[TodoPage, App], Any]:
    def act(page: TodoPage, app: App) -> Any:
        todo_flow(hand(page), app.mark)
        return [(todo["title"].replace(app.mark, "<mark>"), todo["completed"], todo["notes"]) for todo in app.marked()]

    return act


def nothing(page: TodoPage, app: App) -> Any:
    headings = [page.page.get_by_role("heading", level=2).inner_text()]
    Mouse(page).show("Done")
    page.loaded()
    headings.append(page.page.get_by_role("heading", level=2).inner_text())
    Mouse(page).show("All")
    return headings


def markup(page: TodoPage, app: App) -> Any:
    attack = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    page.page.on("dialog", lambda dialog: dialog.dismiss())
    app.make(attack, notes=attack)
    page.reload()
    expect(page.row(f"{app.mark} {attack}").locator(".notes")).to_have_text(attack)
    return page.page.locator("main img, main script").count()


def blank(page: TodoPage, app: App) -> Any:
    page.new_title.fill("   ")
    page.add_button.click()
    words = page.page.get_by_role("main").get_by_role("alert").inner_text()
    page.new_title.fill("")
    return words


def narrow(page: TodoPage, app: App) -> Any:
    app.make("x" * 150)
    page.reload()
    wide, screen = page.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= screen, f"the page is {wide} px wide on a screen of {screen} px"
    return screen
