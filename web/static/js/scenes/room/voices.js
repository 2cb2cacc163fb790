// @ts-check
// Who speaks, said calmly: a frame, an icon and a word on the tile; and one's own voice: how loud it goes out, and whether it is heard.
import { watchVoice } from "../../call/media.js";
import { html, useEffect, useState } from "../../html.js";
import { t } from "../../i18n.js";
import { Icon } from "../../ui.js";

const STEPS = 5; // a bar of a few steps draws seldom

/** Nothing here is announced: whoever listens hears the voice itself. @param {{ speaks: boolean }} props */
export const Speaks = ({ speaks }) => speaks && html`<span class="tile-speaks" data-testid="speaks"><${Icon} name="volume-2" />${t("room.speaks")}</span>`;

/** @param {{ sender: RTCRtpSender | null, stream: MediaStream | null, heard: boolean }} props */
export function OwnVoice({ sender, stream, heard }) {
  const [step, setStep] = useState(/** @type {number | null} */ (null)); // not measured (yet): no bar, which would say that one is silent
  useEffect(() => (sender && stream ? watchVoice(sender, stream, (level) => setStep(Math.round(level * STEPS))) : undefined), [sender, stream]);
  return html`<span class="own-voice" data-testid="own-voice" data-level=${step ?? "unknown"} data-heard=${heard}>
    <${Icon} name="mic" />${step !== null && html`<span class="own-level" aria-hidden="true">${Array.from({ length: STEPS }, (_, at) => html`<i class=${at < step ? "on" : ""}></i>`)}</span>`}
    ${heard && html`<span class="own-heard">${t("room.they_hear_you")}</span><span class="own-heard-short">${t("room.heard_short")}</span>`}</span>`;
}
