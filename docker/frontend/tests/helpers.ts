import type { TodoApi } from "../lib/api";
import { Problem } from "../lib/api";
import type { Draft, Page, Query, Todo } from "../lib/todo";
import { fits } from "../lib/todo";

export function todo(id: number, fields: Partial<Todo> = {}): Todo {
  const time = "2026-11-21T18:00:00.000Z";
  return {
    id,
    title: `todo ${id}`,
    notes: "",
    completed: false,
    dueDate: null,
    createdAt: time,
    updatedAt: time,
    completedAt: null,
    ...fields,
  };
}

/** A backend in memory, newest first. `fail` makes calls fail; `hold` lets calls wait until `release`. */
export class MemoryApi implements TodoApi {
  todos: Todo[] = [];
  calls: string[] = [];
  fail: Problem | null = null;
  private held: (() => void)[] | null = null;
  private lastId = 100;

  hold(): void {
    this.held = [];
  }

  /** The calls that wait go on, the newest first if so wished. */
  release(newestFirst = false): void {
    const held = this.held ?? [];
    this.held = null;
    for (const go of newestFirst ? held.reverse() : held) {
      go();
    }
  }

  list(query: Query, limit: number, offset: number): Promise<Page> {
    return this.call(`list ${query.show} ${limit} ${offset}`, () => {
      const found = this.todos.filter((one) => fits({ ...query, show: "all" }, one));
      const shown = found.filter((one) => fits(query, one));
      const completed = found.filter((one) => one.completed).length;
      return {
        items: shown.slice(offset, offset + limit),
        total: shown.length,
        counts: { all: found.length, active: found.length - completed, completed },
      };
    });
  }

  create(draft: Draft): Promise<Todo> {
    return this.call(`create ${draft.title}`, () => {
      const made = todo(++this.lastId, draft);
      this.todos = [made, ...this.todos];
      return made;
    });
  }

  change(id: number, draft: Draft): Promise<Todo> {
    return this.call(`change ${id} ${JSON.stringify(draft)}`, () => {
      const changed = { ...this.find(id), ...draft };
      this.todos = this.todos.map((one) => (one.id === id ? changed : one));
      return changed;
    });
  }

  remove(id: number): Promise<void> {
    return this.call(`remove ${id}`, () => {
      this.find(id);
      this.todos = this.todos.filter((one) => one.id !== id);
    });
  }

  private find(id: number): Todo {
    const found = this.todos.find((one) => one.id === id);
    if (found === undefined) {
      throw new Problem(`There is no todo ${id}.`, 404);
    }
    return found;
  }

  /** What is asked is settled when the call is made, as a server that answers slowly does. */
  private async call<T>(what: string, answer: () => T): Promise<T> {
    this.calls.push(what);
    const { fail } = this;
    let result: T | undefined;
    let problem: unknown = fail;
    if (fail === null) {
      try {
        result = answer();
      } catch (error) {
        problem = error;
      }
    }
    await new Promise<void>((go) => (this.held === null ? go() : this.held.push(go)));
    if (problem !== null) {
      throw problem;
    }
    return result as T;
  }
}
