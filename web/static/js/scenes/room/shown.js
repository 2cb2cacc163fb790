// @ts-check
// What somebody shows besides a face: on the stage, with the faces beside it; larger and smaller by tap and keys; a press to show and to put away.
import { faultOf } from "../../call/media.js";
import { canShare, closeShown, documentCameras, openDocument, openScreen, usualCamera } from "../../call/showing.js";
import { html, useEffect, useRef, useState } from "../../html.js";
import { t } from "../../i18n.js";
import { say } from "../../live.js";
import * as protocol from "../../protocol.js";
import { speak } from "../../speech.js";
import { Dialog, Icon } from "../../ui.js";
import { Video, nameOf } from "./tiles.js";

const ZOOMS = [1, 1.5, 2, 3, 4];
const TAP_ZOOM = 2;

/** Which cameras can look at a document, now and when one is plugged in. @param {MediaStream | null} face */
function useCameras(face) {
  const [cameras, setCameras] = useState(/** @type {MediaDeviceInfo[]} */ ([]));
  useEffect(() => {
    let gone = false;
    const look = async () => { const found = await documentCameras(face); if (!gone) setCameras(found); };
    look();
    navigator.mediaDevices?.addEventListener?.("devicechange", look);
    return () => { gone = true; navigator.mediaDevices?.removeEventListener?.("devicechange", look); };
  }, [face]);
  return cameras;
}

/**
 * The two buttons of the bar and the question about the camera.
 * @param {import("../../call/call.js").Call | null} call @param {"kiosk" | "staff" | "guest"} place @param {(() => void) | undefined} onFix
 */
export function useShowing(call, place, onFix) {
  const [asks, setAsks] = useState(false);
  const face = call?.devices?.stream ?? null;
  const cameras = useCameras(face);
  const source = call?.shown?.source ?? null;
  // A phone has one camera at a time: where the face's ended for the document's, it is asked for again.
  useEffect(() => { if (!source && face?.getVideoTracks()[0]?.readyState === "ended") onFix?.(); }, [source]);
  /** @param {"document" | "screen"} what @param {() => Promise<MediaStream>} open */
  const begin = async (what, open) => {
    setAsks(false);
    try {
      const stream = await open();
      if (call && call.state.phase === "seated") call.show(what, stream); else closeShown({ source: what, stream, granted: false });
    } catch (error) { say(t(`room.show_${faultOf(error)}`)); }
  };
  const usual = usualCamera(cameras);
  const may = (/** @type {string} */ action) => call !== null && protocol.may(call.state, action);
  return {
    source, cameras, asks, canChoose: cameras.length > 1, ask: setAsks,
    canDocument: source === "document" || (may("show_document") && cameras.length > 0),
    canScreen: source === "screen" || (place !== "kiosk" && may("share_screen") && canShare()),
    choose: (/** @type {string} */ id) => begin("document", () => openDocument(id)),
    document: () => { if (source === "document") call?.stopShowing(); else if (usual) begin("document", () => openDocument(usual.deviceId)); else setAsks(true); },
    screen: () => { if (source === "screen") call?.stopShowing(); else begin("screen", openScreen); },
  };
}

/** @param {{ showing: ReturnType<typeof useShowing> }} props */
export const CameraDialog = ({ showing }) => html`<${Dialog} title=${t("room.which_camera")} onClose=${() => showing.ask(false)}>
  <p>${t("room.which_camera_says")}</p>
  <ul class="plain stack">${showing.cameras.map((camera, at) => html`<li key=${camera.deviceId}><button type="button" class="button button-big button-wide" data-testid="choose-camera" onClick=${() => showing.choose(camera.deviceId)}>
    <${Icon} name="camera" />${camera.label || t("room.camera_number", { number: at + 1 })}</button></li>`)}</ul>
  <div class="dialog-buttons"><button type="button" class="button button-quiet" onClick=${() => showing.ask(false)}>${t("common.cancel")}</button></div><//>`;

/** What everybody hears of it. @param {protocol.Effect} effect @param {protocol.State} state */
export function noticeShown({ person, before }, state) {
  const own = person.seat === state.you?.seat;
  if (!own && (person.room ?? "") !== protocol.roomOf(state)) return;
  const name = nameOf(person);
  const words = person.shows ? t(own ? `room.notice_you_show_${person.shows}` : `room.notice_shows_${person.shows}`, { name })
    : t(own ? `room.notice_you_ended_${before}` : `room.notice_ended_${before}`, { name });
  say(words);
  // Who sits at a kiosk may not read: said as well.
  if (document.documentElement.dataset.place === "kiosk") speak(words);
}

