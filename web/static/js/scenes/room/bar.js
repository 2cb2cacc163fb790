// @ts-check
// The steady bar: an icon with its word below, always in the same order, never hidden.
import { html } from "../../html.js";
import { t } from "../../i18n.js";
import { Icon } from "../../ui.js";

/** @param {{ icon: string, word: string, testid: string, onPress: () => void, off?: boolean, danger?: boolean, pressed?: boolean, count?: number }} props */
const BarButton = ({ icon, word, testid, onPress, off = false, danger = false, pressed, count = 0 }) => html`
  <li><button type="button" class=${`bar-button ${off ? "bar-off" : ""} ${danger ? "bar-danger" : ""}`} data-testid=${testid} aria-pressed=${pressed} onClick=${onPress}>
    <${Icon} name=${icon} /><span>${word}${count > 0 && html` <span class="badge badge-wait">${count}</span>`}</span></button></li>`;

/**
 * @param {{ muted: { voice: boolean, face: boolean }, may: (action: string) => boolean, canInvite: boolean, panel: boolean | null, knocking: number,
 *           showing: { source: string | null, canDocument: boolean, canScreen: boolean },
 *           on: Record<"voice" | "face" | "document" | "screen" | "people" | "invite" | "leave" | "end", () => void> }} props
 */
export const Bar = ({ muted, may, canInvite, panel, knocking, showing, on }) => html`
  <ul class="bar" aria-label=${t("room.bar")}>
    <${BarButton} icon=${muted.voice ? "mic-off" : "mic"} word=${t(muted.voice ? "room.microphone_on" : "room.mute_microphone")} testid="mute-microphone" off=${muted.voice} onPress=${on.voice} />
    <${BarButton} icon=${muted.face ? "video-off" : "video"} word=${t(muted.face ? "room.turn_camera_on" : "room.turn_camera_off")} testid="turn-camera-off" off=${muted.face} onPress=${on.face} />
    ${showing.canDocument && html`<${BarButton} icon="file-text" word=${t(showing.source === "document" ? "room.stop_document" : "room.show_document")} testid="show-document" pressed=${showing.source === "document"} onPress=${on.document} />`}
    ${showing.canScreen && html`<${BarButton} icon="screen-share" word=${t(showing.source === "screen" ? "room.stop_screen" : "room.share_screen")} testid="share-screen" pressed=${showing.source === "screen"} onPress=${on.screen} />`}
    ${panel !== null && html`<${BarButton} icon="users" word=${t("room.people")} testid="show-people" pressed=${panel} count=${knocking} onPress=${on.people} />`}
    ${canInvite && html`<${BarButton} icon="user-plus" word=${t("room.invite")} testid="invite-person" onPress=${on.invite} />`}
    <${BarButton} icon="door-open" word=${t("room.leave")} testid="leave-room" onPress=${on.leave} />
    ${may("end") && html`<${BarButton} icon="phone-off" word=${t("room.end")} testid="end-session" danger onPress=${on.end} />`}
  </ul>`;
