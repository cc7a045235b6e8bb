// The ways to sign in: what there is, what can be added, and taking one away. The last one stays.

import { html, useEffect, useState } from "../vendor/view.js";
import { ask, tell } from "../core/api.js";
import { deviceOf } from "../core/device.js";
import { MEANS, wayOf } from "../core/means.js";
import { Action, Cell, Dialog, Field, say, Section, Table, useAct, When, Wrong } from "../core/parts.js";

const ADDED = "... on MeansAdded { means { id } }";
const LONGEST_NAME = 100;

export function Ways({ of, options, reload }) {
  const [doing, put] = useState(null);
  const close = () => { put(null); reload(); };
  const hasPassword = of.means.some((way) => way.means === "PASSWORD");
  const far = options.elsewhere.filter((kind) => kind !== "WHATSAPP");
  const open = (name, more = {}) => () => put({ name, ...more });
  return html`<${Section} title="Ways to sign in">
    <${Table} caption="Your ways to sign in" heads=${["Way", "Added", "Last used", { label: "What to do", hidden: true }]}>
      ${of.means.map((way) => html`<tr key=${way.id}>
        <${Cell} head="Way"><div><strong>${MEANS[way.means] ?? way.means}</strong>${way.name && html`<div class="quiet">${way.name}</div>`}</div></${Cell}>
        <${Cell} head="Added">${way.createdAt && html`<${When} at=${way.createdAt} />`}</${Cell}>
        <${Cell} head="Last used">${way.createdAt && html`<${When} at=${way.usedAt} />`}</${Cell}>
        <${Cell}><div class="actions">${way.means === "PASSWORD"
          ? html`<${Action} onPress=${open("password")}>Change the password</${Action}>`
          : html`<${Action} label=${`Remove ${wayOf(way)}`} onPress=${open("remove", { way })}>Remove</${Action}>`}</div></${Cell}>
      </tr>`)}
    </${Table}>
    <div class="actions">
      <${Passkeys} at=${options.passkeysAt} onPress=${open("passkey")} />
      ${far.map((kind) => html`<${Elsewhere} key=${kind} kind=${kind} />`)}
      ${options.elsewhere.includes("WHATSAPP") && html`<${Action} onPress=${open("number")}>Link WhatsApp</${Action}>`}
      ${!hasPassword && html`<${Action} onPress=${open("password")}>Set a password</${Action}>`}
    </div>
    ${doing?.name === "passkey" && html`<${AddPasskey} onClose=${close} />`}
    ${doing?.name === "number" && html`<${AddNumber} onClose=${close} />`}
    ${doing?.name === "password" && html`<${Password} of=${of} hasOne=${hasPassword} onClose=${close} />`}
    ${doing?.name === "remove" && html`<${Remove} way=${doing.way} onClose=${close} />`}
  </${Section}>`;
}

/** A passkey is bound to one address; elsewhere a browser refuses to make it. */
function Passkeys({ at, onPress }) {
  if (location.origin !== at) {
    return html`<p class="quiet">Passkeys are made and work at <a href=${`${at}/dashboard/settings/account`}>${at}</a> alone.</p>`;
  }
  if (!window.PublicKeyCredential?.parseCreationOptionsFromJSON) {
    return html`<p class="quiet">This browser can't make passkeys.</p>`;
  }
  return html`<${Action} kind="first" onPress=${onPress}>Add a passkey</${Action}>`;
}

function AddPasskey({ onClose }) {
  const [asking] = useState(() => new AbortController());
  useEffect(() => () => asking.abort(), []); // or the browser would refuse to ask for another one
  const [add, busy, problem, forget] = useAct(async (event) => {
    event.preventDefault();
    const name = new FormData(event.currentTarget).get("name").trim();
    const begun = await tell("beginPasskey", { intent: "LINK" }, "... on PasskeyBegun { options ticket }");
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(begun.options);
    const answer = (await made(publicKey, asking.signal)).toJSON();
    await tell("addPasskey", { ticket: begun.ticket, answer, name }, `${ADDED} ... on InvalidInput { field }`);
    say("The passkey was added.");
    onClose();
  });
  return html`<${Dialog} title="Add a passkey" onClose=${onClose}>
    <form onSubmit=${add}>
      <p>This device, your phone or a security key shows that it is you: no password, and nothing that could be typed into a false page.</p>
      <${Field} label="Name" name="name" defaultValue=${deviceOf(navigator.userAgent)} maxlength=${LONGEST_NAME} required autocomplete="off" autofocus
        hint="By which you know it in the list." onInput=${forget} />
      <${Wrong} of=${problem} />
      <div class="actions end"><${Action} kind="first" type="submit" busy=${busy}>${busy ? "Look at your device…" : "Make it"}</${Action}></div>
    </form>
  </${Dialog}>`;
}

async function made(publicKey, signal) {
  try {
    return await navigator.credentials.create({ publicKey, signal });
  } catch (refusal) {
    throw new Error(refusal.name === "InvalidStateError"
      ? "This device holds a passkey of your account already."
      : "No passkey was made. Try again.");
  }
}

