import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyList, type List, next } from "../lib/list";
import { plainQuery } from "../lib/todo";
import { todo } from "./helpers";

const two: List = next(emptyList(plainQuery), {
  type: "loaded",
  page: { items: [todo(1), todo(2, { completed: true })], total: 2, counts: { all: 2, active: 1, completed: 1 } },
});

test("until the first answer nothing is known", () => {
  assert.deepEqual(emptyList(plainQuery), {
    query: plainQuery,
    phase: "loading",
    problem: null,
    outdated: false,
    items: [],
    total: 0,
    counts: null,
  });
});

test("a todo that is ticked moves from one count to the other", () => {
  const after = next(two, { type: "changed", todo: todo(1, { completed: true }) });
  assert.deepEqual(after.counts, { all: 2, active: 0, completed: 2 });
  assert.deepEqual(
    after.items.map((one) => one.completed),
    [true, true],
  );
});

test("a new todo comes first, and once", () => {
  const after = next(two, { type: "added", todo: todo(3) });
  assert.deepEqual(
    after.items.map((one) => one.id),
    [3, 1, 2],
  );
  assert.deepEqual([after.total, after.counts], [3, { all: 3, active: 2, completed: 1 }]);
  assert.deepEqual(next(after, { type: "added", todo: todo(3) }), after);
});

test("what is removed and put back leaves everything as it was", () => {
  const gone = next(two, { type: "removed", id: 2 });
  assert.deepEqual([gone.total, gone.counts], [1, { all: 1, active: 1, completed: 0 }]);
  assert.deepEqual(next(gone, { type: "put back", todo: todo(2, { completed: true }), index: 1 }), two);
});

test("what is not in the list cannot change it", () => {
  assert.equal(next(two, { type: "removed", id: 9 }), two);
  assert.equal(next(two, { type: "changed", todo: todo(9) }), two);
});

test("a failure leaves what is shown, and the next good answer ends it", () => {
  const failed = next(two, { type: "failed", problem: "No connection." });
  assert.deepEqual([failed.phase, failed.problem, failed.items], ["failed", "No connection.", two.items]);
  const page = { items: [], total: 0, counts: { all: 0, active: 0, completed: 0 } };
  const after = next(failed, { type: "loaded", page });
  assert.deepEqual([after.phase, after.problem, after.items], ["ready", null, []]);
});

test("a retry with nothing to show is a loading again; with something it is silent", () => {
  const nothing = next(emptyList(plainQuery), { type: "failed", problem: "x" });
  assert.equal(next(nothing, { type: "retried" }).phase, "loading");
  const old = next(two, { type: "failed", problem: "x" });
  assert.equal(next(old, { type: "retried" }), old);
});

test("another query makes what is shown outdated, until it is answered", () => {
  const asked = next(two, { type: "asked", query: { ...plainQuery, show: "active" } });
  assert.deepEqual([asked.outdated, asked.items], [true, two.items]);
});
