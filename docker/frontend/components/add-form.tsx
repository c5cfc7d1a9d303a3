"use client";

// The line at the top. What was typed stays until the server has taken it.

import { type FormEvent, type RefObject, useId, useState } from "react";
import type { Refusal } from "@/lib/store";
import { longestTitle } from "@/lib/todo";
import { PlusIcon } from "./icons";

type Properties = { add: (title: string) => Promise<Refusal>; input: RefObject<HTMLInputElement | null> };

export function AddForm({ add, input }: Properties) {
  const [title, setTitle] = useState("");
  const [refusal, setRefusal] = useState<Refusal>(null);
  const [sending, setSending] = useState(false);
  const refusalId = useId();

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (sending) {
      return;
    }
    if (title.trim() === "") {
      setRefusal("Type what is to be done first.");
      input.current?.focus();
      return;
    }
    setSending(true);
    const answer = await add(title.trim());
    setSending(false);
    setRefusal(answer);
    if (answer === null) {
      setTitle("");
    }
    input.current?.focus();
  }

  return (
    <form className="add" noValidate onSubmit={submit}>
      <label className="visually-hidden" htmlFor="new-todo">
        New todo
      </label>
      <input
        aria-describedby={refusal === null ? undefined : refusalId}
        aria-invalid={refusal !== null}
        autoComplete="off"
        className="field"
        enterKeyHint="done"
        id="new-todo"
        maxLength={longestTitle}
        onChange={(event) => {
          setTitle(event.target.value);
          setRefusal(null);
        }}
        placeholder="What is to be done?"
        ref={input}
        type="text"
        value={title}
      />
      <button aria-disabled={sending} className="button main" type="submit">
        <PlusIcon />
        <span>Add</span>
      </button>
      {refusal !== null && (
        <p className="refusal" id={refusalId} role="alert">
          {refusal}
        </p>
      )}
    </form>
  );
}
