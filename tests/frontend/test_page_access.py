"""The page for everybody: small screens, big fingers, no mouse, no eyes, dark rooms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from support.browser import DESKTOP, PHONE, Screen
from support.todo_page import Keyboard, Mouse, TodoPage
from support.todo_servers import PAGE_SERVER, Gate

OpenPage = Callable[..., TodoPage]

AXE = PAGE_SERVER.parent.parent / "node_modules" / "axe-core" / "axe.min.js"
NARROWEST = Screen(320, 568, touch=True)
TARGET_PIXELS = 44

LONG_WORD = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz" * 3

# What can be pressed, with the label that belongs to it: a label is pressed for its field.
# A box that is on the move is measured to some 1/30,000 of a pixel, and may so be 43.99997 high.
TOO_SMALL = """(least) => [...document.querySelectorAll("button, input, select, textarea, a[href]")]
    .filter((element) => element.checkVisibility())
    .map((element) => [element, element.closest("label") ?? element])
    .map(([element, target]) => [element.outerHTML.slice(0, 120), target.getBoundingClientRect()])
    .filter(([, box]) => Math.min(box.width, box.height) < least - 0.001)
    .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""


def fill(todos: Any) -> None:
    todos.add("due long ago", dueDate="2020-02-02", notes="with notes")
    todos.add("done", completed=True)
    todos.add(LONG_WORD[:200], notes=LONG_WORD)


def empty(page: TodoPage, gate: Gate) -> None:
    page.loaded()


def editing(page: TodoPage, gate: Gate) -> None:
    page.loaded()
    page.button("Edit", "done").click()


def deleted(page: TodoPage, gate: Gate) -> None:
    Mouse(page.loaded()).delete("done")
    expect(page.undo).to_be_visible()


def nothing_found(page: TodoPage, gate: Gate) -> None:
    Mouse(page.loaded()).look_for("zebra")
    expect(page.page.get_by_role("heading", name="Nothing found")).to_be_visible()


def refused(page: TodoPage, gate: Gate) -> None:
    page.loaded().add_button.click()
    expect(page.page.get_by_role("alert").get_by_text("Type what is to be done first.")).to_be_visible()


def lost(page: TodoPage, gate: Gate) -> None:
    page.loaded()
    gate.shut()
    page.tick("done").click()
    expect(page.page.get_by_text("This list may be out of date.")).to_be_visible()


def away(page: TodoPage, gate: Gate) -> None:
    gate.shut()
    page.page.reload()
    expect(page.page.get_by_role("heading", name="The list could not be loaded")).to_be_visible()


STATES = [TodoPage.loaded, empty, editing, deleted, nothing_found, refused, lost, away]
IN_EACH_STATE = pytest.mark.parametrize("bring_about", STATES, ids=lambda state: state.__name__)


def bring(bring_about: Callable[..., Any], page: TodoPage, gate: Gate) -> Page:
    bring_about(page, *([] if bring_about is TodoPage.loaded else [gate]))
    return page.page


@IN_EACH_STATE
def test_axe_finds_nothing_to_complain_of(open_page: OpenPage, todos: Any, gate: Gate,
                                          bring_about: Callable[..., Any]) -> None:
    if bring_about is not empty:
        fill(todos)
    page = bring(bring_about, open_page(expected="502", reduced_motion="reduce"), gate)
    page.evaluate(Path(AXE).read_text(encoding="utf-8"))
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert len(found["passes"]) > 10, "axe looked at nothing"
        told = [f"{one['impact']}: {one['id']}: {one['help']}: {[node['target'] for node in one['nodes']]}"
                for one in found["violations"]]
        assert not told, f"in {scheme} colours:\n" + "\n".join(told)


@IN_EACH_STATE
def test_a_phone_needs_no_scrolling_sideways_and_has_targets_for_fingers(open_page: OpenPage, todos: Any, gate: Gate,
                                                                         bring_about: Callable[..., Any]) -> None:
    if bring_about is not empty:
        fill(todos)
    page = bring(bring_about, open_page(screen=NARROWEST, expected="502"), gate)
    wide, screen = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= screen == NARROWEST.width, f"the page is {wide} px wide on a screen of {screen} px"
    assert page.evaluate(TOO_SMALL, TARGET_PIXELS) == []


def test_text_may_be_twice_as_big(open_page: OpenPage, todos: Any) -> None:
    fill(todos)
    page = open_page(screen=Screen(640, 800)).loaded()
    page.page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 640
    expect(page.add_button).to_be_in_viewport()


