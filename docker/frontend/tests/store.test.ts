import assert from "node:assert/strict";
import { test } from "node:test";
import { Problem } from "../lib/api";
import { pageLength, TodoStore } from "../lib/store";
import { plainQuery } from "../lib/todo";
import { MemoryApi, todo } from "./helpers";

async function loaded(count: number): Promise<{ api: MemoryApi; store: TodoStore; ids: () => number[] }> {
  const api = new MemoryApi();
  api.todos = Array.from({ length: count }, (_, index) => todo(index + 1));
  const store = new TodoStore(api, plainQuery);
  await store.load();
  api.calls = [];
  return { api, store, ids: () => store.snapshot().list.items.map((one) => one.id) };
}

/** Until all that can go on without time passing has gone on. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("an answer to an older question than the newest is thrown away", async () => {
  const { api, store, ids } = await loaded(2);
  api.hold();
  const first = store.ask({ ...plainQuery, search: "todo 1" });
  const second = store.ask({ ...plainQuery, search: "todo 2" });
  api.release(true);
  await Promise.all([first, second]);
  assert.deepEqual(ids(), [2]);
  assert.equal(store.snapshot().list.outdated, false);
});

test("an answer that a change has overtaken is thrown away", async () => {
  const { api, store, ids } = await loaded(2);
  api.hold();
  const loading = store.load();
  const removing = store.remove(todo(1));
  await settled();
  api.release();
  await Promise.all([loading, removing]);
  await settled();
  assert.deepEqual(ids(), [2]);
});

test("a tick is shown at once, and taken back when the server refuses it", async () => {
  const { api, store } = await loaded(1);
  const [one] = store.snapshot().list.items;
  assert.ok(one);
  api.fail = new Problem("Not now.", 503);
  const ticking = store.complete(one, true);
  assert.equal(store.snapshot().list.items[0]?.completed, true);
  assert.equal(await ticking, "Not now.");
  assert.equal(store.snapshot().list.items[0]?.completed, false);
  assert.deepEqual(store.snapshot().notice, { text: "“todo 1” was not changed. Not now.", tone: "bad", undo: null });
});

test("a delete that the server refuses puts the todo back in its place", async () => {
  const { api, store, ids } = await loaded(3);
  api.fail = new Problem("Not now.", 503);
  const removing = store.remove(todo(2));
  assert.deepEqual(ids(), [1, 3]);
  await removing;
  assert.deepEqual(ids(), [1, 2, 3]);
  assert.equal(store.snapshot().notice?.tone, "bad");
});

test("a delete of what is gone already is a delete", async () => {
  const { api, store, ids } = await loaded(2);
  api.todos = [todo(2)];
  assert.equal(await store.remove(todo(1)), null);
  assert.deepEqual(ids(), [2]);
});

test("what was deleted comes back with all its fields, and only once", async () => {
  const { api, store } = await loaded(0);
  api.todos = [todo(1, { notes: "n", completed: true, dueDate: "2026-12-01" })];
  await store.load();
  await store.remove(todo(1, { notes: "n", completed: true, dueDate: "2026-12-01" }));
  await Promise.all([store.undo(), store.undo()]);
  await settled();
  assert.equal(api.todos.length, 1);
  assert.deepEqual({ ...api.todos[0], id: 1 }, todo(1, { notes: "n", completed: true, dueDate: "2026-12-01" }));
  assert.equal(store.snapshot().notice, null);
});

test("an undo that fails can be tried again", async () => {
  const { api, store } = await loaded(1);
  await store.remove(todo(1));
  api.fail = new Problem("Not now.", 503);
  await store.undo();
  assert.equal(store.snapshot().notice?.undo?.id, 1);
  api.fail = null;
  await store.undo();
  assert.equal(api.todos.length, 1);
});

test("changes are sent one after another, then the list is loaded once", async () => {
  const { api, store } = await loaded(1);
  const [one] = store.snapshot().list.items;
  assert.ok(one);
  await Promise.all([store.complete(one, true), store.complete({ ...one, completed: true }, false)]);
  await settled();
  assert.deepEqual(api.calls, [
    'change 1 {"completed":true}',
    'change 1 {"completed":false}',
    `list all ${pageLength} 0`,
  ]);
});

test("what is ticked twice in a row never shows the first answer", async () => {
  const { store } = await loaded(1);
  const [one] = store.snapshot().list.items;
  assert.ok(one);
  const changes = [store.complete(one, true), store.complete({ ...one, completed: true }, false)];
  const shown: unknown[] = [];
  store.subscribe(() => shown.push(store.snapshot().list.items[0]?.completed));
  await Promise.all(changes);
  await settled();
  assert.deepEqual(new Set(shown), new Set([false]));
});

test("a todo that somebody else deleted goes when it is edited, and it is said", async () => {
  const { api, store, ids } = await loaded(2);
  api.todos = [todo(2)];
  assert.equal(await store.edit(todo(1), { title: "new" }), "There is no todo 1.");
  assert.deepEqual(ids(), [2]);
  assert.equal(store.snapshot().notice?.text, "“todo 1” was deleted elsewhere.");
});

test("a new todo that the filter hides is said, not shown", async () => {
  const { store, ids } = await loaded(0);
  await store.ask({ ...plainQuery, show: "completed" });
  assert.equal(await store.add({ title: "new" }), null);
  await settled();
  assert.deepEqual(ids(), []);
  assert.equal(store.snapshot().notice?.text, "Added “new”. The filter hides it.");
});

test("what the server refuses to add is told to whoever asked", async () => {
  const { api, store, ids } = await loaded(0);
  api.fail = new Problem("Title must not be blank.", 422);
  assert.equal(await store.add({ title: " " }), "Title must not be blank.");
  assert.deepEqual(ids(), []);
});

test("more is loaded in pages that the server gives, without any todo twice", async () => {
  const { api, store, ids } = await loaded(130);
  assert.equal(ids().length, pageLength);
  await store.more();
  await store.more();
  assert.deepEqual(
    ids(),
    api.todos.map((one) => one.id),
  );
  assert.deepEqual(api.calls.slice(-2), ["list all 100 0", "list all 50 100"]);
});

test("a failure to load is said once, however often it is tried", async () => {
  const { api, store } = await loaded(1);
  const said: string[] = [];
  store.subscribe(() => {
    const { said: now } = store.snapshot();
    if (now !== said.at(-1)) {
      said.push(now);
    }
  });
  api.fail = new Problem("No connection to the server.", 0);
  await store.load();
  await store.load();
  api.fail = null;
  await store.load();
  assert.deepEqual(said.filter(Boolean), [
    "The list could not be loaded. No connection to the server.",
    "The list is up to date again.",
  ]);
});

test("others are told of what the server took, and of nothing else", async () => {
  const api = new MemoryApi();
  let told = 0;
  const store = new TodoStore(api, plainQuery, () => told++);
  await store.load();
  await store.add({ title: "one" });
  api.fail = new Problem("Not now.", 503);
  await store.add({ title: "two" });
  assert.equal(told, 1);
});
