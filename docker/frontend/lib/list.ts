// What the page shows of the todos, and how each event changes it: pure values, no clock, no network.

import type { Counts, Page, Query, Todo } from "./todo";

export type List = {
  query: Query;
  /** loading: nothing to show yet. failed: the last attempt to load failed; what is shown may be old. */
  phase: "loading" | "ready" | "failed";
  /** Why it failed. */
  problem: string | null;
  /** The items belong to another query: a newer answer is on its way. */
  outdated: boolean;
  items: readonly Todo[];
  total: number;
  counts: Counts | null;
};

export type Event =
  | { type: "asked"; query: Query }
  | { type: "retried" }
  | { type: "loaded"; page: Page }
  | { type: "failed"; problem: string }
  | { type: "added"; todo: Todo }
  | { type: "changed"; todo: Todo }
  | { type: "removed"; id: number }
  | { type: "put back"; todo: Todo; index: number };

export function emptyList(query: Query): List {
  return { query, phase: "loading", problem: null, outdated: false, items: [], total: 0, counts: null };
}

export function next(list: List, event: Event): List {
  switch (event.type) {
    case "asked":
      return { ...list, query: event.query, outdated: list.counts !== null };
    case "retried":
      return list.counts === null ? { ...list, phase: "loading", problem: null } : list;
    case "loaded":
      return { ...list, ...event.page, phase: "ready", problem: null, outdated: false };
    case "failed":
      return { ...list, phase: "failed", problem: event.problem, outdated: false };
    case "added":
      return inserted(list, event.todo, 0);
    case "put back":
      return inserted(list, event.todo, event.index);
    case "changed":
      return changed(list, event.todo);
    case "removed":
      return removed(list, event.id);
  }
}

/** How many are left to do, of those that the search finds; null while nobody knows. */
export function leftToDo(list: List): number | null {
  return list.counts?.active ?? null;
}

function inserted(list: List, todo: Todo, index: number): List {
  if (list.items.some((item) => item.id === todo.id)) {
    return changed(list, todo);
  }
  const items = [...list.items.slice(0, index), todo, ...list.items.slice(index)];
  return { ...list, items, total: list.total + 1, counts: counted(list.counts, todo, 1) };
}

function changed(list: List, todo: Todo): List {
  const before = list.items.find((item) => item.id === todo.id);
  if (before === undefined) {
    return list;
  }
  const items = list.items.map((item) => (item.id === todo.id ? todo : item));
  return { ...list, items, counts: counted(counted(list.counts, before, -1), todo, 1) };
}

function removed(list: List, id: number): List {
  const gone = list.items.find((item) => item.id === id);
  if (gone === undefined) {
    return list;
  }
  const items = list.items.filter((item) => item.id !== id);
  return { ...list, items, total: list.total - 1, counts: counted(list.counts, gone, -1) };
}

function counted(counts: Counts | null, todo: Todo, by: 1 | -1): Counts | null {
  if (counts === null) {
    return null;
  }
  const kind = todo.completed ? "completed" : "active";
  return { ...counts, all: counts.all + by, [kind]: counts[kind] + by };
}
