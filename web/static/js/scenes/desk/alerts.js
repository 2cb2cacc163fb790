// @ts-check
// Telling somebody whose window is in the background that a person has come: a sound, a desktop notice, and a mark on what is new.
import { html, useEffect, useRef, useState } from "../../html.js";
import { t } from "../../i18n.js";
import { chime } from "../../speech.js";
import { Icon } from "../../ui.js";

const SEEN_MS = 8000; // how long the mark stays once the window is looked at

const permission = () => ("Notification" in window ? Notification.permission : "denied");

/** Notices of the desktop are asked for by a press, never by the page itself. */
export function Alerts() {
  const [allowed, setAllowed] = useState(permission());
  if (allowed === "granted") return html`<span class="muted"><${Icon} name="bell-ring" /> ${t("desk.alerts_on")}</span>`;
  if (allowed === "denied") return html`<span class="muted"><${Icon} name="bell" /> ${t("desk.alerts_sound_only")}</span>`;
  return html`<button type="button" class="button button-quiet" data-testid="allow-alerts" onClick=${async () => setAllowed(await Notification.requestPermission())}><${Icon} name="bell" />${t("desk.alerts_ask")}</button>`;
}

/** @param {any} desk @returns {Set<string>} tickets that came while one looked away, until they were seen */
export function useNewcomers(desk) {
  const known = useRef(/** @type {Set<string> | null} */ (null));
  const [fresh, setFresh] = useState(/** @type {Set<string>} */ (new Set()));
  useEffect(() => {
    if (!desk) return;
    const waiting = desk.areas.flatMap((/** @type {any} */ area) => area.waiting);
    const before = known.current;
    known.current = new Set([...(before ?? []), ...waiting.map((/** @type {any} */ one) => one.ticket)]);
    const came = before ? waiting.filter((/** @type {any} */ one) => !before.has(one.ticket)) : [];
    if (!came.length) return;
    chime();
    setFresh((/** @type {Set<string>} */ old) => new Set([...old, ...came.map((/** @type {any} */ one) => one.ticket)]));
    notify(t("desk.somebody_waits"), [came[0].number, came[0].site_name].filter(Boolean).join(" · "));
  }, [desk]);
  useEffect(() => {
    if (!fresh.size) return undefined;
    let timer = 0;
    const seen = () => { if (document.visibilityState === "visible") timer = window.setTimeout(() => setFresh(new Set()), SEEN_MS); };
    seen();
    document.addEventListener("visibilitychange", seen);
    return () => { clearTimeout(timer); document.removeEventListener("visibilitychange", seen); };
  }, [fresh]);
  return fresh;
}

/** A notice of the desktop for somebody who looks elsewhere. @param {string} title @param {string} body */
export function notify(title, body) {
  if (permission() !== "granted" || document.visibilityState !== "hidden") return;
  const notice = new Notification(title, { body, tag: "laizuo-desk" });
  notice.addEventListener("click", () => { window.focus(); notice.close(); });
}
