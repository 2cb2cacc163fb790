// @ts-check
// Free times: a day first, then a time of that day with its professional. Used for booking and for moving.
import { get } from "../../api.js";
import { html, useEffect, useState } from "../../html.js";
import { lang, t } from "../../i18n.js";
import { exactTime, spokenTime } from "../../time.js";
import { Banner, Empty, Icon } from "../../ui.js";

/** @typedef {{ professional: string, name: string, starts_at: number, ends_at: number }} Slot */

const ZONE = "Asia/Shanghai";
const DAYS = 30;
const FIRST_DAYS = 8; // more is one press away
/** @param {number} unix_s */
const dayKey = (unix_s) => new Intl.DateTimeFormat("sv-SE", { timeZone: ZONE, dateStyle: "short" }).format(unix_s * 1000);
/** @param {number} unix_s */
const dayName = (unix_s) => new Intl.DateTimeFormat(lang(), { timeZone: ZONE, month: "short", day: "numeric", weekday: "short" }).format(unix_s * 1000);

/**
 * @param {{ slug: string, service: string, room?: { space?: string | null, endpoint?: string | null, name?: string } | null, chosen: Slot | null,
 *           onChoose: (slot: Slot) => void }} props  room: the village room that has to be free, too
 */
export function SlotPicker({ slug, service, room, chosen, onChoose }) {
  const [slots, setSlots] = useState(/** @type {Slot[] | null} */ (null));
  const [wrong, setWrong] = useState("");
  const [day, setDay] = useState("");
  const [all, setAll] = useState(false);
  useEffect(() => {
    const where = [["space", room?.space], ["endpoint", room?.endpoint]].map(([name, id]) => (id ? `&${name}=${id}` : "")).join("");
    get(`/api/hall/${slug}/slots?service=${service}&days=${DAYS}${where}`).then((reply) => {
      setSlots(reply.slots);
      if (reply.slots[0]) setDay(dayKey(reply.slots[0].starts_at));
    }, (error) => setWrong(error.message));
  }, [slug, service, room?.space, room?.endpoint]);
  if (wrong) return html`<${Banner} kind="wait" icon="triangle-alert"><p>${wrong}</p><//>`;
  if (!slots) return html`<p role="status">${t("common.loading")}</p>`;
  if (!slots.length) return html`<${Empty} icon="calendar-days">${room?.name ? t("hall.no_slots_in_room", { room: room.name }) : t("hall.no_slots")}<//>`;
  /** @type {Map<string, Slot[]>} */
  const days = new Map();
  for (const slot of slots) days.set(dayKey(slot.starts_at), [...(days.get(dayKey(slot.starts_at)) ?? []), slot]);
  const same = (/** @type {Slot} */ slot) => chosen?.starts_at === slot.starts_at && chosen.professional === slot.professional;
  return html`<div class="visit-slots">
    ${room?.name && html`<p class="muted" data-testid="slots-of-room"><${Icon} name="map-pin" /> ${t("hall.slots_of_room", { room: room.name })}</p>`}
    <h2 class="type-sub" id="which-day">${t("hall.which_day")}</h2>
    <div class="visit-days" role="group" aria-labelledby="which-day">${Array.from(days).slice(0, all ? undefined : FIRST_DAYS).map(([key, [first]]) => html`<button type="button" key=${key} class="button button-quiet" data-testid="slot-day" aria-pressed=${key === day} onClick=${() => setDay(key)}>${dayName(first?.starts_at ?? 0)}</button>`)}
      ${!all && days.size > FIRST_DAYS && html`<button type="button" class="button button-plain" data-testid="more-days" onClick=${() => setAll(true)}><${Icon} name="plus" />${t("hall.more_days")}</button>`}</div>
    <h2 class="type-sub" id="which-time">${t("hall.which_time")}</h2>
    <div class="visit-times" role="group" aria-labelledby="which-time">${(days.get(day) ?? []).map((slot) => html`<button type="button" key=${`${slot.starts_at} ${slot.professional}`} class="button button-quiet visit-time" data-testid="slot-time" aria-pressed=${same(slot)} onClick=${() => onChoose(slot)}>
      ${same(slot) && html`<${Icon} name="check" />`}<time class="figures" datetime=${exactTime(slot.starts_at)}>${spokenTime(slot.starts_at)}</time><span class="muted">${slot.name}</span></button>`)}</div>
  </div>`;
}
