// Sessions: the browsers that are signed in, and ending them.

import { html, useState } from "../vendor/view.js";
import { tell } from "../core/api.js";
import { useAsked } from "../core/asked.js";
import { deviceOf } from "../core/device.js";
import { by } from "../core/means.js";
import { Action, Badge, Cell, Confirm, Page, say, Shown, Table, useAct, When } from "../core/parts.js";
import { several } from "../core/words.js";

const SESSIONS = `{
  sessions { id isCurrent means device place createdAt lastUsedAt expiresAt }
}`;
const ENDED = "... on SessionsEnded { count }";
const HEADS = ["Browser", "From", "Signed in", "Last used", { label: "What to do", hidden: true }];

export default function Sessions() {
  const asked = useAsked(SESSIONS);
  const [asks, ask] = useState(false);
  const others = asked.data?.sessions.filter((session) => !session.isCurrent) ?? [];
  const close = () => { ask(false); asked.reload(); };
  const end = others.length > 0 && html`<${Action} kind="grave" onPress=${() => ask(true)}>End all others</${Action}>`;
  return html`<${Page} title="Sessions" lead="Browsers that are signed in to your account. One that you don't know: end it, then change your password." actions=${end}>
    <${Shown} asked=${asked}>${({ sessions }) => html`<div class="card">
      <${Table} caption="Your sessions, the last used first" heads=${HEADS}>
        ${sessions.map((session, at) => html`<${Row} key=${session.id} of=${session} number=${at + 1} reload=${asked.reload} />`)}
      </${Table}>
      ${others.length === 0 && html`<p class="quiet">You are signed in here alone.</p>`}
      <p class="hint">A session ends by itself when it was not used for a day, and after two weeks.</p>
    </div>`}</${Shown}>
    ${asks && html`<${EndOthers} count=${others.length} onClose=${close} />`}
  </${Page}>`;
}

function Row({ of, number, reload }) {
  const device = deviceOf(of.device);
  const [end, busy, problem] = useAct(async () => {
    await tell("endSession", { id: of.id }, ENDED);
    say(`The session of ${device} has ended.`);
    reload();
  });
  return html`<tr>
    <${Cell} head="Browser"><div><strong>${device}</strong> ${of.isCurrent && html`<${Badge} kind="good">this one</${Badge}>`}
      <div class="hint words">${of.device || "It did not say what it is."}</div></div></${Cell}>
    <${Cell} head="From"><code class="mono">${of.place}</code></${Cell}>
    <${Cell} head="Signed in"><div><${When} at=${of.createdAt} /><div class="hint">${by(of.means)}</div></div></${Cell}>
    <${Cell} head="Last used"><div><${When} at=${of.lastUsedAt} /><div class="hint">ends <${When} at=${of.expiresAt} /></div></div></${Cell}>
    <${Cell}>${!of.isCurrent && html`<div><div class="actions"><${Action} busy=${busy} label=${`End session ${number}: ${device}, from ${of.place}`} onPress=${end}>End</${Action}></div>
      ${problem && html`<p class="wrong" role="alert">${problem.message}</p>`}</div>`}</${Cell}>
  </tr>`;
}

function EndOthers({ count, onClose }) {
  const act = async () => {
    const ended = await tell("endOtherSessions", null, ENDED);
    say(`${several(ended.count, "session")} ended.`);
    onClose();
  };
  return html`<${Confirm} title="End all others" button="End them" keep="Keep them" act=${act} onClose=${onClose}>
    <p>${several(count, "other session ends", "other sessions end")} at once, with the pages that stand open there. This one goes on.</p>
  </${Confirm}>`;
}
