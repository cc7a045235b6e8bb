// The way from one page of the dashboard to another: the shell (app.js) follows.

/** Go to another page of the dashboard without loading the shell anew. */
export function go(path) {
  history.pushState(null, "", path);
  dispatchEvent(new PopStateEvent("popstate"));
}
