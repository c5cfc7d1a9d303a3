"""What a user does with the page, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from support.browser import PHONE
from support.todo_page import Keyboard, Mouse, TodoPage, todo_flow

OpenPage = Callable[..., TodoPage]


def test_the_whole_flow_works_with_a_mouse(open_page: OpenPage) -> None:
    todo_flow(Mouse(open_page()), "mouse")


def test_the_whole_flow_works_with_a_finger_on_a_phone(open_page: OpenPage) -> None:
    todo_flow(Mouse(open_page(screen=PHONE)), "finger")


def test_the_whole_flow_works_with_nothing_but_the_keyboard(open_page: OpenPage) -> None:
    todo_flow(Keyboard(open_page()), "keys")


def test_an_empty_list_says_where_to_begin_and_goes_with_the_first_todo(open_page: OpenPage) -> None:
    page = open_page().loaded()
    expect(page.page.get_by_role("heading", name="Nothing to do")).to_be_visible()
    Mouse(page).add("the first")
    expect(page.page.get_by_role("heading", name="Nothing to do")).to_have_count(0)
    Mouse(page).delete("the first")
    expect(page.page.get_by_role("heading", name="Nothing to do")).to_be_visible()


def test_each_filter_and_a_search_without_a_find_say_so(open_page: OpenPage, todos: Any) -> None:
    todos.add("only one", completed=True)
    page = open_page().loaded()
    hand = Mouse(page)
    hand.show("Active")
    expect(page.page.get_by_role("heading", name="All done")).to_be_visible()
    hand.show("Done")
    page.eventually_shows("only one")
    hand.look_for("zebra")
    expect(page.page.get_by_text("No todo among those that are done has “zebra” in it.")).to_be_visible()
    page.page.get_by_role("button", name="Show all todos").click()
    page.eventually_shows("only one")
    expect(page.search).to_have_value("")
    expect(page.filter("All")).to_be_checked()


def test_the_filters_say_how_many_there_are(open_page: OpenPage, todos: Any) -> None:
    for number in range(3):
        todos.add(f"todo {number}", completed=number == 0)
    page = open_page().loaded()
    expect(page.page.locator(".filters label")).to_have_text(["All 3", "Active 2", "Done 1"])
    expect(page.page.get_by_text("2 left to do")).to_be_visible()
    Mouse(page).complete("todo 2")
    expect(page.page.locator(".filters label")).to_have_text(["All 3", "Active 1", "Done 2"])


def test_what_is_shown_is_in_the_address(open_page: OpenPage, todos: Any) -> None:
    for title in ("red apple", "red pear", "green apple"):
        todos.add(title)
    page = open_page().loaded()
    hand = Mouse(page)
    hand.show("Active")
    hand.sort("By title")
    hand.look_for("red")
    page.eventually_shows("red apple", "red pear")
    address = page.page.url.removeprefix(page.tab.address)
    assert address == "/?show=active&q=red&sort=title"
    other = open_page(address)
    other.loaded().eventually_shows("red apple", "red pear")
    expect(other.search).to_have_value("red")
    expect(other.filter("Active")).to_be_checked()


def test_notes_and_a_due_date_are_kept(open_page: OpenPage, todos: Any) -> None:
    todos.add("a trip")
    page = open_page().loaded()
    Mouse(page).edit("a trip", **{"Notes": "two\nlines", "Due date": "2031-05-17"})
    expect(page.row("a trip").get_by_text("Due 17 May 2031")).to_be_visible()
    assert [(todo["notes"], todo["dueDate"]) for todo in todos.all()] == [("two\nlines", "2031-05-17")]
    Mouse(page).edit("a trip", **{"Due date": ""})
    expect(page.row("a trip").get_by_text("Due")).to_have_count(0)
    assert [(todo["notes"], todo["dueDate"]) for todo in todos.all()] == [("two\nlines", None)]


def test_a_blank_title_is_refused_in_words_and_the_field_keeps_the_focus(open_page: OpenPage, todos: Any) -> None:
    page = open_page().loaded()
    page.new_title.fill("   ")
    page.add_button.click()
    expect(page.page.get_by_role("alert").get_by_text("Type what is to be done first.")).to_be_visible()
    expect(page.new_title).to_be_focused()
    assert not todos.all()


def test_markup_in_a_title_is_shown_as_text(open_page: OpenPage, todos: Any) -> None:
    attack = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    todos.add(attack, notes=attack)
    page = open_page(f"/?q={attack}")
    asked: list[str] = []
    page.page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.loaded().eventually_shows(attack)
    expect(page.row(attack).locator(".notes")).to_have_text(attack)
    hand = Mouse(page)
    hand.edit(attack, Title=f"{attack}!")
    hand.delete(f"{attack}!")
    expect(page.page.get_by_text(f"Deleted “{attack}!”.", exact=True)).to_be_visible()
    assert page.page.locator("main img, main script").count() == 0
    assert not asked


def test_a_change_in_one_tab_is_seen_in_the_other(open_page: OpenPage) -> None:
    first = open_page()
    second = open_page(beside=first.tab)
    Mouse(first.loaded()).add("from the first")
    expect(second.row("from the first")).to_be_visible()
    Mouse(second).complete("from the first")
    expect(first.tick("from the first")).to_be_checked()


def test_a_todo_that_was_deleted_elsewhere_goes_in_words(open_page: OpenPage, todos: Any) -> None:
    number = todos.add("fleeting")
    page = open_page(expected="404").loaded()
    todos.delete(number)
    page.tick("fleeting").click()
    expect(page.page.get_by_text("“fleeting” was deleted elsewhere.", exact=True).first).to_be_visible()
    expect(page.row("fleeting")).to_have_count(0)


def test_a_long_list_comes_in_parts(open_page: OpenPage, todos: Any) -> None:
    for number in range(120):
        todos.add(f"todo {number:03}")
    page = open_page().loaded()
    more = page.page.get_by_role("button", name="Show more")
    expect(page.page.get_by_text("50 of 120 shown")).to_be_visible()
    more.click()
    expect(page.page.get_by_text("100 of 120 shown")).to_be_visible()
    more.click()
    page.eventually_shows(*[f"todo {number:03}" for number in reversed(range(120))])
    expect(more).to_have_count(0)


def test_an_edit_that_is_left_changes_nothing(open_page: OpenPage, todos: Any) -> None:
    todos.add("as it was")
    page = open_page().loaded()
    for leave in (lambda: page.page.keyboard.press("Escape"),
                  lambda: page.page.get_by_role("button", name="Cancel").click()):
        page.button("Edit", "as it was").click()
        page.field("Title").fill("otherwise")
        leave()
        expect(page.button("Edit", "as it was")).to_be_focused()
    assert [todo["title"] for todo in todos.all()] == ["as it was"]
