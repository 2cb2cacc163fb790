// @ts-check
// One dialog for what an administrator adds: a site, an endpoint, a person.
import { ApiError, post } from "../../api.js";
import { html, useState } from "../../html.js";
import { has, t } from "../../i18n.js";
import { Dialog, Icon } from "../../ui.js";

const KINDS = ["city", "county", "district", "town", "sub_district", "village", "residents", "park", "parlour"];
const ENDPOINT_KINDS = ["kiosk", "room_system", "counter", "duty_desk", "hall_screen", "phone"];
const ROLES = ["notary", "notary_assistant", "mediator", "lawyer", "site_worker", "coordinator", "administrator"];

/** @typedef {{ id: string, choices?: [string, string][], type?: string, hint?: boolean, value?: string }} Field */

/** @param {string} what @param {any[]} sites @returns {Field[]} */
function fieldsOf(what, sites) {
  const places = /** @type {[string, string][]} */ (sites.map((site) => [site.id, `${"　".repeat(site.depth)}${site.name}`]));
  const names = [{ id: "name_zh" }, { id: "name_en" }];
  const choose = (/** @type {string[]} */ list, /** @type {string} */ prefix) => /** @type {[string, string][]} */ (list.map((one) => [one, t(`names.${prefix}_${one}`)]));
  if (what === "site") return [{ id: "parent", choices: places }, { id: "kind", choices: choose(KINDS, "kind"), value: "village" }, ...names, { id: "slug", hint: true }];
  if (what === "endpoint") return [{ id: "site", choices: places }, { id: "kind", choices: choose(ENDPOINT_KINDS, "endpoint") }, ...names];
  return [...names, { id: "user", hint: true }, { id: "password", type: "password", hint: true }, { id: "role", choices: choose(ROLES, "role") }, { id: "site", choices: places }];
}

const PATHS = { site: "/api/admin/sites", endpoint: "/api/admin/endpoints", person: "/api/admin/people" };

/** @param {{ field: Field, wrong: string }} props */
const Entry = ({ field, wrong }) => html`<div class=${`govuk-form-group ${wrong ? "govuk-form-group--error" : ""}`}>
  <label class="govuk-label" for=${`add-${field.id}`}>${t(`admin.field_${field.id}`)}</label>
  ${field.hint && html`<div class="govuk-hint" id=${`add-${field.id}-hint`}>${t(`admin.hint_${field.id}`)}</div>`}
  ${wrong && html`<p class="govuk-error-message" id=${`add-${field.id}-error`}>${wrong}</p>`}
  ${field.choices ? html`<select class="govuk-select" id=${`add-${field.id}`} name=${field.id}>${field.choices.map(([value, word]) => html`<option key=${value} value=${value} selected=${value === field.value}>${word}</option>`)}</select>`
    : html`<input class="govuk-input" id=${`add-${field.id}`} name=${field.id} type=${field.type ?? "text"} autocomplete=${field.type === "password" ? "new-password" : "off"} required
        aria-describedby=${[field.hint && `add-${field.id}-hint`, wrong && `add-${field.id}-error`].filter(Boolean).join(" ") || undefined} aria-invalid=${wrong ? "true" : undefined} />`}</div>`;

/** @param {{ what: "site" | "endpoint" | "person", sites: any[], onDone: (reply: any) => void, onClose: () => void }} props */
export function AddDialog({ what, sites, onDone, onClose }) {
  const [wrong, setWrong] = useState(/** @type {{ field: string | null, sentence: string } | null} */ (null));
  const fields = fieldsOf(what, sites);
  const add = async (/** @type {any} */ event) => {
    event.preventDefault();
    const body = Object.fromEntries([...new FormData(event.currentTarget)].map(([key, value]) => [key, String(value).trim()]));
    const empty = fields.find((field) => !body[field.id]);
    if (empty) { setWrong({ field: empty.id, sentence: t("common.please_fill", { field: t(`admin.field_${empty.id}`) }) }); return; }
    try { onDone(await post(PATHS[what], body)); } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const field = error.field ?? ({ slug_taken: "slug", user_name_taken: "user", bad_user_name: "user", password_too_short: "password", bad_site: "site" }[error.code] ?? null);
      setWrong({ field: field && has(`admin.field_${field}`) ? field : null, sentence: error.message });
    }
  };
  return html`<${Dialog} title=${t(`admin.add_${what}`)} onClose=${onClose}><form onSubmit=${add} novalidate>
    ${wrong && !wrong.field && html`<p class="govuk-error-message" role="alert">${wrong.sentence}</p>`}
    ${fields.map((field) => html`<${Entry} key=${field.id} field=${field} wrong=${wrong?.field === field.id ? wrong.sentence : ""} />`)}
    <div class="dialog-buttons"><button type="button" class="button button-quiet" onClick=${onClose}>${t("common.cancel")}</button>
      <button type="submit" class="button" data-testid=${`confirm-add-${what}`}><${Icon} name="check" />${t("admin.save")}</button></div></form><//>`;
}
