// @ts-check
// Lectures at a kiosk: what takes place at this site soon, and what this village room can listen to now.
import { ApiError, post } from "../../api.js";
import { html, useEffect, useRef, useState } from "../../html.js";
import { t } from "../../i18n.js";
import { say } from "../../live.js";
import { speak } from "../../speech.js";
import { exactTime, spokenDateTime, spokenTime } from "../../time.js";
import { Icon, State } from "../../ui.js";

/** @typedef {{ id: string, title: string, where: string, starts_at: number, ends_at: number, is_open: boolean }} Lecture */

/** One quiet line above the cards: the lecture that can be heard now, else the next one. @param {{ lectures: Lecture[], onOpen: () => void }} props */
export function LectureLine({ lectures, onOpen }) {
  const [next] = lectures;
  if (!next) return null;
  const words = next.is_open ? t("kiosk.lecture_now", { title: next.title }) : t("kiosk.lecture_next", { title: next.title, time: spokenDateTime(next.starts_at) });
  return html`<button type="button" class="kiosk-lecture" data-testid="choose-lecture" data-open=${next.is_open} onClick=${() => { speak(words); onOpen(); }}>
    <${Icon} name=${next.is_open ? "monitor" : "megaphone"} /><span class="grow"><strong>${words}</strong><span class="kiosk-card-what">${next.where}</span></span><${Icon} name="chevron-right" /></button>`;
}

/** @param {{ api: string, lectures: Lecture[], onListen: (token: string) => void, onBack: () => void }} props */
export function Lectures({ api, lectures, onListen, onBack }) {
  const title = useRef(/** @type {HTMLElement | null} */ (null));
  const [busy, setBusy] = useState(false);
  useEffect(() => title.current?.focus({ preventScroll: true }), []);
  const listen = async (/** @type {Lecture} */ lecture) => {
    if (busy) return;
    setBusy(true);
    try {
      const room = await post(`${api}/lectures/${lecture.id}`);
      onListen(new URL(room.url, location.href).pathname.split("/")[2] ?? "");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      say(error.message);
      speak(error.message);
    }
    setBusy(false);
  };
  return html`<div class="kiosk-lectures">
    <h1 tabindex="-1" ref=${title}>${t("kiosk.lectures_title")}</h1>
    <p class="kiosk-lead">${t("kiosk.lectures_say")}</p>
    <ul class="plain stack">${lectures.map((one) => html`<li key=${one.id} class="card" data-testid="kiosk-lecture" data-open=${one.is_open}><h2>${one.title}</h2>
      <p><time datetime=${exactTime(one.starts_at)}>${spokenDateTime(one.starts_at)}</time> – ${spokenTime(one.ends_at)} · ${one.where}</p>
      ${one.is_open ? html`<button type="button" class="button button-big button-wide" data-testid="attend-lecture" aria-disabled=${busy} onClick=${() => listen(one)}><${Icon} name="monitor" />${t("kiosk.lecture_listen")}</button>
        <p class="muted kiosk-lecture-note">${t("kiosk.lecture_seen")}</p>`
        : html`<p><${State} kind="info" icon="clock">${t("kiosk.lecture_later")}<//></p>`}</li>`)}</ul>
    <p><button type="button" class="button button-big button-quiet" data-testid="back-to-menu" onClick=${onBack}><${Icon} name="arrow-left" />${t("kiosk.back_to_menu")}</button></p>
  </div>`;
}
