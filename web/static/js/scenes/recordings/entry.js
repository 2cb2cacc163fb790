// @ts-check
// One recording: which it is, how it stands, what may be done with it.
import { html } from "../../html.js";
import { t } from "../../i18n.js";
import { exactTime, spokenDate, spokenDateTime } from "../../time.js";
import { Icon, State } from "../../ui.js";

/** @type {Record<string, string>} */
const ICONS = { ask: "eye", hold: "stamp", release: "undo-2", destroy: "trash-2", certificate: "stamp" };

/** How it stands, in words; the first that matters most. @param {any} one @returns {[string, string, string][]} */
function standings(one) {
  if (one.state === "destroyed") return [["quiet", "trash-2", "destroyed"]];
  return /** @type {[string, string, string][]} */ ([
    one.held_at !== null && ["info", "stamp", "held"],
    one.destroy_reason !== "" && ["bad", "trash-2", "asked_to_destroy"],
    one.destroy_reason === "" && one.may.includes("destroy") && ["wait", "hourglass", "due"],
    one.viewing === "asked" && ["wait", "hourglass", "viewing_asked"],
    one.viewing === "open" && ["good", "eye", "viewing_open"],
  ].filter(Boolean));
}

/** @param {{ at: number }} props */
const When = ({ at }) => html`<time datetime=${exactTime(at)}>${spokenDateTime(at)}</time>`;

/** @param {{ one: any, onAct: (what: string) => void }} props */
export const Recording = ({ one, onAct }) => html`<li data-testid="recording" data-session=${one.session} data-state=${one.state}>
  <div class="row row-apart row-top"><div class="care-what"><strong class="figures">${one.number}</strong> ${t(`names.service_${one.procedure}`)} <span class="muted">${one.site_name} · <${When} at=${one.opened_at} /> · ${t("recordings.led_by", { name: one.led_by })}</span>
    <div class="row">${standings(one).map(([kind, icon, word]) => html`<${State} key=${word} kind=${kind} icon=${icon}>${t(`recordings.${word}`)}<//>`)}</div>
    ${one.kept_until !== null && one.state !== "destroyed" && html`<p class="muted type-small care-note">${t("recordings.kept_until", { date: spokenDate(one.kept_until), years: one.rule_years })}</p>`}
    ${one.hold_reason && html`<p class="type-small care-note">${t("recordings.hold_reason", { reason: one.hold_reason })}</p>`}
    ${one.destroy_reason && html`<p class="type-small care-note">${t("recordings.destroy_reason", { reason: one.destroy_reason })}</p>`}</div>
  <div class="row care-does">
    ${one.may.includes("watch") && html`<a class="button button-quiet" href=${`/sessions/${one.session}`} data-testid="watch-recording"><${Icon} name="play" />${t("recordings.watch")}<span class="visually-hidden"> ${one.number}</span></a>`}
    <button type="button" class="button button-plain" data-testid="show-accesses" onClick=${() => onAct("accesses")}><${Icon} name="list" />${t("recordings.accesses", { count: one.accesses })}<span class="visually-hidden"> ${one.number}</span></button>
    ${one.may.filter((/** @type {string} */ what) => what in ICONS).map((/** @type {string} */ what) => html`<button key=${what} type="button" class=${what === "destroy" ? "button button-danger" : "button button-quiet"} data-testid=${`${what}-recording`} onClick=${() => onAct(what)}>
      <${Icon} name=${ICONS[what]} />${t(`recordings.${what === "destroy" && one.destroy_reason ? "agree_to_destroy" : what}`)}<span class="visually-hidden"> ${one.number}</span></button>`)}</div></div></li>`;
