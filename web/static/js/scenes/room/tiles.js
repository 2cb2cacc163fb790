// @ts-check
// Faces: one large, the others in a strip that never hides. A tile keeps its place and its video element while people change.
import { html, useEffect, useRef } from "../../html.js";
import { t } from "../../i18n.js";
import { Icon, State } from "../../ui.js";
import { OwnVoice, Speaks } from "./voices.js";

/**
 * @param {{ stream: MediaStream | null, muted?: boolean, mirrored?: boolean, testid: string, label: string, onBlocked?: () => void, blocked?: boolean }} props
 */
export function Video({ stream, muted = false, mirrored = false, testid, label, onBlocked, blocked }) {
  const video = useRef(/** @type {HTMLVideoElement | null} */ (null));
  useEffect(() => {
    const shown = video.current;
    if (!shown) return;
    if (shown.srcObject !== stream) shown.srcObject = stream;
    // A browser that wants a press first says so here; everything else (a new stream while waiting) mends itself.
    if (stream) shown.play().catch((/** @type {Error} */ error) => { if (error.name === "NotAllowedError") onBlocked?.(); });
  }, [stream, blocked]);
  return html`<video ref=${video} class=${mirrored ? "face mirrored" : "face"} autoplay playsinline muted=${muted} data-testid=${testid} aria-label=${label}></video>`;
}

/** @type {Record<string, [string, string]>} */
const PERSON_STATES = {
  expected: ["quiet", "hourglass"], out: ["quiet", "door-open"], connecting: ["wait", "refresh-cw"], reconnecting: ["wait", "refresh-cw"], connected: ["good", "circle-check"],
};

/** @param {{ person: any }} props */
export function PersonState({ person }) {
  const [kind, icon] = PERSON_STATES[person.state] ?? ["quiet", "circle"];
  return html`<${State} kind=${kind} icon=${icon} testid="person-state" data-state=${person.state}>${t(`room.person_${person.state}`)}<//>`;
}

/** The name to show; a citizen who gave none is called by the role. @param {any} person */
export const nameOf = (person) => person.name || t(`names.role_${person.role}`);

/** Role and place, without saying twice what stands as the name. @param {any} person */
export const about = (person) => [person.name ? t(`names.role_${person.role}`) : "", person.site].filter(Boolean).join(" · ");

/** What another person does not send, in words. @param {{ person: any }} props */
function Missing({ person }) {
  const off = [...person.muted, ...person.silenced];
  return html`
    ${off.includes("voice") && html`<span class="tile-off"><${Icon} name="mic-off" />${t(person.silenced.includes("voice") ? "room.silenced" : "room.microphone_off")}</span>`}
    ${off.includes("face") && html`<span class="tile-off"><${Icon} name="video-off" />${t("room.camera_off")}</span>`}`;
}

/** @param {{ person: any, stream: MediaStream | null, main: boolean, speaks: boolean, quality: any, onMain: () => void, onBlocked: () => void, blocked: boolean }} props */
export function PersonTile({ person, stream, main, speaks, quality, onMain, onBlocked, blocked }) {
  const here = person.state === "connected" || person.state === "reconnecting";
  const seen = here && stream && !person.muted.includes("face");
  return html`<li class=${`face-tile ${main ? "face-main" : ""} ${speaks ? "face-speaks" : ""}`} data-testid="person-tile" data-seat=${person.seat} data-state=${person.state}>
    <${Video} stream=${stream} testid="remote-video" label=${nameOf(person)} onBlocked=${onBlocked} blocked=${blocked} />
    ${!seen && html`<div class="face-none"><span class="avatar" aria-hidden="true">${nameOf(person).slice(0, 1)}</span><${PersonState} person=${person} /></div>`}
    ${seen && person.state === "reconnecting" && html`<div class="face-note"><${PersonState} person=${person} /></div>`}
    <div class="face-label"><strong>${nameOf(person)}</strong> <span class="face-about">${about(person)}</span>
      <${Speaks} speaks=${speaks} /><${Missing} person=${person} />${quality && quality.word !== "good" && html`<span class="tile-off"><${Icon} name="signal-low" />${t(`room.quality_${quality.word}`)}</span>`}</div>
    ${!main && html`<button type="button" class="face-enlarge" onClick=${onMain}><${Icon} name="eye" /><span>${t("room.enlarge")}</span><span class="visually-hidden"> ${nameOf(person)}</span></button>`}
  </li>`;
}

/** @param {{ stream: MediaStream | null, muted: { voice: boolean, face: boolean }, alone: boolean, voice?: RTCRtpSender | null, heard?: boolean }} props */
export function SelfTile({ stream, muted, alone, voice = null, heard = false }) {
  return html`<li class=${`face-tile face-self ${alone ? "face-main" : ""}`}>
    <${Video} stream=${stream} muted mirrored testid="self-video" label=${t("room.you")} />
    ${(!stream || muted.face) && html`<div class="face-none"><${Icon} name="video-off" /><span>${t("room.camera_off")}</span></div>`}
    <div class="face-label"><strong>${t("room.you")}</strong>${voice && !muted.voice && html`<${OwnVoice} sender=${voice} stream=${stream} heard=${heard} />`}${muted.voice && html`<span class="tile-off"><${Icon} name="mic-off" />${t("room.microphone_off")}</span>`}</div>
  </li>`;
}
