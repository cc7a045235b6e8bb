// Calls: what the tools call, as it happens; newest first, narrowed by what stands in the address.
//
// Only the newest page is asked for again and again: what was shown further down stays as it was
// when it came. A reader may have it all stand still.

import { html, useEffect, useRef, useState } from "../vendor/view.js";
import { ask } from "../core/api.js";
import { useAsked } from "../core/asked.js";
import { go } from "../core/go.js";
import { Outcome, outcomeMeans } from "../core/outcome.js";
import {
  Action, Badge, Cell, Choice, Copy, Dialog, Empty, Field, Notice, Page, Shown, Table, useAct, When,
  Wrong,
} from "../core/parts.js";
import { beginOf, dayAfter } from "../core/traced.js";
import { amount, bytes, dayOf, lasting, spoken, whenExactly } from "../core/words.js";

const EVERY = 2000;
const A_PAGE = 50;
const CALLS = `query ($first: Int!, $after: Cursor, $provider: ID, $tool: ID, $key: ID, $model: String, $from: DateTime, $to: DateTime, $disputed: Boolean, $unpriced: Boolean) {
  calls(first: $first, after: $after, provider: $provider, tool: $tool, key: $key, model: $model, from: $from, to: $to,
    disputed: $disputed, unpriced: $unpriced) {
    nodes {
      id provider providerName model operation tool key outcome status bytesIn bytesOut
      durationMilliseconds startedAt bound cost costSource disputed
    }
    pageInfo { hasNextPage endCursor }
  }
}`;
// `spend` names the tools that are revoked by now, too, and each model that was ever called.
const NAMES = `{
  providers { id name }
  tools { id name }
  keys { id label provider { name } }
  byTool: spend(by: TOOL) { tool { id name } }
  byModel: spend(by: MODEL) { model provider { name } }
}`;

export default function Calls({ query }) {
  const asked = useAsked(NAMES);
  const names = asked.data && namesOf(asked.data);
  const which = whichOf(query);
  return html`<${Page} title="Calls" lead="What your tools called through keysteward, and what it cost.">
    ${asked.problem && !names && html`<${Notice} kind="bad">${asked.problem.message} <button class="link" onClick=${asked.reload}>Try again</button></${Notice}>`}
    <${Filters} query=${query} names=${names} />
    <${List} key=${JSON.stringify(which)} which=${which} names=${names} reload=${asked.reload} />
  </${Page}>`;
}

/** What references stand for: maps of their names, and the models that were called. */
function namesOf({ providers, tools, keys, byTool, byModel }) {
  const called = byTool.map((each) => each.tool).filter(Boolean);
  return {
    provider: new Map(providers.map((each) => [each.id, each.name])),
    tool: new Map([...called, ...tools].map((each) => [each.id, each.name])),
    key: new Map(keys.map((each) => [each.id, `${each.provider.name} ${each.label}`])),
    label: new Map(keys.map((each) => [each.id, each.label])),
    model: new Map(byModel.map((each) => [each.model ?? "", each.model ? `${each.provider.name} ${each.model}` : NO_MODEL])),
  };
}

// --- what is looked for ---

const NO_MODEL = "no model";
const SORTS = [["provider", "Provider"], ["tool", "Tool"], ["key", "Key"], ["model", "Model"]];
const TIMES = [["from", "From"], ["to", "To"]];
const DOUBTS = [["disputed", "Disputed"], ["unpriced", "Without a known price"]];

/** The moment that stands in an address; null where none, or none that is one, does. */
function momentOf(text) {
  const at = text ? new Date(text) : null;
  const year = at?.getUTCFullYear();
  return year > 0 && year < 10_000 ? at.toISOString() : null;
}

/** What the address asks for, as the API takes it. An empty model is none at all, and means that. */
function whichOf(query) {
  const found = {};
  for (const [sort] of SORTS) found[sort] = query.get(sort) || (sort === "model" && query.has(sort) ? "" : null);
  for (const [time] of TIMES) found[time] = momentOf(query.get(time));
  for (const [doubt] of DOUBTS) found[doubt] = query.get(doubt) === "true" || null;
  return found;
}

