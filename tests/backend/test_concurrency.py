"""Many at once: nothing is lost, nothing fails."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from support.backend import BackendClient, BackendMaker


def test_writers_at_the_same_time_all_succeed(todos: BackendClient) -> None:
    def write(writer: int) -> list[int]:
        return [todos.create(f"{writer}-{number}")["id"] for number in range(25)]

    with ThreadPoolExecutor(12) as pool:
        ids = [number for made in pool.map(write, range(12)) for number in made]
    assert len(set(ids)) == 300
    assert todos.page()["counts"]["all"] == 300


def test_edits_of_different_fields_at_the_same_time_all_stay(todos: BackendClient) -> None:
    number = todos.create("t")["id"]
    with ThreadPoolExecutor(3) as pool:
        for turn in range(30):
            edits = [{"title": f"title {turn}"}, {"notes": f"notes {turn}"}, {"completed": turn % 2 == 0}]
            list(pool.map(lambda fields: todos.edit(number, **fields), edits))
            todo = todos.get(f"/api/todos/{number}").json
            assert (todo["title"], todo["notes"], todo["completed"]) == (f"title {turn}", f"notes {turn}", turn % 2 == 0)


def test_of_two_that_delete_one_is_told_that_it_did(todos: BackendClient) -> None:
    with ThreadPoolExecutor(4) as pool:
        for _ in range(20):
            path = f"/api/todos/{todos.create('t')['id']}"
            statuses = sorted(pool.map(lambda _: todos.ask("DELETE", path).status, range(4)))
            assert statuses == [204, 404, 404, 404]


def test_two_programs_share_a_database(new_backend: BackendMaker, database: dict[str, str]) -> None:
    first = new_backend({**database, "AUTO_MIGRATE": "true"}).wait_until_ready()
    second = new_backend(database).wait_until_ready()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: (first, second)[number % 2].create(f"t{number}"), range(80)))
    assert first.page("limit=100") == second.page("limit=100")
    assert first.page()["total"] == 80
