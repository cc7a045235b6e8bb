// Revoke everything: what it ends, one typed confirmation, and who has heard, counted as it happens.
//
// All of it is one transaction, so all that it ended has one moment: by that the page finds it
// again, also after it was loaded anew (`?at=`).

import { html, useEffect, useRef, useState } from "../vendor/view.js";
import { ask, tell } from "../core/api.js";
import { useAsked } from "../core/asked.js";
import { isConverged, useUntil } from "../core/heard.js";
import { useStanding } from "../core/live.js";
import { Action, Badge, Confirm, Notice, Page, say, Section, Shown } from "../core/parts.js";
import { several } from "../core/words.js";

const ALIVE = `{
  keys { id provider { id } }
  tools { id name listeners }
}`;
const LATEST = `{ revocations(first: 1) { nodes { revokedAt } } }`;
const REVOCATIONS = `query ($after: Cursor) {
  revocations(first: 100, after: $after) {
    nodes { cursor key reason revokedAt state callsCut provider { id name } tools { state tool { id name } } }
    pageInfo { hasNextPage endCursor }
  }
}`;
const PHRASE = "revoke everything";

export default function Panic({ query }) {
  const asked = useAsked(ALIVE);
  const { state } = useStanding();
  const [asks, askAgain] = useState(false);
  const [done, put] = useState(query.get("at") ? { at: query.get("at"), ran: null } : null);

  const act = async () => {
    const alive = await ask(ALIVE).catch(() => null); // only for the count: it must not stand in the way
    const answer = await tell("revokeEverything", null, "... on EverythingRevoked { keys tools }");
    const ran = alive?.tools.filter((tool) => tool.listeners > 0) ?? null;
    say("Everything is revoked.");
    askAgain(false);
    asked.reload();
    if (answer.keys + answer.tools === 0) return put({ at: null, ran });
    put({ at: null, ran, isAsked: true });
    const { revocations } = await ask(LATEST);
    const at = revocations.nodes[0].revokedAt;
    history.replaceState(null, "", `?at=${encodeURIComponent(at)}`);
    return put({ at, ran });
  };

  return html`<${Page} title="Revoke everything" lead="For the moment when something has leaked, and you don't know what.">
    ${done?.at && html`<${Convergence} at=${done.at} ran=${done.ran} isAll=${asked.data !== null && asked.data.keys.length + asked.data.tools.length === 0} />`}
    ${done && !done.at && html`<${Notice} kind="good">${done.isAsked ? "Everything is revoked." : "There was no key and no tool. Every user token and every other session has ended."}</${Notice}>`}
    <${Section} title="What it does">
      <ul class="does">
        <li>Every <strong>key</strong> is removed from keysteward. No call starts with one any more, in any process.</li>
        <li>Every <strong>tool</strong> is ended: its token is refused, its calls are cut, its connection is closed.</li>
        <li>Every <strong>user token</strong> and every <strong>session</strong> but this one ends.</li>
      </ul>
      <p>It is one act: all of it, at once, and for good. What stays is your account, its ways to sign in, your ceilings, what was spent, and the audit trail.</p>
      <${Shown} asked=${asked}>${({ keys, tools }) => html`<p>${state === "lost" ? "When last heard" : "Now"}: <strong>${several(keys.length, "key")}</strong>${keys.length > 0 && ` at ${several(new Set(keys.map((key) => key.provider.id)).size, "provider")}`},
        <strong> ${several(tools.length, "tool")}</strong>${tools.length > 0 && `, ${tools.filter((tool) => tool.listeners > 0).length} of them running`}.</p>`}</${Shown}>
      <div class="actions"><${Action} kind="grave" onPress=${() => askAgain(true)}>Revoke everything</${Action}></div>
    </${Section}>
    ${asks && html`<${Confirm} title="Revoke everything" phrase=${PHRASE} button="Revoke everything" act=${act} onClose=${() => askAgain(false)}>
      <p>Every key, every tool, every token and every other session. It can't be taken back.</p>
    </${Confirm}>`}
  </${Page}>`;
}

