// Who has heard of a removal: asked for again and again until every running tool has.

import { html, useEffect, useRef, useState } from "../vendor/view.js";
import { ask } from "./api.js";
import { Badge } from "./parts.js";
import { put } from "./place.js";
import { lasting, several } from "./words.js";

const REVOCATION = `query ($cursor: Cursor!) {
  revocation(cursor: $cursor) {
    reason state callsCut revokedAt
    provider { name }
    tools { state lagMilliseconds acknowledgedAt tool { id name } }
  }
}`;
const SOON = 150;
const LATER = 2000;
const SOON_FOR = 10_000;

/** Ask again and again until `isOver(answer)`: gives the last answer, or null. `of` is what is asked for. */
export function useUntil(look, isOver, of) {
  const [found, put] = useState(null);
  useEffect(() => {
    let timer = 0;
    let isHere = true;
    const began = Date.now();
    const turn = async () => {
      // Where it can't be had now, it is asked for again.
      const answer = await look(of).catch(() => null);
      if (!isHere) return;
      if (answer) put(answer);
      if (answer && isOver(answer)) return;
      timer = setTimeout(turn, Date.now() - began < SOON_FOR ? SOON : LATER);
    };
    turn();
    return () => { isHere = false; clearTimeout(timer); };
  }, [of]);
  return found;
}

export const isConverged = ({ state }) => state === "CONVERGED";
const revocationAt = async (cursor) => (await ask(REVOCATION, { cursor })).revocation;

/** "final · 2 calls cut · heard by 3 of 3 running tools · 41 ms" */
export function sentenceOf(revocation) {
  const running = revocation.tools.filter((each) => each.state !== "OFFLINE");
  const heard = running.filter((each) => each.state === "ACKNOWLEDGED");
  const slowest = Math.max(...heard.map((each) => each.lagMilliseconds ?? 0));
  return [
    "final",
    `${several(revocation.callsCut, "call")} cut`,
    running.length === 0 ? "no tool was running" : `heard by ${heard.length} of ${several(running.length, "running tool")}`,
    ...(heard.length ? [lasting(slowest)] : []),
  ].join(" · ");
}

const KINDS = { ACKNOWLEDGED: ["good", "heard"], PENDING: ["warn", "not yet"], OFFLINE: ["plain", "offline"] };

const held = new Set(); // a panel that comes back into view takes the focus from nobody

/** The panel that a removal leaves behind. `what` says what is gone; `isMine`, that it was removed here just now. */
export function Heard({ cursor, what, isMine = false, onClose }) {
  const revocation = useUntil(revocationAt, isConverged, cursor);
  const isDone = revocation !== null && isConverged(revocation);
  const heading = useRef(null);
  // What had the focus went with what was removed.
  useEffect(() => {
    if (!isMine || held.has(cursor)) return;
    held.add(cursor);
    put(heading.current);
  }, [isMine]);
  return html`<section class="card heard" aria-label=${`Who has heard: ${what}`}>
    <div class="head">
      <div role="status"><h2 ref=${heading}>${what}</h2>
        <p class="sentence">${revocation ? sentenceOf(revocation) : "final"}
          ${revocation && !isDone ? html` <span class="quiet">· waiting for the rest</span>` : ""}</p></div>
      <button class="link" type="button" onClick=${onClose}>Dismiss</button>
    </div>
    ${revocation?.tools.length > 0 && html`<ul class="plain">${revocation.tools.map((each) => html`<li>
      <${Badge} kind=${KINDS[each.state][0]}>${KINDS[each.state][1]}</${Badge}> ${each.tool.name}
      ${each.lagMilliseconds !== null && html` <span class="quiet">${lasting(each.lagMilliseconds)}</span>`}</li>`)}</ul>`}
  </section>`;
}
