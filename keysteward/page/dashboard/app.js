// The shell: which page an address shows, the way between them, and what stands on all of them.

import { html, render, useEffect, useErrorBoundary, useState } from "./vendor/view.js";
import { useAsked } from "./core/asked.js";
import { FreshLogin } from "./core/fresh.js";
import { go } from "./core/go.js";
import { listen, useStanding } from "./core/live.js";
import { Notice, Stale } from "./core/parts.js";

const ROOT = "/dashboard";

// The same list as in keysteward/doors/places.py; a test holds the two equal.
const PAGES = [
  ["", "Overview", () => import("./pages/overview.js")],
  ["/settings/keys", "Keys", () => import("./pages/keys.js")],
  ["/tools", "Tools", () => import("./pages/tools.js")],
  ["/calls", "Calls", () => import("./pages/calls.js")],
  ["/spend", "Spend", () => import("./pages/spend.js")],
  ["/files", "Files", () => import("./pages/files.js")],
  ["/settings/ceilings", "Ceilings", () => import("./pages/ceilings.js")],
  ["/settings/audit", "Audit trail", () => import("./pages/audit.js")],
  ["/settings/sessions", "Sessions", () => import("./pages/sessions.js")],
  ["/settings/account", "Account", () => import("./pages/account.js")],
  ["/settings/panic", "Revoke everything", () => import("./pages/panic.js")],
];

const VIEWER = `{ viewer { address addressVerifiedAt } }`;

function useAddress() {
  const [address, put] = useState(location.pathname + location.search);
  useEffect(() => {
    const moved = () => put(location.pathname + location.search);
    const follow = (event) => {
      const link = event.target.closest?.("a[href]");
      const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
      if (!link || !isPlain || event.defaultPrevented || link.target || link.hasAttribute("download")) return;
      const to = new URL(link.href);
      const isOurs = to.origin === location.origin && PAGES.some(([path]) => to.pathname === ROOT + path);
      if (!isOurs || (to.hash && to.pathname === location.pathname)) return;
      event.preventDefault();
      go(to.pathname + to.search);
      scrollTo(0, 0);
    };
    addEventListener("popstate", moved);
    document.addEventListener("click", follow);
    return () => {
      removeEventListener("popstate", moved);
      document.removeEventListener("click", follow);
    };
  }, []);
  return address;
}

function Nav({ path }) {
  const [open, turn] = useState(false);
  useEffect(() => turn(false), [path]);
  return html`<nav aria-label="Pages" class=${open ? "open" : ""}>
    <button type="button" class="menu" aria-expanded=${open} aria-controls="pages" onClick=${() => turn(!open)}>Menu</button>
    <ul id="pages">${PAGES.map(([at, words]) => html`<li>
      <a href=${ROOT + at} aria-current=${ROOT + at === path ? "page" : undefined}>${words}</a></li>`)}
      <li class="apart"><a href="/graphiql">GraphiQL</a></li>
      <li><a href="/security">Security</a></li>
    </ul>
  </nav>`;
}

function Standing() {
  const { state } = useStanding();
  const words = { connecting: "connecting", live: "live", lost: "not connected" }[state];
  return html`<span class="standing ${state}" title="Whether this page is told of removals as they happen">${words}</span>`;
}

function Top({ path }) {
  const asked = useAsked(VIEWER);
  return html`<header>
    <a class="skip" href="#main">To the content</a>
    <a class="name" href=${ROOT}><img src="/doors/icon.svg" alt="" width="24" height="24" />keysteward</a>
    <${Nav} path=${path} />
    <div class="whose"><${Standing} />
      <span class="address">${asked.data?.viewer?.address ?? ""}</span>
      <form method="post" action="/sign-out"><button class="link">Sign out</button></form>
    </div>
  </header>`;
}

function Body({ path, query }) {
  const [loaded, put] = useState(null);
  const [broken] = useErrorBoundary((error) => console.error(error));
  const found = PAGES.find(([at]) => ROOT + at === path) ?? PAGES[0];
  useEffect(() => {
    let isWanted = true;
    found[2]().then(
      (module) => isWanted && put({ path, show: module.default }),
      () => isWanted && put({ path, show: null }),
    );
    return () => { isWanted = false; };
  }, [path]);
  const again = html`<button class="link" onClick=${() => location.reload()}>Load it again</button>`;
  if (broken) return html`<main id="main"><${Notice} kind="bad">Something on this page broke. ${again}</${Notice}></main>`;
  if (loaded?.path !== path) return html`<main id="main"><p class="quiet waiting" role="status">Loading…</p></main>`;
  if (!loaded.show) return html`<main id="main"><${Notice} kind="bad">This page can't be loaded now. ${again}</${Notice}></main>`;
  return html`<${loaded.show} query=${query} />`;
}

function App() {
  const address = new URL(useAddress(), location.origin);
  useEffect(listen, []);
  return html`<${Top} path=${address.pathname} />
    <div class="body"><${Stale} /><${Body} key=${address.pathname} path=${address.pathname} query=${address.searchParams} /></div>
    <${FreshLogin} />`;
}

const root = document.getElementById("app");
root.textContent = "";
render(html`<${App} />`, root);
