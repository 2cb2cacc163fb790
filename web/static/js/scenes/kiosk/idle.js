// @ts-check
// Somebody chose and walked away: a question with a countdown, then the screen forgets them.
import { html, useEffect, useRef, useState } from "../../html.js";
import { t } from "../../i18n.js";
import { speak } from "../../speech.js";
import { Dialog, Icon } from "../../ui.js";

const QUIET_MS = 60_000;
const ASK_S = 20; // slow hands and slow ears: long enough to hear the question and to reach the button

/** @param {{ onOver: () => void }} props */
export function Idle({ onOver }) {
  const [left_s, setLeft] = useState(/** @type {number | null} */ (null));
  const over = useRef(onOver);
  over.current = onOver;
  useEffect(() => {
    let timer = setTimeout(ask, QUIET_MS);
    function ask() { setLeft(ASK_S); speak(t("kiosk.idle_title")); }
    const touched = () => { clearTimeout(timer); timer = setTimeout(ask, QUIET_MS); setLeft(null); };
    for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, touched);
    return () => { clearTimeout(timer); for (const kind of ["pointerdown", "keydown"]) removeEventListener(kind, touched); };
  }, []);
  useEffect(() => {
    if (left_s === null) return undefined;
    if (left_s <= 0) { setLeft(null); over.current(); return undefined; }
    const timer = setTimeout(() => setLeft(left_s - 1), 1000);
    return () => clearTimeout(timer);
  }, [left_s]);
  if (left_s === null) return null;
  return html`<${Dialog} title=${t("kiosk.idle_title")} onClose=${() => setLeft(null)} testid="idle">
    <p>${t("kiosk.idle_says")}</p>
    <p class="kiosk-countdown figures" aria-hidden="true" data-testid="idle-countdown">${left_s}</p>
    <div class="dialog-buttons"><button type="button" class="button button-big button-wide" data-testid="still-here" onClick=${() => setLeft(null)}><${Icon} name="hand-helping" />${t("kiosk.idle_here")}</button></div><//>`;
}
