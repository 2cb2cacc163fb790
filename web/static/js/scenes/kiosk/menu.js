// @ts-check
// The first screen: one question, a few large cards, each a sentence that a neighbour would say.
import { html, useEffect, useRef } from "../../html.js";
import { t } from "../../i18n.js";
import { spokenTime, spokenWait } from "../../time.js";
import { Icon } from "../../ui.js";

/** @type {Record<string, string>} */
const SERVICE_ICONS = { notarization: "stamp", mediation: "handshake", legal_aid: "scale", legal_advice: "message-circle-question-mark" };

// What people come for most stands first, on every kiosk alike.
const ORDER = Object.keys(SERVICE_ICONS);

/** @typedef {{ service: string, people_ahead: number, estimated_wait_s: number | null, on_duty: { name: string, until: number }[] }} Offered */

/** How the line stands, honestly. @param {Offered} offered */
function lineOf(offered) {
  if (offered.people_ahead === 0) return t("kiosk.nobody_ahead");
  const people = t("kiosk.waiting_count", { count: offered.people_ahead });
  return offered.estimated_wait_s === null ? people : `${people} · ${t("kiosk.about", { time: spokenWait(offered.estimated_wait_s) })}`;
}

/** @param {{ people: { name: string, until: number }[] }} props */
export const OnDuty = ({ people }) => people.length > 0 && html`<span class="kiosk-duty"><${Icon} name="user" /> ${t("kiosk.on_duty", {
  names: people.map((person) => person.name).join(t("kiosk.and")), time: spokenTime(Math.max(...people.map((person) => person.until))) })}</span>`;

/** @param {{ services: Offered[], onChoose: (service: string) => void }} props */
export function Menu({ services, onChoose }) {
  const title = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => title.current?.focus({ preventScroll: true }), []);
  return html`<div class="kiosk-menu">
    <h1 tabindex="-1" ref=${title}>${t("kiosk.welcome")}</h1>
    <p class="kiosk-lead">${t("kiosk.choose")}</p>
    <ul class="kiosk-cards">${[...services].sort((a, b) => ORDER.indexOf(a.service) - ORDER.indexOf(b.service)).map((offered) => html`<li key=${offered.service}>
      <button type="button" class="kiosk-card" data-testid=${`choose-${offered.service.replaceAll("_", "-")}`} onClick=${() => onChoose(offered.service)}>
        <span class="kiosk-card-icon"><${Icon} name=${SERVICE_ICONS[offered.service] ?? "circle"} /></span>
        <span class="kiosk-card-words"><strong>${t(`kiosk.say_${offered.service}`)}</strong>
          <span class="kiosk-card-what">${t(`names.service_${offered.service}`)} · ${t(`kiosk.what_${offered.service}`)}</span>
          <span class="kiosk-card-line"><${Icon} name="users" /> ${lineOf(offered)}</span><${OnDuty} people=${offered.on_duty} /></span>
      </button></li>`)}</ul>
  </div>`;
}
