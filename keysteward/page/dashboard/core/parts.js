// What pages are put together from. Every part works by keyboard, and says to a screen reader what
// it shows to the eye.

import { html, useEffect, useId, useLayoutEffect, useRef, useState } from "../vendor/view.js";
import { useStanding } from "./live.js";
import { holdAtTop, put as hold } from "./place.js";
import { amount, percent, whenExactly, whenIn } from "./words.js";

let hasMoved = false;

/** A page: its heading, a sentence beneath, and what can be done on the whole of it. */
export function Page({ title, lead, actions, children }) {
  const heading = useRef(null);
  useEffect(() => {
    document.title = `${title} · keysteward`;
    // After the way from another page here; a page just loaded begins at its own beginning.
    if (hasMoved && document.activeElement === document.body) heading.current.focus({ preventScroll: true });
    else if (hasMoved) say(title); // the focus stays on the link that led here
    hasMoved = true;
  }, [title]);
  return html`<main id="main">
    <div class="head">
      <div><h1 ref=${heading} tabindex="-1">${title}</h1>${lead && html`<p class="quiet">${lead}</p>`}</div>
      ${actions && html`<div class="actions">${actions}</div>`}
    </div>
    ${children}
  </main>`;
}

/** A part of a page under a heading of its own. */
export function Section({ title, actions, children }) {
  const id = useId();
  return html`<section class="card" aria-labelledby=${id}>
    <div class="head"><h2 id=${id}>${title}</h2>${actions && html`<div class="actions">${actions}</div>`}</div>
    ${children}
  </section>`;
}

/** A sentence that matters: kind is "plain", "good", "warn" or "bad". Bad ones are read out at once. */
export function Notice({ kind = "plain", children }) {
  return html`<div class="notice ${kind}" role=${kind === "bad" ? "alert" : "status"}>${children}</div>`;
}

/** Why something was not done, where it was not; and how often it may still be tried, where that is told. */
export function Wrong({ of }) {
  if (!of) return null;
  const left = of.facts?.triesLeft;
  return html`<${Notice} kind="bad">${of.message}${Number.isInteger(left) ? ` Tries left: ${left}.` : ""}</${Notice}>`;
}

/** What `useAsked` gave: waits, says why it can't be had, or shows `children(data)`. */
export function Shown({ asked, children }) {
  if (asked.data === null && asked.problem === null) return html`<p class="quiet waiting" role="status">Loading…</p>`;
  return html`
    ${asked.problem && html`<${Notice} kind="bad">${asked.problem.message} <button class="link" onClick=${asked.reload}>Try again</button></${Notice}>`}
    ${asked.data !== null && children(asked.data)}`;
}

/** A list's place while it has nothing in it: what it is for, and how to begin. */
export function Empty({ title, children }) {
  return html`<div class="empty"><h2>${title}</h2>${children}</div>`;
}

/** A table that turns into cards where it is narrow. `heads` are strings, or `{label, numeric, hidden}`. */
export function Table({ caption, heads, children }) {
  return html`<div class="scroll"><table>
    <caption class="unseen">${caption}</caption>
    <thead><tr>${heads.map((head) => {
      const { label, numeric, hidden } = typeof head === "string" ? { label: head } : head;
      return html`<th scope="col" class=${numeric ? "numeric" : ""}>${hidden ? html`<span class="unseen">${label}</span>` : label}</th>`;
    })}</tr></thead>
    <tbody>${children}</tbody>
  </table></div>`;
}

/** A cell; `head` names it where the table has turned into cards. */
export function Cell({ head, numeric, children }) {
  return html`<td class=${numeric ? "numeric" : ""} data-head=${head}>${children}</td>`;
}

/** A word with a colour: kind is "plain", "good", "warn" or "bad". The word alone says it, too. */
export const Badge = ({ kind = "plain", children }) => html`<span class="badge ${kind}">${children}</span>`;

const TICK = 5000;
const clocks = new Set();
setInterval(() => { if (!document.hidden) for (const tick of clocks) tick(Date.now()); }, TICK);

/** Have a part drawn anew every few seconds: time passes. */
function useTicks() {
  const [, tick] = useState(0);
  useEffect(() => {
    clocks.add(tick);
    return () => clocks.delete(tick);
  }, []);
}

/** A badge of what is told as it changes: where the connection is lost, it is what was last known. */
export function LiveBadge({ kind, children }) {
  const { state } = useStanding();
  const isLost = state === "lost";
  return html`<${Badge} kind=${isLost ? "plain" : kind}>${isLost && "was "}${children}</${Badge}>`;
}

