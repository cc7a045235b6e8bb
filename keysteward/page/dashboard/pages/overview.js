// Overview: how things stand, at a glance; for who has just come, how to begin.

import { html } from "../vendor/view.js";
import { totalOf } from "../core/amounts.js";
import { useAsked } from "../core/asked.js";
import { sentenceOf } from "../core/heard.js";
import { useStanding } from "../core/live.js";
import { Outcome } from "../core/outcome.js";
import { Badge, Bar, Cell, Notice, Page, Section, Shown, Table, When } from "../core/parts.js";
import { beginOf, callsAt, spanOf, todayInUtc } from "../core/traced.js";
import { amount, count, percent, several, spoken } from "../core/words.js";

const EVERY = 4000;
const MOST_NAMED = 3;
const OVERVIEW = `query ($today: DateTime, $month: DateTime, $to: DateTime) {
  viewer { address addressVerifiedAt }
  keys { id label state provider { name } }
  tools { id name listeners }
  ceilings { id measure currency limit settled held remaining state warnedPercent provider { name } tool { name } }
  calls(first: 5) { nodes { id providerName model operation tool outcome status cost bound disputed startedAt } }
  revocations(first: 3) {
    nodes { cursor reason state callsCut revokedAt provider { name } tool { name } tools { state lagMilliseconds tool { id } } }
  }
  today: spend(from: $today, to: $to) { amount disputed unpriced }
  month: spend(from: $month, to: $to) { amount disputed unpriced }
}`;
const ILL = {
  REJECTED: "its provider said that it is no good: rotate it",
  NEEDS_REENTRY: "it does not open any more: rotate it, or remove it",
};
const GONE = { REMOVED: "key removed", ROTATED: "key rotated", TOOL_REVOKED: "Tool revoked" };

export default function Overview() {
  const today = todayInUtc();
  const { from, to } = spanOf(today, today);
  const month = beginOf(`${today.slice(0, 8)}01`);
  const asked = useAsked(OVERVIEW, { today: from, month, to }, { every: EVERY });
  return html`<${Page} title="Overview" lead="How your keys, tools and spending stand now.">
    <${Shown} asked=${asked}>${(data) => html`
      ${data.viewer?.address && !data.viewer.addressVerifiedAt && html`<${Notice} kind="warn">Your address is not verified yet: a link was mailed to ${data.viewer.address}. <a href="/dashboard/settings/account">Have it sent again</a></${Notice}>`}
      ${data.calls.nodes.length === 0 && html`<${Begin} ...${data} />`}
      <div class="cards pairs"><${Keys} of=${data.keys} /><${Tools} of=${data.tools} />
        <${Spent} title="Spent today" range="today" span=${{ from, to }} of=${data.today} /><${Spent} title="Spent this month" range="month" span=${{ from: month, to }} of=${data.month} /></div>
      <${Ceilings} of=${data.ceilings} />
      <${Calls} of=${data.calls.nodes} tools=${data.tools} />
      <${Revocations} of=${data.revocations.nodes} />`}</${Shown}>
  </${Page}>`;
}

/** The three first steps, each ticked off once it is done. */
function Begin({ keys, tools }) {
  const steps = [
    [keys.length > 0, html`<a href="/dashboard/settings/keys">Add a provider's key</a>`, "It is checked, sealed, and from then on shown to nobody but you."],
    [tools.length > 0, html`<a href="/dashboard/tools">Make a tool</a>`, "It gets a token of its own, which you can end without touching the key."],
    [false, html`<a href="/dashboard/tools">Let it call</a>`, "Put keysteward's address and the token where the provider's were: the page shows how, in your language."],
  ];
  return html`<${Section} title="Three steps to begin">
    <ol class="steps">${steps.map(([isDone, what, why]) => html`<li><div><strong>${what}</strong>${isDone && html` <${Badge} kind="good">done</${Badge}>`}</div>
      <p class="quiet">${why}</p></li>`)}</ol>
    <p class="quiet">Then, if you like, <a href="/dashboard/settings/ceilings">set a ceiling</a> on what it may cost.</p>
  </${Section}>`;
}

function Card({ title, figure, to, children }) {
  return html`<section class="card" aria-label=${title}>
    <div><h2 class="small">${title}</h2><p class="figure"><a href=${to}>${figure}</a></p></div>
    ${children}
  </section>`;
}

function Keys({ of }) {
  const { state } = useStanding();
  const ill = of.filter((key) => ILL[key.state]);
  const unverified = of.filter((key) => key.state === "UNVERIFIED").length;
  return html`<${Card} title="Keys" figure=${count(of.length)} to="/dashboard/settings/keys">
    ${of.length === 0 && html`<p class="quiet">None yet.</p>`}
    ${of.length > 0 && ill.length + unverified === 0 && html`<p class="quiet">${state === "lost" ? "All were in order." : "All are in order."}</p>`}
    ${ill.length > 0 && html`<ul class="plain">${ill.slice(0, MOST_NAMED).map((key) => html`<li key=${key.id}>
      <${Badge} kind="bad">${spoken(key.state)}</${Badge}> ${key.provider.name} “${key.label}”: ${ILL[key.state]}.</li>`)}
      ${ill.length > MOST_NAMED && html`<li class="quiet">and ${count(ill.length - MOST_NAMED)} more</li>`}</ul>`}
    ${unverified > 0 && html`<p><${Badge} kind="warn">${count(unverified)}</${Badge}> not verified: the provider has not said yet that ${unverified === 1 ? "it is" : "they are"} good.</p>`}
  </${Card}>`;
}

