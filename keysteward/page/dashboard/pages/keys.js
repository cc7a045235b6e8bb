// Settings → Keys: every key masked, and what can be done with it.
//
// A plaintext is here only after reveal or copy was pressed: for 30 seconds in the page, or on its
// way to the clipboard without being shown at all. A pasted key leaves its field when it is sent.

import { html, useEffect, useRef, useState } from "../vendor/view.js";
import { tell } from "../core/api.js";
import { save } from "../core/save.js";
import { useAsked } from "../core/asked.js";
import { Heard } from "../core/heard.js";
import { hear } from "../core/live.js";
import {
  Action, Badge, Bar, Cell, Choice, Confirm, Copy, Dialog, Empty, Field, LiveBadge, Notice, Page, say,
  Shown, Table, useAct, When,
} from "../core/parts.js";
import { amount, several } from "../core/words.js";

const SHOWN_SECONDS = 30;
const MOST_PANELS = 5;
const KEYS = `{
  keys {
    id label masked version isDefault state addedAt rotatedAt verifiedAt lastUsedAt
    provider { id name }
    ceiling { id measure currency limit settled held remaining state warnedPercent }
    usedBy { lastUsedAt calls tool { id name } }
  }
  providers { id name keyPrefixes }
}`;
const KEY = "key { id masked state }";

const STATES = {
  ACTIVE: ["good", "active"],
  SCOPED: ["good", "scoped"],
  UNVERIFIED: ["warn", "not verified"],
  REJECTED: ["bad", "rejected"],
  NEEDS_REENTRY: ["bad", "needs re-entry"],
};
const WHY = {
  SCOPED: "The provider knows it, and lets it do only a part.",
  UNVERIFIED: "The provider has not said yet whether it is good.",
  REJECTED: "The provider said that it is no good.",
  NEEDS_REENTRY: "The stored row does not open any more: rotate it to a new key, or remove it.",
};
// What the provider said when it was last heard; of the other states, that it is good.
const ASKED = { REJECTED: "refused", UNVERIFIED: "last heard" };

export default function Keys() {
  const asked = useAsked(KEYS);
  const [doing, put] = useState(null);
  const [gone, putGone] = useState([]);
  const known = useRef({});
  const dead = useRef(new Set()); // for as long as the page stands: no late or failed answer brings one back
  for (const key of asked.data?.keys ?? []) known.current[key.id] = key;

  const bury = ({ cursor, key, provider, isMine = false }) => putGone((all) => {
    dead.current.add(key);
    if (all.some((each) => each.cursor === cursor)) return all.map((each) => (each.cursor === cursor && isMine ? { ...each, isMine } : each));
    const label = known.current[key]?.label;
    return [{ cursor, key, isMine, what: `${provider.name}${label ? ` “${label}”` : ""} is removed` }, ...all];
  });
  // Removed here or in another window: both are told of by the stream.
  useEffect(() => hear((event) => {
    if (event.__typename === "KeyRevoked" && event.reason === "REMOVED") bury(event);
  }), []);

  const close = () => { put(null); asked.reload(); };
  const add = html`<${Action} kind="first" onPress=${() => put({ name: "add" })}>Add a key</${Action}>`;
  const [give, isGiven, notGiven] = useAct(async (format) => {
    const file = await tell("exportKeys", { format }, "... on KeysExported { name mediaType content }");
    save(file.name, file.mediaType, file.content);
    say("The file is saved.");
  });
  return html`<${Page} title="Keys" lead="Your tools call providers with these, and never hold one themselves."
    actions=${html`<${Action} busy=${isGiven} label="Save the list as CSV" onPress=${() => give("CSV")}>CSV</${Action}><${Action} busy=${isGiven} label="Save the list as JSON" onPress=${() => give("JSON")}>JSON</${Action}>${add}`}>
    ${notGiven && html`<${Notice} kind="bad">${notGiven.message}</${Notice}>`}
    ${gone.length > MOST_PANELS && html`<${Notice}>${several(gone.length - MOST_PANELS, "more key")} ${gone.length === MOST_PANELS + 1 ? "was" : "were"} removed. <a href="/dashboard">Last revocations</a></${Notice}>`}
    ${gone.slice(0, MOST_PANELS).map((each) => html`<${Heard} key=${each.cursor} ...${each} onClose=${() => putGone((all) => all.filter((other) => other !== each))} />`)}
    <${Shown} asked=${asked}>${({ keys, providers }) => {
      const alive = keys.filter((key) => !dead.current.has(key.id));
      return html`${alive.length === 0 ? html`<${Empty} title="No key yet">
          <p>A key that you put here is sealed, and used for your tools' calls alone:</p>
          <ol><li>Add a provider's key. It is checked with the provider, at no cost.</li>
            <li><a href="/dashboard/tools">Make a tool</a>: it gets a token of its own.</li>
            <li>Put that token and keysteward's address where the key was.</li></ol>
          ${add}</${Empty}>`
        : html`<div class="card"><${List} keys=${alive} act=${put} reload=${asked.reload} /></div>`}
        ${doing?.name === "add" && html`<${Add} providers=${providers} onClose=${close} />`}
        ${doing?.name === "rotate" && html`<${Rotate} of=${doing.of} onClose=${close} />`}
        ${doing?.name === "remove" && html`<${Remove} of=${doing.of} onClose=${close} done=${bury} />`}`;
    }}</${Shown}>
  </${Page}>`;
}

