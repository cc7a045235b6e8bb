// What every page is written with: preact, its hooks, and htm, which needs no build of the pages.
import { Component, createContext, h, render } from "preact";
import htm from "htm";

export { Component, createContext, render };
export {
  useCallback, useContext, useEffect, useErrorBoundary, useId, useLayoutEffect, useMemo, useReducer,
  useRef, useState,
} from "preact/hooks";
export const html = htm.bind(h);