/** Give all that ended at one moment. */
async function endedAt(at) {
  const found = [];
  let after = null;
  for (;;) {
    const { revocations: { nodes, pageInfo } } = await ask(REVOCATIONS, { after });
    found.push(...nodes.filter((each) => each.revokedAt === at));
    const isPast = nodes.some((each) => Date.parse(each.revokedAt) < Date.parse(at));
    if (isPast || !pageInfo.hasNextPage) return found;
    after = pageInfo.endCursor;
  }
}

/** How one tool stands. Its token is refused, so it can't acknowledge: it is told, and cut off. */
const STANDS = {
  PENDING: ["warn", "being told"],
  ACKNOWLEDGED: ["good", "told and cut off"],
  OFFLINE: ["good", "told and cut off"],
};

/** An address says `at`, and anybody can make one: that all is gone is said only where nothing is left. */
function Convergence({ at, ran, isAll }) {
  const found = useUntil(endedAt, (all) => all.every(isConverged), at);
  const [running, note] = useState(ran ?? []);
  // A tool that began to run after we asked is seen here while it is told.
  useEffect(() => {
    const told = (found ?? []).flatMap((each) => each.tools).filter((each) => each.state !== "OFFLINE");
    note((known) => {
      const more = told.map((each) => each.tool).filter((tool) => known.every((one) => one.id !== tool.id));
      return more.length ? [...known, ...more] : known;
    });
  }, [found]);
  const heading = useRef(null);
  useEffect(() => { if (ran !== null) heading.current?.focus(); }, [found === null]);
  if (found === null) return html`<${Notice}>${ran === null ? "Asking what was revoked then…" : "Everything is revoked. Asking who has heard…"}</${Notice}>`;
  if (found.length === 0) return null;

  const keys = found.filter((each) => each.key !== null);
  const tools = found.filter((each) => each.key === null);
  const states = new Map(tools.flatMap((each) => each.tools.map((one) => [one.tool.id, one.state])));
  const told = running.filter((tool) => states.get(tool.id) !== "PENDING");
  // Each call has one key, and every key went: a tool's own count would count its calls twice.
  const cut = keys.reduce((sum, each) => sum + each.callsCut, 0);
  const ends = found.filter(isConverged).length;
  const isDone = ends === found.length;
  const sentence = [
    `${several(keys.length, "key")} and ${several(tools.length, "tool")} revoked`,
    "final",
    `${several(cut, "call")} cut`,
    running.length === 0 ? (ran === null ? "no tool is connected any more" : "no tool was running") : `heard by ${told.length} of ${several(running.length, "running tool")}`,
  ].join(" · ");
  return html`<section class="card heard" aria-label="What was revoked">
    <h2 ref=${heading} tabindex="-1">${!isAll ? "This was revoked" : isDone ? "Everything is revoked, everywhere" : "Everything is revoked"}</h2>
    <p role="status" class="sentence">${sentence}${!isDone && html` <span class="quiet">· ${ends} of ${found.length} through, waiting for the rest</span>`}</p>
    <progress value=${ends} max=${found.length} aria-label="How much of it is through everywhere"></progress>
    ${running.length > 0 && html`<ul class="plain">${running.map((tool) => {
      const [kind, words] = STANDS[states.get(tool.id) ?? "OFFLINE"];
      return html`<li key=${tool.id}><${Badge} kind=${kind}>${words}</${Badge}> ${tool.name}</li>`;
    })}</ul>`}
    <${Next} keys=${keys} />
  </section>`;
}

function Next({ keys }) {
  const counts = new Map();
  for (const { provider } of keys) counts.set(provider.name, (counts.get(provider.name) ?? 0) + 1);
  const providers = [...counts].sort(([one], [other]) => one.localeCompare(other));
  return html`<h3>What to do next</h3>
    <ol class="does">
      ${providers.length > 0 && html`<li><strong>End the keys at the providers.</strong> Here nothing uses them any more, but whoever has a copy still can:
        <ul>${providers.map(([name, count]) => html`<li>${name}: ${several(count, "key")}</li>`)}</ul></li>`}
      <li><a href="/dashboard/settings/account">Change your password</a>, and look at the ways to sign in: remove those that you don't know.</li>
      <li>Look through the <a href="/dashboard/settings/audit">audit trail</a> and the <a href="/dashboard/calls">calls</a> for what was not you.</li>
      <li>Then make <a href="/dashboard/settings/keys">new keys</a> and <a href="/dashboard/tools">new tools</a>.</li>
    </ol>`;
}
