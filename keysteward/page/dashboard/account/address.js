// The account's e-mail address: whether mail reaches it, and another in its place.

import { html, useState } from "../vendor/view.js";
import { tell } from "../core/api.js";
import { Action, Badge, Dialog, Field, Notice, Section, useAct, When, Wrong } from "../core/parts.js";

const SENT = "... on MailSent { message }";

export function Address({ of, reload }) {
  const [changes, change] = useState(false);
  const [sent, put] = useState(null);
  const [sendAgain, busy, problem] = useAct(async () => {
    put(null);
    put((await tell("requestVerification", null, SENT)).message);
    reload();
  });
  const isUnverified = of.address !== null && of.addressVerifiedAt === null;
  const actions = html`
    ${isUnverified && html`<${Action} busy=${busy} onPress=${sendAgain}>Send the link again</${Action}>`}
    <${Action} onPress=${() => change(true)}>${of.address === null ? "Add an address" : "Change the address"}</${Action}>`;
  return html`<${Section} title="E-mail address" actions=${actions}>
    ${of.address === null ? html`<p class="quiet">There is none yet. With one you are told what happens to your account, and can have a forgotten password reset.</p>`
      : html`<p><strong>${of.address}</strong> <${Badge} kind=${isUnverified ? "warn" : "good"}>${isUnverified ? "not verified" : "verified"}</${Badge}>
        ${!isUnverified && html` <span class="hint"><${When} at=${of.addressVerifiedAt} /></span>`}</p>`}
    ${isUnverified && html`<p class="quiet">A link was mailed to it. Open that, to show that mail reaches you.</p>`}
    ${sent && html`<${Notice} kind="good">${sent}</${Notice}>`}
    <${Wrong} of=${problem} />
    ${changes && html`<${Change} of=${of} onClose=${() => change(false)} />`}
  </${Section}>`;
}

function Change({ of, onClose }) {
  const [sent, put] = useState(null);
  const [send, busy, problem, forget] = useAct(async (event) => {
    event.preventDefault();
    const address = new FormData(event.currentTarget).get("address").trim();
    put((await tell("changeAddress", { address }, `${SENT} ... on InvalidInput { field }`)).message);
  });
  const title = of.address === null ? "Add an address" : "Change the address";
  if (sent !== null) {
    return html`<${Dialog} title=${title} onClose=${onClose}>
      <${Notice} kind="good">${sent}</${Notice}>
      <p>Open it in this browser, where you are signed in. Until then nothing changes.</p>
      <div class="actions end"><${Action} kind="first" onPress=${onClose}>Done</${Action}></div>
    </${Dialog}>`;
  }
  return html`<${Dialog} title=${title} busy=${busy} onClose=${onClose}>
    <form onSubmit=${send}>
      <p>A link is sent to the new address. Once it is opened, every session ends and you sign in with the new address.</p>
      <${Field} label="New address" name="address" type="email" autocomplete="email" maxlength="254" required autofocus onInput=${forget} />
      <${Wrong} of=${problem} />
      <div class="actions end"><${Action} kind="first" type="submit" busy=${busy}>Send the link</${Action}></div>
    </form>
  </${Dialog}>`;
}
