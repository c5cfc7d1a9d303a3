"""What the API does with todos, the same with either database."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest

from support.backend import BackendClient
from support.waiting import eventually

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def test_a_todo_is_made_read_edited_completed_and_deleted(todos: BackendClient) -> None:
    made = todos.ask("POST", "/api/todos", {"title": "  Buy milk ", "notes": "oat\n2 l", "dueDate": "2026-12-01"})
    todo = made.json
    assert made.status == 201
    assert made.headers["Location"] == f"/api/todos/{todo['id']}"
    assert made.headers["Content-Type"] == "application/json"
    assert TIME.fullmatch(todo["createdAt"])
    assert todo == {"id": todo["id"], "title": "Buy milk", "notes": "oat\n2 l", "completed": False,
                    "dueDate": "2026-12-01", "createdAt": todo["createdAt"], "updatedAt": todo["createdAt"],
                    "completedAt": None}
    path = f"/api/todos/{todo['id']}"
    assert todos.get(path).json == todo

    edited = todos.edit(todo["id"], title="Buy oat milk", dueDate=None)
    assert edited == {**todo, "title": "Buy oat milk", "dueDate": None, "updatedAt": edited["updatedAt"]}
    assert edited["updatedAt"] >= todo["updatedAt"]

    completed = todos.ask("POST", path + "/complete").json
    assert completed["completed"] is True
    assert TIME.fullmatch(completed["completedAt"])
    assert todos.ask("POST", path + "/complete").json == completed, "to complete twice is to complete once"
    reopened = todos.ask("POST", path + "/reopen").json
    assert (reopened["completed"], reopened["completedAt"]) == (False, None)
    assert todos.edit(todo["id"], completed=True)["completed"] is True

    deleted = todos.ask("DELETE", path)
    assert (deleted.status, deleted.body) == (204, b"")
    assert "Content-Length" not in deleted.headers
    for method, suffix in [("GET", ""), ("DELETE", ""), ("PATCH", ""), ("POST", "/complete"), ("POST", "/reopen")]:
        gone = todos.ask(method, path + suffix, {"title": "x"} if method == "PATCH" else None)
        assert (gone.status, gone.json["detail"]) == (404, f"there is no todo {todo['id']}")


def test_text_comes_back_as_it_was_sent(todos: BackendClient) -> None:
    for text in ["Grüße, 世界 👋🏽", "\u200fשלום", "'; DROP TABLE todos; --", '"$1" %s {0} \\', "<script>alert(1)</script>",
                 "e\u0301", "\u2028line", "a" * 200, "👋" * 200]:
        made = todos.create(text, notes=text)
        assert (made["title"], made["notes"]) == (text, text)
        assert todos.get(f"/api/todos/{made['id']}").json == made
    assert todos.page()["total"] == 9


def test_a_search_takes_each_character_for_itself(todos: BackendClient) -> None:
    for title in ["100%", "100 of", "a_b", "axb", "back\\slash", "wow!", "it's", "Straße"]:
        todos.create(title)
    todos.create("other", notes="MILK_2\nsecond line")
    found = {"0%": ["100%"], "a_b": ["a_b"], "%": ["100%"], "_": ["a_b", "other"], "\\": ["back\\slash"], "!": ["wow!"],
             "'": ["it's"], "milk_": ["other"], "SECOND": ["other"], "straß": ["Straße"], "' OR '1'='1": [],
             "%' OR 1=1 --": [], "$1": [], "nothing": []}
    for search, titles in found.items():
        page = todos.page(f"q={quote(search)}&sort=title")
        assert ([todo["title"] for todo in page["items"]], page["total"]) == (titles, len(titles)), search
    assert todos.page("q=")["total"] == 9


def test_filters_counts_and_totals_agree(todos: BackendClient) -> None:
    for number in range(6):
        todos.create(f"milk {number}", completed=number % 3 == 0)
    todos.create("bread")
    counts = {"all": 6, "active": 4, "completed": 2}
    for query, total in [("q=milk", 6), ("q=milk&completed=true", 2), ("q=milk&completed=false", 4)]:
        page = todos.page(query + "&limit=1")
        assert (page["total"], page["counts"], len(page["items"])) == (total, counts, 1), query
    beyond = todos.page("q=milk&offset=100")
    assert (beyond["items"], beyond["total"], beyond["counts"]) == ([], 6, counts)
    assert todos.page("q=butter")["counts"] == {"all": 0, "active": 0, "completed": 0}


def test_lists_are_sorted_by_each_key_both_ways(todos: BackendClient) -> None:
    for title, due in [("beta", "2026-12-02"), ("Alpha", None), ("gamma", "2026-12-01"), ("äther", None), ("Zeta", None)]:
        newest = todos.create(title, dueDate=due)["createdAt"]
    # Times have milliseconds: what happens within one of them has no order.
    eventually(lambda: todos.edit(1, notes="edited last")["updatedAt"] > newest, "a later millisecond")
    assert todos.titles() == ["Zeta", "äther", "gamma", "Alpha", "beta"], "the newest first"
    expected = {
        "createdAt": ["beta", "Alpha", "gamma", "äther", "Zeta"],
        # By bytes, A to Z taken for a to z: in the same order with either database, whatever its locale.
        "title": ["Alpha", "beta", "gamma", "Zeta", "äther"],
        "dueDate": ["gamma", "beta", "Alpha", "äther", "Zeta"],
        "-dueDate": ["beta", "gamma", "Zeta", "äther", "Alpha"],
        "-title": ["äther", "Zeta", "gamma", "beta", "Alpha"],
    }
    for sort, titles in expected.items():
        assert todos.titles(f"sort={sort}") == titles, sort
    assert todos.titles("sort=-updatedAt")[0] == "beta"
    assert todos.titles("sort=updatedAt")[-1] == "beta"


@pytest.mark.parametrize("sort", ["createdAt", "-title", "dueDate"])
def test_pages_together_are_the_whole_list(todos: BackendClient, sort: str) -> None:
    for number in range(23):
        todos.create(f"same {number % 3}", dueDate=f"2026-12-{number % 4 + 1:02}" if number % 5 else None)
    whole = [todo["id"] for todo in todos.page(f"sort={sort}&limit=100")["items"]]
    pages = [todos.page(f"sort={sort}&limit=5&offset={offset}") for offset in range(0, 25, 5)]
    assert [todo["id"] for page in pages for todo in page["items"]] == whole
    assert len(set(whole)) == 23
    assert {page["total"] for page in pages} == {23}
    assert (pages[1]["limit"], pages[1]["offset"]) == (5, 5)


def test_head_answers_as_get_without_a_body(todos: BackendClient) -> None:
    made = todos.create("t")
    for path in ["/api/todos", f"/api/todos/{made['id']}"]:
        head, get = todos.ask("HEAD", path), todos.get(path)
        assert (head.status, head.body) == (200, b"")
        assert head.headers["Content-Length"] == str(len(get.body))


def test_an_id_is_never_given_again(todos: BackendClient) -> None:
    first = todos.create("a")["id"]
    todos.ask("DELETE", f"/api/todos/{first}")
    assert todos.create("b")["id"] > first
