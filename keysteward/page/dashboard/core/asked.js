// A query whose answer a page shows: asked again whenever it may have changed.
//
// It changes when something is heard (live.js), when the page comes back to the front, when the
// connection does, and, where a page says so, every few seconds while it is looked at. What was
// there stays until the new answer is; one that comes too late is thrown away.

import { useCallback, useEffect, useRef, useState } from "../vendor/view.js";
import { ask } from "./api.js";
import { hear } from "./live.js";

// Many things told at once (everything is revoked, say) are asked about once, and once more at the end.
const REST = 250;

/**
 * Gives `{data, problem, at, reload}`: data is null until it came; `problem` is why it can't be had
 * now; `at` is when it was last known to be so (milliseconds). `every` is in milliseconds.
 */
export function useAsked(query, variables = {}, { every = 0 } = {}) {
  const [state, put] = useState({ data: null, problem: null, at: 0 });
  const turn = useRef(0);
  const underWay = useRef(0);
  const wanted = JSON.stringify(variables);

  const reload = useCallback(async () => {
    const mine = ++turn.current;
    underWay.current += 1;
    try {
      const data = await ask(query, JSON.parse(wanted));
      if (mine === turn.current) put({ data, problem: null, at: Date.now() });
    } catch (problem) {
      if (mine === turn.current) put((last) => ({ ...last, problem }));
    } finally {
      underWay.current -= 1;
    }
  }, [query, wanted]);

  useEffect(() => {
    reload();
    const again = () => document.visibilityState === "visible" && reload();
    let rest = 0;
    let isMissed = false;
    const heard = () => {
      isMissed = rest !== 0;
      if (isMissed) return;
      reload();
      rest = setTimeout(() => { rest = 0; if (isMissed) heard(); }, REST);
    };
    const stop = hear(heard);
    // An answer that takes longer than `every` would be overtaken each time, and never be shown.
    const timer = every ? setInterval(() => underWay.current === 0 && again(), every) : 0;
    document.addEventListener("visibilitychange", again);
    addEventListener("focus", again);
    return () => {
      turn.current += 1; // an answer that is still on its way counts no more
      stop();
      clearTimeout(rest);
      clearInterval(timer);
      document.removeEventListener("visibilitychange", again);
      removeEventListener("focus", again);
    };
  }, [reload, every]);

  return { ...state, reload };
}
