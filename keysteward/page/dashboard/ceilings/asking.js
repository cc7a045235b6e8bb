// How the page Ceilings asks: for an amount that the API would take, and before one thing is done.

import { html, useState } from "../vendor/view.js";
import { wrongWith } from "../core/amounts.js";
import { Action, Dialog, Notice, useAct } from "../core/parts.js";

/**
 * Gives `[text, type, wrong, submit]` for a form with an amount; what can't be one is not sent.
 * `places` are its decimal places.
 */
export function useAmount(first, places, send) {
  const [text, put] = useState(first);
  const [wrong, mark] = useState(null);
  const type = (event) => { put(event.target.value); mark(null); };
  const submit = (event) => {
    event.preventDefault();
    const found = wrongWith(text.trim(), places);
    mark(found);
    if (found === null) send(text.trim());
  };
  return [text, type, wrong, submit];
}

/** Asks before one thing is done; there is nothing to fill in. */
export function Asking({ title, button, kind = "first", act, onClose, children }) {
  const [run, busy, problem] = useAct(act);
  return html`<${Dialog} title=${title} onClose=${onClose}>
    ${children}
    ${problem && html`<${Notice} kind="bad">${problem.message}</${Notice}>`}
    <div class="actions end"><${Action} onPress=${onClose}>Leave it</${Action}>
      <${Action} kind=${kind} busy=${busy} onPress=${run}>${button}</${Action}></div>
  </${Dialog}>`;
}
