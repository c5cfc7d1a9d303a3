"use client";

// The rows, and where the keyboard's focus goes when the row that has it vanishes.

import { type FocusEvent, useLayoutEffect, useRef } from "react";
import type { List } from "@/lib/list";
import { type RowActions, TodoRow } from "./todo-row";

type Properties = { list: List; today: string; actions: RowActions; more: () => void; focusElsewhere: () => void };

export function TodoList({ list, today, actions, more, focusElsewhere }: Properties) {
  const { items, total, outdated } = list;
  const ul = useRef<HTMLUListElement>(null);
  const focused = useRef<{ index: number; control: string } | null>(null);

  function onFocus(event: FocusEvent<HTMLElement>) {
    const control = event.target.dataset["control"];
    const row = event.target.closest("li");
    focused.current =
      control && row?.parentElement ? { control, index: [...row.parentElement.children].indexOf(row) } : null;
  }

  // After each change of the list: a focus that fell out of it goes to the row that moved up, same control.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the items are what may have taken the focus away
  useLayoutEffect(() => {
    const lost = focused.current;
    if (lost === null || (document.activeElement !== null && document.activeElement !== document.body)) {
      return;
    }
    const rows = ul.current?.children ?? [];
    const row = rows[Math.min(lost.index, rows.length - 1)];
    const control = row?.querySelector<HTMLElement>(`[data-control="${lost.control}"]`);
    if (control) {
      control.focus();
    } else {
      focused.current = null;
      focusElsewhere();
    }
  }, [items, focusElsewhere]);

  return (
    <>
      <ul
        aria-busy={outdated}
        aria-label="Todos"
        className={outdated ? "rows outdated" : "rows"}
        // React is silent while it removes a row: a blur that is heard is the user's own.
        onBlur={() => {
          focused.current = null;
        }}
        onFocus={onFocus}
        ref={ul}
      >
        {items.map((todo) => (
          <TodoRow actions={actions} key={todo.id} today={today} todo={todo} />
        ))}
      </ul>
      {items.length < total && (
        <p className="more">
          <span>
            {items.length} of {total} shown
          </span>
          <button className="button" onClick={more} type="button">
            Show more
          </button>
        </p>
      )}
    </>
  );
}
