// @ts-check
// The player and the choice of films: composed, and each person alone.
import { get } from "../../api.js";
import { html, useEffect, useState } from "../../html.js";
import { lang, t } from "../../i18n.js";
import { clock, spokenDateTime } from "../../time.js";
import { Banner, Icon, State } from "../../ui.js";

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
  return many ? `${who} (${film.part})` : who;
}

const SPEEDS = [0.5, 1, 1.25, 1.5, 2];

/** Whose eyes these are, over the picture. @param {{ api: string }} props */
function ViewMark({ api }) {
  const [mark, setMark] = useState(/** @type {{ name: string, at: number } | null} */ (null));
  useEffect(() => { get(`${api}/view-mark`).then(setMark, () => {}); }, [api]);
  return mark && html`<p class="review-mark" data-testid="view-mark">${mark.name} ${spokenDateTime(mark.at)}</p>`;
}

/** @param {{ player: { current: HTMLVideoElement | null }, film: string }} props */
function Speed({ player, film }) {
  const [speed, setSpeed] = useState(1);
  useEffect(() => { if (player.current) player.current.playbackRate = speed; }, [speed, film]);
  return html`<label class="review-speed">${t("sessions.speed")} <select class="govuk-select" data-testid="speed" value=${speed} onChange=${(/** @type {any} */ event) => setSpeed(Number(event.currentTarget.value))}>
    ${SPEEDS.map((one) => html`<option key=${one} value=${one}>${one}×</option>`)}</select></label>`;
}

/** @param {{ recording: any, api: string, player: { current: HTMLVideoElement | null }, onTime: (at_s: number) => void }} props */
export function Films({ recording, api, player, onTime }) {
  const { films } = recording;
  const [chosen, setChosen] = useState("");
  const film = films.find((/** @type {any} */ one) => one.id === chosen) ?? films.find((/** @type {any} */ one) => one.kind === "composed") ?? films[0];
  return html`
    ${["waiting", "making"].includes(recording.state) && html`<${Making} recording=${recording} />`}
    ${recording.state === "recording" && html`<${Banner} kind="info" icon="circle-dot"><p>${t("sessions.still_recording")}</p><//>`}
    ${recording.state === "failed" && html`<${Banner} kind="bad" icon="triangle-alert"><p>${t("sessions.failed_says")}</p><//>`}
    ${film && html`<div class="review-stage"><video class="review-player" ref=${player} controls preload="metadata" playsinline src=${film.url} data-testid="player" data-film=${film.id} data-kind=${film.kind} aria-label=${titleOf(film, films)}
        onTimeUpdate=${(/** @type {any} */ event) => onTime(event.currentTarget.currentTime)}>
        <track kind="captions" src=${`${api}/captions.vtt?lang=${lang()}`} srclang=${lang()} label=${t("sessions.captions")} default /></video><${ViewMark} api=${api} /></div>
      <${Speed} player=${player} film=${film.id} />
      <ul class="review-films plain" aria-label=${t("sessions.films")}>${films.map((/** @type {any} */ one) => html`<li key=${one.id}>
        <button type="button" class="button button-quiet" aria-pressed=${one.id === film.id} data-testid=${one.kind === "composed" ? "play-composed" : "play-person"} data-seat=${one.seat} onClick=${() => setChosen(one.id)}>
          <${Icon} name=${one.kind === "composed" ? "users" : "user"} />${titleOf(one, films)} <span class="muted figures">${clock(one.duration_s)}</span></button></li>`)}</ul>
      ${film.gaps.length > 0 && html`<p class="muted"><${Icon} name="info" /> ${t("sessions.gaps", { count: film.gaps.length })}</p>`}`}`;
}
