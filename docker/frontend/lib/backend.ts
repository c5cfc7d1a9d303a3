// Talks to the backend: one new connection for each exchange, so that none is lost on a kept one that the backend, going
// down for an upgrade, closes at that moment. Inside a cluster a connection costs about a millisecond.

import http from "node:http";
import https from "node:https";
import { isSafe } from "./backend-rules";

export type Question = {
  method: string;
  address: URL;
  headers: Record<string, string>;
  body?: Uint8Array | undefined;
};

export type Answer = { status: number; headers: Headers; body: Buffer };

/** Why there is no answer. `sent`: the backend may have done what it was asked. */
export class NoAnswer extends Error {
  constructor(
    message: string,
    readonly sent: boolean,
    readonly late: boolean,
  ) {
    super(message);
  }
}

const connectMilliseconds = 2_000;
const maxAnswerBytes = 8 * 1024 * 1024;
/** Pauses before asking again; a Service needs a moment to forget a pod that ended. */
const pauses = [100, 200, 400];

/**
 * The backend's answer, whole. Asked again where nothing reached the backend, or where asking twice does no harm.
 * @throws NoAnswer
 */
export async function ask(question: Question, milliseconds: number, cancelled?: AbortSignal): Promise<Answer> {
  const late = AbortSignal.timeout(milliseconds);
  const stop = cancelled ? AbortSignal.any([late, cancelled]) : late;
  for (let attempt = 0; ; attempt++) {
    try {
      return await exchange(question, stop);
    } catch (error) {
      const failure = error instanceof NoAnswer ? error : new NoAnswer(reasonOf(error), true, false);
      const pause = pauses[attempt];
      if (late.aborted) {
        throw new NoAnswer(`no answer within ${milliseconds} ms`, failure.sent, true);
      }
      if (stop.aborted || pause === undefined || (failure.sent && !isSafe(question.method))) {
        throw failure;
      }
      await passed(pause, stop);
    }
  }
}

function exchange(question: Question, stop: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let connected = false;
    const { method, address, headers, body } = question;
    const length = body ? { "content-length": String(body.byteLength) } : {};
    const client = address.protocol === "https:" ? https : http;
    const request = client.request(address, { method, agent: false, signal: stop, headers: { ...headers, ...length } });
    const connecting = setTimeout(() => request.destroy(new Error("no connection")), connectMilliseconds);
    const fail = (error: unknown) => {
      clearTimeout(connecting);
      reject(new NoAnswer(reasonOf(error), connected, false));
    };
    request.once("socket", (socket) => {
      socket.once(address.protocol === "https:" ? "secureConnect" : "connect", () => {
        connected = true;
        clearTimeout(connecting);
      });
    });
    request.once("error", fail);
    request.once("response", (response) => {
      wholeBody(response).then(
        (bytes) => resolve({ status: response.statusCode ?? 502, headers: headersOf(response), body: bytes }),
        (error: unknown) => {
          request.destroy();
          fail(error);
        },
      );
    });
    request.end(body);
  });
}

async function wholeBody(response: http.IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > maxAnswerBytes) {
      throw new Error("the answer is too long");
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function headersOf(response: http.IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined) {
      headers.set(name, Array.isArray(value) ? value.join(", ") : value);
    }
  }
  return headers;
}

/** Short, and without an address: it is shown to users. */
function reasonOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === "string") {
    return code;
  }
  return error instanceof Error ? error.message : "unknown";
}

/** Ends at once when `stop` comes; the caller then sees it at its next step. */
function passed(milliseconds: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(end, milliseconds);
    stop.addEventListener("abort", end, { once: true });
    function end() {
      clearTimeout(timer);
      stop.removeEventListener("abort", end);
      resolve();
    }
  });
}
