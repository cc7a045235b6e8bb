// How a call ended, in a word, a colour and a sentence.

import { html } from "../vendor/view.js";
import { Badge } from "./parts.js";
import { spoken } from "./words.js";

const OUTCOMES = {
  RUNNING: ["plain", "running", "It goes on."],
  ANSWERED: ["good", "answered", "The provider's answer was passed on."],
  CUT: ["bad", "cut", "Its key or tool was revoked while it ran."],
  CLIENT_GONE: ["warn", "tool hung up", "The tool hung up before the answer's end."],
  UPSTREAM_FAILED: ["bad", "provider failed", "The provider could not be reached, or broke off."],
  REFUSED: ["warn", "refused", "keysteward refused it; it was not sent."],
  LOST: ["bad", "lost", "The server process died during it."],
};
const A_REFUSAL = 400;

/** What an outcome means, as a sentence. */
export const outcomeMeans = (outcome) => OUTCOMES[outcome]?.[2];

/** How a call ended. Where it was not asked for just now (`isLive`), what ran is only what was last known. */
export function Outcome({ of, isLive = true }) {
  const [kind, words] = OUTCOMES[of.outcome] ?? ["plain", spoken(of.outcome)];
  const isRefusal = of.outcome === "ANSWERED" && of.status >= A_REFUSAL;
  const said = of.outcome === "RUNNING" && !isLive ? "was running" : words;
  return html`<${Badge} kind=${isRefusal ? "warn" : kind}>${said}${of.status ? ` ${of.status}` : ""}</${Badge}>`;
}
