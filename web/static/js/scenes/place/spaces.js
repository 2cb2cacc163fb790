// @ts-check
// Counters and rooms of a place: what an appointment can need besides people.
import { post, remove } from "../../api.js";
import { html, useState } from "../../html.js";
import { lang, t } from "../../i18n.js";
import { Confirm, Empty, Icon } from "../../ui.js";

const SERVICES = ["notarization", "mediation", "legal_aid", "legal_advice"];

/** @param {{ place: any, act: (does: () => Promise<unknown>) => Promise<boolean> }} props */
export function Spaces({ place, act }) {
  const [closing, setClosing] = useState(/** @type {any} */ (null));
  const add = async (/** @type {any} */ event) => {
    event.preventDefault();
    const form = event.currentTarget;
    const said = new FormData(form);
    const body = { kind: said.get("kind"), name_zh: String(said.get("name_zh")).trim(), name_en: String(said.get("name_en")).trim(), services: said.getAll("services") };
    if (await act(() => post(`/api/admin/sites/${place.id}/spaces`, body))) form.reset();
  };
  const nameOf = (/** @type {any} */ one) => (lang() === "en" ? one.name_en : one.name_zh);
  return html`<section class="card" aria-labelledby="spaces"><h2 id="spaces">${t("admin.spaces")}</h2>
    ${place.spaces.length === 0 ? html`<${Empty} icon="door-open">${t("admin.no_spaces")}<//>` : html`<ul class="lines">${place.spaces.map((/** @type {any} */ one) => html`<li key=${one.id} class="row row-apart" data-testid="space">
      <span><strong>${nameOf(one)}</strong> <span class="muted">${t(`admin.space_${one.kind}`)} · ${one.services.length ? one.services.map((/** @type {string} */ service) => t(`names.service_${service}`)).join(" · ") : t("admin.all_services")}</span></span>
      <button type="button" class="button button-plain" data-testid="close-space" onClick=${() => setClosing(one)}>${t("admin.close_space")}<span class="visually-hidden"> ${nameOf(one)}</span></button></li>`)}</ul>`}
    <form onSubmit=${add}><h3>${t("admin.add_space")}</h3><div class="place-fields">
      <div class="govuk-form-group"><label class="govuk-label" for="space-kind">${t("admin.field_kind")}</label><select class="govuk-select" id="space-kind" name="kind" data-testid="space-kind"><option value="counter">${t("admin.space_counter")}</option><option value="room">${t("admin.space_room")}</option></select></div>
      ${["name_zh", "name_en"].map((id) => html`<div class="govuk-form-group" key=${id}><label class="govuk-label" for=${`space-${id}`}>${t(`admin.field_${id}`)}</label><input class="govuk-input" id=${`space-${id}`} name=${id} required maxlength="80" autocomplete="off" data-testid=${`space-${id}`} /></div>`)}</div>
      <fieldset class="govuk-form-group place-services"><legend class="govuk-label">${t("admin.space_serves")}</legend>${SERVICES.map((one) => html`<label key=${one}><input type="checkbox" name="services" value=${one} /> ${t(`names.service_${one}`)}</label>`)}</fieldset>
      <button type="submit" class="button button-quiet" data-testid="open-space"><${Icon} name="plus" />${t("admin.add_space")}</button></form>
    ${closing && html`<${Confirm} title=${t("admin.close_space_title", { name: nameOf(closing) })} says=${t("admin.close_space_says")} yes=${t("admin.close_space")} icon="x" danger testid="confirm-close-space"
      onYes=${() => { setClosing(null); act(() => remove(`/api/admin/spaces/${closing.id}`)); }} onClose=${() => setClosing(null)} />`}</section>`;
}
