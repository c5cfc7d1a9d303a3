// At SIGTERM Next.js takes no more connections, waits until those that are there are closed, and ends. Left alone, one that
// has just been answered stays open for as long as connections are kept, and one whose client never ends its request for
// ever. So here each answer from then on is the last one of its connection, and the whole has a limit.

import { subscribe } from "node:diagnostics_channel";
import type { Server, ServerResponse } from "node:http";

/** Longer than any exchange with the backend, shorter than the 25 s that a pod has left after its preStop pause. */
const longestEndMilliseconds = 12_000;

export function endInTime(): void {
  const open = new Set<ServerResponse>();
  let ending = false;

  subscribe("http.server.request.start", (message) => {
    const { response, server } = message as { response: ServerResponse; server: Server };
    open.add(response);
    if (ending) {
      closeAfter(response);
    }
    response.once("close", () => {
      open.delete(response);
      if (ending) {
        // One whose headers were on their way already when the end began.
        server.closeIdleConnections();
      }
    });
  });

  process.once("SIGTERM", () => {
    ending = true;
    open.forEach(closeAfter);
    setTimeout(() => process.exit(143), longestEndMilliseconds).unref();
  });
}

function closeAfter(response: ServerResponse): void {
  if (!response.headersSent) {
    response.setHeader("connection", "close");
  }
}
