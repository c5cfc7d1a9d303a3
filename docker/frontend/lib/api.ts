// The Todo API as the browser sees it, below the page's own address.

import type { Draft, Page, Query, Todo } from "./todo";
import { parametersOfList } from "./todo";

/** What went wrong, in words for the reader. `status` is 0 where nobody answered. */
export class Problem extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

export interface TodoApi {
  list(query: Query, limit: number, offset: number): Promise<Page>;
  create(draft: Draft): Promise<Todo>;
  change(id: number, draft: Draft): Promise<Todo>;
  remove(id: number): Promise<void>;
}

/** Longer than this server itself waits for the backend. */
const milliseconds = 15_000;

export const httpApi: TodoApi = {
  list: async (query, limit, offset) =>
    (await send("GET", `/api/todos?${parametersOfList(query, limit, offset)}`)).json(),
  create: async (draft) => (await send("POST", "/api/todos", draft)).json(),
  change: async (id, draft) => (await send("PATCH", `/api/todos/${id}`, draft)).json(),
  remove: async (id) => {
    await send("DELETE", `/api/todos/${id}`);
  },
};

async function send(method: string, path: string, body?: Draft): Promise<Response> {
  const content = body ? { headers: { "content-type": "application/json" }, body: JSON.stringify(body) } : {};
  let response: Response;
  try {
    response = await fetch(path, { method, cache: "no-store", signal: AbortSignal.timeout(milliseconds), ...content });
  } catch {
    throw new Problem("No connection to the server.", 0);
  }
  if (!response.ok) {
    throw new Problem(problemText(response.status, await response.json().catch(() => null)), response.status);
  }
  return response;
}

/** The answer's own words where it has some, as a sentence. */
export function problemText(status: number, answer: unknown): string {
  const detail = (answer as { detail?: unknown } | null)?.detail;
  if (typeof detail !== "string" || detail.trim() === "") {
    return `The server answered with an error (${status}).`;
  }
  const text = detail.trim();
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}
