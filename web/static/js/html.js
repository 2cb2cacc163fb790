// @ts-check
// The one place that names the vendored view library. Components are functions that return html`...`.
import { Fragment, h, render } from "../vendor/preact-11.2.0/preact.js";
import htm from "../vendor/htm-3.1.1/htm.js";

export { useCallback, useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from "../vendor/preact-11.2.0/hooks.js";
export { Fragment, h, render };
export const html = htm.bind(h);
