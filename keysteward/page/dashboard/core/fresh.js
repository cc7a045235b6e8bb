// "Show again who you are": a small dialog in front of whatever needs a login of the last minutes.
// Password, second factor and passkey go here; Google, GitHub and WhatsApp by the page /fresh.

import { html, useEffect, useState } from "../vendor/view.js";
import { ask, freshenBy, tell } from "./api.js";
import { Action, Dialog, Field, useAct, Wrong } from "./parts.js";

const WAYS = `{
  viewer { address means { means } }
  signInOptions { passkeysAt elsewhere }
}`;
const SIGNED_IN = "... on SignedIn { account { freshUntil } }";
const ANSWERS = `${SIGNED_IN} ... on SecondFactorRequired { ticket }`;

/** Stands in the shell, and shows itself when it is needed. */
export function FreshLogin() {
  const [waiting, put] = useState(null);
  useEffect(() => {
    let asked = null; // two acts at once ask once: a second question would leave the first unanswered
    freshenBy(() => asked ??= new Promise((resolve) => put(() => resolve)).finally(() => { asked = null; }));
    return () => freshenBy(null);
  }, []);
  if (waiting === null) return null;
  const answer = (isFresh) => { put((now) => (now === waiting ? null : now)); waiting(isFresh); };
  return html`<${Asking} done=${() => answer(true)} onClose=${() => answer(false)} />`;
}

function Asking({ done, onClose }) {
  const [ways, putWays] = useState(null);
  const [ticket, putTicket] = useState(null);
  const [load, , unreachable] = useAct(async () => putWays(await ask(WAYS)));
  useEffect(() => { load(); }, []);

  const [show, busy, problem, forget] = useAct(async (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    const typed = new FormData(form).get("secret");
    form.reset();
    const answer = ticket === null
      ? await tell("freshLogin", { password: typed }, ANSWERS)
      : await tell("showSecondFactor", { ticket, code: typed.trim() }, SIGNED_IN);
    follow(answer);
  });
  const [usePasskey, isAsked, refused] = useAct(async () => {
    const begun = await tell("beginPasskey", { intent: "FRESH" }, "... on PasskeyBegun { options ticket }");
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(begun.options);
    let shown;
    try {
      shown = await navigator.credentials.get({ publicKey });
    } catch {
      throw new Error("No passkey was used. Try again, or another way.");
    }
    follow(await tell("showPasskey", { intent: "FRESH", ticket: begun.ticket, answer: shown.toJSON() }, SIGNED_IN));
  });
  const follow = (answer) => {
    if (answer.__typename !== "SecondFactorRequired") return done();
    forget();
    putTicket(answer.ticket);
    return undefined;
  };

  const means = new Set(ways?.viewer?.means.map((each) => each.means));
  const hasElsewhere = ["GOOGLE", "GITHUB", "WHATSAPP"].some((each) => means.has(each));
  const hasPasskey = means.has("PASSKEY") && location.origin === ways.signInOptions.passkeysAt
    && window.PublicKeyCredential?.parseRequestOptionsFromJSON;
  const wrong = problem ?? refused ?? unreachable;
  return html`<${Dialog} title="Show again who you are" onClose=${onClose}>
    <p class="quiet">This needs a login of the last five minutes.</p>
    <${Wrong} of=${wrong} />
    ${ways === null && !unreachable && html`<p class="quiet" role="status">Loading…</p>`}
    ${ticket !== null && html`<form key="code" onSubmit=${show}>
      <${Field} label="Code of your app, or a recovery code" name="secret" autocomplete="one-time-code" inputmode="text" required autofocus />
      <div class="actions end"><${Action} kind="first" type="submit" busy=${busy}>Go on</${Action}></div>
    </form>`}
    ${ticket === null && means.has("PASSWORD") && html`<form key="password" onSubmit=${show}>
      <input class="unseen" type="email" name="address" autocomplete="username" value=${ways.viewer.address ?? ""} readonly tabindex="-1" aria-hidden="true" />
      <${Field} label="Password" name="secret" type="password" autocomplete="current-password" required autofocus />
      <div class="actions end"><${Action} kind="first" type="submit" busy=${busy}>Go on</${Action}></div>
    </form>`}
    ${ticket === null && ways !== null && html`<div class="others">
      ${hasPasskey && html`<${Action} busy=${isAsked} onPress=${usePasskey}>Use a passkey</${Action}>`}
      ${hasElsewhere && html`<a class="button second" href=${`/fresh?next=${encodeURIComponent(location.pathname)}`}>Another way</a>
        <p class="hint">You come back to this page. What you have typed here is not kept.</p>`}
    </div>`}
  </${Dialog}>`;
}
