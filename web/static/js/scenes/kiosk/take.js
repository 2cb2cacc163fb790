// @ts-check
// From the card to the number: see oneself, say whether one needs care, press once. Nothing has to be typed.
import { insist, post, requestKey } from "../../api.js";
import { html, useEffect, useRef, useState } from "../../html.js";
import { t } from "../../i18n.js";
import { speak } from "../../speech.js";
import { Banner, Icon } from "../../ui.js";
import { DeviceCheck } from "../room/check.js";
import { ReadCard } from "./card.js";
import { aheadOf, spell } from "./ticket.js";

/** Who goes first, as people say it of themselves; *urgent* is looked at by staff, so it calls them instead. @type {[string, string][]} */
const GROUPS = [["elderly", "armchair"], ["disabled", "accessibility"], ["minor", "baby"], ["urgent", "hourglass"]];

/** @param {{ chosen: string, onChoose: (group: string) => void }} props */
export const Priority = ({ chosen, onChoose }) => html`<fieldset class="kiosk-groups"><legend>${t("kiosk.group")}</legend>
  <div class="kiosk-group-row">${GROUPS.map(([group, icon]) => html`<button type="button" key=${group} class="kiosk-group" data-testid=${`priority-${group}`} aria-pressed=${chosen === group}
    onClick=${() => { onChoose(chosen === group ? "" : group); speak(t(`kiosk.group_${group}`)); }}><${Icon} name=${chosen === group ? "check" : icon} />${t(`kiosk.group_${group}`)}</button>`)}</div></fieldset>`;

/** @param {{ api: string, entry: { matter: string, service: string }, cardReader: string, devices: any, onTry: () => void, onTicket: (ticket: any) => void }} props */
export function Take({ api, entry, cardReader, devices, onTry, onTicket }) {
  const [name, setName] = useState("");
  const [naming, setNaming] = useState(false); // a keyboard only for those who want one
  const [group, setGroup] = useState("");
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState("");
  const key = useRef(requestKey());
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => {
    field.current?.scrollIntoView({ block: "center" });
    if (!cardReader) field.current?.focus({ preventScroll: true });
  }, [naming]);
  const take = async () => {
    if (busy) return;
    setBusy(true); setWrong("");
    const wish = { service: entry.service, matter: entry.matter, request_key: key.current, citizen_name: name.trim(), priority_group: group === "urgent" ? "" : group };
    try {
      const ticket = await insist(() => post(`${api}/tickets`, wish), (error) => setWrong(error.message));
      if (group === "urgent") post(`${api}/help`, { kind: "urgent" }).catch(() => {}); // the number holds without it
      speak(t("kiosk.ticket_voice", { number: spell(ticket.number), ahead: aheadOf(ticket) }));
      onTicket(ticket);
    } catch (error) {
      key.current = requestKey();
      setBusy(false);
      setWrong(/** @type {Error} */ (error).message);
    }
  };
  return html`<${DeviceCheck} devices=${devices} onTry=${onTry} title=${t("kiosk.check_title")} says=${t(`kiosk.check_${entry.service}`)}>
    <${Priority} chosen=${group} onChoose=${setGroup} />
    ${naming ? html`<div class="kiosk-name">${cardReader && html`<${ReadCard} address=${cardReader} onName=${setName} />`}
      <div class="govuk-form-group"><label class="govuk-label" for="citizen-name">${t("kiosk.name")} <span class="muted">(${t("kiosk.name_optional")})</span></label>
        <input class="govuk-input" id="citizen-name" maxlength="80" autocomplete="off" value=${name} data-testid="citizen-name" ref=${field}
          onInput=${(/** @type {any} */ event) => setName(event.target.value)} /></div></div>`
    : html`<button type="button" class="button button-quiet button-wide kiosk-give-name" data-testid="give-name" onClick=${() => { setNaming(true); speak(t("kiosk.name")); }}><${Icon} name="pencil" />${t("kiosk.give_name")}</button>`}
    ${wrong && html`<div role="alert"><${Banner} kind="wait" icon="triangle-alert"><p>${wrong}</p><//></div>`}
    <button type="button" class="button button-big button-wide check-go" data-testid="take-ticket" aria-disabled=${busy} onClick=${take}><${Icon} name="ticket" />${t(busy ? "kiosk.taking" : "kiosk.take_ticket")}</button>
  <//>`;
}
