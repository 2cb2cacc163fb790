// @ts-check
// /hall/appointment/{token}: see, move, cancel; when its time is near, the way into the line and the room.
import { get, post, remove } from "../../api.js";
import { html, render, useEffect, useState } from "../../html.js";
import { loadWords, t } from "../../i18n.js";
import { say } from "../../live.js";
import { exactTime, spokenDateTime, spokenTime } from "../../time.js";
import { Banner, Confirm, Dialog, Icon, State, useNow } from "../../ui.js";
import { OwnLink } from "./link.js";
import { SlotPicker } from "./slots.js";

const place = /** @type {HTMLElement} */ (document.getElementById("appointment"));
const { slug = "", link = "", qr = "" } = place.dataset;
const token = location.pathname.split("/")[3] ?? "";
const API = `/api/appointments/${token}`;
const LOOK_EVERY_MS = 20_000;
const NEAR_S = 600; // an appointment becomes a ticket ten minutes before its time

/** @type {Record<string, [string, string]>} */
const LOOKS = { booked: ["info", "calendar-days"], confirmed: ["good", "circle-check"], ticketed: ["good", "ticket"], cancelled: ["quiet", "x"] };

/** @param {{ booking: any, onMoved: (booking: any) => void, onClose: () => void }} props */
function Move({ booking, onMoved, onClose }) {
  const [slot, setSlot] = useState(/** @type {any} */ (null));
  const [wrong, setWrong] = useState("");
  const [turn, setTurn] = useState(0);
  const move = async () => {
    if (!slot) return;
    try { onMoved(await post(`${API}/move`, { starts_at: slot.starts_at, professional: slot.professional })); } catch (error) {
      setWrong(/** @type {Error} */ (error).message);
      setSlot(null);
      setTurn(turn + 1);
    }
  };
  return html`<${Dialog} title=${t("hall.move_title")} onClose=${onClose} testid="move-dialog">
    <p>${t("hall.move_says", { time: spokenDateTime(booking.starts_at) })}</p>
    ${wrong && html`<div role="alert"><${Banner} kind="wait" icon="triangle-alert"><p>${wrong}</p><//></div>`}
    <${SlotPicker} key=${turn} slug=${slug} service=${booking.service} room=${booking.room ? { space: booking.space, endpoint: booking.endpoint, name: booking.room } : null} chosen=${slot} onChoose=${setSlot} />
    <div class="dialog-buttons"><button type="button" class="button button-quiet" onClick=${onClose}>${t("hall.keep_time")}</button>
      <button type="button" class="button" data-testid="confirm-move" aria-disabled=${!slot} onClick=${move}><${Icon} name="check" />${slot ? t("hall.move_to", { time: spokenDateTime(slot.starts_at) }) : t("hall.choose_time")}</button></div><//>`;
}

/** What happens next, in one sentence. @param {{ booking: any, now_s: number }} props */
function Next({ booking, now_s }) {
  const ticket = `/hall/ticket/${token}`;
  if (booking.state === "cancelled") return html`<${Banner} kind="info" icon="info"><p>${t("hall.cancelled_says")}</p><p><a class="button" href=${`/hall/${slug}/booking?service=${booking.service}`}>${t("hall.book_again")}</a></p><//>`;
  if (booking.state === "ticketed") return html`<${Banner} kind="good" icon="door-open"><p>${t("hall.go_in_says")}</p><p><a class="button button-big" href=${ticket} data-testid="go-in"><${Icon} name="log-in" />${t("hall.go_in")}</a></p><//>`;
  const opens = booking.starts_at - NEAR_S;
  if (now_s >= opens) return html`<${Banner} kind="wait" icon="hourglass"><p>${t("hall.opens_now")}</p><//>`;
  return html`<${Banner} kind="info" icon="info"><p>${t(booking.room ? "hall.next_room" : "hall.next_home", { time: spokenTime(opens), room: booking.room })}</p><//>`;
}

function Appointment() {
  const [booking, setBooking] = useState(/** @type {any} */ (null));
  const [wrong, setWrong] = useState("");
  const [asking, setAsking] = useState("");
  const now_s = useNow();
  const made = new URLSearchParams(location.search).has("made");
  useEffect(() => {
    const look = () => get(API).then((reply) => { setBooking(reply); setWrong(""); }, (error) => setWrong(error.message));
    look();
    const timer = setInterval(look, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const cancel = async () => {
    setAsking("");
    try { setBooking(await remove(API)); say(t("hall.cancelled")); } catch (error) { say(/** @type {Error} */ (error).message); }
  };
  if (!booking) return html`<h1>${t("hall.appointment_title")}</h1>${wrong ? html`<${Banner} kind="bad" icon="triangle-alert"><p>${wrong}</p><//>` : html`<p role="status">${t("common.loading")}</p>`}`;
  const open = ["booked", "confirmed"].includes(booking.state);
  const [kind, icon] = LOOKS[booking.state] ?? ["quiet", "info"];
  return html`
    <h1>${t(made && open ? "hall.made_title" : "hall.appointment_title")}</h1>
    ${wrong && html`<div role="status"><${Banner} kind="wait" icon="refresh-cw" spin><p>${t("common.reconnecting")}</p><//></div>`}
    <section class="card" aria-live="polite" data-testid="appointment" data-state=${booking.state}>
      <p class="type-lead"><time datetime=${exactTime(booking.starts_at)} data-testid="appointment-time">${spokenDateTime(booking.starts_at)}</time></p>
      <p><${State} kind=${kind} icon=${icon} testid="appointment-state">${t(`hall.booking_${booking.state}`)}<//></p>
      <dl class="facts"><dt>${t("hall.what")}</dt><dd>${t(`names.service_${booking.service}`)}</dd><dt>${t("hall.with")}</dt><dd>${booking.professional_name}</dd>
        <dt>${t("hall.where")}</dt><dd>${booking.room ? `${booking.site_name} · ${booking.room}` : t("hall.at_home")}</dd><dt>${t("hall.for_whom")}</dt><dd>${booking.citizen_name}</dd></dl>
    </section>
    <${Next} booking=${booking} now_s=${now_s} />
    ${open && html`<section class="card"><h2 class="type-sub">${t("hall.bring")}</h2><ul>${t(`kiosk.ready_${booking.service}`).split("|").map((line) => html`<li key=${line}>${line}</li>`)}</ul></section>
    <div class="row visit-actions"><a class="button button-quiet" href=${`${API}/entry.ics`} download data-testid="calendar-entry"><${Icon} name="calendar-plus" />${t("hall.to_calendar")}</a>
      <button type="button" class="button button-quiet" data-testid="move-appointment" onClick=${() => setAsking("move")}><${Icon} name="clock" />${t("hall.move")}</button>
      <button type="button" class="button button-danger-quiet" data-testid="cancel-appointment" onClick=${() => setAsking("cancel")}><${Icon} name="x" />${t("hall.cancel")}</button></div>`}
    <${OwnLink} link=${link} qr=${qr} />
    ${asking === "move" && html`<${Move} booking=${booking} onMoved=${(/** @type {any} */ moved) => { setBooking(moved); setAsking(""); say(t("hall.moved")); }} onClose=${() => setAsking("")} />`}
    ${asking === "cancel" && html`<${Confirm} title=${t("hall.cancel_title")} says=${t("hall.cancel_says", { time: spokenDateTime(booking.starts_at) })} yes=${t("hall.cancel_yes")} icon="x" danger
      testid="confirm-cancel" onYes=${cancel} onClose=${() => setAsking("")} />`}`;
}

await loadWords();
render(html`<${Appointment} />`, place);
