// Amounts as text and as whole numbers: exact, as the API reads and writes them, never a float.

const PLACES = 9;
const HIGHEST = 10n ** 18n;
const FORM = /^(-?)([0-9]{1,20})(?:\.([0-9]{1,9}))?$/;

// The same lists as in broker/money.py; a test holds the two equal.
const NO_PLACES = new Set("bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf".split(" "));
const THREE_PLACES = new Set("bhd jod kwd omr tnd".split(" "));

/** How many decimal places an amount has that a ceiling counts. */
export function placesOf(measure, currency) {
  if (measure === "SPEND") return PLACES;
  if (measure === "CALLS" || NO_PLACES.has(currency)) return 0;
  return THREE_PLACES.has(currency) ? 3 : 2;
}

/** Why the API would not take this for an amount; null where it does. */
export function wrongWith(text, places = PLACES) {
  const [, sign, whole, part = ""] = FORM.exec(text) ?? [];
  if (whole === undefined || part.length > places) {
    const most = places === 0 ? "no decimal places" : `up to ${places} decimal places`;
    return `Give an amount as a decimal, such as "12.50", with ${most}.`;
  }
  const smallest = BigInt(whole + part.padEnd(places, "0"));
  return smallest > HIGHEST || (sign && smallest > 0n) ? "An amount is between 0 and a billion." : null;
}

/** An amount of dollars in nano-dollars. */
export function nanoOf(text) {
  const [whole, part = ""] = text.replace("-", "").split(".");
  const nano = BigInt(whole + part.padEnd(PLACES, "0"));
  return text.startsWith("-") ? -nano : nano;
}

/** Nano-dollars as the API writes dollars: with two places at least. */
export function textOf(nano) {
  const digits = String(nano < 0n ? -nano : nano).padStart(PLACES + 1, "0");
  const part = digits.slice(-PLACES).replace(/0+$/, "").padEnd(2, "0");
  return `${nano < 0n ? "-" : ""}${digits.slice(0, -PLACES)}.${part}`;
}

/** The sum of amounts of dollars, exactly. */
export const totalOf = (texts) => textOf(texts.reduce((sum, text) => sum + nanoOf(text), 0n));
