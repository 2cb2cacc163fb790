// @ts-check
// The first screen: one question and at most six cards, each a sentence that a neighbour would say, spoken when touched.
import { html, useEffect, useRef } from "../../html.js";
import { t } from "../../i18n.js";
import { say } from "../../live.js";
import { speak } from "../../speech.js";
import { spokenDateTime, spokenTime, spokenWait } from "../../time.js";
import { Icon } from "../../ui.js";
import { LectureLine } from "./lectures.js";

/**
 * The seven sentences of the legal service parlours on six cards: who is named by the law for help finds theirs first (the old, women and
 * children, workers, the poor), and two pairs share a card because they are one visit: a house passes with an inheritance, and one signs
 * before one pays.
 * @type {{ matter: string, service: string, icon: string, testid: string }[]}
 */
export const ENTRIES = [
  { matter: "inheritance_or_house", service: "notarization", icon: "stamp", testid: "choose-notarization" },
  { matter: "family", service: "legal_advice", icon: "heart", testid: "choose-family" },
  { matter: "labour", service: "legal_advice", icon: "hammer", testid: "choose-labour" },
  { matter: "legal_aid", service: "legal_aid", icon: "scale", testid: "choose-legal-aid" },
  { matter: "dispute", service: "mediation", icon: "handshake", testid: "choose-mediation" },
  { matter: "before_signing", service: "legal_advice", icon: "message-circle-question-mark", testid: "choose-legal-advice" },
];

/** @typedef {{ open: boolean, opens_at: number | null, message: string }} Opening */
/** @typedef {{ service: string, people_ahead: number | null, estimated_wait_s: number | null, on_duty: { name: string, until: number }[], opening: Opening }} Offered */

/** How the line stands, honestly. @param {Offered} offered */
function lineOf(offered) {
  if (!offered.opening.open) return t(offered.opening.opens_at ? "kiosk.closed_until" : "kiosk.closed_now", { time: spokenDateTime(offered.opening.opens_at ?? 0) });
  if (offered.people_ahead === null) return t("kiosk.line_unknown");
  if (offered.people_ahead === 0) return t("kiosk.nobody_ahead");
  const people = t("kiosk.waiting_count", { count: offered.people_ahead });
  return offered.estimated_wait_s === null ? people : `${people} · ${t("kiosk.about", { time: spokenWait(offered.estimated_wait_s) })}`;
}

/** @param {{ people: { name: string, until: number }[] }} props */
export const OnDuty = ({ people }) => people.length > 0 && html`<span class="kiosk-duty"><${Icon} name="user" /> ${t("kiosk.on_duty", {
  names: people.map((person) => person.name).join(t("kiosk.and")), time: spokenTime(Math.max(...people.map((person) => person.until))) })}</span>`;

/** @param {{ entry: typeof ENTRIES[0], offered: Offered, onChoose: (entry: typeof ENTRIES[0]) => void }} props */
function Card({ entry, offered, onChoose }) {
  const closed = !offered.opening.open;
  const press = () => {
    if (!closed) { onChoose(entry); return; }
    const why = [lineOf(offered), offered.opening.message].filter(Boolean).join(" ");
    say(why);
    speak(why);
  };
  return html`<li><button type="button" class="kiosk-card" data-testid=${entry.testid} data-matter=${entry.matter} aria-disabled=${closed} onClick=${press}>
    <span class="kiosk-card-icon"><${Icon} name=${entry.icon} /></span>
    <span class="kiosk-card-words"><strong>${t(`kiosk.say_${entry.matter}`)}</strong>
      <span class="kiosk-card-what">${t(`kiosk.what_${entry.matter}`)}</span>
      <span class="kiosk-card-line"><${Icon} name=${closed ? "clock" : "users"} /> ${t(`names.service_${entry.service}`)} · ${lineOf(offered)}</span><${OnDuty} people=${offered.on_duty} /></span>
  </button></li>`;
}

/**
 * @param {{ services: Offered[], calledHere: string[], lectures: import("./lectures.js").Lecture[], onChoose: (entry: typeof ENTRIES[0]) => void,
 *           onLectures: () => void }} props
 */
export function Menu({ services, calledHere, lectures, onChoose, onLectures }) {
  const title = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => title.current?.focus({ preventScroll: true }), []);
  const offered = new Map(services.map((one) => [one.service, one]));
  return html`<div class=${`kiosk-menu ${lectures.length ? "kiosk-with-lecture" : ""}`}>
    <h1 tabindex="-1" ref=${title}>${t("kiosk.welcome")}</h1>
    <p class="kiosk-lead">${t("kiosk.choose")}</p>
    <${LectureLine} lectures=${lectures} onOpen=${onLectures} />
    <ul class="kiosk-cards">${ENTRIES.filter((entry) => offered.has(entry.service)).map((entry) => html`<${Card} key=${entry.matter} entry=${entry}
      offered=${offered.get(entry.service)} onChoose=${onChoose} />`)}</ul>
    ${calledHere.length > 0 && html`<p class="kiosk-here" data-testid="called-here"><${Icon} name="ticket" /> ${t("kiosk.called_here", { numbers: calledHere.join(t("kiosk.and")) })}</p>`}
  </div>`;
}
