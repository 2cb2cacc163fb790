// @ts-check
// The right of the desk: who presses for help, who waits too long, what runs at one's sites and what goes wrong there; one's duty and colleagues.
import { ApiError, ask, get, post } from "../../api.js";
import { listen } from "../../events.js";
import { html, useEffect, useRef, useState } from "../../html.js";
import { lang, t } from "../../i18n.js";
import { say } from "../../live.js";
import { chime } from "../../speech.js";
import { exactTime, spokenDateTime, spokenPast, spokenTime } from "../../time.js";
import { Empty, Icon, State, useNow } from "../../ui.js";
import { notify } from "./alerts.js";

export const STATUS_KEY = "F9";
const BOOKED_DAYS = 2;
/** @type {Record<string, [string, string]>} */
const LOOKS = { available: ["good", "circle-check"], in_room: ["info", "video"], away: ["quiet", "clock"] };

/** @returns {any} the stream of the day around the line */
export function useWatch() {
  const [watch, setWatch] = useState(/** @type {any} */ (null));
  useEffect(() => listen({ url: "/api/desk/watch/events", event: "watch", probe: "/api/desk/watch", onData: setWatch, onState: () => {}, onRefused: () => {} }), [lang()]);
  const known = useRef(/** @type {Set<string> | null} */ (null));
  useEffect(() => {
    if (!watch) return;
    const now = [...watch.help.map((/** @type {any} */ one) => `help ${one.id}`), ...watch.rooms.flatMap((/** @type {any} */ room) => room.alerts.map((/** @type {any} */ one) => `${room.id} ${one.kind} ${one.seat}`))];
    const came = known.current && now.filter((one) => !known.current?.has(one));
    known.current = new Set(now);
    if (came?.length) { chime(); notify(t("desk.alert_came"), ""); }
  }, [watch]);
  return watch;
}

const doing = (/** @type {Promise<unknown>} */ act) => act.catch((error) => say(/** @type {ApiError} */ (error).message));

