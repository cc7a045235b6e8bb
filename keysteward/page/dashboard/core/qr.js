// A text as a QR code, for a camera: drawn by the page itself, asked of nobody.

import { html, useEffect, useState } from "../vendor/view.js";

// ISO/IEC 18004: four modules of quiet on each side, or some cameras don't find it.
const QUIET = 4;

/** Draw `text`; `label` says what it holds. Dark on light in both schemes: cameras want it so. */
export function QR({ text, label }) {
  const [rows, put] = useState(null);
  useEffect(() => {
    let isHere = true;
    import("../vendor/qr.js").then(
      ({ encode }) => isHere && put(encode(text, { ecc: "M", border: QUIET }).data),
      () => {}, // the same text stands beneath, to type in
    );
    return () => { isHere = false; };
  }, [text]);
  if (rows === null) return null;
  return html`<svg class="qr" role="img" aria-label=${label} viewBox=${`0 0 ${rows.length} ${rows.length}`} shape-rendering="crispEdges">
    <rect width=${rows.length} height=${rows.length} fill="#fff" /><path d=${pathOf(rows)} fill="#000" />
  </svg>`;
}

/** One rectangle for each run of dark modules in a row. */
function pathOf(rows) {
  const parts = [];
  rows.forEach((row, y) => {
    for (let x = 0; x < row.length; x += 1) {
      if (!row[x]) continue;
      const start = x;
      while (row[x + 1]) x += 1;
      parts.push(`M${start} ${y}h${x + 1 - start}v1H${start}z`);
    }
  });
  return parts.join("");
}
