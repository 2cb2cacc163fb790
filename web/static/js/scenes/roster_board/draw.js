// @ts-check
// The board as elements: one row per person, one column per day, one button per seat. A colour is never alone: each shift says its service.
import { t } from "../../i18n.js";

const BAR_WIDTH = 300;

/** @param {string} kind @param {string} className @param {string} [text] */
export function element(kind, className, text) {
  const made = document.createElement(kind);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** @param {any} slot @param {number} post @param {any} seat @param {string} name */
function chip(slot, post, seat, name) {
  const made = element("button", `board-chip duty-of-${slot.service}${seat.person ? "" : " board-gap"}`);
  made.setAttribute("type", "button");
  made.dataset.slot = slot.key;
  made.dataset.post = String(post);
  made.dataset.day = slot.day;
  made.dataset.person = seat.person ?? "";
  made.dataset.testid = "board-shift";
  made.setAttribute("aria-describedby", "board-how");
  made.setAttribute("aria-pressed", "false");
  made.setAttribute("aria-label", t("board.chip", { service: slot.service_name, day: slot.day, times: slot.times, role: seat.role_name, name }));
  made.title = seat.why;
  made.append(element("span", "board-times figures", slot.times), " ", element("span", "", slot.service_name));
  if (slot.findings.some((/** @type {any} */ f) => !["gap", "provisional"].includes(f.code))) made.classList.add("board-warned");
  return made;
}

/** @param {any} board @param {any[]} days @param {HTMLElement} grid */
export function drawGrid(board, days, grid) {
  grid.style.setProperty("--days", String(days.length));
  const head = element("div", "board-row board-head");
  head.append(element("div", "board-name", t("board.person")));
  for (const day of days) {
    const cell = element("div", `board-day duty-${day.kind}`);
    cell.append(element("b", "figures", day.day.slice(5)), element("span", "muted", day.weekday));
    if (day.festival) cell.append(element("span", "board-festival", day.festival));
    head.append(cell);
  }
  const rows = [{ id: "", name: t("board.nobody") }, ...board.people];
  const seats = seatsByPerson(board, new Set(days.map((/** @type {any} */ day) => day.day)));
  if (!seats.has("")) rows.shift();
  grid.replaceChildren(head, ...rows.map((person) => row(person, days, seats.get(person.id))));
}

/** @param {any} board @param {Set<string>} shown @returns {Map<string, Map<string, any[]>>} person -> day -> [slot, post, seat] */
function seatsByPerson(board, shown) {
  const found = new Map();
  for (const slot of board.slots) {
    if (slot.state !== "on" || !shown.has(slot.day)) continue;
    slot.seats.forEach((/** @type {any} */ seat, /** @type {number} */ post) => {
      const days = found.get(seat.person ?? "") ?? new Map();
      days.set(slot.day, [...(days.get(slot.day) ?? []), [slot, post, seat]]);
      found.set(seat.person ?? "", days);
    });
  }
  return found;
}

/** The name leads to the person's limits, which stand below it. @param {any} person */
function nameOf(person) {
  const made = element("div", "board-name");
  if (!person.id) { made.append(element("span", "board-who", person.name)); return made; }
  const link = document.createElement("a");
  link.className = "board-who";
  link.href = `/roster/teams?site=${document.getElementById("main")?.dataset.slug}#person-${person.id}`;
  link.textContent = person.name;
  const limits = [person.max_days_a_week && t("board.limit_days", { count: person.max_days_a_week }),
    person.rest_minutes && t("board.limit_rest", { hours: Math.round(person.rest_minutes / 6) / 10 })].filter(Boolean);
  made.append(link, element("span", "board-limits muted", limits.join(t("duty.and"))));
  return made;
}

/** @param {any} person @param {any[]} days @param {Map<string, any[]> | undefined} seats */
function row(person, days, seats) {
  const made = element("div", `board-row${person.id ? "" : " board-empty"}`);
  made.dataset.person = person.id;
  made.dataset.testid = "board-row";
  made.append(nameOf(person));
  for (const day of days) {
    const cell = element("div", `board-cell duty-${day.kind}`);
    cell.dataset.person = person.id;
    cell.dataset.day = day.day;
    for (const [slot, post, seat] of seats?.get(day.day) ?? []) cell.append(chip(slot, post, seat, person.name));
    made.append(cell);
  }
  return made;
}

/** The page's icons are pictures already: their namespace is ours. */
const svgNamespace = () => document.querySelector("svg")?.namespaceURI ?? null;

/** @param {string} className @param {number} x @param {number} width */
function bar(className, x, width) {
  const made = document.createElementNS(svgNamespace(), "rect");
  for (const [name, value] of Object.entries({ class: className, x, y: 2, width: Math.max(0, width), height: 14 })) {
    made.setAttribute(name, String(value));
  }
  return made;
}

/** The ledger as bars, most burdened first; each bar's numbers stand beside it. @param {any[]} people @param {HTMLElement} list */
export function drawBars(people, list) {
  const borne = people.map((person) => ({ ...person, total: person.borne_minutes + person.planned_minutes })).filter((person) => person.total > 0);
  borne.sort((one, other) => other.total - one.total);
  const most = Math.max(1, ...borne.map((person) => person.total));
  list.replaceChildren(...borne.map((person) => {
    const line = element("li", "board-bar");
    const picture = document.createElementNS(svgNamespace(), "svg");
    picture.setAttribute("viewBox", `0 0 ${BAR_WIDTH} 18`);
    picture.setAttribute("preserveAspectRatio", "none");
    picture.setAttribute("role", "img");
    const before = (person.borne_minutes / most) * BAR_WIDTH;
    const hours = (/** @type {number} */ minutes) => String(Math.round(minutes / 6) / 10);
    picture.setAttribute("aria-label", t("board.bar", {
      name: person.name, before: hours(person.borne_minutes), added: hours(person.planned_minutes), shifts: person.shifts, holidays: person.holiday_shifts,
    }));
    picture.append(bar("bar-before", 0, before), bar("bar-added", before, (person.planned_minutes / most) * BAR_WIDTH));
    line.append(element("span", "board-bar-name", person.name), picture, element("span", "figures", t("board.hours", { hours: hours(person.total) })));
    return line;
  }));
}
