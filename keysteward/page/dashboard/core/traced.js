// From a figure to the calls that it is made of: the address under which the page Calls shows them.

const DAY = 86_400_000;

/** The moment at which a day (`2025-03-01`) begins in UTC, as the API takes it. */
export const beginOf = (day) => `${day}T00:00:00Z`;

/** The day that is so many days after another. */
export const dayAfter = (day, days = 1) => new Date(Date.parse(beginOf(day)) + days * DAY).toISOString().slice(0, 10);

/** The day that it is now, in UTC: by it the API counts. */
export const todayInUtc = (now = Date.now()) => new Date(now).toISOString().slice(0, 10);

/** From the beginning of the first day until the last is over: `{from, to}` as the API takes them. */
export const spanOf = (first, last) => ({ from: beginOf(first), to: beginOf(dayAfter(last)) });

/** The calls of a provider, tool or model, from one moment until before another; `disputed: true` or `unpriced: true`, of those alone. */
export function callsAt(wanted) {
  const told = Object.entries(wanted).filter(([, value]) => value !== null && value !== undefined);
  return `/dashboard/calls?${new URLSearchParams(told)}`;
}
