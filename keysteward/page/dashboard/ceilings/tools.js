// How the page Ceilings names a tool of which it has only the reference.

import { html } from "../vendor/view.js";

/** A tool's name; its reference where it is revoked, and so in no list any more. */
export const toolOf = (id, tools) => tools.find((each) => each.id === id)?.name ?? html`<code class="mono">${id}</code> <span class="quiet">(revoked)</span>`;
