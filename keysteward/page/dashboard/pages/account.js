// Account: the address, the ways in, the second factor, what is kept, and the end of it.

import { html, useState } from "../vendor/view.js";
import { Address } from "../account/address.js";
import { SecondFactor } from "../account/second_factor.js";
import { Ways } from "../account/ways.js";
import { tell } from "../core/api.js";
import { useAsked } from "../core/asked.js";
import { Action, Code, Confirm, Dialog, Page, say, Section, Shown, useAct, When, Wrong } from "../core/parts.js";
import { save } from "../core/save.js";
import { todayInUtc } from "../core/traced.js";

const ACCOUNT = `{
  viewer {
    id address addressVerifiedAt createdAt secondFactor recoveryCodesLeft
    means { id means name createdAt usedAt }
  }
  signInOptions { signUp elsewhere passkeysAt }
}`;
const WITHOUT_ADDRESS = "delete my account";

export default function Account() {
  const asked = useAsked(ACCOUNT);
  return html`<${Page} title="Account" lead="Who you are here, and by what you show it.">
    <${Shown} asked=${asked}>${({ viewer, signInOptions }) => viewer && html`
      <${Address} of=${viewer} reload=${asked.reload} />
      <${Ways} of=${viewer} options=${signInOptions} reload=${asked.reload} />
      <${SecondFactor} of=${viewer} reload=${asked.reload} />
      ${signInOptions.signUp === "INVITE" && html`<${Invites} />`}
      <${Kept} of=${viewer} />
      <${End} of=${viewer} />`}</${Shown}>
  </${Page}>`;
}

function Invites() {
  const [made, put] = useState(null);
  const [make, busy, problem] = useAct(async () =>
    put(await tell("createInvite", null, "... on InviteCreated { link expiresAt }")));
  const add = html`<${Action} busy=${busy} onPress=${make}>Make an invite</${Action}>`;
  return html`<${Section} title="Invites" actions=${add}>
    <p class="quiet">Accounts are made here by invite. Each is a link for one person, once.</p>
    <${Wrong} of=${problem} />
    ${made && html`<${Dialog} title="An invite" onClose=${() => put(null)}>
      <p>Send this link to one person. It is shown now and never again, and is good until <${When} at=${made.expiresAt} />.</p>
      <${Code} text=${made.link} label="The invite's link" />
      <div class="actions end"><${Action} kind="first" onPress=${() => put(null)}>Done</${Action}></div>
    </${Dialog}>`}
  </${Section}>`;
}

function Kept({ of }) {
  const [fetchIt, busy, problem] = useAct(async () => {
    const { document: kept } = await tell("exportAccount", null, "... on AccountExported { document }");
    save(`keysteward-account-${todayInUtc()}.json`, "application/json", JSON.stringify(kept, null, 2));
    say("The file is saved.");
  });
  const get = html`<${Action} busy=${busy} onPress=${fetchIt}>Download it</${Action}>`;
  return html`<${Section} title="What is kept of you" actions=${get}>
    <p>One JSON file with all of it: keys masked, tools, calls, ceilings, sessions, the audit trail. No secret is in it.</p>
    <${Wrong} of=${problem} />
    <dl class="facts"><dt>Account</dt><dd><code class="mono">${of.id}</code></dd>
      <dt>Made</dt><dd><${When} at=${of.createdAt} /></dd></dl>
  </${Section}>`;
}

function End({ of }) {
  const [asks, ask] = useState(false);
  const phrase = of.address ?? WITHOUT_ADDRESS;
  const act = async () => {
    await tell("deleteAccount", { confirm: phrase }, "... on AccountDeleted { id } ... on InvalidInput { field }");
    location.assign("/sign-in");
    await new Promise(() => {}); // nothing more is shown of an account that is gone
  };
  const first = html`<${Action} kind="grave" onPress=${() => ask(true)}>Delete the account</${Action}>`;
  return html`<${Section} title="Delete the account" actions=${first}>
    <p>Every key is removed and every tool ended, at once and for good. Nothing of it can be had back.</p>
    ${asks && html`<${Confirm} title="Delete the account" phrase=${phrase} button="Delete it" act=${act} onClose=${() => ask(false)}>
      <p>Calls that run are cut, and running tools are told. Your keys stay good at the providers: end them there.</p>
    </${Confirm}>`}
  </${Section}>`;
}
