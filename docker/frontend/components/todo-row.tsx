"use client";

// One todo: shown, or being edited in its place.

import { type FormEvent, type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { dueOf } from "@/lib/due";
import type { Refusal } from "@/lib/store";
import { type Draft, longestNotes, longestTitle, type Todo } from "@/lib/todo";
import { BinIcon, PenIcon } from "./icons";

export type RowActions = {
  complete: (todo: Todo, completed: boolean) => void;
  edit: (todo: Todo, draft: Draft) => Promise<Refusal>;
  remove: (todo: Todo) => void;
};

type Properties = { todo: Todo; today: string; actions: RowActions };

export function TodoRow({ todo, today, actions }: Properties) {
  const [editing, setEditing] = useState(false);
  const pen = useRef<HTMLButtonElement>(null);
  const backToPen = useRef(false);

  // Whoever leaves the editor is where they came from.
  useEffect(() => {
    if (!editing && backToPen.current) {
      backToPen.current = false;
      pen.current?.focus();
    }
  }, [editing]);

  function leave() {
    backToPen.current = true;
    setEditing(false);
  }

  if (editing) {
    return (
      <li className="row editing" data-todo={todo.id}>
        <Editor edit={actions.edit} leave={leave} todo={todo} />
      </li>
    );
  }
  const due = todo.dueDate === null ? null : dueOf(todo.dueDate, today);
  return (
    <li className={todo.completed ? "row done" : "row"} data-todo={todo.id}>
      <label className="tick">
        <input
          checked={todo.completed}
          data-control="tick"
          onChange={(event) => actions.complete(todo, event.target.checked)}
          type="checkbox"
        />
        <span className="text">
          <span className="title">{todo.title}</span>
          {todo.notes !== "" && <span className="notes">{todo.notes}</span>}
          {due !== null && <span className={`due ${todo.completed ? "later" : due.state}`}>{due.text}</span>}
        </span>
      </label>
      <button
        aria-label={`Edit “${todo.title}”`}
        className="button bare"
        data-control="edit"
        onClick={() => setEditing(true)}
        ref={pen}
        type="button"
      >
        <PenIcon />
      </button>
      <button
        aria-label={`Delete “${todo.title}”`}
        className="button bare danger"
        data-control="delete"
        onClick={() => actions.remove(todo)}
        type="button"
      >
        <BinIcon />
      </button>
    </li>
  );
}

type EditorProperties = { todo: Todo; edit: RowActions["edit"]; leave: () => void };

function Editor({ todo, edit, leave }: EditorProperties) {
  const [title, setTitle] = useState(todo.title);
  const [notes, setNotes] = useState(todo.notes);
  const [dueDate, setDueDate] = useState(todo.dueDate ?? "");
  const [refusal, setRefusal] = useState<Refusal>(null);
  const [sending, setSending] = useState(false);
  const titleInput = useRef<HTMLInputElement>(null);
  const id = useId();

  useEffect(() => {
    titleInput.current?.focus();
  }, []);

  async function save() {
    if (sending) {
      return;
    }
    if (title.trim() === "") {
      setRefusal("A todo needs a title.");
      titleInput.current?.focus();
      return;
    }
    const draft = differences(todo, { title: title.trim(), notes, dueDate: dueDate === "" ? null : dueDate });
    if (Object.keys(draft).length === 0) {
      leave();
      return;
    }
    setSending(true);
    const answer = await edit(todo, draft);
    setSending(false);
    setRefusal(answer);
    if (answer === null) {
      leave();
    }
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "Escape") {
      event.preventDefault();
      leave();
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      void save();
    }
  }

  function onSubmit(event: FormEvent) {
    event.preventDefault();
    void save();
  }

  return (
    <form aria-label={`Edit “${todo.title}”`} className="editor" noValidate onKeyDown={onKeyDown} onSubmit={onSubmit}>
      <label htmlFor={`${id}-title`}>Title</label>
      <input
        aria-describedby={refusal === null ? undefined : `${id}-refusal`}
        aria-invalid={refusal !== null}
        autoComplete="off"
        className="field"
        enterKeyHint="done"
        id={`${id}-title`}
        maxLength={longestTitle}
        onChange={(event) => setTitle(event.target.value)}
        ref={titleInput}
        type="text"
        value={title}
      />
      <label htmlFor={`${id}-notes`}>Notes</label>
      <textarea
        className="field"
        id={`${id}-notes`}
        maxLength={longestNotes}
        onChange={(event) => setNotes(event.target.value)}
        rows={2}
        value={notes}
      />
      <label htmlFor={`${id}-due`}>Due date</label>
      <input
        className="field"
        id={`${id}-due`}
        max="9999-12-31"
        onChange={(event) => setDueDate(event.target.value)}
        type="date"
        value={dueDate}
      />
      {refusal !== null && (
        <p className="refusal" id={`${id}-refusal`} role="alert">
          {refusal}
        </p>
      )}
      <div className="buttons">
        <button aria-disabled={sending} className="button main" type="submit">
          Save
        </button>
        <button className="button" onClick={leave} type="button">
          Cancel
        </button>
      </div>
    </form>
  );
}

/** Only what was changed is sent, so that an edit elsewhere of another field stays. */
function differences(todo: Todo, edited: Pick<Todo, "title" | "notes" | "dueDate">): Draft {
  return {
    ...(edited.title === todo.title ? {} : { title: edited.title }),
    ...(edited.notes === todo.notes ? {} : { notes: edited.notes }),
    ...(edited.dueDate === todo.dueDate ? {} : { dueDate: edited.dueDate }),
  };
}
