// Tools: programs that call providers with a token of their own; and tokens for GraphQL clients.
//
// A token is here once, in the dialog that shows it, and leaves with it. The same dialog has the
// snippets that use it; later they are shown with the token's beginning in its place.

import { html, useEffect, useRef, useState } from "../vendor/view.js";
import { tell } from "../core/api.js";
import { useAsked } from "../core/asked.js";
import { Heard } from "../core/heard.js";
import { hear } from "../core/live.js";
import {
  Action, Badge, Cell, Choice, Code, Confirm, Dialog, Empty, Field, LiveBadge, Page, say, Section,
  Shown, Table, Tabs, useAct, When, Wrong,
} from "../core/parts.js";
import { LANGUAGES, NEEDED, snippetsOf } from "../core/snippets.js";
import { count } from "../core/words.js";

// Nothing is told when a tool begins to listen: so its standing is asked for, while it is looked at.
const EVERY = 5000;
const MOST_PANELS = 5;
const TOOLS = `{
  tools {
    id name tokenPrefix callsPerMinute inspectedOnly createdAt expiresAt lastUsedAt listeners
    providers { id name basePath }
  }
  userTokens { id name tokenPrefix scopes createdAt expiresAt lastUsedAt }
  revocations(first: 20) { nodes { cursor tools { state acknowledgedAt tool { id } } } }
  providers { id name basePath }
}`;
const DAY = 86_400_000;
const ENDS = [["", "Never"], ["7", "In 7 days"], ["30", "In 30 days"], ["90", "In 90 days"], ["365", "In a year"]];
const SCOPES = [
  ["KEYS_READ", "See keys (masked), tools, calls, revocations, ceilings and what was spent"],
  ["KEYS_WRITE", "Add keys, and verify them"],
  ["CEILINGS_WRITE", "Set, reset and remove ceilings, set prices, release what is disputed"],
  ["TOOLS_WRITE", "Rename, slow down and revoke tools"],
  ["AUDIT_READ", "Read the audit trail"],
];

export default function Tools() {
  const asked = useAsked(TOOLS, {}, { every: EVERY });
  const [doing, put] = useState(null);
  const [gone, putGone] = useState([]);
  const dead = useRef(new Set()); // for as long as the page stands: no late or failed answer brings one back
  const known = useRef(new Map());
  for (const tool of asked.data?.tools ?? []) known.current.set(tool.id, tool);
  const bury = (cursor, tool, more = {}) => {
    if (tool) dead.current.add(tool.id);
    putGone((all) => [
      { tool: null, ...all.find((each) => each.cursor === cursor), cursor, ...(tool && { tool }), ...more },
      ...all.filter((each) => each.cursor !== cursor),
    ]);
  };
  useEffect(() => hear((event) => {
    if (event.__typename === "KeyRevoked" && event.reason === "TOOL_REVOKED") bury(event.cursor, known.current.get(event.tool) ?? { id: event.tool });
  }), []);

  const close = () => { put(null); asked.reload(); };
  const make = html`<${Action} kind="first" onPress=${() => put({ name: "make" })}>Make a tool</${Action}>`;
  const makeToken = html`<${Action} onPress=${() => put({ name: "makeToken" })}>Make a user token</${Action}>`;
  return html`<${Page} title="Tools" actions=${make}
    lead="Programs that call providers through keysteward. Each has a token of its own, and never a key.">
    ${gone.slice(0, MOST_PANELS).map(({ cursor, tool, isMine }) => html`<${Heard} key=${cursor} cursor=${cursor} isMine=${isMine}
      what=${tool?.name ? `The tool “${tool.name}” is revoked` : "A tool is revoked"}
      onClose=${() => putGone((all) => all.filter((other) => other.cursor !== cursor))} />`)}
    <${Shown} asked=${asked}>${({ tools, userTokens, revocations, providers }) => {
      const alive = tools.filter((tool) => !dead.current.has(tool.id));
      return html`${alive.length === 0 ? html`<${Empty} title="No tool yet">
          <p>A tool is a program of yours that needs a provider's key, and gets this instead:</p>
          <ol><li>Make it here: its token is shown once.</li>
            <li>Put the token where the key was, and keysteward's address into the base URL. The snippets do both.</li>
            <li>See each of its <a href="/dashboard/calls">calls</a>, and what it spent. Revoke it, and it is over at once.</li></ol>
          ${make}</${Empty}>`
        : html`<div class="card"><${List} tools=${alive} heard=${heardBy(revocations.nodes)} act=${put} /></div>`}
        <${Section} title="User tokens" actions=${makeToken}>
          <p class="quiet">For your own programs that ask <code>/graphql</code>. None of them counts as a fresh login: it can't reveal, rotate or remove a key.</p>
          ${userTokens.length > 0 && html`<${UserTokens} tokens=${userTokens} act=${put} />`}
        </${Section}>
        ${doing?.name === "make" && html`<${Make} providers=${providers} onClose=${close} />`}
        ${doing?.name === "snippets" && html`<${Later} of=${doing.of} providers=${providers} onClose=${close} />`}
        ${doing?.name === "change" && html`<${Change} of=${doing.of} onClose=${close} />`}
        ${doing?.name === "revoke" && html`<${Revoke} of=${doing.of} onClose=${close} done=${bury} />`}
        ${doing?.name === "makeToken" && html`<${MakeToken} onClose=${close} />`}
        ${doing?.name === "revokeToken" && html`<${RevokeToken} of=${doing.of} onClose=${close} />`}`;
    }}</${Shown}>
  </${Page}>`;
}