/** @param {{ watch: any }} props */
export function Status({ watch }) {
  const status = watch?.status ?? "available";
  const turn = () => { if (status !== "in_room") doing(ask("PUT", "/api/desk/status", { status: status === "away" ? "available" : "away" })); };
  useEffect(() => {
    const pressed = (/** @type {KeyboardEvent} */ event) => { if (event.key === STATUS_KEY && !document.querySelector("dialog[open]")) { event.preventDefault(); turn(); } };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [status]);
  const [kind, icon] = LOOKS[status] ?? ["quiet", "circle"];
  return html`<span class="row"><${State} kind=${kind} icon=${icon} testid="own-status" data-state=${status}>${t(`desk.status_${status}`)}<//>
    ${status !== "in_room" && html`<button type="button" class="button button-quiet" data-testid="switch-status" aria-keyshortcuts=${STATUS_KEY} onClick=${turn}>${t(status === "away" ? "desk.come_back" : "desk.go_away")} <kbd>${STATUS_KEY}</kbd></button>`}</span>`;
}

/** @param {{ alerts: any[], watch: any }} props */
export function Calls({ alerts, watch }) {
  const now_s = useNow();
  const help = watch?.help ?? [];
  if (!help.length && !alerts.length) return null;
  return html`<section class="card desk-calls" aria-labelledby="calls"><h2 id="calls">${t("desk.calls")}</h2><ul class="lines">
    ${help.map((/** @type {any} */ one) => html`<li key=${`help-${one.id}`} data-testid="help-call"><${State} kind="bad" icon="hand-helping">${t(`desk.help_${one.kind}`)}<//>
      <br />${[one.number, one.site_name, one.endpoint_name].filter(Boolean).join(" · ")} <span class="muted">${t("desk.waited", { time: spokenPast(now_s - one.raised_at) })}</span>
      <br /><button type="button" class="button button-quiet" data-testid="take-help" onClick=${() => doing(post(`/api/desk/help/${one.id}/take`))}><${Icon} name="user-check" />${t("desk.take_help")}</button></li>`)}
    ${alerts.map((one) => html`<li key=${`wait-${one.id}`} data-testid="wait-alert"><${State} kind="wait" icon="hourglass">${t("desk.alert_long_wait")}<//>
      <br />${one.number} <span class="muted">${t("desk.waited", { time: spokenPast(now_s - one.waiting_since) })}</span>
      <br /><button type="button" class="button button-quiet" data-testid="take-alert" onClick=${() => doing(post(`/api/desk/alerts/${one.id}/take`))}><${Icon} name="user-check" />${t("desk.take_alert")}</button></li>`)}</ul></section>`;
}

/** Kiosks and screens that do not report any more: seen here before somebody stands in front of one. @param {{ watch: any }} props */
export function Silent({ watch }) {
  const silent = watch?.silent ?? [];
  if (!silent.length) return null;
  return html`<section class="card" aria-labelledby="silent"><h2 id="silent">${t("desk.silent")}</h2><ul class="lines">${silent.map((/** @type {any} */ one) => html`<li key=${one.id} data-testid="silent-device">
    <${State} kind="wait" icon="wifi-off">${one.name}<//> ${t(`names.endpoint_${one.kind}`)} · ${one.site_name}
    <br /><span class="muted type-small">${t("desk.silent_since", { time: spokenDateTime(one.since) })}</span></li>`)}</ul><p class="muted type-small">${t("desk.silent_do")}</p></section>`;
}

/** @param {{ room: any, alert: any }} props */
const RoomAlert = ({ room, alert }) => html`<li class="desk-alert" data-testid="room-alert" data-kind=${alert.kind}>
  <${State} kind=${alert.taken_by ? "quiet" : "bad"} icon="triangle-alert">${t(`desk.alert_${alert.kind}`)}<//> ${alert.seat ? alert.who || t(`names.role_${alert.role}`) : ""}
  ${alert.taken_by ? html` <span class="muted">${t("desk.taken_by", { name: alert.taken_by })}</span>`
    : html` <button type="button" class="button button-plain desk-small" data-testid="take-over" onClick=${() => doing(post("/api/desk/watch/take", { session: room.id, kind: alert.kind, seat: alert.seat }))}><${Icon} name="user-check" />${t("desk.take_over")}<span class="visually-hidden"> ${room.number} ${t(`desk.alert_${alert.kind}`)}</span></button>`}</li>`;

/** @param {{ watch: any }} props */
export function Rooms({ watch }) {
  const now_s = useNow();
  const rooms = watch?.rooms ?? [];
  return html`<section class="card desk-rooms" aria-labelledby="rooms"><div class="card-head"><h2 id="rooms">${t("desk.rooms")}</h2><span class="badge">${rooms.length}</span></div>
    ${rooms.length === 0 ? html`<p class="muted">${t("desk.no_rooms")}</p>` : html`<ul class="lines">${rooms.map((/** @type {any} */ room) => html`<li key=${room.id} data-testid="running-room" data-session=${room.id}>
      <strong>${room.number}</strong> ${t(`names.service_${room.procedure}`)} · ${room.led_by}${room.is_mine && html` <a href=${`/room/${room.id}`}>${t("desk.open_room")}</a>`}
      <br /><span class="muted type-small">${room.site_name} · ${t(`names.session_${room.state}`)} · ${t("desk.runs_for", { time: spokenPast(Math.max(0, now_s - room.opened_at)) })}</span>
      <ul class="plain">${room.alerts.map((/** @type {any} */ alert) => html`<${RoomAlert} key=${`${alert.kind}${alert.seat}`} room=${room} alert=${alert} />`)}</ul></li>`)}</ul>`}</section>`;
}

/** One's shifts, one's appointments, and who else is there. @param {{ watch: any }} props */
export function Day({ watch }) {
  const [booked, setBooked] = useState(/** @type {any[]} */ ([]));
  useEffect(() => { get(`/api/bookings?since=${Math.floor(Date.now() / 1000) - 3600}&days=${BOOKED_DAYS}`).then((reply) => setBooked(reply.bookings), () => {}); }, [lang(), watch?.rooms.length]);
  const duty = watch?.duty ?? [];
  const colleagues = watch?.colleagues ?? [];
  return html`<section class="card desk-day" aria-labelledby="day"><h2 id="day">${t("desk.day")}</h2>
    <h3>${t("desk.duty")}</h3>
    ${duty.length === 0 ? html`<p class="muted">${t("desk.no_duty")}</p>` : html`<ul class="lines" data-testid="own-duty">${duty.map((/** @type {any} */ one) => html`<li key=${one.starts}><time datetime=${exactTime(one.starts)}>${spokenDateTime(one.starts)}</time> – ${spokenTime(one.ends)} · ${t(`names.service_${one.service}`)} · ${one.site_name}</li>`)}</ul>`}
    <h3>${t("desk.appointments")}</h3>
    ${booked.length === 0 ? html`<${Empty} icon="calendar-days">${t("desk.no_appointments")}<//>` : html`<ul class="lines" data-testid="own-appointments">${booked.map((one) => html`<li key=${one.id} data-state=${one.state}>
      <time datetime=${exactTime(one.starts_at)}>${spokenDateTime(one.starts_at)}</time> <strong>${one.citizen_name}</strong> · ${t(`names.service_${one.service}`)} · ${one.site_name} · ${t(`desk.booking_${one.state}`)}
      ${one.state === "booked" && html` <button type="button" class="button button-plain desk-small" data-testid="confirm-appointment" onClick=${() => doing(post(`/api/bookings/${one.id}/confirm`).then((next) => setBooked((before) => before.map((old) => (old.id === next.id ? next : old)))))}><${Icon} name="check" />${t("desk.confirm_appointment")}</button>`}</li>`)}</ul>`}
    <h3>${t("desk.colleagues")}</h3>
    <ul class="plain desk-colleagues">${colleagues.map((/** @type {any} */ one) => html`<li key=${one.id}>${one.name} <${State} kind=${LOOKS[one.status]?.[0] ?? "quiet"} icon=${LOOKS[one.status]?.[1] ?? "circle"}>${t(`desk.status_${one.status}`)}<//></li>`)}</ul></section>`;
}
