// @ts-check
// A ticket for somebody who phoned or stands at the counter: where they sit, what it is about, who they are; then the number and its link.
import { get, insist, post, requestKey } from "../../api.js";
import { html, useEffect, useRef, useState } from "../../html.js";
import { t } from "../../i18n.js";
import { say } from "../../live.js";
import { Dialog, Icon } from "../../ui.js";

const SERVICES = ["legal_advice", "notarization", "mediation", "legal_aid"];
const GROUPS = ["", "elderly", "disabled", "minor", "urgent"];
const CHANNELS = ["counter", "phone"];

/** @param {{ id: string, label: string, value: string, options: { value: string, name: string }[], onChange: (value: string) => void }} props */
const Choice = ({ id, label, value, options, onChange }) => html`<div class="govuk-form-group"><label class="govuk-label" for=${id}>${label}</label>
  <select class="govuk-select" id=${id} data-testid=${id} value=${value} onChange=${(/** @type {any} */ event) => onChange(event.target.value)}>${options.map((one) => html`<option key=${one.value} value=${one.value}>${one.name}</option>`)}</select></div>`;

/** @param {{ id: string, label: string, value: string, max: number, onInput: (value: string) => void }} props */
const Words = ({ id, label, value, max, onInput }) => html`<div class="govuk-form-group"><label class="govuk-label" for=${id}>${label}</label>
  <input class="govuk-input" id=${id} data-testid=${id} maxlength=${max} autocomplete="off" value=${value} onInput=${(/** @type {any} */ event) => onInput(event.target.value)} /></div>`;

/** @param {{ taken: { number: string, link: string }, onClose: () => void }} props */
function Taken({ taken, onClose }) {
  const copy = async () => { try { await navigator.clipboard.writeText(taken.link); say(t("common.copied")); } catch { say(t("common.copy_failed")); } };
  return html`<p class="type-huge figures" data-testid="taken-number">${taken.number}</p><p>${t("desk.taken_says")}</p>
    <p class="code type-small" data-testid="taken-link">${taken.link}</p>
    <div class="dialog-buttons"><button type="button" class="button" onClick=${copy}><${Icon} name="copy" />${t("room.copy_link")}</button>
      <a class="button button-quiet" href=${taken.link} target="_blank" rel="noopener"><${Icon} name="qr-code" />${t("desk.taken_open")}</a>
      <button type="button" class="button button-quiet" data-testid="close-dialog" onClick=${onClose}>${t("common.close")}</button></div>`;
}

/** @param {{ onClose: () => void }} props */
export function TakeFor({ onClose }) {
  const [sites, setSites] = useState(/** @type {{ site: string, name: string }[]} */ ([]));
  const [wish, setWish] = useState({ site: "", service: "legal_advice", citizen_name: "", priority_group: "", priority_note: "", channel: "counter" });
  const [taken, setTaken] = useState(/** @type {any} */ (null));
  const [wrong, setWrong] = useState("");
  const key = useRef(requestKey());
  const set = (/** @type {Partial<typeof wish>} */ more) => setWish({ ...wish, ...more });
  useEffect(() => { get("/api/desk/targets").then((reply) => { setSites(reply.sites); setWish((/** @type {typeof wish} */ before) => ({ ...before, site: reply.sites[0]?.site ?? "" })); }, (error) => setWrong(error.message)); }, []);
  const take = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setWrong("");
    const body = { ...wish, citizen_name: wish.citizen_name.trim(), request_key: key.current };
    try { setTaken(await insist(() => post("/api/desk/tickets", body), (error) => setWrong(error.message))); } catch (error) {
      key.current = requestKey();
      setWrong(/** @type {Error} */ (error).message);
    }
  };
  return html`<${Dialog} title=${t("desk.take_for")} onClose=${onClose} testid="take-for-dialog">${taken ? html`<${Taken} taken=${taken} onClose=${onClose} />` : html`<form onSubmit=${take} novalidate>
    ${wrong && html`<p class="govuk-error-message" role="alert">${wrong}</p>`}
    <${Choice} id="for-channel" label=${t("desk.for_channel")} value=${wish.channel} options=${CHANNELS.map((value) => ({ value, name: t(`desk.for_channel_${value}`) }))} onChange=${(/** @type {string} */ channel) => set({ channel })} />
    <${Choice} id="for-site" label=${t("desk.for_site")} value=${wish.site} options=${sites.map((one) => ({ value: one.site, name: one.name }))} onChange=${(/** @type {string} */ site) => set({ site })} />
    <${Choice} id="for-service" label=${t("hall.what")} value=${wish.service} options=${SERVICES.map((value) => ({ value, name: t(`names.service_${value}`) }))} onChange=${(/** @type {string} */ service) => set({ service })} />
    <${Words} id="for-name" label=${t("desk.for_name")} value=${wish.citizen_name} max=${80} onInput=${(/** @type {string} */ citizen_name) => set({ citizen_name })} />
    <${Choice} id="for-group" label=${t("desk.for_group")} value=${wish.priority_group} options=${GROUPS.map((value) => ({ value, name: value ? t(`desk.group_${value}`) : t("hall.group_none") }))} onChange=${(/** @type {string} */ priority_group) => set({ priority_group })} />
    ${wish.priority_group === "urgent" && html`<${Words} id="for-note" label=${t("desk.for_note")} value=${wish.priority_note} max=${200} onInput=${(/** @type {string} */ priority_note) => set({ priority_note })} />`}
    <div class="dialog-buttons"><button type="button" class="button button-quiet" onClick=${onClose}>${t("common.cancel")}</button>
      <button type="submit" class="button" data-testid="take-for-yes"><${Icon} name="ticket" />${t("kiosk.take_ticket")}</button></div></form>`}<//>`;
}
