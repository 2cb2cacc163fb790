// @ts-check
// Waiting: the number huge, how many are before, an honest time, what to have ready. And being called.
import { html, useEffect, useRef } from "../../html.js";
import { t } from "../../i18n.js";
import { spokenTime, spokenWait } from "../../time.js";
import { Icon, Reconnecting } from "../../ui.js";
import { OnDuty } from "./menu.js";

/** @typedef {{ id: string, number: string, service: string, state: string, people_ahead: number, estimated_wait_s: number | null, taken_at: number, room: { token: string } | null }} Ticket */

/** @param {Ticket} ticket */
export function aheadOf(ticket) {
  return ticket.people_ahead === 0 ? t("kiosk.you_are_next") : t("kiosk.people_ahead", { count: ticket.people_ahead });
}

/** @param {{ ticket: Ticket, duty: { name: string, until: number }[], lost_ms: number | null, onLeave: () => void }} props */
export function TicketScreen({ ticket, duty, lost_ms, onLeave }) {
  const title = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => title.current?.focus({ preventScroll: true }), []);
  return html`<div class="kiosk-ticket">
    ${lost_ms !== null && html`<${Reconnecting} since_ms=${lost_ms} says=${t("kiosk.reconnecting")} />`}
    <section class="ticket-paper">
      <h1 tabindex="-1" ref=${title}>${t("kiosk.your_number")}</h1>
      <p class="ticket-number figures" data-testid="ticket-number">${ticket.number}</p>
      <p class="muted">${t(`names.service_${ticket.service}`)} · ${t("kiosk.taken_at", { time: spokenTime(ticket.taken_at) })}</p>
    </section>
    <section class="ticket-facts" aria-live="polite">
      <p class="ticket-fact" data-testid="people-ahead" data-count=${ticket.people_ahead}><${Icon} name="users" /> ${aheadOf(ticket)}</p>
      <p class="ticket-fact" data-testid="estimated-wait"><${Icon} name="clock" /> ${ticket.estimated_wait_s === null ? t("kiosk.wait_unknown") : t("kiosk.wait_about", { time: spokenWait(ticket.estimated_wait_s) })}</p>
      <${OnDuty} people=${duty} />
    </section>
    <section class="ticket-ready"><h2>${t("kiosk.ready_title")}</h2>
      <ul>${t(`kiosk.ready_${ticket.service}`).split("|").map((line) => html`<li key=${line}>${line}</li>`)}</ul>
      <p><${Icon} name="bell" /> ${t("kiosk.will_call")}</p></section>
    <p class="ticket-leave"><button type="button" class="button button-quiet" data-testid="leave-queue" onClick=${onLeave}><${Icon} name="x" />${t("kiosk.leave_queue")}</button></p>
  </div>`;
}

/** Full-screen colour for a moment; what is below can already be used. @param {{ ticket: Ticket }} props */
export const Called = ({ ticket }) => html`<div class="kiosk-called" role="alert" data-testid="called">
  <${Icon} name="bell-ring" /><p class="ticket-number figures">${ticket.number}</p><p>${t("kiosk.called")}</p><p class="kiosk-called-says">${t("kiosk.called_says")}</p></div>`;
