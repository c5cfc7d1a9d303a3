import assert from "node:assert/strict";
import { test } from "node:test";
import { problemText } from "../lib/api";
import { dayOf, dueOf } from "../lib/due";
import { addressOfQuery, fits, parametersOfList, plain, plainQuery, type Query, queryOfAddress } from "../lib/todo";
import { todo } from "./helpers";

test("what the page shows is in its address, and comes back from there", () => {
  const query: Query = { show: "completed", search: "milk & honey", sort: "dueDate" };
  const address = addressOfQuery(query);
  assert.equal(address, "/?show=completed&q=milk+%26+honey&sort=dueDate");
  assert.deepEqual(queryOfAddress(Object.fromEntries(new URL(address, "http://x").searchParams)), query);
  assert.equal(addressOfQuery(plainQuery), "/");
});

test("an address that makes no sense shows everything", () => {
  assert.deepEqual(queryOfAddress({ show: "no", sort: ["x", "y"], q: [] }), plainQuery);
});

test("the backend is asked for what is shown", () => {
  assert.equal(parametersOfList(plainQuery, 50, 0), "sort=-createdAt&limit=50&offset=0");
  const query: Query = { show: "active", search: "a&b", sort: "title" };
  assert.equal(parametersOfList(query, 10, 20), "sort=title&limit=10&offset=20&completed=false&q=a%26b");
});

test("a search is what the backend takes: no control characters, at most 200 characters", () => {
  assert.equal(plain("  a\u0000b\nc "), "a b c");
  assert.equal([...plain("🍏".repeat(300))].length, 200);
});

test("a todo fits a query by state, title and notes", () => {
  const milk = todo(1, { title: "Buy Milk", notes: "Oat" });
  assert.equal(fits({ ...plainQuery, search: "milk" }, milk), true);
  assert.equal(fits({ ...plainQuery, search: "oAT" }, milk), true);
  assert.equal(fits({ ...plainQuery, search: "bread" }, milk), false);
  assert.equal(fits({ ...plainQuery, show: "active" }, milk), true);
  assert.equal(fits({ ...plainQuery, show: "completed" }, milk), false);
});

const dues: [date: string, text: string, state: string][] = [
  ["2026-11-20", "Due yesterday", "overdue"],
  ["2026-11-18", "Was due 18 Nov", "overdue"],
  ["2025-12-31", "Was due 31 Dec 2025", "overdue"],
  ["2026-11-21", "Due today", "today"],
  ["2026-11-22", "Due tomorrow", "later"],
  ["2026-12-01", "Due 1 Dec", "later"],
  ["2027-01-01", "Due 1 Jan 2027", "later"],
];

for (const [date, text, state] of dues) {
  test(`on 21 November 2026, ${date} is said as “${text}”`, () => {
    assert.deepEqual(dueOf(date, "2026-11-21", "en-GB"), { text, state });
  });
}

test("a date that is none is not said", () => {
  assert.equal(dueOf("2026-99-01", "2026-11-21"), null);
});

test("today is the reader's day, not that of Greenwich", () => {
  assert.equal(dayOf(new Date(2026, 0, 5, 23, 59)), "2026-01-05");
});

test("a problem is told in the server's words, as a sentence", () => {
  assert.equal(problemText(422, { detail: "title must not be blank" }), "Title must not be blank.");
  assert.equal(problemText(503, { detail: "Not now!" }), "Not now!");
  assert.equal(problemText(500, "<html>"), "The server answered with an error (500).");
  assert.equal(problemText(500, null), "The server answered with an error (500).");
});
