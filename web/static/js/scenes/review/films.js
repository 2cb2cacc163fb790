// @ts-check
// The player and the choice of films: composed, and each person alone.
import { get } from "../../api.js";
import { html, useEffect, useState } from "../../html.js";
import { lang, t } from "../../i18n.js";
import { clock, spokenDateTime } from "../../time.js";
import { say } from "../../live.js";
import { Banner, Icon, State } from "../../ui.js";
import { Gaps, gapsOf, pressKey, secondOf, Timeline } from "./timeline.js";

/** @type {Record<string, [string, string]>} */
const LOOKS = { recording: ["bad", "circle-dot"], waiting: ["wait", "hourglass"], making: ["wait", "refresh-cw"], ready: ["good", "circle-check"], failed: ["bad", "triangle-alert"], destroyed: ["quiet", "trash-2"] };

/** @param {{ recording: any }} props */
export const RecordingState = ({ recording }) => html`<${State} kind=${LOOKS[recording.state]?.[0] ?? "quiet"} icon=${LOOKS[recording.state]?.[1] ?? "circle"} testid="recording-state" data-state=${recording.state}>${t(`sessions.recording_${recording.state}`)}<//>`;

/** How far the films are. @param {{ recording: any }} props */
const Making = ({ recording }) => html`<div role="status"><${Banner} kind="wait" icon="film"><p>${t("sessions.making_says")}</p>
  ${recording.progress !== null && html`<div class="meter" role="progressbar" aria-label=${t("sessions.progress")} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.round(recording.progress * 100)}><span style=${{ transform: `scaleX(${recording.progress})` }}></span></div>`}<//></div>`;

/** What a film is called. @param {any} film @param {any[]} films */
function titleOf(film, films) {
  const many = films.filter((one) => one.kind === film.kind && one.seat === film.seat && one.source === film.source).length > 1;
  const who = film.kind === "composed" ? t("sessions.composed") : film.title || (film.role ? t(`names.role_${film.role}`) : t("names.no_name"));
  const what = film.source === "document" || film.source === "screen" ? `${who} · ${t(`sessions.source_${film.source}`)}` : who;
  return many ? `${what} (${film.part})` : what;
}

const SPEEDS = [0.5, 1, 1.25, 1.5, 2];

/** Whose eyes these are, over the picture. @param {{ api: string }} props */
function ViewMark({ api }) {
  const [mark, setMark] = useState(/** @type {{ name: string, at: number } | null} */ (null));
  useEffect(() => { get(`${api}/view-mark`).then(setMark, () => {}); }, [api]);
  return mark && html`<p class="review-mark" data-testid="view-mark">${mark.name} ${spokenDateTime(mark.at)}</p>`;
}

/** @param {{ player: { current: HTMLVideoElement | null }, film: string, speed: number, setSpeed: (speed: number) => void }} props */
function Speed({ player, film, speed, setSpeed }) {
  useEffect(() => { if (player.current) player.current.playbackRate = speed; }, [speed, film]);
  return html`<label class="review-speed">${t("sessions.speed")} <select class="govuk-select" data-testid="speed" value=${speed} onChange=${(/** @type {any} */ event) => setSpeed(Number(event.currentTarget.value))}>
    ${SPEEDS.map((one) => html`<option key=${one} value=${one}>${one}×</option>`)}</select></label>`;
}

// A form field or a button has its own use for these keys.
const TAKEN = "input, select, textarea, dialog, [contenteditable]", PRESSED = "button, a, summary";

/** Keys work wherever one is on the page. @param {{ current: HTMLVideoElement | null }} player @param {Parameters<typeof pressKey>[2]} film */
function useKeys(player, film) {
  useEffect(() => {
    const onKey = (/** @type {KeyboardEvent} */ event) => {
      const at = /** @type {Element} */ (event.target);
      if (!player.current || event.ctrlKey || event.metaKey || event.altKey || at.closest(TAKEN) || (event.key === " " && at.closest(PRESSED))) return;
      if (pressKey(event, player.current, film)) event.preventDefault();
    };
    document.addEventListener("keydown", onKey, true);
    return () => document.removeEventListener("keydown", onKey, true);
  });
}

