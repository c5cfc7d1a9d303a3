"""The Todo page as a person uses it: with a mouse, or with nothing but the keys.

`TodoPage` says what is on the page, `Mouse` and `Keyboard` do things to it by the same verbs, and `todo_flow` is the
whole of what a user does with either. It works at any address, beside todos that others made.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager

from playwright.sync_api import Locator, expect

from support.browser import STEP_MILLISECONDS, Tab
from support.waiting import DEADLINE_FACTOR, eventually

# A row of a long list is some Tab keys away.
MOST_TABS = 120

expect.set_options(timeout=STEP_MILLISECONDS)


class TodoPage:
    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        self.page = tab.page
        self.new_title = self.page.get_by_label("New todo")
        self.add_button = self.page.get_by_role("button", name="Add", exact=True)
        self.search = self.page.get_by_label("Search", exact=True)
        self.order = self.page.get_by_label("Order")
        self.rows = self.page.locator("ul.rows > li")
        self.undo = self.page.get_by_role("button", name="Undo")
        self.retry = self.page.get_by_role("button", name="Try again")
        self.said = self.page.get_by_role("status")

    def loaded(self) -> TodoPage:
        """Waits until the server has answered what the page asked last."""
        expect(self.page.locator("ul.rows[aria-busy=false]")).to_be_attached()
        return self

    def reload(self) -> TodoPage:
        self.page.reload()
        return self.loaded()

    def answered(self, method: str) -> AbstractContextManager[object]:
        """What is done inside sends a request by this method; its end waits until the server has answered that."""
        return self.page.expect_response(lambda answer: answer.request.method == method)

    def row(self, title: str) -> Locator:
        return self.rows.filter(has=self.page.locator(".title").get_by_text(title, exact=True))

    def tick(self, title: str) -> Locator:
        return self.row(title).get_by_role("checkbox")

    def button(self, verb: str, title: str) -> Locator:
        return self.page.get_by_role("button", name=f"{verb} “{title}”", exact=True)

    def filter(self, name: str) -> Locator:
        return self.page.get_by_role("radio", name=name)

    def field(self, name: str) -> Locator:
        return self.page.get_by_role("form").get_by_label(name)

    @property
    def titles(self) -> list[str]:
        return self.rows.locator(".title").all_inner_texts()

    def eventually_shows(self, *titles: str, among: str = "") -> None:
        """These titles in this order, and no others (of those that have `among` in them)."""

        def seen() -> bool:
            shown = [title for title in self.titles if among in title]
            assert shown == list(titles), f"{shown}"
            return True

        eventually(seen, f"the page to show {list(titles)}", STEP_MILLISECONDS / 1000 / DEADLINE_FACTOR)


class Hand(ABC):
    """What a user does. Each verb ends when the page shows that it was done."""

    def __init__(self, page: TodoPage) -> None:
        self.on = page

    @abstractmethod
    def press(self, control: Locator) -> None: ...

    @abstractmethod
    def write(self, field: Locator, text: str) -> None:
        """In the place of what stands there."""

    @abstractmethod
    def show(self, name: str) -> None: ...

    @abstractmethod
    def sort(self, order: str) -> None: ...

    @abstractmethod
    def submit(self, button: Locator) -> None: ...

    @abstractmethod
    def take_back(self) -> None: ...

    def add(self, title: str) -> None:
        self.write(self.on.new_title, title)
        self.submit(self.on.add_button)
        expect(self.on.row(title)).to_be_visible()
        expect(self.on.new_title).to_have_value("")

    def complete(self, title: str) -> None:
        tick = self.on.tick(title)
        expect(tick).not_to_be_checked()
        self.press(tick)
        expect(tick).to_be_checked()

    def edit(self, title: str, **fields: str) -> None:
        self.press(self.on.button("Edit", title))
        for name, text in fields.items():
            self.write(self.on.field(name), text)
        self.submit(self.on.page.get_by_role("button", name="Save"))
        expect(self.on.page.get_by_role("form", name=f"Edit “{title}”")).to_have_count(0)

    def delete(self, title: str) -> None:
        self.press(self.on.button("Delete", title))
        expect(self.on.row(title)).to_have_count(0)

    def look_for(self, text: str) -> None:
        self.write(self.on.search, text)


class Mouse(Hand):
    """Or a finger: Playwright taps where the screen is one for fingers."""

    def press(self, control: Locator) -> None:
        control.click()

    def write(self, field: Locator, text: str) -> None:
        field.click()
        field.fill(text)

    def show(self, name: str) -> None:
        self.on.page.locator(".filters label").filter(has_text=name).click()
        expect(self.on.filter(name)).to_be_checked()

    def sort(self, order: str) -> None:
        self.on.order.select_option(label=order)

    def submit(self, button: Locator) -> None:
        button.click()

    def take_back(self) -> None:
        self.on.undo.click()


class Keyboard(Hand):
    """No control is used that Tab does not reach, or that does not show that it has the focus."""

    def press(self, control: Locator) -> None:
        self.go_to(control)
        self._key("Space")

    def write(self, field: Locator, text: str) -> None:
        self.go_to(field)
        self._key("Control+a")
        self._key("Delete")
        self.on.page.keyboard.type(text)

    def show(self, name: str) -> None:
        names = ["All", "Active", "Done"]
        checked = self.on.page.locator(".filters :checked")
        self.go_to(checked)
        steps = names.index(name) - ["all", "active", "completed"].index(str(checked.get_attribute("value")))
        for _ in range(abs(steps)):
            self._key("ArrowRight" if steps > 0 else "ArrowLeft")
        expect(self.on.filter(name)).to_be_checked()

    def sort(self, order: str) -> None:
        self.go_to(self.on.order)
        # A closed list takes the letters of what is wanted.
        self.on.page.keyboard.type(order)
        expect(self.on.order.locator("option:checked")).to_have_text(order)

    def submit(self, button: Locator) -> None:
        # In a field of one line Enter is enough; in one of more it is a new line.
        if self.on.page.locator("textarea:focus").count():
            self.go_to(button)
        self._key("Enter")

    def take_back(self) -> None:
        self._key("Control+z")

    def go_to(self, control: Locator) -> None:
        expect(control).to_be_visible()
        for key in ["Tab"] * MOST_TABS:
            if control.evaluate("element => element === document.activeElement"):
                break
            self._key(key)
        else:
            raise AssertionError(f"{MOST_TABS} Tab keys do not lead to {control}")
        shown = control.evaluate("""element => [element, element.nextElementSibling, element.parentElement].some(
            (part) => part && getComputedStyle(part).outlineStyle !== "none")""")
        assert shown, f"the focus on {control} cannot be seen"

    def _key(self, key: str) -> None:
        self.on.page.keyboard.press(key)


def todo_flow(hand: Hand, mark: str) -> None:
    """Add, edit, complete, filter, search, sort, delete, take back; then all of it is still so after a reload.

    Everything has `mark` in its title; what is there besides does not matter. Leaves one todo, `<mark> apples`, done.
    """
    page = hand.on.loaded()
    apples, bread, cheese = f"{mark} apples", f"{mark} bread", f"{mark} cheese"

    for title in (bread, apples, cheese):
        hand.add(title)
    page.eventually_shows(cheese, apples, bread, among=mark)

    hand.complete(apples)
    hand.edit(bread, Title=f"{mark} dark bread", Notes="from the baker")
    expect(page.row(f"{mark} dark bread").get_by_text("from the baker")).to_be_visible()

    hand.show("Active")
    page.eventually_shows(cheese, f"{mark} dark bread", among=mark)
    hand.show("Done")
    page.eventually_shows(apples, among=mark)
    hand.show("All")
    page.eventually_shows(cheese, apples, f"{mark} dark bread", among=mark)

    hand.sort("By title")
    page.eventually_shows(apples, cheese, f"{mark} dark bread", among=mark)

    hand.look_for(f"{mark} CHEE")
    page.eventually_shows(cheese)
    hand.look_for(mark)
    page.eventually_shows(apples, cheese, f"{mark} dark bread", among=mark)

    hand.delete(cheese)
    hand.take_back()
    expect(page.row(cheese)).to_be_visible()
    for title in (cheese, f"{mark} dark bread"):
        # The page shows a row's end before the server has heard of it, and a reload ends what is still under way.
        with page.answered("DELETE"):
            hand.delete(title)

    page.reload().eventually_shows(apples, among=mark)
    expect(page.tick(apples)).to_be_checked()
