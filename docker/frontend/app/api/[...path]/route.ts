// /api of the page's own address: hands what lib/backend-rules.ts lists on to the backend, so that a browser needs to
// reach nothing but this server.

import { ask, NoAnswer } from "@/lib/backend";
import * as rules from "@/lib/backend-rules";
import { bodyWithin, TooLong } from "@/lib/body";

export const dynamic = "force-dynamic";

type Context = { params: Promise<{ path: string[] }> };

async function handle(request: Request, { params }: Context): Promise<Response> {
  const { method } = request;
  const route = rules.routeOf(method, (await params).path);
  if ("refusal" in route) {
    return route.refusal === 404
      ? refused(404, "There is nothing here.")
      : refused(405, `${method} is not possible here.`, { allow: route.allow });
  }
  let body: Uint8Array | undefined;
  try {
    body = await bodyWithin(rules.maxBodyBytes, request);
  } catch (error) {
    return error instanceof TooLong
      ? refused(413, `A request may hold ${rules.maxBodyBytes / 1024} KiB.`, { connection: "close" })
      : refused(400, "The request ended too early.");
  }
  if (body && body.byteLength > 0 && !rules.isJson(request.headers.get("content-type"))) {
    return refused(415, "Only JSON is taken: content-type application/json.");
  }
  return forward(request, route.path, body);
}

async function forward(request: Request, path: string, body: Uint8Array | undefined): Promise<Response> {
  const { method } = request;
  try {
    const address = rules.addressAtBackend(
      rules.backendAddress(process.env["BACKEND_URL"]),
      path,
      new URL(request.url).search,
    );
    const question = { method, address, headers: rules.headersForBackend(request.headers), body };
    const answer = await ask(question, rules.exchangeMilliseconds, request.signal);
    if (answer.status >= 300 && answer.status < 400 && answer.status !== 304) {
      throw new Error(`the backend answered ${answer.status}`);
    }
    const empty = answer.status === 204 || answer.status === 304;
    return new Response(empty ? null : new Uint8Array(answer.body), {
      status: answer.status,
      headers: rules.headersForBrowser(answer.headers),
    });
  } catch (error) {
    const late = error instanceof NoAnswer && error.late;
    const reason = error instanceof Error ? error.message : "unknown";
    if (!request.signal.aborted) {
      console.error(JSON.stringify({ level: "error", message: "Backend gave no answer", method, path, reason }));
    }
    return late
      ? refused(504, "The server took too long to answer.")
      : refused(502, "The server cannot be reached right now.");
  }
}

const titles = {
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  413: "Payload Too Large",
  415: "Unsupported Media Type",
  502: "Bad Gateway",
  504: "Gateway Timeout",
};

/** A problem of RFC 9457, as the backend's own. */
function refused(status: keyof typeof titles, detail: string, more: Record<string, string> = {}): Response {
  return Response.json(
    { title: titles[status], status, detail },
    { status, headers: { ...rules.headersOfApi, "content-type": "application/problem+json", ...more } },
  );
}

export {
  handle as DELETE,
  handle as GET,
  handle as HEAD,
  handle as OPTIONS,
  handle as PATCH,
  handle as POST,
  handle as PUT,
};
