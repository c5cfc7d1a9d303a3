// The values that the page works with: what the backend's openapi.yaml calls Todo, TodoPage and the parameters of its list.

export type Todo = {
  id: number;
  title: string;
  notes: string;
  completed: boolean;
  /** YYYY-MM-DD */
  dueDate: string | null;
  createdAt: string;
  updatedAt: string;
  completedAt: string | null;
};

export type Draft = Partial<Pick<Todo, "title" | "notes" | "completed" | "dueDate">>;

export type Counts = { all: number; active: number; completed: number };

export type Page = { items: Todo[]; total: number; counts: Counts };

export const longestTitle = 200;
export const longestNotes = 2000;
export const longestSearch = 200;

export const shows = ["all", "active", "completed"] as const;
export type Show = (typeof shows)[number];

export const sorts = ["-createdAt", "createdAt", "dueDate", "title", "-updatedAt"] as const;
export type Sort = (typeof sorts)[number];

export type Query = { show: Show; search: string; sort: Sort };

export const plainQuery: Query = { show: "all", search: "", sort: "-createdAt" };

type Parameters = Record<string, string | string[] | undefined>;

/** The query in the page's own address; what makes no sense there counts as absent. */
export function queryOfAddress(parameters: Parameters): Query {
  const one = (name: string) => [parameters[name] ?? ""].flat()[0] ?? "";
  return {
    show: shows.find((show) => show === one("show")) ?? plainQuery.show,
    search: plain(one("q")),
    sort: sorts.find((sort) => sort === one("sort")) ?? plainQuery.sort,
  };
}

/** Its inverse: short, with nothing in it that is as usual. */
export function addressOfQuery(query: Query): string {
  const parameters = new URLSearchParams();
  if (query.show !== plainQuery.show) {
    parameters.set("show", query.show);
  }
  if (query.search !== "") {
    parameters.set("q", query.search);
  }
  if (query.sort !== plainQuery.sort) {
    parameters.set("sort", query.sort);
  }
  const text = parameters.toString();
  return text === "" ? "/" : `/?${text}`;
}

/** The query in the backend's words. */
export function parametersOfList(query: Query, limit: number, offset: number): string {
  const parameters = new URLSearchParams({ sort: query.sort, limit: String(limit), offset: String(offset) });
  if (query.show !== "all") {
    parameters.set("completed", String(query.show === "completed"));
  }
  if (query.search !== "") {
    parameters.set("q", query.search);
  }
  return parameters.toString();
}

/** A text that the backend takes as a search: no control characters, not too long, no spaces around it. */
export function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return [...text.replace(/[\u0000-\u001f\u007f]/g, " ").trim()].slice(0, longestSearch).join("");
}

/** Whether a list for this query shows that todo. */
export function fits(query: Query, todo: Todo): boolean {
  const wanted = query.search.toLowerCase();
  return (
    (query.show === "all" || (query.show === "completed") === todo.completed) &&
    (todo.title.toLowerCase().includes(wanted) || todo.notes.toLowerCase().includes(wanted))
  );
}