/** Each tool's standing with the last revocation that concerned it, and when it last acknowledged one. */
function heardBy(newestFirst) {
  const found = new Map();
  for (const { tools } of newestFirst) {
    for (const { tool, state, acknowledgedAt } of tools) {
      const before = found.get(tool.id) ?? { state, at: null };
      found.set(tool.id, { ...before, at: before.at ?? acknowledgedAt });
    }
  }
  return found;
}

const HEADS = ["Tool", "May use", "Limits", "Connection", "Last used", { label: "What to do", hidden: true }];

function List({ tools, heard, act }) {
  return html`<${Table} caption="Your tools" heads=${HEADS}>
    ${tools.map((tool) => html`<${Row} key=${tool.id} of=${tool} heard=${heard.get(tool.id)} act=${act} />`)}
  </${Table}>`;
}

const MOST_NAMED = 3;

function Row({ of, heard, act }) {
  const names = of.providers?.map((each) => each.name) ?? [];
  const named = names.length > MOST_NAMED + 1 ? `${names.slice(0, MOST_NAMED).join(", ")} and ${names.length - MOST_NAMED} more` : names.join(", ");
  const isFree = of.callsPerMinute === null && !of.inspectedOnly && !of.expiresAt;
  return html`<tr>
    <${Cell} head="Tool"><div><strong>${of.name}</strong><div class="hint mono">${of.tokenPrefix}…</div></div></${Cell}>
    <${Cell} head="May use"><div title=${names.join(", ")}>${of.providers === null ? "every provider" : named}</div></${Cell}>
    <${Cell} head="Limits"><div>${isFree && html`<span class="quiet">none</span>`}
      ${of.callsPerMinute !== null && html`<div>${count(of.callsPerMinute)} calls a minute</div>`}
      ${of.inspectedOnly && html`<div>inspected answers only</div>`}
      ${of.expiresAt && html`<${Until} at=${of.expiresAt} />`}</div></${Cell}>
    <${Cell} head="Connection"><div>${of.listeners > 0 ? html`<${LiveBadge} kind="good">${count(of.listeners)} listening</${LiveBadge}>` : html`<${LiveBadge} kind="plain">offline</${LiveBadge}>`}
      ${heard?.at && html`<div class="hint">heard a revocation <${When} at=${heard.at} /></div>`}
      ${heard?.state === "PENDING" && html`<div class="hint"><${Badge} kind="warn">not yet heard the last one</${Badge}></div>`}</div></${Cell}>
    <${Cell} head="Last used"><div><${When} at=${of.lastUsedAt} />
      <div class="hint"><a href=${`/dashboard/calls?tool=${of.id}`} aria-label=${`Calls of ${of.name}`}>Calls</a></div></div></${Cell}>
    <${Cell}><div class="actions">
      <${Action} label=${`Snippets for ${of.name}`} onPress=${() => act({ name: "snippets", of })}>Snippets</${Action}>
      <${Action} label=${`Change ${of.name}`} onPress=${() => act({ name: "change", of })}>Change</${Action}>
      <${Action} label=${`Revoke ${of.name}`} onPress=${() => act({ name: "revoke", of })}>Revoke</${Action}></div></${Cell}>
  </tr>`;
}

