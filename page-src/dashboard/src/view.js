// What every page is written with: preact, its hooks, and htm, which needs no build of the pages.
import { h, render } from "preact";
import htm from "htm";

export { render };
export {
  useCallback, useEffect, useErrorBoundary, useId, useLayoutEffect, useRef, useState,
} from "preact/hooks";
export const html = htm.bind(h);
