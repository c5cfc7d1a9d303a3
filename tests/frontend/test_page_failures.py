"""The page while the backend is away, and after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Route, expect

from support.todo_page import Mouse, TodoPage
from support.todo_servers import Gate

OpenPage = Callable[..., TodoPage]

AWAY = "502|503"


def test_a_list_that_cannot_be_loaded_says_so_and_comes_with_a_retry(open_page: OpenPage, todos: Any, gate: Gate) -> None:
    todos.add("behind the wall")
    gate.shut()
    page = open_page(expected=AWAY)
    expect(page.page.get_by_role("heading", name="The list could not be loaded")).to_be_visible()
    expect(page.said).to_contain_text("The list could not be loaded.")
    gate.pass_on()
    page.retry.click()
    page.loaded().eventually_shows("behind the wall")
    expect(page.retry).to_have_count(0)
    expect(page.said).to_have_text("The list is up to date again.")


def test_a_page_that_lost_the_backend_shows_what_it_has_and_recovers_by_itself(open_page: OpenPage, todos: Any,
                                                                               gate: Gate) -> None:
    todos.add("seen before")
    page = open_page(expected=AWAY).loaded()
    gate.shut()
    page.tick("seen before").click()
    expect(page.page.get_by_text("This list may be out of date.")).to_be_visible()
    expect(page.row("seen before")).to_be_visible()
    expect(page.tick("seen before")).not_to_be_checked()
    todos.add("added meanwhile")
    gate.pass_on()
    expect(page.row("added meanwhile")).to_be_visible(timeout=60_000)
    expect(page.page.get_by_text("This list may be out of date.")).to_have_count(0)


def test_what_could_not_be_added_stays_in_its_field(open_page: OpenPage, todos: Any, gate: Gate) -> None:
    page = open_page(expected=AWAY).loaded()
    gate.shut()
    page.new_title.fill("not lost")
    page.add_button.click()
    expect(page.page.get_by_role("alert").get_by_text("The server cannot be reached right now.")).to_be_visible()
    expect(page.new_title).to_have_value("not lost")
    expect(page.new_title).to_be_focused()
    gate.pass_on()
    page.add_button.click()
    expect(page.row("not lost")).to_be_visible()
    assert [todo["title"] for todo in todos.all()] == ["not lost"]


def test_an_edit_that_failed_stays_open_with_the_reason(open_page: OpenPage, todos: Any, gate: Gate) -> None:
    todos.add("half done")
    page = open_page(expected=AWAY).loaded()
    page.button("Edit", "half done").click()
    page.field("Title").fill("all done")
    gate.shut()
    page.page.get_by_role("button", name="Save").click()
    expect(page.page.get_by_role("form").get_by_role("alert")).to_have_text("The server cannot be reached right now.")
    expect(page.field("Title")).to_have_value("all done")
    gate.pass_on()
    page.page.get_by_role("button", name="Save").click()
    expect(page.row("all done")).to_be_visible()


def test_a_delete_that_failed_brings_the_todo_back(open_page: OpenPage, todos: Any, gate: Gate) -> None:
    for title in ("last", "middle", "first"):
        todos.add(title)
    page = open_page(expected=AWAY).loaded()
    gate.shut()
    page.button("Delete", "middle").click()
    expect(page.page.locator(".toast").get_by_text("“middle” was not deleted.")).to_be_visible()
    page.eventually_shows("first", "middle", "last")
    assert len(todos.all()) == 3


def test_while_the_first_answer_is_on_its_way_the_page_says_that_it_loads(open_page: OpenPage, todos: Any) -> None:
    todos.add("slow to come")
    page = open_page().loaded()
    waiting: list[Route] = []
    page.page.route("**/api/todos?*", lambda route: waiting.append(route))
    page.page.reload()
    expect(page.page.get_by_text("Loading the list…")).to_be_attached()
    for route in waiting:
        route.continue_()
    page.page.unroute("**/api/todos?*")
    page.loaded().eventually_shows("slow to come")
    expect(page.page.get_by_text("Loading the list…")).to_have_count(0)


def test_a_delete_can_be_taken_back_once(open_page: OpenPage, todos: Any) -> None:
    todos.add("gone and back", notes="with notes", completed=True, dueDate="2030-01-02")
    page = open_page().loaded()
    hand = Mouse(page)
    hand.delete("gone and back")
    hand.take_back()
    expect(page.row("gone and back")).to_be_visible()
    expect(page.undo).to_have_count(0)
    page.page.keyboard.press("Control+z")
    page.reload().eventually_shows("gone and back")
    assert [(todo["notes"], todo["completed"], todo["dueDate"]) for todo in todos.all()] == [
        ("with notes", True, "2030-01-02")]