/** Until when a token is good. */
function Until({ at, words = "ends " }) {
  if (!at) return html`<span class="quiet">never</span>`;
  if (Date.parse(at) <= Date.now()) return html`<div><${Badge} kind="bad">expired</${Badge}></div>`;
  return html`<div>${words}<${When} at=${at} /></div>`;
}

/** Some out of several, to be ticked: `options` are `[value, words]`; many short ones stand side by side. */
function Ticks({ legend, name, options, ticked = [], isMany = false }) {
  return html`<fieldset class=${`ticks ${isMany ? "many" : ""}`}><legend>${legend}</legend>
    ${options.map(([value, words]) => html`<label class="inline"><input type="checkbox" name=${name} value=${value}
      defaultChecked=${ticked.includes(value)} /> ${words}</label>`)}
  </fieldset>`;
}

/** The moment that was chosen out of ENDS, as the API takes it. */
const endOf = (days) => (days ? new Date(Date.now() + Number(days) * DAY).toISOString() : null);

const INSPECTED = "Only answers in which keys can be looked for";
const INSPECTED_WHY = "An answer in an encoding that keysteward can't read is refused, since a key could stand in it.";
const NAME = { name: "name", required: true, maxlength: 100, autocomplete: "off", autofocus: true };
const RATE = { label: "Calls a minute", name: "rate", type: "number", min: 1, max: 1_000_000, inputmode: "numeric" };

function Make({ providers, onClose }) {
  const [isEvery, all] = useState(true);
  const [made, put] = useState(null);
  const [send, busy, problem] = useAct(async (event) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const chosen = isEvery ? null : fields.getAll("provider");
    if (chosen?.length === 0) throw new Error("Tick the providers that it may use, or let it use every one.");
    put(await tell("createTool", {
      name: fields.get("name").trim(), providers: chosen, expiresAt: endOf(fields.get("end")),
      callsPerMinute: fields.get("rate") ? Number(fields.get("rate")) : null, inspectedOnly: fields.has("inspected"),
    }, "... on ToolCreated { token tool { name tokenPrefix providers { id name basePath } } }"));
  });
  if (made) {
    return html`<${Dialog} key="made" wide title=${`“${made.tool.name}” is made`} onClose=${onClose}>
      <p>This is its token. It is shown <strong>now and never again</strong>: whoever loses it makes another tool.</p>
      <${Code} text=${made.token} label="The tool's token" />
      <${Snippets} providers=${made.tool.providers ?? providers} token=${made.token} />
      <div class="actions end"><${Action} kind="first" onPress=${onClose}>I have kept it</${Action}></div>
    </${Dialog}>`;
  }
  return html`<${Dialog} key="make" title="Make a tool" busy=${busy} onClose=${onClose}>
    <form onSubmit=${send}>
      <${Field} label="Name" ...${NAME} hint="What the program is called in your list, your calls and what it spent." />
      <fieldset class="ticks"><legend>Providers</legend>
        <label class="inline"><input type="radio" name="which" checked=${isEvery} onChange=${() => all(true)} /> Every provider</label>
        <label class="inline"><input type="radio" name="which" checked=${!isEvery} onChange=${() => all(false)} /> Only some</label>
      </fieldset>
      ${!isEvery && html`<${Ticks} isMany legend="It may use" name="provider" options=${providers.map((each) => [each.id, each.name])} />`}
      <${Choice} label="It ends" name="end" value="" options=${ENDS} />
      <${Field} ...${RATE} hint="Empty: as many as it likes." />
      <p><label class="inline"><input type="checkbox" name="inspected" /> ${INSPECTED}</label></p>
      <p class="hint">${INSPECTED_WHY}</p>
      <${Wrong} of=${problem} />
      <div class="actions end"><${Action} kind="first" type="submit" busy=${busy}>Make it</${Action}></div>
    </form>
  </${Dialog}>`;
}

