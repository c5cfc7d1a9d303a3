"use client";

// What stands in the place of the list, or beside it, when there is something to say about it.

import { type ReactNode, useEffect, useRef } from "react";
import type { Notice } from "@/lib/store";
import type { Query } from "@/lib/todo";
import { CloudIcon, CrossIcon, ListIcon } from "./icons";

export function Loading() {
  return (
    <div className="loading">
      <p className="visually-hidden">Loading the list…</p>
      <div aria-hidden="true" className="bone" />
      <div aria-hidden="true" className="bone" />
      <div aria-hidden="true" className="bone" />
    </div>
  );
}

function Panel({ children, icon }: { children: ReactNode; icon: ReactNode }) {
  return (
    <div className="panel">
      {icon}
      {children}
    </div>
  );
}

export function Empty({ query, showAll }: { query: Query; showAll: () => void }) {
  const [title, text] = wordsForEmpty(query);
  return (
    <Panel icon={<ListIcon />}>
      <h2>{title}</h2>
      <p>{text}</p>
      {(query.search !== "" || query.show !== "all") && (
        <button className="button" onClick={showAll} type="button">
          Show all todos
        </button>
      )}
    </Panel>
  );
}

function wordsForEmpty({ search, show }: Query): [title: string, text: string] {
  if (search !== "") {
    const where = show === "all" ? "" : show === "active" ? " among the active ones" : " among those that are done";
    return ["Nothing found", `No todo${where} has “${search}” in it.`];
  }
  switch (show) {
    case "all":
      return ["Nothing to do", "Type your first todo in the line above."];
    case "active":
      return ["All done", "There is nothing left to do."];
    case "completed":
      return ["Nothing done yet", "What you tick off is shown here."];
  }
}

type FailedProperties = { problem: string; retry: () => void };

/** Nothing could be loaded at all. */
export function LoadFailed({ problem, retry }: FailedProperties) {
  return (
    <Panel icon={<CloudIcon />}>
      <h2>The list could not be loaded</h2>
      <p>{problem} This page keeps trying.</p>
      <button className="button main" onClick={retry} type="button">
        Try again
      </button>
    </Panel>
  );
}

/** There is a list, but it may be old. */
export function MaybeOld({ problem, retry }: FailedProperties) {
  return (
    <div className="banner">
      <p>
        <strong>This list may be out of date.</strong> {problem}
      </p>
      <button className="button" onClick={retry} type="button">
        Try again
      </button>
    </div>
  );
}

type ToastProperties = { notice: Notice; undo: () => void; dismiss: () => void };

const shownMilliseconds = 10_000;

/** Goes by itself, but not while somebody is at it. */
export function Toast({ notice, undo, dismiss }: ToastProperties) {
  const box = useRef<HTMLDivElement>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: each notice has its time
  useEffect(() => {
    const timer = setInterval(() => {
      if (!box.current?.matches(":hover, :focus-within")) {
        dismiss();
      }
    }, shownMilliseconds);
    return () => clearInterval(timer);
  }, [notice, dismiss]);

  return (
    <div className={`toast ${notice.tone}`} ref={box}>
      <p>{notice.text}</p>
      {notice.undo !== null && (
        <button className="button" onClick={undo} title="Control Z" type="button">
          Undo
        </button>
      )}
      <button aria-label="Dismiss this message" className="button bare" onClick={dismiss} type="button">
        <CrossIcon />
      </button>
    </div>
  );
}
