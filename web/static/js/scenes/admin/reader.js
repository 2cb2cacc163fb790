// @ts-check
// Where a kiosk's card reader answers: a program on the device itself, told by whoever set it up.
import { put } from "../../api.js";
import { html, useRef, useState } from "../../html.js";
import { t } from "../../i18n.js";
import { Dialog, Icon } from "../../ui.js";

/** @param {{ one: any, onDone: () => void, onClose: () => void }} props */
export function ReaderDialog({ one, onDone, onClose }) {
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const [wrong, setWrong] = useState(false);
  const save = async (/** @type {Event} */ event) => {
    event.preventDefault();
    try { await put(`/api/admin/endpoints/${one.id}/card-reader`, { address: field.current?.value.trim() ?? "" }); onDone(); } catch { setWrong(true); field.current?.focus(); }
  };
  return html`<${Dialog} title=${t("admin.reader_title", { name: one.name })} onClose=${onClose}><form onSubmit=${save} novalidate>
    <div class=${`govuk-form-group ${wrong ? "govuk-form-group--error" : ""}`}><label class="govuk-label" for="reader">${t("admin.reader_address")}</label><div class="govuk-hint" id="reader-hint">${t("admin.reader_hint")}</div>
      ${wrong && html`<p class="govuk-error-message" id="reader-error">${t("admin.reader_wrong")}</p>`}
      <input class="govuk-input" id="reader" ref=${field} value=${one.card_reader} autocomplete="off" spellcheck=${false} aria-describedby=${wrong ? "reader-hint reader-error" : "reader-hint"} aria-invalid=${wrong ? "true" : undefined} data-testid="reader-address" /></div>
    <div class="dialog-buttons"><button type="button" class="button button-quiet" onClick=${onClose}>${t("common.cancel")}</button><button type="submit" class="button" data-testid="save-reader"><${Icon} name="check" />${t("admin.save")}</button></div></form><//>`;
}