/** A moment, as the reader's own zone and language have it; to the second when pointed at. */
export function When({ at, never = "never" }) {
  useTicks();
  if (!at) return html`<span class="quiet">${never}</span>`;
  return html`<time datetime=${at} title=${whenExactly(at)}>${whenIn(at)}</time>`;
}

/** What is used of a ceiling, held by running calls, and left. */
export function Bar({ ceiling }) {
  const unit = ceiling.currency;
  const say = (text) => amount(text, unit);
  const label = `${say(ceiling.settled)} used, ${say(ceiling.held)} held by running calls, ${say(ceiling.remaining)} left of ${say(ceiling.limit)}`;
  const used = percent(ceiling.settled, ceiling.limit);
  const held = Math.min(percent(ceiling.held, ceiling.limit), 100 - used);
  const kind = ceiling.state === "HIT" ? "bad" : ceiling.warnedPercent >= 80 ? "warn" : "good";
  return html`<div class="bar ${kind}" role="img" aria-label=${label} title=${label}>
    <span style=${{ width: `${used}%` }}></span><span class="held" style=${{ width: `${held}%` }}></span>
  </div>`;
}

/**
 * Runs one thing at a time: `[run, busy, problem, forget]`. What it throws is shown, not lost.
 */
export function useAct(act) {
  const [busy, beBusy] = useState(false);
  const [problem, put] = useState(null);
  const isHere = useRef(true);
  useEffect(() => () => { isHere.current = false; }, []);
  const run = async (...given) => {
    if (busy) {
      given[0]?.preventDefault?.(); // a form is never sent by the browser itself: into the address
      return undefined;
    }
    beBusy(true);
    put(null);
    try {
      return await act(...given);
    } catch (thrown) {
      if (isHere.current && thrown.kind !== "GivenUp") put(thrown);
      return undefined;
    } finally {
      if (isHere.current) beBusy(false);
    }
  };
  return [run, busy, problem, () => put(null)];
}

/** A button that shows that it is at work. It is not disabled for that: a disabled one loses the focus. kind is "first", "second", "grave" or "link". */
export function Action({ kind = "second", busy = false, onPress, type = "button", label, children, disabled = false }) {
  return html`<button class=${kind} type=${type} aria-busy=${busy} aria-label=${label}
    disabled=${disabled} aria-disabled=${busy} onClick=${busy ? (event) => event.preventDefault() : onPress}>${children}</button>`;
}

/** A labelled field. Whatever else is given goes to the input itself. */
export function Field({ label, hint, wrong, children, ...rest }) {
  const id = useId();
  const input = useRef(null);
  // The browser does so only for what is there when a dialog opens.
  useEffect(() => { if (rest.autofocus) input.current?.focus(); }, []);
  // The first that is wrong gets the focus, and says so.
  useEffect(() => { if (wrong && !document.activeElement?.hasAttribute("aria-invalid")) input.current?.focus(); }, [wrong]);
  const described = [hint && `${id}-hint`, wrong && `${id}-wrong`].filter(Boolean).join(" ") || undefined;
  return html`<div class="row">
    <label for=${id}>${label}</label>
    ${children ? children({ id, "aria-describedby": described })
      : html`<input ref=${input} id=${id} aria-describedby=${described} aria-invalid=${wrong ? "true" : undefined} ...${rest} />`}
    ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
    ${wrong && html`<p class="wrong" role="alert" id=${`${id}-wrong`}>${wrong}</p>`}
  </div>`;
}

/**
 * A choice out of several: `options` are `[value, words]`. Without `onChange` it begins at `value`, and
 * what was chosen stays when the page is drawn anew.
 */
export function Choice({ label, hint, options, value, ...rest }) {
  const held = rest.onChange ? { value } : {};
  return html`<${Field} label=${label} hint=${hint}>${(given) => html`<select ...${given} ...${rest} ...${held}>
    ${options.map(([each, words]) => html`<option value=${each} selected=${each === value}>${words}</option>`)}
  </select>`}</${Field}>`;
}

/**
 * A dialog over the page, `wide` for code. Escape, or its own button, closes it, but not while it is
 * `busy`: what is shown once would never be seen. The focus returns to where it was.
 */
export function Dialog({ title, wide = false, busy = false, onClose, children }) {
  const close = () => { if (!busy) onClose(); };
  const isHere = useRef(true);
  // A browser closes one of its own accord when Escape is pressed again and again.
  const closed = () => {
    if (!isHere.current) return;
    if (busy) box.current.showModal();
    else onClose();
  };
  const box = useRef(null);
  const heading = useRef(null);
  const id = useId();
  useLayoutEffect(() => {
    const shown = box.current;
    const before = document.activeElement;
    shown.showModal();
    // Not the button that closes it: Enter, pressed once too often, would take away what is shown once.
    if (!shown.querySelector("[autofocus]")) hold(heading.current);
    return () => {
      isHere.current = false;
      shown.close();
      if (before?.isConnected) before.focus();
      queueMicrotask(holdAtTop);
    };
  }, []);
  return html`<dialog ref=${box} class=${wide ? "wide" : ""} aria-labelledby=${id} onClose=${closed}
    onCancel=${(event) => { event.preventDefault(); close(); }}>
    <div class="head"><h2 ref=${heading} id=${id}>${title}</h2>
      <button class="close" type="button" aria-label="Close" onClick=${close}>×</button></div>
    ${children}
  </dialog>`;
}

