// What this server hands on to the backend, and what it refuses: the whole list, in plain values, with no I/O.

/** Longer bodies are refused before the backend hears of them; a todo is far shorter. */
export const maxBodyBytes = 64 * 1024;

/** A whole exchange with the backend. */
export const exchangeMilliseconds = 10_000;

/** For /ready: below the 2 s that the pod's probe waits. */
export const readinessMilliseconds = 1_500;

/** The backend's openapi.yaml, as far as the page's users may reach it. */
const routes: readonly { path: RegExp; methods: readonly string[] }[] = [
  { path: /^todos$/, methods: ["GET", "POST"] },
  { path: /^todos\/[0-9]{1,16}$/, methods: ["GET", "PATCH", "DELETE"] },
  { path: /^todos\/[0-9]{1,16}\/(complete|reopen)$/, methods: ["POST"] },
];

export type Route = { path: string } | { refusal: 404 } | { refusal: 405; allow: string };

/** Where a request for /api/<segments> goes. Segments come decoded: one with a slash or a dot in it matches nothing. */
export function routeOf(method: string, segments: readonly string[]): Route {
  if (segments.some((segment) => segment.includes("/"))) {
    return { refusal: 404 };
  }
  const path = segments.join("/");
  const route = routes.find((candidate) => candidate.path.test(path));
  if (route === undefined) {
    return { refusal: 404 };
  }
  return route.methods.includes(method) ? { path: `/api/${path}` } : { refusal: 405, allow: route.methods.join(", ") };
}

// Lists of what passes, so nothing of one hop (Connection, Transfer-Encoding, ...), no cookie and no credential does.
const requestHeaders = ["accept", "content-type", "if-match", "if-none-match", "traceparent", "x-request-id"];
const responseHeaders = ["content-type", "etag", "last-modified", "location", "retry-after", "x-request-id"];

export function headersForBackend(from: Headers): Record<string, string> {
  return picked(from, requestHeaders);
}

export function headersForBrowser(from: Headers): Record<string, string> {
  return { ...picked(from, responseHeaders), ...headersOfApi };
}

/** On each answer below /api: never kept, never shown as a document that could run something. */
export const headersOfApi = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
};

function picked(from: Headers, names: readonly string[]): Record<string, string> {
  const taken: Record<string, string> = {};
  for (const name of names) {
    const value = from.get(name);
    if (value !== null) {
      taken[name] = value;
    }
  }
  return taken;
}

/** A body that a form of another site could send is none of ours: only JSON passes, which no form can send. */
export function isJson(contentType: string | null): boolean {
  const type = (contentType ?? "").split(";")[0] ?? "";
  return type.trim().toLowerCase() === "application/json";
}

/** What a caller may do again without doing it twice. */
export function isSafe(method: string): boolean {
  return method === "GET";
}

/** The backend's address, from BACKEND_URL: an origin, or an origin and a path that goes before /api. */
export function backendAddress(setting: string | undefined): URL {
  const text = setting?.trim() || "http://127.0.0.1:8000";
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Error("BACKEND_URL is not a URL");
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new Error("BACKEND_URL is neither http nor https");
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new Error("BACKEND_URL holds more than a scheme, a host, a port and a path");
  }
  return url;
}

/** The address of `path` at the backend; `query` begins with a question mark or is empty. */
export function addressAtBackend(backend: URL, path: string, query: string): URL {
  return new URL(backend.pathname.replace(/\/+$/, "") + path + query, backend.origin);
}