/** The day on which a moment of the address begins, or, as its end, the last one that is in it. */
function dayAt(time, moment) {
  if (moment === null) return "";
  const day = moment.slice(0, 10);
  return time === "to" && moment.endsWith("T00:00:00.000Z") ? dayAfter(day, -1) : day;
}

function Filters({ query, names }) {
  const which = whichOf(query);
  const changeAll = (values, options) => {
    const wanted = new URLSearchParams(query);
    for (const [name, value] of Object.entries(values)) {
      if (value === null) wanted.delete(name);
      else wanted.set(name, value);
    }
    const rest = wanted.toString();
    go(`${location.pathname}${rest && `?${rest}`}`, options);
  };
  const change = (name, value, options) => changeAll({ [name]: value }, options);
  const nameOf = (sort, value) => names?.[sort].get(value) ?? (value === "" ? NO_MODEL : value);
  const chosen = [
    ...SORTS.filter(([sort]) => which[sort] !== null).map(([sort, words]) => [sort, `${words}: ${nameOf(sort, which[sort])}`]),
    ...TIMES.filter(([time]) => which[time] !== null).map(([time, words]) => [time, `${words}: ${dayOf(dayAt(time, which[time]))}`]),
    ...DOUBTS.filter(([doubt]) => which[doubt]),
  ];
  return html`<search class="card">
    <div class="filters even">
      ${SORTS.map(([sort, words]) => {
        const known = [...(names?.[sort] ?? [])].filter(([value]) => value !== which[sort]);
        // The values of a select are texts: that of "any" is one that no name can be.
        const options = [...known, ...(which[sort] === null ? [] : [[which[sort], nameOf(sort, which[sort])]])]
          .sort(([, a], [, b]) => a.localeCompare(b)).map(([value, label]) => [`=${value}`, label]);
        return html`<${Choice} label=${words} value=${which[sort] === null ? "" : `=${which[sort]}`} options=${[["", "any"], ...options]}
          onChange=${(event) => change(sort, event.target.value ? event.target.value.slice(1) : null)} />`;
      })}
      <${Choice} label="Cost" value=${DOUBTS.find(([doubt]) => which[doubt])?.[0] ?? ""} options=${[["", "any"], ...DOUBTS]}
        onChange=${(event) => changeAll(Object.fromEntries(DOUBTS.map(([doubt]) => [doubt, doubt === event.target.value || null])))} />
      ${TIMES.map(([time, words]) => html`<${Field} label=${`${words} (in UTC)`} type="date" value=${dayAt(time, which[time])}
        onChange=${(event) => {
          const day = event.target.value;
          // A date field says each digit of a year as a change.
          change(time, day ? beginOf(time === "to" ? dayAfter(day) : day) : null, { inPlace: true });
        }} />`)}
    </div>
    ${chosen.length > 0 && html`<ul class="chips" aria-label="What the list is narrowed to">${chosen.map(([name, words]) => html`<li key=${name}>
      <button type="button" class="chip" aria-label=${`${words}, take away`} onClick=${() => change(name, null)}>${words} <span aria-hidden="true">×</span></button></li>`)}
      ${chosen.length > 1 && html`<li><button type="button" class="link" onClick=${() => go(location.pathname)}>All calls</button></li>`}</ul>`}
  </search>`;
}

// --- the list ---

/**
 * The newest page, and what was shown beneath it. Where nothing of that is on the page any more,
 * there may be calls between the two that nobody has asked for: then the page stands alone.
 */
function beneath(page, known) {
  const fresh = new Set(page.nodes.map((call) => call.id));
  const last = known?.rows.findLastIndex((call) => fresh.has(call.id)) ?? -1;
  const isAll = page.pageInfo?.hasNextPage === false; // what was beneath is gone: settled, say
  if (last < 0 || isAll || last + 1 === known.rows.length) return { rows: page.nodes, pageInfo: page.pageInfo };
  return { rows: [...page.nodes, ...known.rows.slice(last + 1)], pageInfo: known.pageInfo };
}