/** Google or GitHub: the browser goes there, and comes back with the account linked. */
function Elsewhere({ kind }) {
  const [go, busy, problem] = useAct(async () => {
    const { url } = await tell("beginElsewhere", { kind, intent: "LINK" }, "... on ElsewhereBegun { url }");
    location.assign(url);
    await new Promise(() => {});
  });
  return html`<${Action} busy=${busy} onPress=${go}>Link ${MEANS[kind]}</${Action}>
    ${problem && html`<span class="wrong" role="alert">${problem.message}</span>`}`;
}

function AddNumber({ onClose }) {
  const [ticket, put] = useState(null);
  const [send, busy, problem, forget] = useAct(async (event) => {
    event.preventDefault();
    const typed = new FormData(event.currentTarget).get("typed").trim();
    if (ticket === null) {
      const sent = await tell("requestCode", { number: typed, intent: "LINK" }, "... on CodeRequested { ticket } ... on InvalidInput { field }");
      return put(sent.ticket);
    }
    await tell("showCode", { ticket, code: typed }, `${ADDED} ... on CodeWrong { triesLeft }`);
    say("The number was linked.");
    return onClose();
  });
  const again = () => { forget(); put(null); };
  return html`<${Dialog} title="Link WhatsApp" busy=${busy} onClose=${onClose}>
    ${ticket === null ? html`<form key="number" onSubmit=${send}>
        <p>Numbers can be taken over, by a stolen SIM card say: have a passkey or a second factor besides.</p>
        <${Field} label="Telephone number" name="typed" type="tel" autocomplete="tel" required autofocus
          hint="With the country's code: +49 151 12345678." onInput=${forget} />
        <${Wrong} of=${problem} />
        <div class="actions end"><${Action} kind="first" type="submit" busy=${busy}>Send me a code</${Action}></div>
      </form>`
      : html`<form key="code" onSubmit=${send}>
        <p>If codes are sent to this number, one is on its way by WhatsApp. It is good for ten minutes.</p>
        <${Field} label="Code" name="typed" autocomplete="one-time-code" inputmode="numeric" required autofocus onInput=${forget} />
        <${Wrong} of=${problem} />
        <div class="actions end"><${Action} onPress=${again}>Another number</${Action}>
          <${Action} kind="first" type="submit" busy=${busy}>Link it</${Action}></div>
      </form>`}
  </${Dialog}>`;
}

function Password({ of, hasOne, onClose }) {
  const [send, busy, problem, forget] = useAct(async (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    const typed = new FormData(form);
    await tell("changePassword", { current: hasOne ? typed.get("current") : null, password: typed.get("password") },
      "... on PasswordChanged { account { id } } ... on InvalidInput { field }");
    form.reset();
    say("Your new password counts.");
    onClose();
  });
  return html`<${Dialog} title=${hasOne ? "Change the password" : "Set a password"} busy=${busy} onClose=${onClose}>
    <form onSubmit=${send}>
      <p>Every other session ends.</p>
      <input class="unseen" type="email" name="address" autocomplete="username" value=${of.address ?? ""} readonly tabindex="-1" aria-hidden="true" />
      ${hasOne && html`<${Field} label="Present password" name="current" type="password" autocomplete="current-password" required autofocus onInput=${forget} />`}
      <${Field} label="New password" name="password" type="password" autocomplete="new-password" minlength="8" maxlength="1024" required autofocus=${!hasOne}
        hint="Eight characters or more, of any kind." onInput=${forget} />
      <${Wrong} of=${problem} />
      <div class="actions end"><${Action} kind="first" type="submit" busy=${busy}>${hasOne ? "Change it" : "Set it"}</${Action}></div>
    </form>
  </${Dialog}>`;
}

function Remove({ way, onClose }) {
  const [remove, busy, problem] = useAct(async (event) => {
    event.preventDefault();
    const endsOthers = new FormData(event.currentTarget).has("others");
    // What is gone already, and only the sessions are left to end, is no reason to stop.
    const { viewer } = await ask("{ viewer { means { id } } }");
    if (viewer.means.some((each) => each.id === way.id)) {
      await tell("removeMeans", { id: way.id }, "... on MeansRemoved { id }");
    }
    if (endsOthers) await tell("endOtherSessions", null, "... on SessionsEnded { count }");
    say(`${wayOf(way)} was removed.`);
    onClose();
  });
  return html`<${Dialog} title=${`Remove ${wayOf(way)}`} busy=${busy} onClose=${onClose}>
    <form onSubmit=${remove}>
      <p>Nobody signs in to your account by it any more. You can add it again.</p>
      <p><label class="inline"><input type="checkbox" name="others" /> End my other sessions as well, in case it was not me who used it</label></p>
      <${Wrong} of=${problem} />
      <div class="actions end"><${Action} onPress=${onClose}>Keep it</${Action}>
        <${Action} kind="grave" type="submit" busy=${busy}>Remove it</${Action}></div>
    </form>
  </${Dialog}>`;
}