/** What to paste: for each provider that the tool may use, in each language. */
function Snippets({ providers, token }) {
  const known = providers.filter((each) => snippetsOf(each, { origin: "", token: "" }));
  const [at, choose] = useState(known[0]?.id);
  const [language, speak] = useState(LANGUAGES[0][0]);
  const provider = known.find((each) => each.id === at);
  if (!provider) return null;
  const text = snippetsOf(provider, { origin: location.origin, token })[language];
  const words = LANGUAGES.find(([each]) => each === language)[1];
  const needed = NEEDED[provider.id];
  return html`<div class="snippets">
    <${Choice} label="Call" value=${at} options=${known.map((each) => [each.id, each.name])} onChange=${(event) => choose(event.target.value)} />
    <${Tabs} label="Language" options=${LANGUAGES} value=${language} onChange=${speak} />
    <div role="tabpanel" aria-label=${words}>
      <${Code} key=${`${at} ${language}`} text=${text} label=${`${provider.name}, ${words}`} />
      ${needed && html`<p class="hint">It reads <code>${needed[0]}</code> from the environment: ${needed[1]}.</p>`}
    </div>
    <p class="hint">An existing program needs two changes: the base URL <code class="mono">${location.origin}${provider.basePath}</code>, and the token in the key's place.</p>
  </div>`;
}

function Later({ of, providers, onClose }) {
  return html`<${Dialog} wide title=${`Snippets for “${of.name}”`} onClose=${onClose}>
    <p>Put the tool's token in the place of <code>${of.tokenPrefix}…</code>: keysteward does not have it.</p>
    <${Snippets} providers=${of.providers ?? providers} token=${`${of.tokenPrefix}…`} />
    <div class="actions end"><${Action} kind="first" onPress=${onClose}>Done</${Action}></div>
  </${Dialog}>`;
}

function Change({ of, onClose }) {
  const [send, busy, problem] = useAct(async (event) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    await tell("updateTool", {
      id: of.id, name: fields.get("name").trim(), inspectedOnly: fields.has("inspected") === of.inspectedOnly ? null : fields.has("inspected"),
      callsPerMinute: fields.get("rate") ? Number(fields.get("rate")) : null,
    }, "... on ToolUpdated { tool { id } }");
    say("The tool was changed.");
    onClose();
  });
  return html`<${Dialog} title=${`Change “${of.name}”`} busy=${busy} onClose=${onClose}>
    <form onSubmit=${send}>
      <${Field} label="Name" ...${NAME} defaultValue=${of.name} />
      <${Field} ...${RATE} defaultValue=${of.callsPerMinute ?? ""} hint="Empty: as it is. It holds from the next call on." />
      <p><label class="inline"><input type="checkbox" name="inspected" defaultChecked=${of.inspectedOnly} /> ${INSPECTED}</label></p>
      <p class="hint">${INSPECTED_WHY}</p>
      <p class="quiet">Its token stays as it is. Which providers it may use, and when it ends, can't be changed: make another tool.</p>
      <${Wrong} of=${problem} />
      <div class="actions end"><${Action} kind="first" type="submit" busy=${busy}>Change it</${Action}></div>
    </form>
  </${Dialog}>`;
}

