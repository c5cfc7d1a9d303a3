import assert from "node:assert/strict";
import { test } from "node:test";
import * as rules from "../lib/backend-rules";

const handedOn: [method: string, segments: string[], path: string][] = [
  ["GET", ["todos"], "/api/todos"],
  ["POST", ["todos"], "/api/todos"],
  ["GET", ["todos", "7"], "/api/todos/7"],
  ["PATCH", ["todos", "7"], "/api/todos/7"],
  ["DELETE", ["todos", "9007199254740991"], "/api/todos/9007199254740991"],
  ["POST", ["todos", "7", "complete"], "/api/todos/7/complete"],
  ["POST", ["todos", "7", "reopen"], "/api/todos/7/reopen"],
];

for (const [method, segments, path] of handedOn) {
  test(`${method} /api/${segments.join("/")} is handed on`, () => {
    assert.deepEqual(rules.routeOf(method, segments), { path });
  });
}

const unknown = [
  ["metrics"],
  ["todos", ".."],
  ["todos", "..", "..", "metrics"],
  ["todos", "7/complete"],
  ["todos/7"],
  ["todos", "seven"],
  ["todos", ""],
  ["todos", "7", "erase"],
  ["todos", "7", "complete", "more"],
  ["todos", "77777777777777777"],
  ["TODOS"],
  [],
];

for (const segments of unknown) {
  test(`/api with ${JSON.stringify(segments)} is not found`, () => {
    assert.deepEqual(rules.routeOf("GET", segments), { refusal: 404 });
  });
}

test("a method that the path does not have is refused, with those that it has", () => {
  assert.deepEqual(rules.routeOf("DELETE", ["todos"]), { refusal: 405, allow: "GET, POST" });
  assert.deepEqual(rules.routeOf("PUT", ["todos", "1"]), { refusal: 405, allow: "GET, PATCH, DELETE" });
  assert.deepEqual(rules.routeOf("GET", ["todos", "1", "complete"]), { refusal: 405, allow: "POST" });
});

test("headers of one hop, cookies and credentials stay here", () => {
  const from = new Headers({
    accept: "application/json",
    "content-type": "application/json",
    connection: "keep-alive, x-secret",
    cookie: "session=1",
    authorization: "Bearer x",
    "transfer-encoding": "chunked",
    "x-forwarded-for": "10.0.0.1",
    host: "todo.example",
  });
  assert.deepEqual(rules.headersForBackend(from), { accept: "application/json", "content-type": "application/json" });
});

test("of the backend's headers the browser sees what it needs, and nothing is ever kept", () => {
  const from = new Headers({
    "content-type": "application/json",
    "retry-after": "2",
    "set-cookie": "a=b",
    connection: "close",
    server: "todo-backend",
  });
  assert.deepEqual(rules.headersForBrowser(from), {
    "content-type": "application/json",
    "retry-after": "2",
    ...rules.headersOfApi,
  });
});

test("only JSON is JSON", () => {
  for (const type of ["application/json", "application/json; charset=utf-8", "Application/JSON"]) {
    assert.equal(rules.isJson(type), true, type);
  }
  for (const type of [null, "", "text/plain", "application/x-www-form-urlencoded", "text/plain; application/json"]) {
    assert.equal(rules.isJson(type), false, String(type));
  }
});

test("the backend's address is an origin, or one with a path before /api", () => {
  const at = (setting?: string) => rules.addressAtBackend(rules.backendAddress(setting), "/api/todos", "?q=a%20b").href;
  assert.equal(at("http://todo-backend:8000"), "http://todo-backend:8000/api/todos?q=a%20b");
  assert.equal(at("https://example.test/todo/"), "https://example.test/todo/api/todos?q=a%20b");
  assert.equal(at(undefined), "http://127.0.0.1:8000/api/todos?q=a%20b");
});

for (const setting of ["todo-backend", "ftp://x", "http://user:word@x", "http://x/?a=b", "http://x/#y"]) {
  test(`${setting} is refused as the backend's address, without repeating it`, () => {
    assert.throws(
      () => rules.backendAddress(setting),
      (error: Error) => error.message.startsWith("BACKEND_URL") && !error.message.includes(setting),
    );
  });
}
