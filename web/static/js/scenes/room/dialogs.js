// @ts-check
// Questions before something is lost, and the invitation.
import { post } from "../../api.js";
import { html, useRef, useState } from "../../html.js";
import { t } from "../../i18n.js";
import { say } from "../../live.js";
import { Confirm, Dialog, Icon } from "../../ui.js";
import { nameOf } from "./tiles.js";

const END_REASONS = ["completed", "withdrawn", "refused", "technical"];
const INVITED_ROLES = ["party", "site_worker", "interpreter", "supporter", "witness"];

/** @param {{ onEnd: (reason: string) => void, onClose: () => void }} props */
export function EndDialog({ onEnd, onClose }) {
  const [reason, setReason] = useState("completed");
  return html`<${Confirm} title=${t("room.end_title")} says=${t("room.end_says")} yes=${t("room.end_yes")} icon="phone-off" danger testid="confirm-end-session"
    onYes=${() => onEnd(reason)} onClose=${onClose}>
    <fieldset class="plain-set"><legend class="muted">${t("room.end_reason")}</legend>
      ${END_REASONS.map((one) => html`<label class="choice" key=${one}><input type="radio" name="reason" value=${one} checked=${one === reason} onChange=${() => setReason(one)} /> ${t(`names.reason_${one}`)}</label>`)}
    </fieldset><//>`;
}

/** One's own answer; a second look at it is a second answer. @param {{ given: boolean, onAnswer: (given: boolean) => void, onClose: () => void }} props */
export const ConsentDialog = ({ given, onAnswer, onClose }) => html`
  <${Dialog} title=${t("room.consent_title")} onClose=${onClose}>
    <p>${t(given ? "room.consent_given_says" : "room.consent_says")}</p>
    <div class="dialog-buttons">
      <button type="button" class="button button-quiet" data-testid="consent-no" onClick=${() => onAnswer(false)}><${Icon} name="x" />${t(given ? "room.consent_withdraw" : "room.consent_no")}</button>
      <button type="button" class="button" data-testid="consent-yes" onClick=${() => onAnswer(true)}><${Icon} name="check" />${t("room.consent_yes")}</button>
    </div>
  <//>`;

/** @param {{ inCharge: boolean, onLeave: () => void, onClose: () => void }} props */
export const LeaveDialog = ({ inCharge, onLeave, onClose }) => html`
  <${Confirm} title=${t("room.leave_title")} says=${t(inCharge ? "room.leave_says_in_charge" : "room.leave_says")} yes=${t("room.leave_yes")} icon="door-open"
    testid="confirm-leave-room" onYes=${onLeave} onClose=${onClose} />`;

/** @param {{ person: any, onRemove: () => void, onClose: () => void }} props */
export const RemoveDialog = ({ person, onRemove, onClose }) => html`
  <${Confirm} title=${t("room.remove_title", { name: nameOf(person) })} says=${t("room.remove_says")} yes=${t("room.remove")} icon="user-x" danger testid="confirm-remove-person"
    onYes=${onRemove} onClose=${onClose} />`;

/** Who goes along, before anybody goes. @param {{ person: any, people: any[], onTalk: (seats: string[]) => void, onClose: () => void }} props */
export function CaucusDialog({ person, people, onTalk, onClose }) {
  const [along, setAlong] = useState(/** @type {string[]} */ ([]));
  const helpers = people.filter((one) => one.seat !== person.seat && !["applicant", "party"].includes(one.role));
  const turn = (/** @type {string} */ seat) => setAlong(along.includes(seat) ? along.filter((one) => one !== seat) : [...along, seat]);
  return html`<${Confirm} title=${t("room.caucus_title", { name: nameOf(person) })} says=${t("room.caucus_says")} yes=${t("room.caucus_yes")} icon="users" testid="confirm-caucus"
    onYes=${() => onTalk([person.seat, ...along])} onClose=${onClose}>
    ${helpers.length > 0 && html`<fieldset class="plain-set"><legend class="muted">${t("room.caucus_along")}</legend>
      ${helpers.map((one) => html`<label class="choice" key=${one.seat}><input type="checkbox" checked=${along.includes(one.seat)} data-testid="caucus-along" onChange=${() => turn(one.seat)} /> ${nameOf(one)} (${t(`names.role_${one.role}`)})</label>`)}
    </fieldset>`}<//>`;
}