const HEADS = ["Key", "Value", "State", "Last used", "Ceiling", { label: "What to do", hidden: true }];

function List({ keys, act, reload }) {
  const order = [...keys].sort((a, b) =>
    a.provider.name.localeCompare(b.provider.name) || a.label.localeCompare(b.label));
  return html`<${Table} caption="Your keys, by provider" heads=${HEADS}>
    ${order.map((key) => html`<${Row} key=${key.id} of=${key} act=${act} reload=${reload} />`)}
  </${Table}>`;
}

function Row({ of, act, reload }) {
  const name = `${of.provider.name} ${of.label}`;
  const [, ...more] = of.usedBy;
  const [verify, isVerifying, problem, forget] = useAct(async () => {
    const { key } = await tell("verifyKey", { id: of.id }, `... on KeyVerified { ${KEY} }`);
    say(`${name}: ${STATES[key.state][1]}.`);
    reload();
  });
  const [choose, isChoosing, notChosen] = useAct(async () => {
    await tell("setDefaultKey", { id: of.id }, `... on DefaultKeySet { ${KEY} }`);
    say(`${name} is the default now.`);
    reload();
  });
  useEffect(forget, [of.version]); // what was wrong with the old one
  const wrong = problem ?? notChosen;
  return html`<tr>
    <${Cell} head="Key"><div><strong>${of.provider.name}</strong> ${of.isDefault && html`<${Badge}>default</${Badge}>`}
      <div class="quiet">${of.label}</div>
      ${!of.isDefault && html`<${Action} kind="link" busy=${isChoosing} label=${`Make default: ${name}`} onPress=${choose}>Make default</${Action}>`}</div></${Cell}>
    <${Cell} head="Value"><${Plaintext} key=${of.version} of=${of} name=${name} /></${Cell}>
    <${Cell} head="State"><div><${State} of=${of} />
      ${of.verifiedAt && html`<div class="hint">${ASKED[of.state] ?? "verified"} <${When} at=${of.verifiedAt} /></div>`}
      <div><${Action} kind="link" busy=${isVerifying} label=${of.verifiedAt ? `Verify again: ${name}` : `Verify ${name}`} onPress=${verify}>${of.verifiedAt ? "Verify again" : "Verify"}</${Action}></div>
      ${wrong && html`<p class="wrong" role="alert">${wrong.message}</p>`}</div></${Cell}>
    <${Cell} head="Last used"><div><${When} at=${of.lastUsedAt} />
      ${of.usedBy.length > 0 && html`<div class="hint">by ${of.usedBy[0].tool.name}${more.length > 0 ? ` and ${more.length} more` : ""}</div>`}</div></${Cell}>
    <${Cell} head="Ceiling">${of.ceiling ? html`<div class="spent"><a href="/dashboard/settings/ceilings">${amount(of.ceiling.settled, of.ceiling.currency)} of ${amount(of.ceiling.limit, of.ceiling.currency)}</a><${Bar} ceiling=${of.ceiling} /></div>`
      : html`<a href="/dashboard/settings/ceilings">none</a>`}</${Cell}>
    <${Cell}><div class="actions">
      <${Action} label=${`Rotate ${name}`} onPress=${() => act({ name: "rotate", of })}>Rotate</${Action}>
      <${Action} label=${`Remove ${name}`} onPress=${() => act({ name: "remove", of })}>Remove</${Action}></div></${Cell}>
  </tr>`;
}

