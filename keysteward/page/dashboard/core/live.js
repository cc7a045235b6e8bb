// What is told of its own accord: revocations and ceilings that were hit, over graphql-transport-ws.
//
// Each event carries a cursor; after a lost connection the stream goes on from the last one, so
// nothing is missed. A heartbeat comes every five seconds: where it fails to, the connection is
// taken for lost, and the page says that what it shows may be stale.

import { useEffect, useState } from "../vendor/view.js";
import { createClient } from "../vendor/socket.js";
import { ask } from "./api.js";

const SILENT_AFTER = 12_000;
const FIRST_WAIT = 250;
const LONGEST_WAIT = 10_000;
const ENDED = 4401;
const REFUSED = 4403;

const KEY_REVOKED = `subscription ($after: Cursor) {
  heard: keyRevoked(after: $after) {
    __typename
    ... on Heartbeat { head }
    ... on KeyRevoked { cursor key tool reason version revokedAt provider { id name } }
    ... on CursorExpired { head }
  }
}`;
const CEILING_HIT = `subscription ($after: Cursor) {
  heard: ceilingHit(after: $after) {
    __typename
    ... on Heartbeat { head }
    ... on CeilingHit { cursor ceiling state hitAt provider { id name } tool limit settled held measure currency }
    ... on CursorExpired { head }
  }
}`;

const listeners = new Set();
const watchers = new Set();
let standing = { state: "connecting", since: Date.now() };
let client = null;

/** Hear each event: `{__typename: "KeyRevoked" | "CeilingHit" | "Again", …}`. Gives how to stop. */
export function hear(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Give the connection's standing: `{state: "connecting" | "live" | "lost", since}`. */
export function useStanding() {
  const [seen, see] = useState(standing);
  useEffect(() => {
    see(standing);
    watchers.add(see);
    return () => watchers.delete(see);
  }, []);
  return seen;
}

/** Begin to listen, once, for as long as the page is open. */
export function listen() {
  if (client === null) run();
}

function turn(state) {
  if (standing.state === state) return;
  standing = { state, since: Date.now() };
  for (const see of watchers) see(standing);
}

function tellAll(event) {
  for (const listener of [...listeners]) listener(event);
}

async function run() {
  const cursors = new Map();
  let wait = FIRST_WAIT;
  let wasLost = true; // what happened between a page's first answer and the first heartbeat, too
  for (;;) {
    const ended = await connectOnce(cursors, () => {
      wait = FIRST_WAIT;
      turn("live");
      // What events don't tell (a key that was added, say) is asked for anew.
      if (wasLost) tellAll({ __typename: "Again" });
      wasLost = false;
    });
    // A fresh login goes on under another cookie, and ends what came with the old one: then nothing
    // was lost.
    if ((ended === ENDED || ended === REFUSED) && (await isSignedIn())) {
      await pause(wait);
      wait = Math.min(wait * 2, LONGEST_WAIT);
      continue;
    }
    wasLost = true;
    turn("lost");
    await pause(wait * (0.5 + Math.random() / 2));
    wait = Math.min(wait * 2, LONGEST_WAIT);
  }
}

/** Hold one connection until it is lost; give the code by which it was closed. */
function connectOnce(cursors, isUp) {
  return new Promise((resolve) => {
    // Each stream has its own: one that has fallen silent is not excused by the other.
    const timers = new Map();
    const unheard = new Set([KEY_REVOKED, CEILING_HIT]);
    const address = location.origin.replace(/^http/, "ws") + "/graphql";
    let isOver = false;
    const end = (code) => {
      if (isOver) return; // closing it is told of as well
      isOver = true;
      timers.forEach(clearTimeout);
      removeEventListener("offline", goneOff);
      // Not `dispose`: that waits for a peer which may be gone.
      client.terminate();
      resolve(code);
    };
    const goneOff = () => end(0);
    addEventListener("offline", goneOff);
    const beat = (query) => {
      clearTimeout(timers.get(query));
      timers.set(query, setTimeout(() => end(0), SILENT_AFTER));
    };
    client = createClient({
      url: address,
      retryAttempts: 0,
      lazy: false,
      onNonLazyError: (problem) => end(problem?.code ?? 0),
      on: { closed: (event) => end(event?.code ?? 0) },
    });
    for (const query of [KEY_REVOKED, CEILING_HIT]) {
      beat(query);
      const variables = { after: cursors.get(query) ?? null };
      client.subscribe({ query, variables }, {
        next({ data }) {
          beat(query);
          const heard = data?.heard;
          if (!heard) return;
          cursors.set(query, heard.cursor ?? heard.head);
          if (heard.__typename === "Heartbeat") {
            unheard.delete(query);
            if (unheard.size === 0) isUp();
          } else tellAll(heard.__typename === "CursorExpired" ? { __typename: "Again" } : heard);
        },
        error: (problem) => end(problem?.code ?? 0),
        complete: () => end(0),
      });
    }
  });
}

/** Make sure that somebody still is: `ask` leads to the sign-in page where nobody is. */
async function isSignedIn() {
  try {
    await ask("{ sessions { id } }");
    return true;
  } catch {
    return false; // it can't be known now: the connection is lost like any other
  }
}

function pause(milliseconds) {
  return new Promise((resolve) => {
    const end = () => { clearTimeout(timer); removeEventListener("online", end); resolve(); };
    const timer = setTimeout(end, milliseconds);
    addEventListener("online", end);
  });
}
