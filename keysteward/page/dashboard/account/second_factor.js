// The second factor: an authenticator app, and recovery codes in its place.
//
// The app's secret and the codes are in the page only while the dialog stands that shows them once.

import { html, useEffect, useState } from "../vendor/view.js";
import { tell } from "../core/api.js";
import { Action, Badge, Confirm, Copy, Dialog, Field, Notice, say, Section, useAct, Wrong } from "../core/parts.js";
import { QR } from "../core/qr.js";
import { save } from "../core/save.js";
import { several } from "../core/words.js";

const CODES = "... on RecoveryCodes { codes }";
const FEW = 3;

export function SecondFactor({ of, reload }) {
  const [doing, put] = useState(null);
  const close = () => { put(null); reload(); };
  const codes = (given) => put({ name: "codes", codes: given });
  const [renew, isRenewing, problem] = useAct(async () => codes((await tell("renewRecoveryCodes", null, CODES)).codes));
  const actions = of.secondFactor
    ? html`<${Action} busy=${isRenewing} onPress=${renew}>New recovery codes</${Action}>
      <${Action} onPress=${() => put({ name: "remove" })}>Switch it off</${Action}>`
    : html`<${Action} kind="first" onPress=${() => put({ name: "set up" })}>Set it up</${Action}>`;
  const isFew = of.recoveryCodesLeft <= FEW;
  return html`<${Section} title="Second factor" actions=${actions}>
    ${of.secondFactor ? html`<p><${Badge} kind="good">on</${Badge}> Your app's code is asked for at each sign-in but one by passkey, which is two factors by itself.</p>
        <p class=${isFew ? "wrong" : "quiet"}>${several(of.recoveryCodesLeft, "recovery code")} left${isFew ? ": make new ones while you can." : "."}</p>`
      : html`<p><${Badge}>off</${Badge}> With it, a password alone lets nobody in: a code of an app on your telephone is asked for as well.</p>`}
    <${Wrong} of=${problem} />
    ${doing?.name === "set up" && html`<${SetUp} done=${codes} onClose=${close} />`}
    ${doing?.name === "codes" && html`<${Codes} codes=${doing.codes} onClose=${close} />`}
    ${doing?.name === "remove" && html`<${Remove} onClose=${close} />`}
  </${Section}>`;
}

function SetUp({ done, onClose }) {
  const [begun, put] = useState(null);
  const [begin, , notBegun] = useAct(async () => {
    put(await tell("beginSecondFactor", null, "... on SecondFactorBegun { secret uri ticket }"));
  });
  useEffect(() => { begin(); }, []);
  const [confirm, busy, problem, forget] = useAct(async (event) => {
    event.preventDefault();
    const code = new FormData(event.currentTarget).get("code").trim();
    const { codes } = await tell("addSecondFactor", { ticket: begun.ticket, code }, `${CODES} ... on CodeWrong { triesLeft }`);
    done(codes);
  });
  return html`<${Dialog} title="Set up the second factor" busy=${busy} onClose=${onClose}>
    ${notBegun && html`<${Notice} kind="bad">${notBegun.message} <button class="link" type="button" onClick=${begin}>Try again</button></${Notice}>`}
    ${!begun && !notBegun && html`<p class="quiet" role="status">Loading…</p>`}
    ${begun && html`<form onSubmit=${confirm}>
      <p>1. Have your authenticator app look at this, or type the text beneath into it.</p>
      <${QR} text=${begun.uri} label="QR code with the app's secret" />
      <p class="secret"><code class="mono">${grouped(begun.secret)}</code> <${Copy} text=${begun.secret} label="Copy the secret" /></p>
      <${Field} label="2. The code that the app shows" name="code" inputmode="numeric" autocomplete="one-time-code" required onInput=${forget} />
      <${Wrong} of=${problem} />
      <div class="actions end"><${Action} kind="first" type="submit" busy=${busy}>Switch it on</${Action}></div>
    </form>`}
  </${Dialog}>`;
}

/** In fours, as one reads it out; apps overlook the spaces. */
const grouped = (secret) => secret.replace(/(.{4})(?=.)/g, "$1 ");

function Codes({ codes, onClose }) {
  const text = `${codes.join("\n")}\n`;
  return html`<${Dialog} title="Recovery codes" onClose=${onClose}>
    <${Notice} kind="warn">They are shown now and never again. Without your app and without them, nobody can let you in by password: not the operator either.</${Notice}>
    <p>Each stands in for the app once. Keep them where the app is not; older ones are void.</p>
    <ul class="plain codes" aria-label="Recovery codes">${codes.map((code) => html`<li><code class="mono">${code}</code></li>`)}</ul>
    <div class="actions end">
      <${Copy} text=${text} label="Copy all" />
      <${Action} onPress=${() => save("keysteward-recovery-codes.txt", "text/plain", text)}>Save as a file</${Action}>
      <${Action} kind="first" onPress=${onClose}>I have kept them</${Action}>
    </div>
  </${Dialog}>`;
}

function Remove({ onClose }) {
  const act = async () => {
    await tell("removeSecondFactor", null, "... on SecondFactorRemoved { account { id } }");
    say("The second factor is off.");
    onClose();
  };
  return html`<${Confirm} title="Switch the second factor off" button="Switch it off" keep="Keep it on" act=${act} onClose=${onClose}>
    <p>From now on whoever has your password is let in by it alone. The recovery codes are void.</p>
  </${Confirm}>`;
}
