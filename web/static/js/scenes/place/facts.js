// @ts-check
// What a place is called, where it stands, what it looks like from the street.
import { ApiError, put, sendFile } from "../../api.js";
import { html, useState } from "../../html.js";
import { t } from "../../i18n.js";
import { Icon } from "../../ui.js";

const FIELDS = ["name_zh", "name_en", "address_zh", "address_en", "latitude", "longitude"];

/** @param {{ id: string, value: string, number?: boolean }} props */
const Field = ({ id, value, number }) => html`<div class="govuk-form-group"><label class="govuk-label" for=${`place-${id}`}>${t(`admin.field_${id}`)}</label>
  <input class="govuk-input" id=${`place-${id}`} name=${id} value=${value} autocomplete="off" inputmode=${number ? "decimal" : undefined} data-testid=${`place-${id}`} /></div>`;

/** @param {{ place: any, act: (does: () => Promise<unknown>) => Promise<boolean> }} props */
export function Facts({ place, act }) {
  const [wrong, setWrong] = useState("");
  const path = `/api/admin/sites/${place.id}`;
  const save = async (/** @type {any} */ event) => {
    event.preventDefault();
    const said = Object.fromEntries(FIELDS.map((name) => [name, String(event.currentTarget.elements[name].value).trim()]));
    const degrees = (/** @type {string} */ name) => (said[name] === "" ? null : Number(said[name]));
    const [latitude, longitude] = [degrees("latitude"), degrees("longitude")];
    if (Number.isNaN(latitude) || Number.isNaN(longitude)) { setWrong(t("errors.bad_position")); return; }
    setWrong("");
    await act(async () => {
      try { await put(path, { ...said, latitude, longitude }); } catch (error) { if (error instanceof ApiError) setWrong(error.message); throw error; }
    });
  };
  const choose = (/** @type {any} */ event) => {
    const file = event.currentTarget.files?.[0];
    if (file) act(() => sendFile(`${path}/photo`, file));
  };
  return html`<section class="card" aria-labelledby="facts"><h2 id="facts">${t("admin.place_facts")}</h2>
    ${place.photo ? html`<img class="place-photo" src=${place.photo} alt=${t("admin.photo_of", { name: place.name_zh })} data-testid="place-photo" />` : html`<p class="muted">${t("admin.no_photo")}</p>`}
    <div class="govuk-form-group"><label class="govuk-label" for="photo">${t("admin.choose_photo")}</label><div class="govuk-hint" id="photo-hint">${t("admin.hint_photo")}</div>
      <input type="file" id="photo" accept="image/jpeg,image/png,image/webp" aria-describedby="photo-hint" data-testid="choose-photo" onChange=${choose} /></div>
    <form onSubmit=${save} novalidate>${wrong && html`<p class="govuk-error-message" role="alert">${wrong}</p>`}
      <div class="place-fields">${FIELDS.map((id) => html`<${Field} key=${id} id=${id} value=${place[id] ?? ""} number=${id.endsWith("tude")} />`)}</div>
      <button type="submit" class="button" data-testid="save-place"><${Icon} name="check" />${t("admin.save")}</button></form></section>`;
}