/** @param {{ person: any, onWait: () => void, onClose: () => void }} props */
export const WaitDialog = ({ person, onWait, onClose }) => html`
  <${Confirm} title=${t("room.wait_title", { name: nameOf(person) })} says=${t("room.wait_says")} yes=${t("room.wait")} icon="door-open" testid="confirm-send-back-person"
    onYes=${onWait} onClose=${onClose} />`;

/** @param {{ person: any, onName: (name: string) => void, onClose: () => void }} props */
export function NameDialog({ person, onName, onClose }) {
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const done = (/** @type {Event} */ event) => {
    event.preventDefault();
    const name = field.current?.value.trim();
    if (name) onName(name);
  };
  return html`<${Dialog} title=${t("room.name_title")} onClose=${onClose}><form onSubmit=${done}>
    <label class="govuk-label" for="citizen-name">${t("room.name_label")}</label>
    <input class="govuk-input" id="citizen-name" ref=${field} maxlength="80" autocomplete="off" value=${person.name} data-testid="citizen-name" />
    <div class="dialog-buttons"><button type="button" class="button button-quiet" onClick=${onClose}>${t("common.cancel")}</button>
      <button type="submit" class="button" data-testid="confirm-name-citizen"><${Icon} name="check" />${t("room.name_yes")}</button></div>
  </form><//>`;
}

/** @param {{ session: string, onClose: () => void }} props */
export function InviteDialog({ session, onClose }) {
  const [role, setRole] = useState("party");
  const [link, setLink] = useState("");
  const [wrong, setWrong] = useState("");
  const name = useRef(/** @type {HTMLInputElement | null} */ (null));
  const shown = useRef(/** @type {HTMLInputElement | null} */ (null));

  async function invite(/** @type {Event} */ event) {
    event.preventDefault();
    setWrong("");
    try {
      const reply = await post(`/api/sessions/${session}/invitations`, { name: name.current?.value.trim() ?? "", role });
      setLink(new URL(reply.url, location.href).href);
    } catch (error) { setWrong(/** @type {Error} */ (error).message); }
  }

  async function copy() {
    shown.current?.select();
    try { await navigator.clipboard.writeText(link); say(t("common.copied")); } catch { say(t("common.copy_failed")); }
  }

  return html`<${Dialog} title=${t("room.invite_title")} onClose=${onClose}>
    ${link ? html`
      <p>${t("room.invite_link_says")}</p>
      <label class="govuk-label" for="invitation-link">${t("room.invite_link")}</label>
      <input class="govuk-input code" id="invitation-link" ref=${shown} readonly value=${link} data-testid="invitation-link" />
      <div class="dialog-buttons"><button type="button" class="button" data-testid="copy-invitation-link" onClick=${copy}><${Icon} name="copy" />${t("room.copy_link")}</button>
        <button type="button" class="button button-quiet" data-testid="close-dialog" onClick=${onClose}>${t("room.invite_done")}</button></div>`
    : html`<form onSubmit=${invite}>
      <p>${t("room.invite_says")}</p>
      ${wrong && html`<p class="govuk-error-message" role="alert">${wrong}</p>`}
      <div class="govuk-form-group"><label class="govuk-label" for="invited-name">${t("room.invite_name")}</label>
        <input class="govuk-input" id="invited-name" ref=${name} maxlength="80" autocomplete="off" data-testid="invited-name" /></div>
      <div class="govuk-form-group"><label class="govuk-label" for="invited-role">${t("room.invite_role")}</label>
        <select class="govuk-select" id="invited-role" value=${role} onChange=${(/** @type {any} */ event) => setRole(event.target.value)} data-testid="invited-role">
          ${INVITED_ROLES.map((one) => html`<option value=${one} key=${one}>${t(`names.role_${one}`)}</option>`)}</select></div>
      <div class="dialog-buttons"><button type="button" class="button button-quiet" onClick=${onClose}>${t("common.cancel")}</button>
        <button type="submit" class="button" data-testid="make-invitation"><${Icon} name="link" />${t("room.invite_make")}</button></div></form>`}
  <//>`;
}
