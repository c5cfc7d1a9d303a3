"use client";

// When the list is loaded again without anybody asking: the tab comes back to the front, the network comes back, another
// tab changed something, some time went by; sooner while the last attempt failed.

import { useEffect } from "react";
import type { TodoStore } from "@/lib/store";

const calmMilliseconds = 30_000;
const firstRetryMilliseconds = 2_000;

export const channelName = "todos";

export function useRefresh(store: TodoStore): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let failed = false;
    let attempts = 0;
    let ended = false;

    function schedule() {
      clearTimeout(timer);
      const pause = failed ? firstRetryMilliseconds * 2 ** attempts : calmMilliseconds;
      timer = setTimeout(refresh, Math.min(pause, calmMilliseconds));
    }

    async function refresh() {
      clearTimeout(timer);
      if (document.visibilityState === "visible") {
        attempts++;
        await store.load();
      }
      if (!ended) {
        schedule();
      }
    }

    // Whoever found that the server is away, or there again: from then on it is asked at the other pace.
    const leave = store.subscribe(() => {
      const now = store.snapshot().list.phase === "failed";
      if (now !== failed) {
        failed = now;
        attempts = 0;
        schedule();
      }
    });
    const channel = new BroadcastChannel(channelName);
    channel.onmessage = refresh;
    document.addEventListener("visibilitychange", refresh);
    window.addEventListener("online", refresh);
    void refresh();
    return () => {
      ended = true;
      leave();
      clearTimeout(timer);
      channel.close();
      document.removeEventListener("visibilitychange", refresh);
      window.removeEventListener("online", refresh);
    };
  }, [store]);
}

/** To the other tabs of this browser. */
export function tellOtherTabs(): void {
  const channel = new BroadcastChannel(channelName);
  channel.postMessage("changed");
  channel.close();
}
