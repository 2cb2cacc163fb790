// @ts-check
// After the room: what it was that ended, and where to go.
import { html, useEffect, useRef } from "../../html.js";
import { t } from "../../i18n.js";
import { Icon } from "../../ui.js";

/** @type {Record<string, string>} */
const ICONS = { ended: "circle-check", left: "door-open", removed: "user-x", refused: "user-x", replaced: "monitor", expired: "clock", bad_token: "clock" };

/** @param {{ why: string, says?: string, children?: any }} props */
export function Closed({ why, says, children }) {
  const title = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => title.current?.focus({ preventScroll: true }), []);
  return html`<div class="room-closed" data-testid="room-closed" data-why=${why}>
    <${Icon} name=${ICONS[why] ?? "circle"} />
    <h1 tabindex="-1" ref=${title}>${t(`room.closed_${why}`)}</h1>
    <p class="type-lead">${says ?? t(`room.closed_${why}_says`)}</p>
    <div class="row">${children}</div>
  </div>`;
}
