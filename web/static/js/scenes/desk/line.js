// @ts-check
// One line with those who wait in it: number, from where, who, how long.
import { post } from "../../api.js";
import { html, useRef, useState } from "../../html.js";
import { t } from "../../i18n.js";
import { exactTime, spokenPast } from "../../time.js";
import { Dialog, Icon, State, useNow } from "../../ui.js";

const LONG_WAIT_S = 30 * 60; // healthdirect's waiting list marks the same half hour

/** @type {Record<string, string>} */
const LACKS = { camera: "video-off", microphone: "mic-off", network: "wifi-off" };

/** What the check of their device has found, and what helps. @param {{ lacks: string[] }} props */
const Lacks = ({ lacks }) => html`<span class="desk-lacks" data-testid="waiting-lacks">${lacks.map((one) => html`<span key=${one}><${State} kind="bad" icon=${LACKS[one] ?? "triangle-alert"} data-state=${one}>${t(`desk.lacks_${one}`)}<//> <span class="muted type-small">${t(`desk.lacks_${one}_do`)}</span></span>`)}</span>`;

/** @param {{ one: any, now_s: number, isNew: boolean, mayCall: boolean, blocked: boolean, chosen: boolean, onCall: () => void, onName: () => void, onChoose: () => void }} props */
function Waiting({ one, now_s, isNew, mayCall, blocked, chosen, onCall, onName, onChoose }) {
  const waited_s = Math.max(0, now_s - one.taken_at);
  return html`<li class=${`desk-waiting ${chosen ? "desk-chosen" : ""}`} data-testid="waiting-ticket" data-ticket=${one.ticket} data-state=${one.state}>
    <button type="button" class="button button-plain desk-number figures" data-testid="show-ticket" aria-pressed=${chosen} onClick=${onChoose}>${one.number}<span class="visually-hidden"> ${t("desk.show_card")}</span></button>
    <span class="grow"><strong>${one.citizen_name || t("names.no_name")}</strong>${!one.citizen_name && html` <button type="button" class="button button-plain desk-small" data-testid="name-citizen" onClick=${onName}><${Icon} name="pencil" />${t("room.name_person")}</button>`}
      <br /><span class="muted">${[one.site_name, one.endpoint_name].filter(Boolean).join(" · ")}</span>
      <br /><span class="row desk-marks"><time datetime=${exactTime(one.taken_at)} class=${waited_s > LONG_WAIT_S ? "desk-long" : "muted"}><${Icon} name=${waited_s > LONG_WAIT_S ? "hourglass" : "clock"} /> ${t("desk.waited", { time: spokenPast(waited_s) })}</time>
        ${one.priority > 0 && html`<${State} kind="info" icon="triangle">${one.priority_group ? t(`desk.group_${one.priority_group}`) : t("desk.priority")}<//>`}
        ${one.state === "held" && html`<${State} kind="wait" icon="pause">${t("desk.state_held")}<//>`}${one.for_me && html`<${State} kind="good" icon="calendar-days">${t("desk.for_me")}<//>`}${one.for_another && html`<${State} kind="quiet" icon="calendar-days">${t("desk.for_another")}<//>`}
        ${one.moved_here && html`<${State} kind="quiet" icon="arrow-right-left">${t("desk.moved_here")}<//>`}${one.matter && html`<span class="muted">${t(`kiosk.say_${one.matter}`)}</span>`}${isNew && html`<${State} kind="good" icon="bell">${t("desk.new")}<//>`}</span>
      ${(one.lacks ?? []).length > 0 && html`<${Lacks} lacks=${one.lacks} />`}</span>
    ${mayCall && one.state === "waiting" && html`<button type="button" class="button button-quiet" data-testid="call-ticket" aria-disabled=${blocked} onClick=${() => !blocked && onCall()}>${t("desk.call_this")}<span class="visually-hidden"> ${one.number}</span></button>`}
  </li>`;
}

/** @param {{ area: any, newcomers: Set<string>, blocked: boolean, chosen: string, onCall: (one: any) => void, onName: (one: any) => void, onChoose: (one: any) => void }} props */
export function Line({ area, newcomers, blocked, chosen, onCall, onName, onChoose }) {
  const now_s = useNow();
  return html`<section class="desk-area" aria-label=${`${t(`names.service_${area.service}`)} ${area.site_name}`}>
    <h3><strong>${t(`names.service_${area.service}`)}</strong> <span class="muted">${area.site_name}</span> <span class="badge">${area.waiting.length}</span></h3>
    ${area.opening && !area.opening.open && html`<p><${State} kind="quiet" icon="clock">${t("desk.line_closed")}<//></p>`}
    ${area.waiting.length === 0 ? html`<p class="muted desk-nobody">${t("desk.nobody")}</p>`
      : html`<ol class="lines">${area.waiting.map((/** @type {any} */ one) => html`<${Waiting} key=${one.ticket} one=${one} now_s=${now_s} isNew=${newcomers.has(one.ticket)}
          mayCall=${area.may_call} blocked=${blocked} chosen=${one.ticket === chosen} onCall=${() => onCall(one)} onName=${() => onName(one)} onChoose=${() => onChoose(one)} />`)}</ol>`}
  </section>`;
}

/** @param {{ one: any, onClose: () => void }} props */
export function NameDialog({ one, onClose }) {
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const [wrong, setWrong] = useState("");
  const done = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const name = field.current?.value.trim();
    if (!name) return;
    try { await post(`/api/desk/tickets/${one.ticket}/name`, { name }); onClose(); } catch (error) { setWrong(/** @type {Error} */ (error).message); }
  };
  return html`<${Dialog} title=${t("room.name_title")} onClose=${onClose}><form onSubmit=${done}>
    ${wrong && html`<p class="govuk-error-message" role="alert">${wrong}</p>`}
    <label class="govuk-label" for="citizen-name">${t("room.name_label")} (${one.number})</label>
    <input class="govuk-input" id="citizen-name" ref=${field} maxlength="80" autocomplete="off" data-testid="citizen-name" />
    <div class="dialog-buttons"><button type="button" class="button button-quiet" onClick=${onClose}>${t("common.cancel")}</button>
      <button type="submit" class="button" data-testid="confirm-name-citizen"><${Icon} name="check" />${t("room.name_yes")}</button></div></form><//>`;
}

