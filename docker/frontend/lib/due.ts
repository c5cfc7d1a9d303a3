// How a due date is said. Dates are days (YYYY-MM-DD) of the reader's calendar, so no time zone comes into it.

export type Due = { text: string; state: "overdue" | "today" | "later" };

const dayMilliseconds = 24 * 60 * 60 * 1000;

export function dueOf(date: string, today: string, locale?: string): Due | null {
  const days = daysBetween(today, date);
  if (days === null) {
    return null;
  }
  if (days < 0) {
    return { text: days === -1 ? "Due yesterday" : `Was due ${named(date, today, locale)}`, state: "overdue" };
  }
  if (days === 0) {
    return { text: "Due today", state: "today" };
  }
  return { text: days === 1 ? "Due tomorrow" : `Due ${named(date, today, locale)}`, state: "later" };
}

/** The day that `now` is in, where the reader is. */
export function dayOf(now: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

function daysBetween(from: string, to: string): number | null {
  const days = Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / dayMilliseconds);
  return Number.isNaN(days) ? null : days;
}

/** The year only where it is another one. */
function named(date: string, today: string, locale?: string): string {
  const year = date.slice(0, 4) === today.slice(0, 4) ? {} : ({ year: "numeric" } as const);
  const format = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC", ...year });
  return format.format(new Date(`${date}T00:00:00Z`));
}