function Revoke({ of, onClose, done }) {
  const act = async () => {
    const { cursor } = await tell("revokeTool", { id: of.id }, "... on ToolRevoked { cursor }");
    done(cursor, of, { isMine: true });
    onClose();
  };
  return html`<${Confirm} title=${`Revoke “${of.name}”`} phrase=${of.name} button="Revoke it" act=${act} onClose=${onClose}>
    <p>Its token is refused at once, its calls that run are cut, and each of its processes that listens is told. It can't be had back. Your keys stay.</p>
  </${Confirm}>`;
}

/** "keys:read", as the scope is written elsewhere. */
const scopeOf = (constant) => constant.toLowerCase().replace("_", ":");

const TOKEN_HEADS = ["Token", "May", "Ends", "Last used", { label: "What to do", hidden: true }];

function UserTokens({ tokens, act }) {
  return html`<${Table} caption="Your user tokens" heads=${TOKEN_HEADS}>${tokens.map((of) => html`<tr key=${of.id}>
    <${Cell} head="Token"><div><strong>${of.name}</strong><div class="hint mono">${of.tokenPrefix}…</div></div></${Cell}>
    <${Cell} head="May"><div>${of.scopes.map((each) => html`<${Badge}>${scopeOf(each)}</${Badge}> `)}</div></${Cell}>
    <${Cell} head="Ends"><${Until} at=${of.expiresAt} words="" /></${Cell}>
    <${Cell} head="Last used"><${When} at=${of.lastUsedAt} /></${Cell}>
    <${Cell}><div class="actions"><${Action} label=${`Revoke the token ${of.name}`} onPress=${() => act({ name: "revokeToken", of })}>Revoke</${Action}></div></${Cell}>
  </tr>`)}</${Table}>`;
}

function MakeToken({ onClose }) {
  const [made, put] = useState(null);
  const form = useRef(null);
  const [send, busy, problem] = useAct(async (event) => {
    event.preventDefault();
    const fields = new FormData(form.current);
    const scopes = fields.getAll("scope");
    if (scopes.length === 0) throw new Error("Tick what it may do.");
    put(await tell("createUserToken", { name: fields.get("name").trim(), scopes, expiresAt: endOf(fields.get("end")) },
      "... on UserTokenCreated { token userToken { name } }"));
  });
  if (made) {
    return html`<${Dialog} key="made" wide title=${`“${made.userToken.name}” is made`} onClose=${onClose}>
      <p>This is the token. It is shown <strong>now and never again</strong>. Your program sends it as <code>Authorization: Bearer …</code></p>
      <${Code} text=${made.token} label="The user token" />
      <div class="actions end"><${Action} kind="first" onPress=${onClose}>I have kept it</${Action}></div>
    </${Dialog}>`;
  }
  return html`<${Dialog} key="make" title="Make a user token" busy=${busy} onClose=${onClose}>
    <form ref=${form} onSubmit=${send}>
      <${Field} label="Name" ...${NAME} />
      <${Ticks} legend="It may" name="scope" options=${SCOPES} ticked=${["KEYS_READ"]} />
      <${Choice} label="It ends" name="end" value="" options=${ENDS} />
      <${Wrong} of=${problem} />
      <div class="actions end"><${Action} kind="first" type="submit" busy=${busy}>Make it</${Action}></div>
    </form>
  </${Dialog}>`;
}

function RevokeToken({ of, onClose }) {
  const act = async () => {
    await tell("revokeUserToken", { id: of.id }, "... on UserTokenRevoked { id }");
    say("The token was revoked.");
    onClose();
  };
  return html`<${Confirm} title=${`Revoke the token “${of.name}”`} phrase=${of.name} button="Revoke it" act=${act} onClose=${onClose}>
    <p>It is refused from now on. It can't be had back.</p>
  </${Confirm}>`;
}
