// The page's one owner of state: it asks the API, changes the list, and tells its listeners.
//
// A change is shown at once and taken back if the server refuses it. Changes are sent one after another, in the order in
// which they were made; when the last is answered the list is loaded again, for the server alone knows order and counts.
// An answer to an older question than the newest is thrown away, and so is one that a change has overtaken.

import { Problem, type TodoApi } from "./api";
import { type Event, emptyList, type List, next } from "./list";
import { type Draft, fits, type Page, type Query, type Todo } from "./todo";

export type Notice = { text: string; tone: "good" | "bad"; undo: Todo | null };

export type State = {
  list: List;
  /** Shown until it is dismissed or something else is to be said. */
  notice: Notice | null;
  /** For those who hear the page. */
  said: string;
};

/** Why a change was not made, or nothing if it was. */
export type Refusal = string | null;

export const pageLength = 50;
const mostInOneAnswer = 100;

export class TodoStore {
  private state: State;
  private readonly listeners = new Set<() => void>();
  private wanted = pageLength;
  /** Grows with each question and each change; an answer counts only if nothing came after its question. */
  private turn = 0;
  private changes = 0;
  /** It was said that loading failed, and not yet that it works again. */
  private saidFailed = false;
  private lastChange: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly api: TodoApi,
    query: Query,
    /** Called after each change that the server took: other tabs want to know. */
    private readonly tellOthers: () => void = () => {},
  ) {
    this.state = { list: emptyList(query), notice: null, said: "" };
  }

  readonly snapshot = (): State => this.state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  ask(query: Query): Promise<void> {
    this.wanted = pageLength;
    this.apply({ type: "asked", query });
    return this.load();
  }

  more(): Promise<void> {
    this.wanted += pageLength;
    return this.load();
  }

  retry(): Promise<void> {
    this.apply({ type: "retried" });
    return this.load();
  }

  /** Loads the list again, unless changes are on their way: they load it when they are through. */
  async load(): Promise<void> {
    if (this.changes > 0) {
      return;
    }
    const turn = ++this.turn;
    const before = this.state.list;
    try {
      const page = await this.pages(before.query, this.wanted);
      if (turn === this.turn) {
        this.apply({ type: "loaded", page });
        this.sayWhatIsFound(before);
      }
    } catch (error) {
      if (turn === this.turn) {
        this.apply({ type: "failed", problem: wordsOf(error) });
        if (!this.saidFailed) {
          this.saidFailed = true;
          this.say(`The list could not be loaded. ${wordsOf(error)}`);
        }
      }
    }
  }

  async add(draft: Draft): Promise<Refusal> {
    return this.change(async () => {
      const todo = await this.api.create(draft);
      if (fits(this.state.list.query, todo)) {
        this.apply({ type: "added", todo });
        this.say(`Added “${todo.title}”.`);
      } else {
        this.notify({ text: `Added “${todo.title}”. The filter hides it.`, tone: "good", undo: null });
      }
    });
  }

  async edit(todo: Todo, draft: Draft): Promise<Refusal> {
    return this.change(async () => {
      try {
        this.apply({ type: "changed", todo: await this.api.change(todo.id, draft) });
        this.say(`Saved “${draft.title ?? todo.title}”.`);
      } catch (error) {
        this.dropIfGone(todo, error);
        throw error;
      }
    });
  }

  async complete(todo: Todo, completed: boolean): Promise<Refusal> {
    this.apply({ type: "changed", todo: { ...todo, completed } });
    this.say(completed ? `“${todo.title}” is done.` : `“${todo.title}” is to do again.`);
    return this.change(async () => {
      try {
        const changed = await this.api.change(todo.id, { completed });
        // Ticked once more meanwhile: then that is what is shown.
        if (this.changes === 1) {
          this.apply({ type: "changed", todo: changed });
        }
      } catch (error) {
        if (!this.dropIfGone(todo, error)) {
          this.apply({ type: "changed", todo });
          this.notify({ text: `“${todo.title}” was not changed. ${wordsOf(error)}`, tone: "bad", undo: null });
        }
        throw error;
      }
    });
  }

  async remove(todo: Todo): Promise<Refusal> {
    const index = this.state.list.items.findIndex((item) => item.id === todo.id);
    this.apply({ type: "removed", id: todo.id });
    this.notify({ text: `Deleted “${todo.title}”.`, tone: "good", undo: todo });
    return this.change(async () => {
      try {
        await this.api.remove(todo.id);
      } catch (error) {
        if (!isGone(error)) {
          this.apply({ type: "put back", todo, index: Math.max(index, 0) });
          this.notify({ text: `“${todo.title}” was not deleted. ${wordsOf(error)}`, tone: "bad", undo: null });
          throw error;
        }
      }
    });
  }

  /** The server forgets what is deleted, so this makes it once more. */
  async undo(): Promise<Refusal> {
    const { undo: todo } = this.state.notice ?? { undo: null };
    if (todo === null) {
      return null;
    }
    this.dismiss();
    const { title, notes, completed, dueDate } = todo;
    return this.change(async () => {
      try {
        const made = await this.api.create({ title, notes, completed, ...(dueDate === null ? {} : { dueDate }) });
        if (fits(this.state.list.query, made)) {
          this.apply({ type: "added", todo: made });
        }
        this.say(`“${title}” is back.`);
      } catch (error) {
        this.notify({ text: `“${title}” did not come back. ${wordsOf(error)}`, tone: "bad", undo: todo });
        throw error;
      }
    });
  }

  dismiss(): void {
    this.set({ notice: null });
  }

  private change(send: () => Promise<void>): Promise<Refusal> {
    this.changes++;
    this.turn++;
    const sent = this.lastChange.then(async (): Promise<Refusal> => {
      try {
        await send();
        this.tellOthers();
        return null;
      } catch (error) {
        return wordsOf(error);
      } finally {
        this.changes--;
        void this.load();
      }
    });
    this.lastChange = sent;
    return sent;
  }

  private async pages(query: Query, wanted: number): Promise<Page> {
    const page = await this.api.list(query, Math.min(wanted, mostInOneAnswer), 0);
    const items = [...page.items];
    while (items.length < Math.min(wanted, page.total)) {
      const more = await this.api.list(query, Math.min(wanted - items.length, mostInOneAnswer), items.length);
      if (more.items.length === 0) {
        break;
      }
      items.push(...more.items.filter((todo) => items.every((known) => known.id !== todo.id)));
    }
    return { items, total: page.total, counts: page.counts };
  }

  /** A todo that somebody else deleted goes from the list. */
  private dropIfGone(todo: Todo, error: unknown): boolean {
    if (!isGone(error)) {
      return false;
    }
    this.apply({ type: "removed", id: todo.id });
    this.notify({ text: `“${todo.title}” was deleted elsewhere.`, tone: "bad", undo: null });
    return true;
  }

  private sayWhatIsFound(before: List): void {
    const { query, total } = this.state.list;
    if (this.saidFailed) {
      this.saidFailed = false;
      this.say("The list is up to date again.");
    } else if (before.outdated) {
      const what = query.search === "" ? "shown" : "found";
      this.say(total === 0 ? `Nothing ${what}.` : `${total} ${total === 1 ? "todo" : "todos"} ${what}.`);
    }
  }

  private notify(notice: Notice): void {
    this.set({
      notice,
      said: notice.undo && notice.tone === "good" ? `${notice.text} Control Z brings it back.` : notice.text,
    });
  }

  private say(said: string): void {
    this.set({ said });
  }

  private apply(event: Event): void {
    this.set({ list: next(this.state.list, event) });
  }

  private set(part: Partial<State>): void {
    this.state = { ...this.state, ...part };
    for (const listener of this.listeners) {
      listener();
    }
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Problem && error.status === 404;
}

function wordsOf(error: unknown): string {
  return error instanceof Problem ? error.message : "Something went wrong in this page.";
}
