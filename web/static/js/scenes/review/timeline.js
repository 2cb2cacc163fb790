// @ts-check
// The whole film in one line: where one is, what happened, and where something is missing.
import { html } from "../../html.js";
import { has, t } from "../../i18n.js";
import { clock } from "../../time.js";

// What an act hangs on; other events are thin lines.
const MARKS = ["opened", "live", "ended", "admitted", "removed", "consent", "identity_checked", "page_shown", "signed", "reconnecting", "away", "worker_replaced", "recording_stopped", "recording_failed"];
export const STEP_S = 5, LONG_STEP_S = 30;

/** Whether a hidden part is one of this film. @param {any} part @param {any} film */
const isOf = (part, film) => film.kind === "composed" || ((part.seat === null || part.seat === film.seat) && (part.source === null || part.source === "voice" || part.source === film.source));

/** Where nothing can be seen, in seconds: interruptions of the recording, hidden parts, and gaps of this film. @param {any} film @param {any} recording @returns {{ from_s: number, to_s: number, cause: string, why: string }[]} */
export const gapsOf = (film, recording) => [...(recording.interruptions ?? []), ...(recording.hidden ?? []).filter((/** @type {any} */ part) => isOf(part, film)), ...film.gaps]
  .map((/** @type {any} */ gap) => ({ from_s: Math.max(0, gap.from_us / 1e6), to_s: Math.min(film.duration_s, gap.to_us / 1e6), cause: gap.cause, why: gap.why ?? "" })).filter((gap) => gap.from_s < gap.to_s).sort((a, b) => a.from_s - b.from_s);

/** Why something is missing. @param {{ cause: string, why: string }} gap */
export const causeOf = ({ cause, why }) => (has(`sessions.gap_${cause}`) ? t(`sessions.gap_${cause}`, { why }) : t("sessions.gap_stopped"));

/** The second after #t= in the address, null without one. @param {string} hash */
export function secondOf(hash) {
  const found = /[#&]t=(\d+(?:\.\d+)?)/.exec(hash);
  return found ? Number(found[1]) : null;
}

/** @param {number} at_s @param {number} length_s */
const share = (at_s, length_s) => `${Math.min(100, Math.max(0, (at_s / length_s) * 100)).toFixed(3)}%`;

/** @param {{ length_s: number, at_s: number, gaps: ReturnType<typeof gapsOf>, events: { at_s: number, kind: string, says: string }[], onJump: (to_s: number) => void }} props */
export function Timeline({ length_s, at_s, gaps, events, onJump }) {
  if (!(length_s > 0)) return null;
  const now = [...events].reverse().find((event) => event.at_s <= at_s + 0.3);
  const press = (/** @type {any} */ event) => {
    const box = event.currentTarget.getBoundingClientRect();
    onJump(((event.clientX - box.left) / box.width) * length_s);
  };
  const drag = (/** @type {any} */ event) => { if (event.buttons & 1) press(event); };
  return html`<div class="timeline"><div class="timeline-bar" role="slider" tabindex="0" data-testid="timeline" aria-label=${t("sessions.timeline")} aria-valuemin="0" aria-valuemax=${Math.round(length_s)} aria-valuenow=${Math.round(at_s)}
      aria-valuetext=${now ? t("sessions.timeline_at", { time: clock(at_s), length: clock(length_s), event: now.says }) : t("sessions.timeline_plain", { time: clock(at_s), length: clock(length_s) })} onPointerDown=${press} onPointerMove=${drag}>
      ${gaps.map((gap) => html`<span key=${`${gap.from_s} ${gap.cause} ${gap.why}`} class=${gap.cause === "hidden" ? "timeline-gap timeline-hidden" : "timeline-gap"} data-testid="timeline-gap" data-cause=${gap.cause} title=${`${clock(gap.from_s)}-${clock(gap.to_s)} ${causeOf(gap)}`} style=${{ insetInlineStart: share(gap.from_s, length_s), width: share(gap.to_s - gap.from_s, length_s) }}></span>`)}
      <span class="timeline-done" style=${{ width: share(at_s, length_s) }}></span>
      ${events.filter((event) => event.at_s >= 0 && event.at_s <= length_s).map((event, n) => html`<span key=${n} class=${MARKS.includes(event.kind) ? "timeline-mark timeline-main" : "timeline-mark"} title=${`${clock(event.at_s)} ${event.says}`} style=${{ insetInlineStart: share(event.at_s, length_s) }}></span>`)}
      <span class="timeline-here" style=${{ insetInlineStart: share(at_s, length_s) }}></span></div>
    <div class="row row-apart type-small"><span class="figures" data-testid="film-clock">${clock(at_s)} / ${clock(length_s)}</span><span class="muted timeline-keys">${t("sessions.keys")}</span></div></div>`;
}

/** Every stretch that is missing, with its cause; a press goes to its edge. @param {{ gaps: ReturnType<typeof gapsOf>, onJump: (to_s: number) => void }} props */
export const Gaps = ({ gaps, onJump }) => gaps.length > 0 && html`<details class="review-gaps"><summary>${t("sessions.gaps", { count: gaps.length })}</summary>
  <ul class="plain">${gaps.map((gap) => html`<li key=${`${gap.from_s} ${gap.cause} ${gap.why}`}><button type="button" class="review-event" data-testid="session-gap" data-cause=${gap.cause} onClick=${() => onJump(Math.max(0, gap.from_s - 2))}><span class="figures muted">${clock(gap.from_s)}-${clock(gap.to_s)}</span><span>${causeOf(gap)}</span></button></li>`)}</ul></details>`;

/** What a key does to the player; true when it was one of ours. @param {KeyboardEvent} event @param {HTMLVideoElement} video @param {{ length_s: number, events: { at_s: number }[], jump: (to_s: number) => void, faster: (steps: number) => void }} film */
export function pressKey(event, video, { length_s, events, jump, faster }) {
  const { key } = event, at_s = video.currentTime, step = event.shiftKey ? LONG_STEP_S : STEP_S;
  if (key === " " || key === "k") { if (video.paused) video.play().catch(() => {}); else video.pause(); }
  else if (key === "ArrowLeft") jump(at_s - step);
  else if (key === "ArrowRight") jump(at_s + step);
  else if (key === "Home") jump(0);
  else if (key === "End") jump(length_s);
  else if (/^[0-9]$/.test(key)) jump((length_s * Number(key)) / 10);
  else if (key === "+" || key === ">") faster(1);
  else if (key === "-" || key === "<") faster(-1);
  else if (key === "n") { const next = events.find((one) => one.at_s > at_s + 0.5); if (next) jump(next.at_s); }
  else if (key === "p") { const before = events.findLast((one) => one.at_s < at_s - 1.5); if (before) jump(before.at_s); }
  else if (key === "c") for (const track of video.textTracks) track.mode = track.mode === "showing" ? "hidden" : "showing";
  else return false;
  return true;
}
