// The way from one page of the dashboard to another: the shell (app.js) follows.

/**
 * Go to another page of the dashboard without loading the shell anew. `inPlace` leaves no way back
 * to where one was: for what changes with every key that is pressed.
 */
export function go(path, { inPlace = false } = {}) {
  const to = new URL(path, location);
  const isHere = to.pathname + to.search === location.pathname + location.search; // pressed again: no second place to go back to
  history[inPlace || isHere ? "replaceState" : "pushState"](null, "", path);
  dispatchEvent(new PopStateEvent("popstate"));
}
