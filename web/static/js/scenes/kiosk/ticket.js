// @ts-check
// Waiting: the number huge, how many are before, an honest time, what to have ready, words from staff. And being called.
import { post } from "../../api.js";
import { html, useEffect, useRef } from "../../html.js";
import { t } from "../../i18n.js";
import { say } from "../../live.js";
import { chime, speak } from "../../speech.js";
import { spokenTime, spokenWait } from "../../time.js";
import { Banner, Icon, Reconnecting } from "../../ui.js";
import { OnDuty } from "./menu.js";
import { Portrait } from "./portrait.js";

/** @typedef {{ id: number, sender: string, text: string, code: string, at: number, by: string }} Message */
/**
 * @typedef {{ id: string, number: string, service: string, state: string, people_ahead: number, estimated_wait_s: number | null, taken_at: number,
 *             room: { token: string } | null, moved_to: string | null, messages: Message[] }} Ticket
 */

const ANSWERS = ["coming", "one_minute", "need_help"];

/** A 0 0 3 rather than A three. @param {string} number */
export const spell = (number) => Array.from(number).join(" ");

/** @param {Ticket} ticket */
export function aheadOf(ticket) {
  return ticket.people_ahead === 0 ? t("kiosk.you_are_next") : t("kiosk.people_ahead", { count: ticket.people_ahead });
}

/** The newest word of staff, read aloud, and three answers that need no typing. @param {{ api: string, messages: Message[] }} props */
function Words({ api, messages }) {
  const said = messages.filter((message) => message.sender === "staff").at(-1);
  const answer = said && messages.filter((message) => message.sender === "citizen" && message.id > said.id).at(-1);
  useEffect(() => { if (said) { chime(); speak(said.text); } }, [said?.id]);
  if (!said) return null;
  const send = (/** @type {string} */ code) => post(`${api}/answers`, { code }).catch((error) => say(error.message));
  return html`<section class="ticket-words" aria-live="polite" data-testid="words-of-staff"><${Banner} kind="info" icon="megaphone">
    <p><strong>${said.by}</strong> ${said.text}</p>
    ${answer ? html`<p><${Icon} name="check" /> ${t("kiosk.answered", { answer: t(`kiosk.answer_${answer.code}`) })}</p>`
      : html`<div class="row">${ANSWERS.map((code) => html`<button type="button" key=${code} class="button button-quiet" data-testid=${`answer-${code}`} onClick=${() => send(code)}>${t(`kiosk.answer_${code}`)}</button>`)}</div>`}<//></section>`;
}

/** @param {{ api: string, ticket: Ticket, duty: { name: string, until: number }[], lost_ms: number | null, stream: MediaStream | null, onLeave: () => void }} props */
export function TicketScreen({ api, ticket, duty, lost_ms, stream, onLeave }) {
  const title = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => title.current?.focus({ preventScroll: true }), []);
  const held = ticket.state === "held";
  return html`<div class="kiosk-ticket">
    ${lost_ms !== null && html`<${Reconnecting} since_ms=${lost_ms} says=${t("kiosk.reconnecting")} />`}
    <${Words} api=${api} messages=${ticket.messages ?? []} />
    <section class="ticket-paper">
      <h1 tabindex="-1" ref=${title}>${t("kiosk.your_number")}</h1>
      <p class="ticket-number figures" data-testid="ticket-number">${ticket.number}</p>
      <p class="muted">${t(`names.service_${ticket.service}`)} · ${t("kiosk.taken_at", { time: spokenTime(ticket.taken_at) })}</p>
    </section>
    <section class="ticket-facts" aria-live="polite" data-state=${ticket.state}>
      <p class="ticket-fact" data-testid="people-ahead" data-count=${ticket.people_ahead}><${Icon} name=${held ? "pause" : "users"} /> ${held ? t("kiosk.held") : aheadOf(ticket)}</p>
      <p class="ticket-fact" data-testid="estimated-wait"><${Icon} name="clock" /> ${ticket.estimated_wait_s === null ? t("kiosk.wait_unknown") : t("kiosk.wait_about", { time: spokenWait(ticket.estimated_wait_s) })}</p>
      ${ticket.moved_to && html`<p><${Icon} name="arrow-right-left" /> ${t("kiosk.moved_to", { site: ticket.moved_to })}</p>`}
      <${OnDuty} people=${duty} />
    </section>
    <section class="ticket-ready"><h2>${t("kiosk.ready_title")}</h2>
      <ul>${t(`kiosk.ready_${ticket.service}`).split("|").map((line) => html`<li key=${line}>${line}</li>`)}</ul>
      <p><${Icon} name="bell" /> ${t("kiosk.will_call")}</p></section>
    <${Portrait} key=${ticket.id} api=${api} ticket=${ticket} stream=${stream} />
    <p class="ticket-leave"><button type="button" class="button button-quiet" data-testid="leave-queue" onClick=${onLeave}><${Icon} name="x" />${t("kiosk.leave_queue")}</button></p>
  </div>`;
}

/** Full-screen colour for a moment; what is below can already be used. @param {{ ticket: Ticket }} props */
export const Called = ({ ticket }) => html`<div class="kiosk-called" role="alert" data-testid="called">
  <${Icon} name="bell-ring" /><p class="ticket-number figures">${ticket.number}</p><p>${t("kiosk.called")}</p><p class="kiosk-called-says">${t("kiosk.called_says")}</p></div>`;