const HEADS = [
  "When", "Call", "Tool and key", "Outcome", { label: "Cost", numeric: true }, { label: "Size", numeric: true },
  { label: "Took", numeric: true }, { label: "More", hidden: true },
];

function List({ which, names, reload }) {
  const [still, hold] = useState(null);
  const asked = useAsked(CALLS, { ...which, first: A_PAGE }, { every: still ? 0 : EVERY });
  const [further, putFurther] = useState(null);
  const [open, show] = useState(null);
  const page = asked.data?.calls ?? { nodes: [], pageInfo: null };
  const live = new Set(page.nodes.map((call) => call.id));
  const { rows, pageInfo } = still ?? beneath(page, further);
  useEffect(() => putFurther((known) => known && beneath(page, known)), [asked.data]);
  const [more, busy, problem] = useAct(async () => {
    const { calls } = await ask(CALLS, { ...which, first: A_PAGE, after: pageInfo.endCursor });
    const all = { rows: [...rows, ...calls.nodes], pageInfo: calls.pageInfo };
    putFurther(all);
    if (still) hold(all);
  });

  // A tool or key that was made since is asked for once.
  const askedFor = useRef(new Set());
  useEffect(() => {
    if (!names) return;
    const unknown = rows.flatMap((call) => [
      ...(names.tool.has(call.tool) ? [] : [call.tool]), ...(names.key.has(call.key) ? [] : [call.key]),
    ]).filter((each) => !askedFor.current.has(each));
    for (const each of unknown) askedFor.current.add(each);
    if (unknown.length > 0) reload();
  }, [names, rows[0]?.id]);

  const isNarrowed = Object.values(which).some((value) => value !== null);
  // While it is looked at, the list may have gone on beyond it.
  const listed = open && rows.find((call) => call.id === open.id);
  const shown = listed ?? open;
  return html`<${Shown} asked=${asked}>${() => (rows.length === 0 ? html`<${Nothing} isNarrowed=${isNarrowed} />`
    : html`<div class="card">
      <div class="actions"><${Action} onPress=${() => hold(still ? null : { rows, pageInfo })}>${still ? "Go on" : "Pause"}</${Action}>
        <span class="quiet">${still ? "Paused: calls that begin now are not shown." : "New calls come in by themselves."}</span></div>
      <${Table} caption="Calls, newest first" heads=${HEADS}>
        ${rows.map((call) => html`<${Row} key=${call.id} of=${call} names=${names} isLive=${live.has(call.id)} show=${show} />`)}
      </${Table}>
      <${Wrong} of=${problem} />
      ${pageInfo?.hasNextPage && html`<div class="actions"><${Action} busy=${busy} onPress=${more}>Show more</${Action}></div>`}
    </div>`)}</${Shown}>
    ${shown && html`<${Details} of=${shown} names=${names} isLive=${live.has(shown.id)} isOld=${!listed} onClose=${() => show(null)} />`}`;
}

function Nothing({ isNarrowed }) {
  if (isNarrowed) return html`<${Empty} title="No such call"><p>None of your calls is like that. <button type="button" class="link" onClick=${() => go(location.pathname)}>Show all calls</button></p></${Empty}>`;
  return html`<${Empty} title="No call yet">
    <p>Each call that a tool makes is written down here: what it cost, how it ended, how long it took. Not what was asked or answered.</p>
    <ol><li><a href="/dashboard/settings/keys">Add a provider's key</a>.</li>
      <li><a href="/dashboard/tools">Make a tool</a>, and paste one of its snippets into a program.</li></ol></${Empty}>`;
}

const SOURCES = {
  PROVIDER: "provider's figure",
  USAGE: "by usage",
  USER: "by your price",
  BOUND: "the most it could",
  UNPRICED: "no price known",
};

const SOURCES_WHY = {
  PROVIDER: "The provider's own figure, in its answer.",
  USAGE: "What was used, at the list's price.",
  USER: "Your own price, or your word.",
  BOUND: "The most that it could be: what it was is not known.",
  UNPRICED: "No price is known: it counts as nothing.",
};