function State({ of }) {
  const [kind, words] = STATES[of.state];
  return html`<span title=${WHY[of.state]}><${LiveBadge} kind=${kind}>${words}</${LiveBadge}></span>`;
}

/** The masked key; for 30 seconds the key itself, once it was asked for. */
function Plaintext({ of, name }) {
  const [shown, put] = useState(null);
  const fetchIt = async () => (await tell("revealKey", { id: of.id }, "... on KeyRevealed { secret }")).secret;
  const [reveal, busy, problem] = useAct(async () => {
    const secret = await fetchIt();
    if (!document.hidden) put({ secret, until: Date.now() + 1000 * SHOWN_SECONDS });
  });
  const [left, tick] = useState(SHOWN_SECONDS);
  useEffect(() => {
    if (!shown) return undefined;
    const count = () => {
      const seconds = Math.ceil((shown.until - Date.now()) / 1000);
      if (seconds <= 0) put(null);
      tick(Math.max(0, seconds));
    };
    count();
    const timer = setInterval(count, 250);
    const hide = () => document.hidden && put(null);
    document.addEventListener("visibilitychange", hide);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", hide);
    };
  }, [shown]);
  const isSealed = of.state !== "NEEDS_REENTRY";
  return html`<div class="plaintext">
    <code class="mono">${shown ? shown.secret : of.masked}</code>
    ${isSealed && html`<div class="actions start">
      ${shown ? html`<${Action} kind="link" label=${`Hide ${name}`} onPress=${() => put(null)}>Hide (${left} s)</${Action}>`
        : html`<${Action} kind="link" busy=${busy} label=${`Reveal ${name}`} onPress=${reveal}>Reveal</${Action}>`}
      <${Copy} kind="link" text=${fetchIt} name=${name} /></div>`}
    ${problem && html`<p class="wrong" role="alert">${problem.message}</p>`}
  </div>`;
}

/** Give the provider whose keys begin as this text does; the longest beginning counts. */
function providerOf(text, providers) {
  let found = null;
  let length = 0;
  for (const provider of providers) {
    for (const prefix of provider.keyPrefixes) {
      if (prefix.length > length && text.startsWith(prefix)) [found, length] = [provider, prefix.length];
    }
  }
  return found;
}

