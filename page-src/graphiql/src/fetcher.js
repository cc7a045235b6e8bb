// How this page speaks to keysteward: queries and mutations by POST, subscriptions over
// graphql-transport-ws, both to /graphql on the very origin that served the page.
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { createClient } from "graphql-ws";

const url = new URL("/graphql", window.location.href);
const socketUrl = new URL(url);
socketUrl.protocol = url.protocol === "https:" ? "wss:" : "ws:";

const post = (target, request) =>
  window.fetch(target, {
    ...request,
    credentials: "same-origin",
    cache: "no-store",
    redirect: "error",
  });

/** The Authorization header of GraphiQL's header editor, however its name was typed. */
function authorizationIn(headers) {
  const typed = Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === "authorization");
  return typed ? { authorization: typed[1] } : {};
}

/**
 * A socket for one subscription: opened when it starts, closed when it ends. It never reconnects by
 * itself: without a cursor a new socket would skip what happened meanwhile, and nobody would see it.
 */
const socketWith = (headers) =>
  createClient({
    url: socketUrl.href,
    connectionParams: authorizationIn(headers),
    retryAttempts: 0,
  });

export const fetcher = (operation, options) =>
  createGraphiQLFetcher({
    url: url.href,
    // A page on another origin can't set this header without asking first, and is refused.
    headers: { "keysteward-csrf": "1" },
    fetch: post,
    wsClient: socketWith(options?.headers),
  })(operation, options);
