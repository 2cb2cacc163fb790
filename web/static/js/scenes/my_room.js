// @ts-check
// /my-room: the worker of a village room on a phone. Who presses for help, how the room's devices are, who has a number here, who comes today.
import { get, post } from "../api.js";
import { html, render, useEffect, useState } from "../html.js";
import { lang, loadWords, t } from "../i18n.js";
import { say } from "../live.js";
import { exactTime, spokenDateTime, spokenTime } from "../time.js";
import { Empty, Icon, State, useLanguage } from "../ui.js";
import { BesideMe } from "./desk/here.js";
import { TakeFor } from "./desk/take_for.js";
import { Calls, useWatch } from "./desk/watch.js";

const LOOK_MS = 15_000; // half as long as a device waits between two reports
const DAY_S = 86_400;
const CHINA_S = 8 * 3600;

/** @type {Record<string, [string, string]>} */
const LOOKS = { here: ["good", "wifi"], gone: ["bad", "wifi-off"], silent: ["quiet", "circle"] };

/** Asked again and again; the line of a phone comes and goes. @template T @param {string} path @param {(reply: any) => T} read @returns {T | null} */
function useLook(path, read) {
  const [seen, setSeen] = useState(/** @type {any} */ (null));
  useEffect(() => {
    const look = () => get(path).then((reply) => setSeen(read(reply)), () => {});
    look();
    const timer = setInterval(look, LOOK_MS);
    return () => clearInterval(timer);
  }, [path, lang()]);
  return seen;
}

/** @param {{ one: any }} props */
function Device({ one }) {
  const [asked, setAsked] = useState(false);
  const [kind, icon] = LOOKS[one.state] ?? ["quiet", "circle"];
  const begin = () => post(`/api/my-room/devices/${one.id}/begin-anew`).then(() => { setAsked(true); say(t("desk.room_begins", { name: one.name })); }, (error) => say(error.message));
  const waits = asked || one.reload_wanted;
  return html`<li data-testid="room-device" data-state=${one.state}><strong>${one.name}</strong> <span class="muted">${t(`names.endpoint_${one.kind}`)} · ${one.site_name}</span>
    <br /><${State} kind=${kind} icon=${icon}>${t(`admin.health_${one.state}`)}<//>${one.problems.map((/** @type {string} */ problem) => html` <${State} key=${problem} kind="wait" icon="triangle-alert">${t(`admin.lacks_${problem}`)}<//>`)}
    ${one.state !== "here" && one.reported_at && html`<br /><span class="muted type-small">${t("desk.silent_since", { time: spokenDateTime(one.reported_at) })}</span>`}
    ${one.state !== "here" && html`<br /><span class="type-small">${t("desk.room_look")}</span>`}
    <br /><button type="button" class="button button-quiet" data-testid="begin-anew" aria-disabled=${waits} onClick=${() => !waits && begin()}><${Icon} name="rotate-ccw" />${t(waits ? "desk.room_begin_waits" : "desk.room_begin")}<span class="visually-hidden"> ${one.name}</span></button></li>`;
}

/** @param {{ devices: any[] }} props */
const Devices = ({ devices }) => html`<section class="card" aria-labelledby="devices"><h2 id="devices">${t("desk.room_devices")}</h2>
  <ul class="lines">${devices.map((one) => html`<${Device} key=${one.id} one=${one} />`)}</ul><p class="muted type-small">${t("desk.room_devices_say")}</p></section>`;

/** @param {{ bookings: any[] }} props */
const Bookings = ({ bookings }) => html`<section class="card" aria-labelledby="today"><h2 id="today">${t("desk.room_bookings")}</h2>
  ${bookings.length === 0 ? html`<${Empty} icon="calendar-days">${t("desk.room_no_bookings")}<//>` : html`<ul class="lines">${bookings.map((one) => html`<li key=${one.id} data-testid="room-booking" data-state=${one.state}>
    <time class="figures" datetime=${exactTime(one.starts_at)}><strong>${spokenTime(one.starts_at)}</strong></time> – ${spokenTime(one.ends_at)} <strong>${one.citizen_name}</strong>
    <br />${t(`names.service_${one.service}`)} · ${one.professional_name}${one.room && html` · <${Icon} name="map-pin" /> ${one.room}`}
    <br /><span class="muted">${t(`desk.booking_${one.state}`)}</span>${one.contact && html` · <a href=${`tel:${one.contact.replace(/[^0-9+]/g, "")}`}>${one.contact}</a>`}</li>`)}</ul>`}</section>`;

/** The beginning of the day in China. @param {number} now_s */
const dayOf = (now_s) => Math.floor((now_s + CHINA_S) / DAY_S) * DAY_S - CHINA_S;

function MyRoom() {
  useLanguage();
  const watch = useWatch();
  const devices = useLook("/api/my-room/devices", (reply) => reply.endpoints);
  const bookings = useLook(`/api/bookings?since=${dayOf(Date.now() / 1000)}&days=1`, (reply) => reply.bookings.filter((/** @type {any} */ one) => one.state !== "cancelled"));
  const [taking, setTaking] = useState(false);
  if (!devices) return html`<p role="status">${t("common.loading")}</p>`;
  if (!devices.length) return html`<${Empty} icon="house">${t("desk.room_none")}<//><p><a href="/desk">${t("common.go_desk")}</a></p>`;
  return html`<${Calls} alerts=${[]} watch=${watch} />
    <${BesideMe} />
    <p><button type="button" class="button button-wide" data-testid="take-for" onClick=${() => setTaking(true)}><${Icon} name="plus" />${t("desk.take_for")}</button></p>
    <${Bookings} bookings=${bookings ?? []} />
    <${Devices} devices=${devices} />
    ${taking && html`<${TakeFor} onClose=${() => setTaking(false)} />`}`;
}

await loadWords();
const place = document.getElementById("my-room");
if (place) render(html`<${MyRoom} />`, place);
