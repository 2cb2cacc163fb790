// @ts-check
// The short check before a room: see oneself, hear that one is heard, and what to do where something is missing.
import { closeDevices, openDevices, watchLevel } from "../../call/media.js";
import { html, useEffect, useRef, useState } from "../../html.js";
import { t } from "../../i18n.js";
import { chime } from "../../speech.js";
import { Banner, Icon, State } from "../../ui.js";
import { LineTrial } from "./line.js";
import { Video } from "./tiles.js";

/** Camera and microphone for as long as the page needs them. @returns {{ devices: any, open: () => Promise<void>, stop: () => void }} */
export function useDevices() {
  const [devices, setDevices] = useState(/** @type {any} */ (null));
  const held = useRef(/** @type {any} */ (null));
  const stop = () => { closeDevices(held.current); held.current = null; setDevices(null); };
  const open = async () => {
    closeDevices(held.current);
    held.current = null;
    setDevices(null);
    held.current = await openDevices();
    setDevices(held.current);
  };
  return { devices, open, stop };
}

/** The bar that moves when one speaks. @param {{ stream: MediaStream | null }} props */
function Level({ stream }) {
  const [level, setLevel] = useState(/** @type {number | null} */ (null)); // not measured (yet)
  const [heard, setHeard] = useState(false);
  useEffect(() => (stream ? watchLevel(stream, (now) => { setLevel(now); if (now > 0.3) setHeard(true); }) : undefined), [stream]);
  return html`<div class="check-level">
    <div class="row row-apart"><span><${Icon} name="mic" /> ${t("room.check_speak")}</span>
      ${level === null ? "" : heard ? html`<${State} kind="good" icon="circle-check" testid="microphone-heard">${t("room.check_heard")}<//>` : html`<${State} kind="wait" icon="mic">${t("room.check_listening")}<//>`}</div>
    <div class="meter" role="meter" aria-label=${t("room.check_level")} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.round((level ?? 0) * 10) * 10}><span style=${{ transform: `scaleX(${level ?? 0})` }}></span></div>
    <button type="button" class="button button-plain check-speaker" data-testid="test-speaker" onClick=${chime}><${Icon} name="volume-2" />${t("room.check_speaker")}</button>
  </div>`;
}

/** @param {{ devices: any, onTry: () => void }} props */
function Faults({ devices, onTry }) {
  const { camera, microphone } = devices;
  if (!camera && !microphone) return null;
  const what = camera && microphone ? "both" : camera ? "camera" : "microphone";
  return html`<div role="status"><${Banner} kind="wait" icon=${camera ? "video-off" : "mic-off"} testid="device-fault">
    <p><strong>${t(`room.lacks_${what}`)}</strong></p><p>${t(`room.fault_${camera ?? microphone}`)}</p>
    <p><button type="button" class="button button-quiet" data-testid="try-devices" onClick=${onTry}><${Icon} name="refresh-cw" />${t("common.try_again")}</button></p><//></div>`;
}

/**
 * @param {{ devices: any, onTry: () => void, title: string, says: string, children?: any }} props
 *   children: the name field and the one button that goes on
 */
export function DeviceCheck({ devices, onTry, title, says, children }) {
  const seen = devices?.stream?.getVideoTracks().length > 0;
  return html`<div class="check">
    <div class="check-picture">
      ${seen ? html`<${Video} stream=${devices.stream} muted mirrored testid="self-video" label=${t("room.you")} />`
        : html`<div class="face-none"><${Icon} name=${devices ? "video-off" : "camera"} /><span>${t(devices ? "room.check_no_picture" : "room.check_asking")}</span></div>`}
      ${seen && html`<p class="check-caption"><${Icon} name="circle-check" /> ${t("room.check_this_is_you")}</p>`}
    </div>
    <div class="check-side">
      <h1 tabindex="-1">${title}</h1>
      <p>${says}</p>
      ${devices && html`<${Faults} devices=${devices} onTry=${onTry} />`}
      ${devices?.stream?.getAudioTracks().length > 0 && html`<${Level} stream=${devices.stream} />`}
      ${children}
      ${devices && html`<${LineTrial} devices=${devices} />`}
    </div>
  </div>`;
}