function Tools({ of }) {
  const { state } = useStanding();
  const running = of.filter((tool) => tool.listeners > 0);
  return html`<${Card} title="Running tools" figure=${`${count(running.length)} of ${count(of.length)}`} to="/dashboard/tools">
    <p class="quiet">${state === "lost" && running.length > 0 ? "When last heard: " : ""}${running.length > 0 ? `${running.slice(0, MOST_NAMED).map((tool) => tool.name).join(", ")}${running.length > MOST_NAMED ? ` and ${count(running.length - MOST_NAMED)} more` : ""}`
      : of.length > 0 ? "None is listening for removals now; calls go on all the same." : "None yet."}</p>
  </${Card}>`;
}

function Spent({ title, range, span, of }) {
  const disputed = totalOf(of.map((each) => each.disputed));
  const unpriced = of.reduce((sum, each) => sum + each.unpriced, 0);
  const doubts = [
    Number(disputed) !== 0 && html`<a href=${callsAt({ ...span, disputed: true })}>${amount(disputed)} of it disputed</a>`,
    unpriced > 0 && html`<a href=${callsAt({ ...span, unpriced: true })}>${several(unpriced, "call")} without a known price</a>`,
  ].filter(Boolean);
  return html`<${Card} title=${title} figure=${amount(totalOf(of.map((each) => each.amount)))} to=${`/dashboard/spend?range=${range}`}>
    <p class="quiet">${doubts.length === 0 ? "Days are UTC's." : doubts.map((each, at) => html`${at > 0 && " · "}${each}`)}</p>
  </${Card}>`;
}

function Ceilings({ of }) {
  const part = ({ settled, held, limit }) => percent(settled, limit) + percent(held, limit);
  const nearest = [...of].sort((a, b) => (b.state === "HIT") - (a.state === "HIT") || part(b) - part(a)).slice(0, 3);
  const all = html`<a href="/dashboard/settings/ceilings">All ceilings</a>`;
  return html`<${Section} title="Ceilings nearest to their limit" actions=${all}>
    ${nearest.length === 0 ? html`<p class="quiet">Nothing limits what your tools may spend. A ceiling does, before a call leaves.</p>`
      : html`<ul class="plain apart">${nearest.map((each) => html`<li key=${each.id}>
        <div class="head"><span><strong>${each.provider?.name ?? "All providers"}</strong> · ${each.tool?.name ?? "all tools"}
          ${each.state === "HIT" && html` <${Badge} kind="bad">hit</${Badge}>`}</span>
          <span>${amount(each.settled, each.currency)} of ${amount(each.limit, each.currency)}${each.measure === "CALLS" ? " calls" : ""}</span></div>
        <${Bar} ceiling=${each} /></li>`)}</ul>`}
  </${Section}>`;
}

function Calls({ of, tools }) {
  const all = html`<a href="/dashboard/calls">All calls</a>`;
  const nameOf = (id) => tools.find((tool) => tool.id === id)?.name ?? html`<span class="mono">${id}</span>`;
  const cost = (call) => (call.outcome === "RUNNING" ? (call.bound === null ? "running" : `at most ${amount(call.bound)}`)
    : html`${amount(call.cost)}${call.disputed && html` <${Badge} kind="warn">disputed</${Badge}>`}`);
  return html`<${Section} title="Last calls" actions=${all}>
    ${of.length === 0 ? html`<p class="quiet">No tool has called yet.</p>`
      : html`<${Table} caption="Last calls" heads=${["When", "Provider and model", "Tool", "How it ended", { label: "Cost", numeric: true }]}>
        ${of.map((call) => html`<tr key=${call.id}>
          <${Cell} head="When"><${When} at=${call.startedAt} /></${Cell}>
          <${Cell} head="Provider"><div>${call.providerName} <span class="quiet">${call.model ?? call.operation}</span></div></${Cell}>
          <${Cell} head="Tool"><div>${nameOf(call.tool)}</div></${Cell}>
          <${Cell} head="Ended"><${Outcome} of=${call} /></${Cell}>
          <${Cell} head="Cost" numeric><div>${cost(call)}</div></${Cell}>
        </tr>`)}</${Table}>`}
  </${Section}>`;
}

function Revocations({ of }) {
  return html`<${Section} title="Last revocations">
    ${of.length === 0 ? html`<p class="quiet">None yet. What you remove, rotate or revoke stands here, with who has heard of it.</p>`
      : html`<ul class="plain apart">${of.map((each) => html`<li key=${each.cursor}>
        <div><strong>${each.provider ? `${each.provider.name} ` : ""}${GONE[each.reason] ?? spoken(each.reason)}${each.tool ? `: ${each.tool.name}` : ""}</strong> <span class="quiet">· <${When} at=${each.revokedAt} /></span></div>
        <p>${sentenceOf(each)}${each.state === "CONVERGED" ? "" : html` <${Badge} kind="warn">waiting for the rest</${Badge}>`}</p></li>`)}</ul>`}
  </${Section}>`;
}
