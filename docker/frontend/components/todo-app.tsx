"use client";

// The page. It holds no state of the todos itself: that is lib/store.ts.

import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { httpApi } from "@/lib/api";
import { dayOf } from "@/lib/due";
import { type List, leftToDo } from "@/lib/list";
import { TodoStore } from "@/lib/store";
import { addressOfQuery, plain, plainQuery, type Query } from "@/lib/todo";
import { AddForm } from "./add-form";
import { Empty, LoadFailed, Loading, MaybeOld, Toast } from "./notices";
import { TodoList } from "./todo-list";
import { Toolbar } from "./toolbar";
import { tellOtherTabs, useRefresh } from "./use-refresh";

const typingPauseMilliseconds = 200;

export function TodoApp({ query: first }: { query: Query }) {
  const [store] = useState(() => new TodoStore(httpApi, first, tellOtherTabs));
  const { list, notice, said } = useSyncExternalStore(store.subscribe, store.snapshot, store.snapshot);
  const [search, setSearch] = useState(first.search);
  const addInput = useRef<HTMLInputElement>(null);
  const focusAddInput = useCallback(() => addInput.current?.focus(), []);
  const dismiss = useCallback(() => store.dismiss(), [store]);
  const actions = useMemo(
    () => ({ complete: store.complete.bind(store), edit: store.edit.bind(store), remove: store.remove.bind(store) }),
    [store],
  );
  useRefresh(store);
  useUndoKey(store);

  const ask = useCallback(
    (query: Query) => {
      window.history.replaceState(null, "", addressOfQuery(query));
      void store.ask(query);
    },
    [store],
  );

  // The query follows the search box when typing pauses.
  useEffect(() => {
    const text = plain(search);
    if (text === store.snapshot().list.query.search) {
      return;
    }
    const timer = setTimeout(() => ask({ ...store.snapshot().list.query, search: text }), typingPauseMilliseconds);
    return () => clearTimeout(timer);
  }, [search, ask, store]);

  function showAll() {
    setSearch("");
    ask({ ...list.query, search: "", show: plainQuery.show });
    focusAddInput();
  }

  return (
    <div className="page">
      <header className="head">
        <h1>Todo</h1>
        <p className="left">{wordsForLeft(list)}</p>
      </header>
      <main>
        <AddForm add={(title) => store.add({ title })} input={addInput} />
        <Toolbar ask={ask} counts={list.counts} query={list.query} search={search} setSearch={setSearch} />
        {list.phase === "failed" && list.counts !== null && (
          <MaybeOld problem={list.problem ?? ""} retry={() => void store.retry()} />
        )}
        {list.counts !== null ? (
          <>
            <TodoList
              actions={actions}
              focusElsewhere={focusAddInput}
              list={list}
              more={() => void store.more()}
              today={dayOf(new Date())}
            />
            {list.items.length === 0 && !list.outdated && <Empty query={list.query} showAll={showAll} />}
          </>
        ) : list.phase === "failed" ? (
          <LoadFailed problem={list.problem ?? ""} retry={() => void store.retry()} />
        ) : (
          <Loading />
        )}
        {notice !== null && <Toast dismiss={dismiss} notice={notice} undo={() => void store.undo()} />}
        <p className="visually-hidden" role="status">
          {said}
        </p>
      </main>
    </div>
  );
}

function wordsForLeft(list: List): string {
  const left = leftToDo(list);
  if (left === null || list.query.search !== "" || list.counts?.all === 0) {
    return "";
  }
  return left === 0 ? "Nothing left to do" : `${left} left to do`;
}

/** Control Z (Command Z) brings back what was just deleted; in a field it undoes typing, as ever. */
function useUndoKey(store: TodoStore): void {
  useEffect(() => {
    function onKeyDown(event: KeyboardEvent) {
      const typing =
        event.target instanceof Element && event.target.matches("textarea, input:not([type=checkbox], [type=radio])");
      if (
        event.key === "z" &&
        (event.ctrlKey || event.metaKey) &&
        !event.shiftKey &&
        !(typing && hasText(event.target))
      ) {
        if (store.snapshot().notice?.undo) {
          event.preventDefault();
          void store.undo();
        }
      }
    }
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [store]);
}

function hasText(field: EventTarget | null): boolean {
  return (field as HTMLInputElement | null)?.value !== "";
}
