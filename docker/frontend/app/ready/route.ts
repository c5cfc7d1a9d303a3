// Ready: the page would work now, for the backend says that it is ready.

import { ask, NoAnswer } from "@/lib/backend";
import { addressAtBackend, backendAddress, readinessMilliseconds } from "@/lib/backend-rules";

export const dynamic = "force-dynamic";

export async function GET(): Promise<Response> {
  const reason = await reasonAgainst();
  return Response.json(reason === null ? { status: "ready" } : { status: "not ready", reason }, {
    status: reason === null ? 200 : 503,
    headers: { "cache-control": "no-store" },
  });
}

async function reasonAgainst(): Promise<string | null> {
  try {
    const address = addressAtBackend(backendAddress(process.env["BACKEND_URL"]), "/ready", "");
    const { status } = await ask({ method: "GET", address, headers: {} }, readinessMilliseconds);
    return status >= 200 && status < 300 ? null : `the backend is not ready: it answered ${status}`;
  } catch (error) {
    return error instanceof NoAnswer
      ? `the backend does not answer: ${error.message}`
      : error instanceof Error
        ? error.message
        : "unknown";
  }
}