/** The address of this second, for a note or a colleague who may see it too. @param {{ at_s: number }} props */
function LinkHere({ at_s }) {
  const copy = () => {
    history.replaceState(null, "", `#t=${at_s.toFixed(1)}`);
    navigator.clipboard?.writeText(location.href).then(() => say(t("sessions.link_copied")), () => {});
  };
  return html`<button type="button" class="button button-quiet" data-testid="link-here" onClick=${copy}><${Icon} name="link" />${t("sessions.link_here", { time: clock(at_s) })}</button>`;
}

/** @param {{ recording: any, api: string, player: { current: HTMLVideoElement | null }, onHide: (() => void) | null, events: { at_s: number, kind: string, says: string }[], at_s: number, onTime: (at_s: number) => void, onJump: (to_s: number) => void }} props */
export function Films({ recording, api, player, onHide, events, at_s, onTime, onJump }) {
  const { films } = recording;
  const [speed, setSpeed] = useState(1);
  const [chosen, setChosen] = useState("");
  const film = films.find((/** @type {any} */ one) => one.id === chosen) ?? films.find((/** @type {any} */ one) => one.kind === "composed") ?? films[0];
  const length_s = film?.duration_s ?? 0, gaps = film ? gapsOf(film, recording) : [];
  const faster = (/** @type {number} */ steps) => setSpeed(SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, SPEEDS.indexOf(speed) + steps))]);
  useKeys(player, { length_s, events, jump: onJump, faster });
  // Another film goes on at the same second; the first one begins where the address says.
  const begin = (/** @type {any} */ event) => { event.currentTarget.currentTime = Math.min(length_s, at_s || (secondOf(location.hash) ?? 0)); event.currentTarget.playbackRate = speed; };
  return html`
    ${["waiting", "making"].includes(recording.state) && html`<${Making} recording=${recording} />`}
    ${recording.state === "recording" && html`<${Banner} kind="info" icon="circle-dot"><p>${t("sessions.still_recording")}</p><//>`}
    ${recording.state === "failed" && html`<${Banner} kind="bad" icon="triangle-alert"><p>${t("sessions.failed_says")}</p><//>`}
    ${film && html`<div class="review-stage"><video class="review-player" ref=${player} controls preload="metadata" playsinline src=${film.url} data-testid="player" data-film=${film.id} data-kind=${film.kind} aria-label=${titleOf(film, films)}
        onLoadedMetadata=${begin} onTimeUpdate=${(/** @type {any} */ event) => onTime(event.currentTarget.currentTime)} onSeeking=${(/** @type {any} */ event) => onTime(event.currentTarget.currentTime)}>
        <track kind="captions" src=${`${api}/captions.vtt?lang=${lang()}`} srclang=${lang()} label=${t("sessions.captions")} default /></video><${ViewMark} api=${api} /></div>
      <${Timeline} length_s=${length_s} at_s=${at_s} gaps=${gaps} events=${events} onJump=${onJump} />
      <div class="row review-tools"><${Speed} player=${player} film=${film.id} speed=${speed} setSpeed=${setSpeed} /><${LinkHere} at_s=${at_s} />
        ${onHide && html`<button type="button" class="button button-quiet" data-testid="hide-part" onClick=${onHide}><${Icon} name="video-off" />${t("sessions.hide")}</button>`}</div>
      <ul class="review-films plain" aria-label=${t("sessions.films")}>${films.map((/** @type {any} */ one) => html`<li key=${one.id}>
        <button type="button" class="button button-quiet" aria-pressed=${one.id === film.id} data-testid=${one.kind === "composed" ? "play-composed" : "play-person"} data-seat=${one.seat} onClick=${() => setChosen(one.id)}>
          <${Icon} name=${one.kind === "composed" ? "users" : "user"} />${titleOf(one, films)} <span class="muted figures">${clock(one.duration_s)}</span></button></li>`)}</ul>
      <${Gaps} gaps=${gaps} onJump=${onJump} />`}`;
}
