// How figures, moments and names read. Times are in the reader's own zone and language.

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });
const ago = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const number = new Intl.NumberFormat();

const STEPS = [["second", 60], ["minute", 60], ["hour", 24], ["day", 7]];

/** "3 minutes ago" within a week, the date otherwise. */
export function whenIn(text) {
  const at = new Date(text);
  let past = (at.getTime() - Date.now()) / 1000;
  for (const [unit, size] of STEPS) {
    if (Math.abs(past) < size) return ago.format(Math.round(past), unit);
    past /= size;
  }
  return moment.format(at);
}

/** The moment to the second, with its zone. */
export const whenExactly = (text) => exact.format(new Date(text));

/** A day in UTC, such as the API counts them. */
export const dayOf = (text) => day.format(new Date(`${text}T00:00:00Z`));

/** A whole number, in the reader's own digits. */
export const count = (value) => number.format(value);

/**
 * An amount of the API, exactly: nothing is rounded, since it is read as text. `unit` is an ISO 4217
 * code in lower case; null where calls are counted.
 */
export function amount(text, unit = "usd") {
  if (text === null || text === undefined) return "unknown";
  const [whole, part = ""] = text.replace("-", "").split(".");
  const sign = text.startsWith("-") ? "−" : "";
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  if (unit === null) return `${sign}${grouped}`;
  const cents = part.replace(/0+$/, "").padEnd(2, "0");
  return unit === "usd" ? `${sign}$${grouped}.${cents}` : `${sign}${grouped}${part ? `.${cents}` : ""} ${unit.toUpperCase()}`;
}

/** How much of a ceiling is used, 0 to 100; for drawing alone. */
export function percent(part, whole) {
  const of = Number(whole);
  return of > 0 ? Math.min(100, Math.max(0, (100 * Number(part)) / of)) : Number(part) > 0 ? 100 : 0;
}

/** "1.2 kB" */
export function bytes(value) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = value;
  let step = 0;
  while (size >= 1000 && step < units.length - 1) {
    size /= 1000;
    step += 1;
  }
  return `${step ? size.toFixed(size < 10 ? 1 : 0) : size} ${units[step]}`;
}

/** "41 ms", "2.4 s", "3 min" */
export function lasting(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return "";
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${Math.round(milliseconds / 60_000)} min`;
}

/** "1 key", "2 keys" */
export const several = (value, one, more = `${one}s`) => `${count(value)} ${value === 1 ? one : more}`;

/** Words of the contract's, such as CLIENT_GONE, as a person writes them. */
export const spoken = (constant) => constant.toLowerCase().replaceAll("_", " ");