def test_after_a_delete_the_focus_is_on_the_next_row_then_on_the_field_at_the_top(open_page: OpenPage, todos: Any) -> None:
    for title in ("third", "second", "first"):
        todos.add(title)
    page = open_page().loaded()
    keys = Keyboard(page)
    keys.press(page.button("Delete", "second"))
    expect(page.button("Delete", "third")).to_be_focused()
    keys.press(page.button("Delete", "third"))
    expect(page.button("Delete", "first")).to_be_focused()
    keys.press(page.button("Delete", "first"))
    expect(page.new_title).to_be_focused()


def test_a_row_that_a_filter_takes_away_leaves_the_focus_in_the_list(open_page: OpenPage, todos: Any) -> None:
    for title in ("second", "first"):
        todos.add(title)
    page = open_page("/?show=active").loaded()
    Keyboard(page).press(page.tick("first"))
    expect(page.row("first")).to_have_count(0)
    expect(page.tick("second")).to_be_focused()


def test_the_editor_takes_the_focus_and_gives_it_back(open_page: OpenPage, todos: Any) -> None:
    todos.add("to be edited")
    page = open_page().loaded()
    keys = Keyboard(page)
    keys.press(page.button("Edit", "to be edited"))
    expect(page.field("Title")).to_be_focused()
    page.page.keyboard.press("Escape")
    expect(page.button("Edit", "to be edited")).to_be_focused()
    page.page.keyboard.press("Space")
    keys.write(page.field("Title"), "edited")
    page.page.keyboard.press("Enter")
    expect(page.button("Edit", "edited")).to_be_focused()


def test_escape_empties_the_search(open_page: OpenPage, todos: Any) -> None:
    todos.add("found again")
    page = open_page("/?q=zebra").loaded()
    Keyboard(page).go_to(page.search)
    page.page.keyboard.press("Escape")
    expect(page.search).to_have_value("")
    expect(page.search).to_be_focused()
    page.eventually_shows("found again")


def test_control_z_in_a_field_with_text_undoes_typing_and_no_delete(open_page: OpenPage, todos: Any) -> None:
    todos.add("deleted")
    page = open_page().loaded()
    Mouse(page).delete("deleted")
    page.new_title.click()
    page.page.keyboard.type("typed")
    page.page.keyboard.press("Control+z")
    expect(page.undo).to_be_visible()
    assert not todos.all()


def test_what_happens_is_said_to_those_who_hear_the_page(open_page: OpenPage) -> None:
    page = open_page().loaded()
    hand = Mouse(page)
    hand.add("milk")
    expect(page.said).to_have_text("Added “milk”.")
    hand.complete("milk")
    expect(page.said).to_have_text("“milk” is done.")
    hand.look_for("zebra")
    expect(page.said).to_have_text("Nothing found.")
    hand.look_for("")
    expect(page.said).to_have_text("1 todo shown.")
    hand.delete("milk")
    expect(page.said).to_have_text("Deleted “milk”. Control Z brings it back.")
    hand.take_back()
    expect(page.said).to_have_text("“milk” is back.")


def test_the_message_of_a_delete_goes_by_itself_but_not_from_under_the_hand(open_page: OpenPage, todos: Any) -> None:
    todos.add("deleted")
    page = open_page()
    page.page.clock.install()
    page.reload()
    Mouse(page).delete("deleted")
    page.page.locator(".toast").hover()
    page.page.clock.run_for(21_000)
    expect(page.undo).to_be_visible()
    page.page.mouse.move(0, 0)
    page.page.clock.run_for(11_000)
    expect(page.undo).to_have_count(0)


def test_nothing_moves_for_those_who_want_it_so(open_page: OpenPage, todos: Any) -> None:
    todos.add("calm")
    for motion, moves in (("no-preference", True), ("reduce", False)):
        page = open_page(reduced_motion=motion).loaded()
        page.button("Delete", "calm").click()
        name = page.page.locator(".toast").evaluate("element => getComputedStyle(element).animationName")
        assert (name != "none") == moves, f"with {motion}: {name}"
        page.undo.click()
        expect(page.row("calm")).to_be_visible()


def test_light_and_dark_are_as_the_system_is(open_page: OpenPage) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        page = open_page(screen=DESKTOP if scheme == "light" else PHONE, color_scheme=scheme).loaded()
        colour = page.page.evaluate("getComputedStyle(document.body).backgroundColor")
        grounds.append(sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(",")))
    assert grounds[0] > 600 and grounds[1] < 150, grounds
