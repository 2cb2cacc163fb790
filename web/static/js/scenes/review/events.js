// @ts-check
// What happened when; a press goes to that moment of the film.
import { html } from "../../html.js";
import { has, t } from "../../i18n.js";
import { clock, exactTime, spokenTime } from "../../time.js";
import { Icon } from "../../ui.js";

/** @type {Record<string, string>} */
const ICONS = { opened: "door-open", live: "play", ended: "square", joined: "log-in", returned: "log-in", left: "log-out", admitted: "user-check", refused: "user-x", removed: "user-x", invited: "link",
  waiting: "hourglass", reconnecting: "refresh-cw", away: "wifi-off", muted: "mic-off", unmuted: "mic", silenced: "mic-off", unsilenced: "mic", named: "pencil", page_shown: "file-text", showing_ended: "x", worker_replaced: "refresh-cw",
  media_connected: "video", media_reconnecting: "refresh-cw", media_gone: "video-off", media_refused: "triangle-alert", recording_recording: "circle-dot", recording_stopped: "square", recording_failed: "triangle-alert" };

// Events with a sentence of their own for this source; the others are about the voice, or a document.
/** @type {Record<string, string>} */
const SOURCES = { muted: "face", unmuted: "face", silenced: "face", unsilenced: "face", page_shown: "screen", showing_ended: "screen" };

/** @param {any} event @param {any[]} people */
export function sentenceOf(event, people) {
  const person = people.find((one) => one.seat === event.seat);
  const name = person ? person.name || t(`names.role_${person.role}`) : "";
  const key = `sessions.event_${event.kind}${SOURCES[event.kind] && event.data.source === SOURCES[event.kind] ? `_${event.data.source}` : ""}`;
  return has(key) ? t(key, { name }) : `${name} ${event.kind}`;
}

/** @param {{ events: any[], people: any[], start: number, at_s: number, canJump: boolean, onJump: (to_s: number) => void }} props */
export function Events({ events, people, start, at_s, canJump, onJump }) {
  const current = events.findLastIndex((event) => event.at - start <= at_s + 0.3);
  return html`<section class="review-events card card-flat" aria-labelledby="events"><h2 id="events">${t("sessions.events")}</h2>
    <ol class="plain">${events.map((event, index) => html`<li key=${index} class=${canJump && index === current ? "review-now" : ""}>
      ${canJump ? html`<button type="button" class="review-event" data-testid="session-event" data-kind=${event.kind} onClick=${() => onJump(event.at - start)}><${Moment} event=${event} start=${start} people=${people} /></button>`
        : html`<span class="review-event" data-testid="session-event" data-kind=${event.kind}><${Moment} event=${event} start=${start} people=${people} /></span>`}</li>`)}</ol></section>`;
}

/** @param {{ event: any, start: number, people: any[] }} props */
const Moment = ({ event, start, people }) => html`<time class="figures muted" datetime=${exactTime(event.at)} title=${spokenTime(event.at)}>${event.at < start ? spokenTime(event.at) : clock(event.at - start)}</time>
  <span><${Icon} name=${ICONS[event.kind] ?? "circle"} /> ${sentenceOf(event, people)}</span>`;
