"use client";

// What is shown, and in which order. Radio buttons, so that arrow keys go from one filter to the next.

import { type KeyboardEvent, useRef } from "react";
import { type Counts, longestSearch, type Query, type Show, type Sort } from "@/lib/todo";
import { CrossIcon, SearchIcon } from "./icons";

type Properties = {
  query: Query;
  counts: Counts | null;
  ask: (query: Query) => void;
  /** What stands in the search box; the query follows a moment later. */
  search: string;
  setSearch: (text: string) => void;
};

const filters: { show: Show; name: string }[] = [
  { show: "all", name: "All" },
  { show: "active", name: "Active" },
  { show: "completed", name: "Done" },
];

const orders: { sort: Sort; name: string }[] = [
  { sort: "-createdAt", name: "Newest first" },
  { sort: "createdAt", name: "Oldest first" },
  { sort: "dueDate", name: "By due date" },
  { sort: "title", name: "By title" },
  { sort: "-updatedAt", name: "Last changed first" },
];

export function Toolbar({ query, counts, ask, search, setSearch }: Properties) {
  return (
    <search className="toolbar">
      <SearchBox search={search} setSearch={setSearch} />
      <label className="order">
        <span className="visually-hidden">Order</span>
        <select
          className="field"
          onChange={(event) => ask({ ...query, sort: event.target.value as Sort })}
          value={query.sort}
        >
          {orders.map(({ sort, name }) => (
            <option key={sort} value={sort}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <fieldset className="filters">
        <legend className="visually-hidden">Show</legend>
        {filters.map(({ show, name }) => (
          <label key={show}>
            <input
              checked={query.show === show}
              className="visually-hidden"
              name="show"
              onChange={() => ask({ ...query, show })}
              type="radio"
              value={show}
            />
            <span>
              {name}
              {counts !== null && <span className="count"> {counts[show]}</span>}
            </span>
          </label>
        ))}
      </fieldset>
    </search>
  );
}

function SearchBox({ search, setSearch }: Pick<Properties, "search" | "setSearch">) {
  const input = useRef<HTMLInputElement>(null);

  function clear() {
    setSearch("");
    input.current?.focus();
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "Escape" && search !== "") {
      event.preventDefault();
      clear();
    }
  }

  return (
    <div className="search">
      <SearchIcon />
      <label className="visually-hidden" htmlFor="search">
        Search
      </label>
      <input
        autoComplete="off"
        className="field"
        enterKeyHint="search"
        id="search"
        maxLength={longestSearch}
        onChange={(event) => setSearch(event.target.value)}
        onKeyDown={onKeyDown}
        placeholder="Search"
        ref={input}
        type="text"
        value={search}
      />
      {search !== "" && (
        <button aria-label="Clear the search" className="button bare" onClick={clear} type="button">
          <CrossIcon />
        </button>
      )}
    </div>
  );
}
