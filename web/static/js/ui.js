// @ts-check
// Small components that several live pages share; their looks are in components.css.
import { html, useEffect, useLayoutEffect, useRef, useState } from "./html.js";
import { onLanguage, t } from "./i18n.js";
import { clock } from "./time.js";

const sprite = () => /** @type {HTMLMetaElement | null} */ (document.querySelector("meta[name=sprite]"))?.content ?? "";

/** @param {{ name: string, class?: string }} props */
export const Icon = ({ name, class: more = "" }) => html`<svg class=${`icon ${more}`} aria-hidden="true"><use href=${`${sprite()}#${name}`}></use></svg>`;

/** A shape, a word and a colour. @param {{ kind: string, icon: string, children?: any, testid?: string, "data-state"?: string }} props */
export const State = ({ kind, icon, children, testid, "data-state": state }) =>
  html`<span class=${`state state-${kind}`} data-testid=${testid} data-state=${state}><${Icon} name=${icon} />${children}</span>`;

/** @param {{ kind: string, icon: string, children?: any, testid?: string, spin?: boolean }} props */
export const Banner = ({ kind, icon, children, testid, spin }) =>
  html`<div class=${`banner banner-${kind}`} data-testid=${testid}><${Icon} name=${icon} class=${spin ? "spin" : ""} /><div class="banner-text">${children}</div></div>`;

/** @param {{ icon: string, children?: any }} props */
export const Empty = ({ icon, children }) => html`<div class="empty"><${Icon} name=${icon} /><p>${children}</p></div>`;

/**
 * A question that has to be answered before one goes on. Escape and the quiet button mean no.
 * @param {{ title: string, onClose: () => void, children?: any, testid?: string }} props
 */
export function Dialog({ title, onClose, children, testid }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useLayoutEffect(() => { // before it is painted: what is typed at once goes into its first field
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  return html`<dialog class="dialog" ref=${dialog} aria-labelledby="dialog-title" data-testid=${testid}
    onCancel=${(/** @type {Event} */ event) => { event.preventDefault(); onClose(); }}>
    <h2 id="dialog-title">${title}</h2>${children}</dialog>`;
}

/**
 * @param {{ title: string, says: string, yes: string, icon: string, danger?: boolean, testid: string, onYes: () => void, onClose: () => void, children?: any }} props
 */
export const Confirm = ({ title, says, yes, icon, danger = false, testid, onYes, onClose, children }) => html`
  <${Dialog} title=${title} onClose=${onClose}>
    <p>${says}</p>${children}
    <div class="dialog-buttons">
      <button type="button" class="button button-quiet" onClick=${onClose}>${t("common.cancel")}</button>
      <button type="button" class=${danger ? "button button-danger" : "button"} data-testid=${testid} onClick=${onYes}><${Icon} name=${icon} />${yes}</button>
    </div>
  <//>`;

/** Seconds of the page's clock, once a second. */
export function useNow() {
  const [now_s, setNow] = useState(Date.now() / 1000);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now() / 1000), 1000);
    return () => clearInterval(timer);
  }, []);
  return now_s;
}

/** Draws again when the language changes. */
export function useLanguage() {
  const [, draw] = useState(0);
  useEffect(() => onLanguage(() => draw((/** @type {number} */ count) => count + 1)), []);
}

/** The line is down: calm, and a clock that counts. @param {{ since_ms: number, says?: string }} props */
export function Reconnecting({ since_ms, says }) {
  const now_s = useNow();
  return html`<div role="status"><${Banner} kind="wait" icon="refresh-cw" spin testid="reconnecting">
    <p>${says ?? t("common.reconnecting")} <span class="figures muted" aria-hidden="true">${t("common.reconnecting_for", { time: clock(now_s - since_ms / 1000) })}</span></p><//></div>`;
}