/** What it cost, and where that is known from: `[figure, words]`. */
function costOf(call) {
  if (call.outcome === "RUNNING") return call.bound === null ? ["not known yet", ""] : [`at most ${amount(call.bound)}`, ""];
  if (call.costSource === "UNPRICED") return ["unknown", SOURCES.UNPRICED];
  if (call.cost === null) return call.costSource === null ? ["nothing", ""] : ["unknown", SOURCES[call.costSource]];
  return [amount(call.cost), SOURCES[call.costSource] ?? ""];
}

function Row({ of, names, isLive, show }) {
  const [cost, source] = costOf(of);
  const what = [of.model, of.operation && spoken(of.operation)].filter(Boolean).join(" · ");
  return html`<tr>
    <${Cell} head="When"><${When} at=${of.startedAt} /></${Cell}>
    <${Cell} head="Call"><div><strong>${of.providerName}</strong>${what && html`<div class="hint">${what}</div>`}</div></${Cell}>
    <${Cell} head="Tool and key"><div>${names?.tool.get(of.tool) ?? of.tool}<div class="hint">${names?.label.get(of.key) ?? of.key}</div></div></${Cell}>
    <${Cell} head="Outcome"><${Outcome} of=${of} isLive=${isLive} /></${Cell}>
    <${Cell} head="Cost" numeric><div>${cost}${source && html`<div class="hint">${source}</div>`}${of.disputed && html`<div><${Badge} kind="warn">disputed</${Badge}></div>`}</div></${Cell}>
    <${Cell} head="Size" numeric><div>${bytes(of.bytesIn)} sent<div class="hint">${bytes(of.bytesOut)} received</div></div></${Cell}>
    <${Cell} head="Took" numeric>${lasting(of.durationMilliseconds).replace(" ", "\u00a0") || (of.outcome === "RUNNING" ? "…" : "")}</${Cell}>
    <${Cell}><div class="actions"><${Action} kind="link" label=${`Details of ${of.id}`} onPress=${() => show(of)}>Details</${Action}></div></${Cell}>
  </tr>`;
}

function Details({ of, names, isLive, isOld, onClose }) {
  const [cost, source] = costOf(of);
  const isOver = of.outcome !== "RUNNING";
  const facts = [
    ["Reference", html`<code class="mono">${of.id}</code> <${Copy} kind="link" text=${of.id} label="Copy the reference" />`],
    ["Provider", of.providerName],
    ["Model", of.model ? `${of.model} (${of.providerName})` : NO_MODEL],
    ["Operation", of.operation ? spoken(of.operation) : "unknown"],
    ["Tool", html`${names?.tool.get(of.tool) ?? "revoked"} <code class="mono quiet">${of.tool}</code>`],
    ["Key", html`${names?.label.get(of.key) ?? "removed"} <code class="mono quiet">${of.key}</code>`],
    ["Began", whenExactly(of.startedAt)],
    ["Took", isOver ? lasting(of.durationMilliseconds) : "not over yet"],
    ["Outcome", html`<${Outcome} of=${of} isLive=${isLive} /> ${outcomeMeans(of.outcome)}`],
    ["HTTP status", of.status ?? (isOver ? "none was given" : "none yet")],
    ["Sent", bytes(of.bytesIn)],
    ["Received", bytes(of.bytesOut)],
    ["Could cost at most", of.bound === null ? "nobody can tell" : amount(of.bound)],
    ["Cost", source ? `${cost}. ${SOURCES_WHY[of.costSource]}` : cost],
    ...(of.disputed ? [["Disputed", html`It counts in full until you say what it did cost. <a href="/dashboard/settings/ceilings">Say what it cost</a>`]] : []),
  ];
  return html`<${Dialog} title="A call" onClose=${onClose}>
    ${isOld && html`<p class="hint">It has left the list since. This is how it stood there last.</p>`}
    <dl class="facts">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
    <div class="actions end"><${Action} kind="first" onPress=${onClose}>Close the call</${Action}></div>
  </${Dialog}>`;
}