/** What was pasted without what stands around a key in a file of settings or in a header. */
function bare(text) {
  return text.trim().replace(/^(?:export\s+)?[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\s*[=:]\s*(?=\S{8})/, "")
    .replace(/^(["'])(.*)\1$/, "$2").replace(/^(?:authorization:\s*)?bearer\s+/i, "");
}

const ADDED = `... on KeyAdded { warning ${KEY} } ... on MalformedKey { expected }`;

function Add({ providers, onClose }) {
  const [provider, choose] = useState("");
  const [isChosen, mark] = useState(false);
  const [detected, detect] = useState(null);
  const [added, put] = useState(null);
  const form = useRef(null);
  const [send, busy, problem, forget] = useAct(async (force) => {
    const fields = new FormData(form.current);
    const answer = await tell("addKey", {
      provider, secret: bare(fields.get("secret")), label: fields.get("label").trim() || "default",
      verify: fields.has("verify"), makeDefault: fields.has("makeDefault"), force,
    }, ADDED);
    form.current.reset();
    put(answer);
  });
  const look = (event) => {
    const found = providerOf(bare(event.target.value), providers);
    detect(found);
    forget();
    if (found && !isChosen) choose(found.id);
  };
  if (added) {
    const [kind, words] = STATES[added.key.state];
    return html`<${Dialog} title="The key is kept" onClose=${onClose}>
      <p><code class="mono">${added.key.masked}</code> <${Badge} kind=${kind}>${words}</${Badge}></p>
      ${added.warning && html`<${Notice} kind="warn">${added.warning}</${Notice}>`}
      <p class="quiet">It is sealed, and is opened for one call at a time.</p>
      <div class="actions end"><a class="button" href="/dashboard/tools">Make a tool that uses it</a>
        <${Action} kind="first" onPress=${onClose}>Done</${Action}></div>
    </${Dialog}>`;
  }
  const choices = [["", "Choose…"], ...providers.map((each) => [each.id, each.name])];
  return html`<${Dialog} title="Add a key" busy=${busy} onClose=${onClose}>
    <form ref=${form} onSubmit=${(event) => { event.preventDefault(); send(false); }}>
      <${Field} label="The provider's key" name="secret" type="password" autocomplete="off" spellcheck=${false} required autofocus
        onInput=${look} hint=${detected ? `This looks like a key of ${detected.name}.` : "Paste it: the provider is found by how it begins."} />
      <${Choice} label="Provider" name="provider" required value=${provider} options=${choices}
        onChange=${(event) => { choose(event.target.value); mark(event.target.value !== ""); forget(); }} />
      <${Field} label="Label" name="label" placeholder="default" maxlength="64" autocomplete="off" hint="To tell several keys of one provider apart." />
      <p><label class="inline"><input type="checkbox" name="verify" defaultChecked /> Ask the provider, at no cost, whether it is good</label></p>
      <p><label class="inline"><input type="checkbox" name="makeDefault" /> Calls that name no key use this one</label></p>
      <${Refused} problem=${problem} busy=${busy} force=${() => send(true)} />
      <div class="actions end"><${Action} kind="first" type="submit" busy=${busy}>${busy ? "Asking the provider…" : "Keep it"}</${Action}></div>
    </form>
  </${Dialog}>`;
}

/** Why a key was not taken; where the provider refused it, that may be overruled. */
function Refused({ problem, busy, force }) {
  if (!problem) return null;
  return html`<${Notice} kind="bad">${problem.message}
    ${problem.facts?.expected && html`<div>Expected: ${problem.facts.expected}</div>`}
    ${problem.kind === "KeyRejected" && html`<div><${Action} kind="link" busy=${busy} onPress=${force}>Keep it all the same</${Action}></div>`}
  </${Notice}>`;
}

function Rotate({ of, onClose }) {
  const form = useRef(null);
  const [warning, warn] = useState(null);
  const [send, busy, problem, forget] = useAct(async (force) => {
    const secret = bare(new FormData(form.current).get("secret"));
    const rotated = await tell("rotateKey", { id: of.id, secret, force },
      `... on KeyRotated { cursor warning ${KEY} } ... on MalformedKey { expected }`);
    form.current.reset();
    say("The new key is in place.");
    if (rotated.warning) warn(rotated.warning);
    else onClose();
  });
  if (warning) {
    return html`<${Dialog} key="warned" title="The new key is in place" onClose=${onClose}>
      <${Notice} kind="warn">${warning}</${Notice}>
      <div class="actions end"><${Action} kind="first" onPress=${onClose}>Done</${Action}></div>
    </${Dialog}>`;
  }
  return html`<${Dialog} title=${`Rotate ${of.provider.name} “${of.label}”`} busy=${busy} onClose=${onClose}>
    <p>The old one goes only once the provider has said that the new one is good. Calls that run finish with the old one, then it is gone; end it at the provider as well.</p>
    <form ref=${form} onSubmit=${(event) => { event.preventDefault(); send(false); }}>
      <${Field} label="The new key" name="secret" type="password" autocomplete="off" spellcheck=${false} required autofocus onInput=${forget} />
      <${Refused} problem=${problem} busy=${busy} force=${() => send(true)} />
      <div class="actions end"><${Action} kind="first" type="submit" busy=${busy}>${busy ? "Asking the provider…" : "Put it in place"}</${Action}></div>
    </form>
  </${Dialog}>`;
}

function Remove({ of, onClose, done }) {
  const act = async () => {
    const { cursor } = await tell("removeKey", { id: of.id }, "... on KeyRemoved { id cursor }");
    done({ cursor, key: of.id, provider: of.provider, isMine: true });
    onClose();
  };
  return html`<${Confirm} title=${`Remove ${of.provider.name} “${of.label}”`} phrase=${of.label} button="Remove it" act=${act} onClose=${onClose}>
    <p>This is final at once: no call starts with it any more, calls that run are cut, and every running tool is told. It can't be had back.</p>
    ${of.usedBy.length === 0 ? html`<p class="quiet">No tool has called with it in the last 30 days.</p>`
      : html`<p>In the last 30 days it was used by ${several(of.usedBy.length, "tool")}:</p>
        <ul>${of.usedBy.map((use) => html`<li><strong>${use.tool.name}</strong>, ${several(use.calls, "call")}, last <${When} at=${use.lastUsedAt} /></li>`)}</ul>`}
  </${Confirm}>`;
}
