// How the page Ceilings asks for an amount: one that the API would take.

import { useState } from "../vendor/view.js";
import { wrongWith } from "../core/amounts.js";

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