/** The picture in a frame that scrolls: a tap makes it larger at that point, the next one shows all of it. @param {{ label: string, children?: any }} props */
function Page({ label, children }) {
  const frame = useRef(/** @type {HTMLElement | null} */ (null));
  const aim = useRef({ x: 0.5, y: 0.5 });
  const [zoom, setZoom] = useState(1);
  useEffect(() => {
    const box = frame.current;
    if (box) box.scrollTo(aim.current.x * box.scrollWidth - box.clientWidth / 2, aim.current.y * box.scrollHeight - box.clientHeight / 2);
  }, [zoom]);
  /** Keep the middle where it is. @param {number} to */
  const turn = (to) => {
    const box = frame.current;
    if (box) aim.current = { x: (box.scrollLeft + box.clientWidth / 2) / box.scrollWidth, y: (box.scrollTop + box.clientHeight / 2) / box.scrollHeight };
    setZoom(to);
  };
  const step = (/** @type {number} */ by) => turn(ZOOMS[Math.max(0, Math.min(ZOOMS.length - 1, ZOOMS.indexOf(zoom) + by))]);
  const tap = (/** @type {MouseEvent} */ event) => {
    const inside = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect();
    aim.current = { x: (event.clientX - inside.left) / inside.width, y: (event.clientY - inside.top) / inside.height };
    setZoom(zoom === 1 ? TAP_ZOOM : 1);
  };
  const key = (/** @type {KeyboardEvent} */ event) => {
    const does = /** @type {Record<string, () => void>} */ ({ "+": () => step(1), "=": () => step(1), "-": () => step(-1), 0: () => turn(1) })[event.key];
    if (does) { event.preventDefault(); does(); }
  };
  const whole = zoom === 1;
  return html`<div class="shown-frame" ref=${frame} tabindex="0" role="region" aria-label=${label} aria-describedby="zoom-how" data-testid="shown-page" data-zoom=${zoom} onKeyDown=${key}>
      <div class="shown-page" style=${{ width: `${zoom * 100}%`, height: `${zoom * 100}%` }} onClick=${tap}>${children}</div></div>
    <p id="zoom-how" class="visually-hidden">${t("room.zoom_how")}</p>
    <div class="shown-zoom">
      <${Tool} icon="zoom-out" word=${t("room.zoom_out")} testid="zoom-out" off=${whole} onPress=${() => step(-1)} />
      <${Tool} icon="maximize" word=${t("room.zoom_whole")} testid="zoom-whole" off=${whole} onPress=${() => turn(1)} />
      <${Tool} icon="zoom-in" word=${t("room.zoom_in")} testid="zoom-in" off=${zoom === ZOOMS[ZOOMS.length - 1]} onPress=${() => step(1)} /></div>`;
}

/** @param {{ icon: string, word: string, testid: string, off?: boolean, onPress: () => void }} props */
const Tool = ({ icon, word, testid, off = false, onPress }) => html`<button type="button" class="shown-tool" data-testid=${testid} aria-disabled=${off} onClick=${() => { if (!off) onPress(); }}><${Icon} name=${icon} /><span>${word}</span></button>`;

/**
 * @param {{ person: any, own: boolean, stream: MediaStream | null, main: boolean, canEnd: boolean, onMain: () => void, onEnd: () => void, onCamera?: () => void,
 *           onBlocked: () => void, blocked: boolean }} props
 */
export function ShownTile({ person, own, stream, main, canEnd, onMain, onEnd, onCamera, onBlocked, blocked }) {
  const source = person.shows;
  const [seen, setSeen] = useState(false);
  const label = own ? t(`room.your_${source}`) : t(`room.shown_${source}`, { name: nameOf(person) });
  const off = person.silenced.includes(source);
  const video = html`<${Video} stream=${stream} muted testid=${own ? "own-shown" : "shown-video"} label=${label} onBlocked=${onBlocked} blocked=${blocked} />`;
  return html`<li class=${`face-tile shown-tile ${main ? "face-main" : ""}`} data-testid="shown-tile" data-seat=${person.seat} data-source=${source} onPlayingCapture=${() => setSeen(true)}>
    ${main ? html`<${Page} label=${label}>${video}<//>` : video}
    ${(off || !stream || !seen) && html`<div class="face-none"><${Icon} name=${source === "screen" ? "monitor" : "file-text"} /><span>${t(off ? "room.shown_silenced" : "room.shown_coming")}</span></div>`}
    <div class="face-label shown-label"><strong>${label}</strong>
      ${main && onCamera && html`<button type="button" class="shown-tool" data-testid="other-camera" onClick=${onCamera}><${Icon} name="camera" /><span>${t("room.other_camera")}</span></button>`}
      ${main && canEnd && html`<button type="button" class="shown-tool" data-testid="end-shown" onClick=${onEnd}><${Icon} name="x" /><span>${t("room.stop_other")}</span></button>`}</div>
    ${!main && html`<button type="button" class="face-enlarge" data-testid="enlarge-shown" onClick=${onMain}><${Icon} name="eye" /><span>${t("room.enlarge")}</span><span class="visually-hidden"> ${label}</span></button>`}
  </li>`;
}