/** Ask before something is done; `phrase` must be typed in where it can't be taken back. */
export function Confirm({ title, phrase = null, button, kind = "grave", keep = "Keep it", act, onClose, children }) {
  const [typed, put] = useState("");
  const [run, busy, problem] = useAct(act);
  // The same letters can be written in several ways; a keyboard gives one of them.
  const plain = (text) => text.normalize("NFC").replace(/\s+/g, " ").trim();
  const isSure = phrase === null || plain(typed) === plain(phrase);
  const submit = (event) => { event.preventDefault(); if (isSure) run(); };
  return html`<${Dialog} title=${title} busy=${busy} onClose=${onClose}>
    <form onSubmit=${submit}>
      ${children}
      ${phrase !== null && html`<${Field} label=${html`Type <strong>${phrase}</strong> to confirm`} name="confirm" value=${typed}
        onInput=${(event) => put(event.target.value)} autocomplete="off" autocapitalize="none" spellcheck=${false} autofocus />`}
      <${Wrong} of=${problem} />
      <div class="actions end">
        <${Action} busy=${busy} onPress=${onClose}>${keep}</${Action}>
        <${Action} kind=${kind} type="submit" busy=${busy} disabled=${!isSure}>${button}</${Action}>
      </div>
    </form>
  </${Dialog}>`;
}

/** Puts a text into the clipboard, and says so. `text` may be a function that fetches it
 * first; `name` says what is copied, where several stand in a list. */
export function Copy({ text, label = "Copy", kind = "second", name }) {
  const [copied, mark] = useState(false);
  const [run, busy, problem] = useAct(async () => {
    const taken = typeof text === "function" ? await text() : text;
    if (taken === undefined) return;
    await navigator.clipboard.writeText(taken);
    mark(true);
    say("Copied.");
    setTimeout(() => mark(false), 2000);
  });
  return html`<${Action} kind=${kind} busy=${busy} onPress=${run} label=${name && `${copied ? "Copied" : label}: ${name}`}>${copied ? "Copied" : label}</${Action}>
    ${problem && html`<span class="wrong" role="alert">${problem.kind ? problem.message : "Not copied: the browser did not allow it."}</span>`}`;
}

/** Text to be copied: a token, a command, a snippet. */
export function Code({ text, label }) {
  return html`<div class="code"><pre tabindex="0" aria-label=${label}><code>${text}</code></pre><${Copy} text=${text} name=${label} /></div>`;
}

/** Something to choose in: `options` are `[value, words]`. By arrow keys, as tabs are. */
export function Tabs({ label, options, value, onChange }) {
  const move = (event) => {
    const at = options.findIndex(([each]) => each === value);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return; // Alt and an arrow goes back
    event.preventDefault();
    const [next] = options.at(to % options.length);
    onChange(next);
    event.currentTarget.querySelector(`[data-value="${next}"]`)?.focus();
  };
  return html`<div class="tabs" role="tablist" aria-label=${label} onKeyDown=${move}>
    ${options.map(([each, words]) => html`<button type="button" role="tab" data-value=${each}
      aria-selected=${each === value} tabindex=${each === value ? 0 : -1} onClick=${() => onChange(each)}>${words}</button>`)}
  </div>`;
}

/** Said once it is known that the connection is lost: nothing is shown as if it were sure. */
export function Stale() {
  const { state, since } = useStanding();
  const clock = new Date(since).toLocaleTimeString();
  // Its place is always there: what comes into being together with its words is not read out.
  return html`<div role="status">${state === "lost" && html`<div class="notice warn stale">
    <strong>Not connected since ${clock}.</strong> What you see may be out of date; trying again.
  </div>`}</div>`;
}

const region = document.createElement("div");
region.className = "unseen";
region.setAttribute("role", "status");
document.body.append(region);

/** Have a sentence read out to who can't see what has changed. */
export function say(sentence) {
  region.textContent = "";
  // Once a dialog that was done with is gone. Beneath one that is open all else is inert, and is not
  // read out.
  requestAnimationFrame(() => {
    ([...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body).append(region);
    requestAnimationFrame(() => { region.textContent = sentence; });
  });
}
