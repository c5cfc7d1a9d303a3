"""What verify-parity.sh asks of the Todo app's REST API, through the page's server."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlencode

import urllib3

ANSWER_SECONDS = 20.0

# Of the headers, those that a user of the app is promised something by.
HEADERS = ["content-type", "location", "allow", "cache-control", "content-security-policy", "x-content-type-options",
           "x-frame-options", "referrer-policy", "access-control-allow-origin"]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

Told = dict[str, Any]


class App:
    """The app at one address. What is made here has `mark` in its title."""

    def __init__(self, address: str, mark: str) -> None:
        self.address = address
        self.mark = mark
        self._http = urllib3.PoolManager(retries=False, timeout=ANSWER_SECONDS)
        self._numbers: dict[int, str] = {}

    def answers(self) -> bool:
        try:
            return self._http.request("GET", f"{self.address}/health").json() == {"status": "ok"}
        except (urllib3.exceptions.HTTPError, ValueError):
            return False

    def ask(self, method: str, path: str, content: Any = None, *, expect: int, **options: Any) -> Told:
        """The answer with nothing in it that is of one app alone. AssertionError if its status is another."""
        if content is not None:
            options["json"] = content
        answer = self._http.request(method, self.address + path, redirect=False, **options)
        assert answer.status == expect, f"{method} {path} answered {answer.status}, not {expect}: {answer.data[:200]!r}"
        headers = {name: answer.headers[name] for name in HEADERS if name in answer.headers}
        body = answer.json() if "json" in headers.get("content-type", "") else len(answer.data) and "not JSON"
        return {"status": answer.status, "headers": self._alike(headers), "body": self._alike(body)}

    def make(self, title: str, **fields: Any) -> int:
        answer = self._http.request("POST", f"{self.address}/api/todos", json={"title": f"{self.mark} {title}", **fields})
        assert answer.status == 201, f"a todo could not be made: {answer.status} {answer.data[:200]!r}"
        return int(answer.json()["id"])

    def list(self, **parameters: Any) -> Told:
        return self.ask("GET", f"/api/todos?{urlencode({'q': self.mark, **parameters})}", expect=200)

    def marked(self) -> list[Told]:
        answer = self._http.request("GET", f"{self.address}/api/todos?{urlencode({'q': self.mark, 'limit': 100})}")
        return list(answer.json()["items"])

    def clear(self) -> None:
        self._numbers.clear()
        while found := self.marked():
            for todo in found:
                self._http.request("DELETE", f"{self.address}/api/todos/{todo['id']}")

    def _alike(self, value: Any) -> Any:
        """Ids become numbers in the order in which they are seen; times only say that they are times."""
        if isinstance(value, dict):
            return {name: self._number(part) if name == "id" else self._alike(part) for name, part in value.items()}
        if isinstance(value, list):
            return [self._alike(part) for part in value]
        if not isinstance(value, str):
            return value
        value = re.sub(r"(?<=/api/todos/)\d+|(?<=no todo )\d+", lambda found: self._number(int(found.group())), value)
        return TIME.sub("<time>", re.sub(r"'nonce-[^']+'", "'nonce-<nonce>'", value).replace(self.mark, "<mark>"))

    def _number(self, todo: int) -> str:
        return self._numbers.setdefault(todo, f"<{len(self._numbers) + 1}>")


class Check(NamedTuple):
    name: str
    run: Callable[[App], Any]


CHECKS: list[Check] = []


def check(name: str) -> Callable[[Callable[[App], Any]], Callable[[App], Any]]:
    def note(run: Callable[[App], Any]) -> Callable[[App], Any]:
        def alone(app: App) -> Any:
            app.clear()
            return run(app)

        CHECKS.append(Check(name, alone))
        return run

    return note


@check("/health and /ready answer 200")
def health(app: App) -> Any:
    return [app.ask("GET", path, expect=200) for path in ("/health", "/ready")]


@check("the page has its policy and its headers")
def page_headers(app: App) -> Any:
    return app.ask("GET", "/", expect=200)


@check("a list that finds nothing is an empty page")
def empty_list(app: App) -> Any:
    return app.list()


@check("a todo is made from a title, and found by its place")
def create(app: App) -> Any:
    made = app.ask("POST", "/api/todos", {"title": f"  {app.mark} bread  "}, expect=201)
    return [made, app.ask("GET", f"/api/todos/{app.marked()[0]['id']}", expect=200), app.list()]


@check("a todo is made with all its fields, in any script")
def create_all(app: App) -> Any:
    fields = {"notes": "Zeile 1\nZeile 2 “日本語” 🍏", "completed": True, "dueDate": "2031-02-28"}
    made = app.ask("POST", "/api/todos", {"title": f"{app.mark} Äpfel & <b>Öl</b> 🍏", **fields}, expect=201)
    return [made, app.list()]


@check("fields that are wrong are refused, each in words")
def validation(app: App) -> Any:
    title = f"{app.mark} x"
    wrong = [{}, {"title": ""}, {"title": " \t"}, {"title": 7}, {"title": "x" * 201}, {"title": "a\nb"},
             {"title": title, "x": 1}, {"title": title, "completed": "yes"}, {"title": title, "dueDate": "2031-02-30"},
             {"title": title, "notes": "x" * 2001}]
    return [*(app.ask("POST", "/api/todos", body, expect=422) for body in wrong), app.list()]


@check("a body that is no JSON, of another kind or too long is refused")
def bodies(app: App) -> Any:
    as_json = {"content-type": "application/json"}
    return [app.ask("POST", "/api/todos", expect=400, body=b'{"title": ', headers=as_json),
            app.ask("POST", "/api/todos", expect=415, body=b"title=x", headers={"content-type": "text/plain"}),
            app.ask("POST", "/api/todos", expect=413, body=b" " * 65537, headers=as_json)]


@check("a todo is edited, field by field")
def edit(app: App) -> Any:
    path = f"/api/todos/{app.make('milk', notes='oat')}"
    edits = [{"title": f"{app.mark} soy milk"}, {"notes": ""}, {"dueDate": "2031-01-01"}, {"dueDate": None},
             {"completed": True}, {"completed": False}]
    return [*(app.ask("PATCH", path, body, expect=200) for body in edits), app.ask("PATCH", path, {}, expect=422),
            app.ask("PATCH", path, {"id": 1}, expect=422)]


@check("a todo is completed and opened again, twice as well as once")
def complete(app: App) -> Any:
    path = f"/api/todos/{app.make('ring')}"
    return [app.ask("POST", f"{path}/{verb}", expect=200) for verb in ("complete", "complete", "reopen", "reopen")]


@check("a todo is deleted, and then it is not there")
def delete(app: App) -> Any:
    path = f"/api/todos/{app.make('old')}"
    return [app.ask("DELETE", path, expect=204), app.ask("GET", path, expect=404), app.ask("DELETE", path, expect=404),
            app.ask("PATCH", path, {"completed": True}, expect=404), app.ask("POST", f"{path}/complete", expect=404)]


def five(app: App) -> None:
    app.make("b pear", dueDate="2031-03-01")
    app.make("A apple", completed=True)
    app.make("ä 100%")
    app.make("c under_score", notes="APPLE pie", dueDate="2030-03-01")
    app.make("B plum", completed=True)


@check("the list is filtered, with its counts")
def filters(app: App) -> Any:
    five(app)
    return [app.list(completed=value) for value in ("true", "false")]


@check("the list is searched: case, notes, and signs that stand for themselves")
def search(app: App) -> Any:
    five(app)
    return [app.list(q=f"{app.mark} {text}") for text in ("A APP", "ä 100%", "%", "_", "c under_", "c underXscore")]


@check("the list is sorted in each order")
def sort(app: App) -> Any:
    five(app)
    orders = [sign + key for key in ("createdAt", "updatedAt", "title", "dueDate") for sign in ("", "-")]
    return [[item["title"] for item in app.list(sort=order)["body"]["items"]] for order in orders]


@check("the list comes in pages")
def pages(app: App) -> Any:
    five(app)
    return [app.list(limit=2, offset=offset, sort="createdAt") for offset in (0, 2, 4, 6)]


@check("parameters that are wrong are refused, each in words")
def parameters(app: App) -> Any:
    wrong = ["limit=0", "limit=101", "limit=x", "offset=-1", "sort=colour", "completed=maybe", "colour=red",
             "limit=1&limit=2"]
    return [app.ask("GET", f"/api/todos?{query}", expect=400) for query in wrong]


@check("other paths are not found, other methods not allowed")
def elsewhere(app: App) -> Any:
    paths = ["/api/metrics", "/api/todos/seven", "/api/todos/1/erase", "/api"]
    return [*(app.ask("GET", path, expect=404) for path in paths), app.ask("DELETE", "/api/todos", expect=405),
            app.ask("PUT", "/api/todos/1", expect=405)]


@check("ids beyond what a todo can have are not found")
def far_ids(app: App) -> Any:
    return [app.ask("GET", f"/api/todos/{number}", expect=404)["status"] for number in (0, 9007199254740991)]
