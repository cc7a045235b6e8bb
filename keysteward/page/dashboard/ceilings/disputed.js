// Calls of which nobody knows what they cost, until their owner says so.

import { html, useEffect, useState } from "../vendor/view.js";
import { useAmount } from "./amount_field.js";
import { toolOf } from "./tools.js";
import { placesOf } from "../core/amounts.js";
import { ask, tell } from "../core/api.js";
import { useAsked } from "../core/asked.js";
import { Action, Cell, Dialog, Field, say, Section, Shown, Table, useAct, When, Wrong } from "../core/parts.js";
import { amount } from "../core/words.js";

const EVERY = 10_000;
const CALLS = `query ($after: Cursor) {
  calls(first: 50, after: $after, disputed: true) {
    nodes { id provider providerName model operation tool startedAt cost }
    pageInfo { hasNextPage endCursor }
  }
}`;

/** The calls of which nobody knows what they cost. */
export function Disputed({ tools, act }) {
  const asked = useAsked(CALLS, {}, { every: EVERY });
  const [more, put] = useState([]);
  const [look, busy, problem] = useAct(async (after) => {
    const { calls } = await ask(CALLS, { after });
    put((all) => [...all, calls]);
  });
  // What was shown further down goes only with what stands above it: not at each time of asking.
  const newest = asked.data?.calls.nodes.map((call) => call.id).join();
  useEffect(() => put([]), [newest]);
  return html`<${Section} title="Disputed calls">
    <p class="quiet">Their answer broke off, or failed in a way that may have cost something. Each counts as the most that it could cost, until you say what the provider's own bill says.</p>
    <${Shown} asked=${asked}>${({ calls }) => {
      const pages = [calls, ...more];
      const found = pages.flatMap((page) => page.nodes);
      const { hasNextPage, endCursor } = pages.at(-1).pageInfo;
      return html`${found.length === 0 ? html`<p>None of your calls is disputed.</p>`
        : html`<${Table} caption="Disputed calls" heads=${["Call", "Provider and model", "Tool", { label: "Counts as", numeric: true }, { label: "What to do", hidden: true }]}>
          ${found.map((each) => html`<tr key=${each.id}>
            <${Cell} head="Call"><div><${When} at=${each.startedAt} /><div class="hint mono">${each.id}</div></div></${Cell}>
            <${Cell} head="Provider"><div>${each.providerName}<div class="quiet">${each.model ?? each.operation}</div></div></${Cell}>
            <${Cell} head="Tool"><div>${toolOf(each.tool, tools)}</div></${Cell}>
            <${Cell} head="Counts as" numeric>${amount(each.cost)}</${Cell}>
            <${Cell}><div class="actions"><${Action} label=${`It cost… Say it of ${each.id}`} onPress=${() => act({ name: "release", of: each })}>It cost…</${Action}></div></${Cell}>
          </tr>`)}</${Table}>`}
        <${Wrong} of=${problem} />
        ${hasNextPage && html`<div class="actions"><${Action} busy=${busy} onPress=${() => look(endCursor)}>Show more</${Action}></div>`}`;
    }}</${Shown}>
  </${Section}>`;
}

/** Asks what a disputed call did cost. */
export function Release({ of, onClose, done }) {
  const [isMade, mark] = useState(false);
  const [send, busy, problem] = useAct(async (cost) => {
    const answer = await tell("releaseDisputed", { call: of.id, cost, made: isMade },
      "... on DisputeReleased { givenBack } ... on InvalidInput { field }");
    say(`${amount(answer.givenBack)} was given back.`);
    done();
  });
  const [text, type, wrong, submit] = useAmount("0", placesOf("SPEND"), send);
  return html`<${Dialog} title="What did the call cost?" busy=${busy} onClose=${onClose}>
    <p><code class="mono">${of.id}</code>, ${of.providerName}, ${of.model ?? of.operation}: it counts as ${amount(of.cost)}.</p>
    <p class="quiet">Say what the provider's bill says; what counted beyond that is given back to the ceilings that it stands under. More than what counts now is taken for that.</p>
    <form onSubmit=${submit}>
      <${Field} label="It cost, in dollars" value=${text} onInput=${type} wrong=${wrong} required inputmode="decimal" autocomplete="off" autofocus />
      <p><label class="inline"><input type="checkbox" checked=${isMade} onChange=${(event) => mark(event.target.checked)} /> It was carried out, even if it cost nothing: a payment, say</label></p>
      <${Wrong} of=${problem} />
      <div class="actions end"><${Action} kind="first" type="submit" busy=${busy}>That is what it cost</${Action}></div>
    </form>
  </${Dialog}>`;
}
