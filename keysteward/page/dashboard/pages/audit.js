// The audit trail: what was done in the account's name, newest first, searchable.
//
// The server verifies the whole trail each time that it is asked. One that was altered is no list
// with a remark: nothing of it is shown, and the page says so as loudly as it can.

import { html, useEffect, useState } from "../vendor/view.js";
import { ask } from "../core/api.js";
import { useAsked } from "../core/asked.js";
import { go } from "../core/go.js";
import { by, MEANS } from "../core/means.js";
import { Action, Cell, Copy, Empty, Field, Notice, Page, Shown, Table, useAct, When, Wrong } from "../core/parts.js";

const A_PAGE = 50;
const TRAIL = `query ($first: Int!, $after: Cursor, $search: String!) {
  auditLog(first: $first, after: $after, search: $search) {
    nodes { cursor at act subject digest } pageInfo { hasNextPage endCursor }
  }
}`;

// Every act that audit/trail.py knows; one that is missing here shows as the API names it.
const ACTS = {
  ACCOUNT_CREATED: "Account made",
  SIGNED_IN: "Signed in",
  SIGNED_OUT: "Signed out",
  SIGN_IN_REFUSED: "Sign-in refused",
  PROVEN_AGAIN: "Showed again who you are",
  SESSIONS_ENDED: "Sessions ended",
  PASSWORD_CHANGED: "Password changed",
  PASSWORD_RESET_SENT: "Link to reset the password sent",
  PASSWORD_RESET: "Password reset",
  ADDRESS_VERIFIED: "Address verified",
  ADDRESS_CHANGED: "Address changed",
  MEANS_ADDED: "Way to sign in added",
  MEANS_REMOVED: "Way to sign in removed",
  SECOND_FACTOR_ADDED: "Second factor switched on",
  SECOND_FACTOR_REMOVED: "Second factor switched off",
  RECOVERY_CODES_MADE: "Recovery codes made",
  RECOVERY_CODE_USED: "Recovery code used",
  INVITE_MADE: "Invite made",
  ACCOUNT_EXPORTED: "Account exported",
  EVERYTHING_REVOKED: "Everything revoked",
  ACCOUNT_DISABLED: "Account disabled by the operator",
  ACCOUNT_ENABLED: "Account enabled by the operator",
  ACCOUNT_DELETED: "Account deleted",
  KEY_ADDED: "Key added",
  KEY_REVEALED: "Key revealed",
  KEY_ROTATED: "Key rotated",
  KEY_REMOVED: "Key removed",
  KEYS_EXPORTED: "List of keys exported",
  DEFAULT_KEY_SET: "Default key chosen",
  TOOL_CREATED: "Tool made",
  TOOL_CHANGED: "Tool changed",
  TOOL_REVOKED: "Tool revoked",
  CEILING_SET: "Ceiling set",
  CEILING_RESET: "Ceiling reset",
  CEILING_REMOVED: "Ceiling removed",
  PRICE_SET: "Price set",
  DISPUTE_SETTLED: "Disputed call settled",
  COMMITMENT_ENDED: "Hourly cost ended",
  FILE_DELETED: "File deleted",
  USER_TOKEN_CREATED: "User token made",
  USER_TOKEN_REVOKED: "User token revoked",
};

export default function Audit({ query }) {
  const search = query.get("search") ?? "";
  const look = (typed) => go(`${location.pathname}${typed && `?search=${encodeURIComponent(typed)}`}`);
  const [typed, type] = useState(search);
  useEffect(() => type(search), [search]);
  const submit = (event) => {
    event.preventDefault();
    look(searched(typed));
  };
  return html`<${Page} title="Audit trail" lead="What was done in your account's name. Each entry is signed over the one before it, so none can be changed, taken out or put in unnoticed.">
    <form class="filters" role="search" onSubmit=${submit}>
      <${Field} label="An act or a reference" name="search" type="search" value=${typed} onInput=${(event) => type(event.target.value)} maxlength="200" autocomplete="off"
        spellcheck=${false} placeholder="key revealed" />
      <div class="actions"><${Action} kind="first" type="submit">Search</${Action}>
        ${search && html`<${Action} onPress=${() => look("")}>Show all</${Action}>`}</div>
    </form>
    <${Trail} key=${search} search=${search} />
  </${Page}>`;
}

/** The letters with which all of them begin. */
function beginningOf([first = "", ...others]) {
  let beginning = first;
  while (!others.every((each) => each.startsWith(beginning))) beginning = beginning.slice(0, -1);
  return beginning;
}

