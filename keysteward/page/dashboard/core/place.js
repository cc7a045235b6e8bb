// Keeps the keyboard's place. Where what has the focus is taken away, a browser begins anew at the top
// of the page, and a screen reader says nothing: so what stands in its place now gets the focus.
//
// That is a whole row or entry of a list, and no button in it: who presses twice does nothing more.

let held = null;

const isNowhere = () => document.activeElement === document.body || document.activeElement === null;

/** Give the focus to something that can't be tabbed to; the page does not move for it. */
export function put(element) {
  if (!element.hasAttribute("tabindex")) element.tabIndex = -1;
  element.focus({ preventScroll: true });
}

/** Have the heading of the page hold the place, where nothing does. */
export function holdAtTop() {
  const heading = document.querySelector("main h1");
  if (heading && isNowhere()) put(heading);
}

addEventListener("focusin", (event) => { held = event.target; });
addEventListener("focusout", (event) => {
  // Left, by a press beside everything, say: then there is no place to keep.
  queueMicrotask(() => { if (held === event.target && held.isConnected && isNowhere()) held = null; });
});

function* inItsPlace(gone, changes) {
  const change = changes.find(({ removedNodes }) => [...removedNodes].some((node) => node.contains(gone)));
  if (!change?.target.closest?.("main")) return; // another page has come, and begins by itself
  const { target, previousSibling: before } = change;
  yield before ? before.nextElementSibling : target.firstElementChild;
  yield before; // it was the last one
  yield target;
}

const CONTROLS = "a, button, input, select, summary, textarea";

new MutationObserver((changes) => {
  if (held === null || held.isConnected) return;
  const gone = held;
  held = null;
  for (const place of inItsPlace(gone, changes)) {
    if (isNowhere() && place?.isConnected && place.matches?.(`:not(${CONTROLS})`)) put(place);
  }
  holdAtTop();
}).observe(document.getElementById("app"), { childList: true, subtree: true });
