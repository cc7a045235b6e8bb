// Things at providers that cost by the hour, until they are deleted there.

import { html } from "../vendor/view.js";
import { toolOf } from "./tools.js";
import { tell } from "../core/api.js";
import { Action, Cell, Confirm, say, Section, Table, When } from "../core/parts.js";
import { amount } from "../core/words.js";

/** What runs by the hour, and who made it. */
export function Hourly({ of, tools, act }) {
  return html`<${Section} title="What runs by the hour">
    <p class="quiet">Things that calls made at a provider, such as servers: each hour is charged as it begins, until they are deleted. Deleting one through keysteward ends it here, too.</p>
    ${of.length === 0 ? html`<p>Nothing runs by the hour.</p>`
      : html`<${Table} caption="What runs by the hour" heads=${["What", "Made by", "Since", "Paid to", { label: "An hour", numeric: true }, { label: "What to do", hidden: true }]}>
        ${of.map((each) => html`<tr key=${`${each.provider.id} ${each.resource}`}>
          <${Cell} head="What"><div><strong>${each.provider.name}</strong> <span class="mono">${each.resource}</span><div class="quiet">${each.item}</div></div></${Cell}>
          <${Cell} head="Made by"><div>${toolOf(each.tool, tools)}</div></${Cell}>
          <${Cell} head="Since"><${When} at=${each.since} /></${Cell}>
          <${Cell} head="Paid to"><${When} at=${each.paidTo} /></${Cell}>
          <${Cell} head="An hour" numeric>${amount(each.hourly)}</${Cell}>
          <${Cell}><div class="actions"><${Action} label=${`It is gone: ${each.provider.name} ${each.resource}`} onPress=${() => act({ name: "end", of: each })}>It is gone</${Action}></div></${Cell}>
        </tr>`)}</${Table}>`}
  </${Section}>`;
}

/** Asks whether it is gone at its provider. */
export function End({ of, onClose }) {
  const act = async () => {
    await tell("endCommitment", { provider: of.provider.id, resource: of.resource }, "... on CommitmentEnded { resource }");
    say("Its hours are charged no more.");
    onClose();
  };
  return html`<${Confirm} title=${`${of.provider.name} ${of.resource} is gone`} button="It is gone" kind="first" act=${act} onClose=${onClose}>
    <p>Say so only if it was deleted at ${of.provider.name} already: nothing is deleted there by this. Its hours are charged here no more.</p>
  </${Confirm}>`;
}