/**
 * What is looked for: acts by the words that stand here, where their names in the API have something
 * in common that no other's has; or else whatever was typed.
 */
function searched(text) {
  const typed = text.trim();
  const words = typed.toLowerCase();
  const [act] = Object.entries(ACTS).find(([, said]) => said.toLowerCase() === words) ?? [];
  if (act) return act;
  const meant = Object.keys(ACTS).filter((each) => typed && ACTS[each].toLowerCase().includes(words));
  const beginning = beginningOf(meant);
  const isTheirs = beginning && Object.keys(ACTS).every((each) => meant.includes(each) || !each.includes(beginning));
  return isTheirs ? beginning : typed;
}

const NONE = { nodes: [], more: false, end: null };

/** Put a newer first page before what is there; what does not join on begins anew. */
function joined(last, { nodes, pageInfo }) {
  const at = nodes.findIndex((each) => each.cursor === last.nodes[0]?.cursor);
  if (at < 0) return { nodes, more: pageInfo.hasNextPage, end: pageInfo.endCursor };
  return { ...last, nodes: [...nodes.slice(0, at), ...last.nodes] };
}

function Trail({ search }) {
  const asked = useAsked(TRAIL, { first: A_PAGE, search });
  const [kept, keep] = useState(NONE);
  useEffect(() => { if (asked.data) keep((last) => joined(last, asked.data.auditLog)); }, [asked.data]);
  const [more, busy, problem, forget] = useAct(async () => {
    const { auditLog: { nodes, pageInfo } } = await ask(TRAIL, { first: A_PAGE, after: kept.end, search });
    keep((last) => ({ nodes: [...last.nodes, ...nodes], more: pageInfo.hasNextPage, end: pageInfo.endCursor }));
  });
  const broken = [asked.problem, problem].find((each) => each?.kind === "TRAIL_BROKEN");
  if (broken) return html`<${Broken} problem=${broken} again=${() => { forget(); asked.reload(); }} />`;
  return html`<${Shown} asked=${asked}>${({ auditLog }) => (auditLog.nodes.length === 0 ? html`<${Nothing} search=${search} />`
    : html`<div class="card">
      <${Table} caption="Acts, newest first" heads=${["When", "What", "To what", "Digest"]}>
        ${kept.nodes.map((entry) => html`<${Row} key=${entry.cursor} of=${entry} />`)}
      </${Table}>
      <${Wrong} of=${problem} />
      ${kept.more && html`<div><${Action} busy=${busy} onPress=${more}>Show more</${Action}></div>`}
      <p class="hint">A digest stands for the whole trail up to its entry. Copy the newest to somewhere else now and then: whoever put the whole database back to an older state can't make that one again.</p>
    </div>`)}</${Shown}>`;
}

/** Only a search finds nothing: every trail begins with an entry. */
const Nothing = ({ search }) => html`<${Empty} title="Nothing found"><p>No act and no reference has “${search}” in it.</p></${Empty}>`;

function Broken({ problem, again }) {
  return html`<${Notice} kind="bad"><div class="broken">
    <h2>The audit trail was altered</h2>
    <p><strong>${problem.message}</strong></p>
    <p>Somebody has changed it in the database, past keysteward, or the database is damaged. Nothing of it is shown, since nothing of it can be relied on.</p>
    <p>Tell whoever runs this installation: <code>keysteward audit verify</code> looks at every account's. If you can't rule out a stranger, <a href="/dashboard/settings/panic">revoke everything</a>.</p>
    <p><${Action} kind="link" onPress=${again}>Look again</${Action}></p>
  </div></${Notice}>`;
}

function Row({ of }) {
  const [reference, means] = (of.subject ?? "").split(" ");
  const isByMeans = Object.hasOwn(MEANS, means);
  const subject = isByMeans ? reference : of.subject;
  const what = ACTS[of.act] ?? of.act;
  return html`<tr>
    <${Cell} head="When"><${When} at=${of.at} /></${Cell}>
    <${Cell} head="What"><div><strong>${what}</strong>${isByMeans && html`<div class="hint">${by(means)}</div>`}</div></${Cell}>
    <${Cell} head="To what">${of.subject && html`<div class="reference"><code class="mono">${subject}</code>
      <${Copy} kind="link" text=${subject} name=${`${what}, ${reference}`} /></div>`}</${Cell}>
    <${Cell} head="Digest"><div class="reference"><code class="mono" title=${of.digest}>${of.digest.slice(0, 12)}…</code>
      <${Copy} kind="link" text=${of.digest} name=${`digest ${of.digest.slice(0, 12)}`} /></div></${Cell}>
  </tr>`;
}
