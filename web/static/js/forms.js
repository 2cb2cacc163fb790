// @ts-check
// Forms that say what is wrong: next to the field and in a summary that gets the focus.
import { ApiError } from "./api.js";
import { t } from "./i18n.js";

/** @typedef {{ field: string | null, sentence: string }} Wrong */

/** @param {HTMLFormElement} form @param {Wrong[]} wrongs */
export function showWrongs(form, wrongs) {
  const summary = form.querySelector("[data-error-summary]");
  const list = summary?.querySelector("ul");
  if (!(summary instanceof HTMLElement) || !list) return;
  clearWrongs(form);
  list.replaceChildren(...wrongs.map(({ field, sentence }) => line(field, sentence)));
  for (const { field, sentence } of wrongs) if (field) markField(form, field, sentence);
  summary.hidden = wrongs.length === 0;
  if (wrongs.length) summary.focus();
}

/** @param {HTMLFormElement} form */
export function clearWrongs(form) {
  for (const group of form.querySelectorAll(".govuk-form-group--error")) group.classList.remove("govuk-form-group--error");
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  for (const said of form.querySelectorAll(".govuk-error-message")) if (said instanceof HTMLElement) said.hidden = true;
  const summary = form.querySelector("[data-error-summary]");
  if (summary instanceof HTMLElement) summary.hidden = true;
}

/** @param {HTMLFormElement} form @returns {Wrong[]} the required fields that are empty */
export function emptyFields(form) {
  return Array.from(form.querySelectorAll("input[required], select[required], textarea[required]"))
    .filter((input) => /** @type {HTMLInputElement} */ (input).value.trim() === "")
    .map((input) => ({ field: input.id, sentence: t("common.please_fill", { field: labelOf(form, input.id) }) }));
}

/** Show what the server refused. @param {HTMLFormElement} form @param {unknown} error */
export function showRefusal(form, error) {
  if (!(error instanceof ApiError)) throw error;
  const field = error.field && form.querySelector(`#${CSS.escape(error.field)}`) ? error.field : null;
  showWrongs(form, [{ field, sentence: error.message }]);
}

/** @param {HTMLFormElement} form @param {string} id */
const labelOf = (form, id) => form.querySelector(`label[for="${CSS.escape(id)}"]`)?.textContent?.trim() ?? "";

/** @param {string | null} field @param {string} sentence */
function line(field, sentence) {
  const item = document.createElement("li");
  if (!field) { item.textContent = sentence; return item; }
  const link = document.createElement("a");
  link.href = `#${field}`;
  link.textContent = sentence;
  link.addEventListener("click", (event) => { event.preventDefault(); document.getElementById(field)?.focus(); });
  item.append(link);
  return item;
}

/** @param {HTMLFormElement} form @param {string} field @param {string} sentence */
function markField(form, field, sentence) {
  const input = form.querySelector(`#${CSS.escape(field)}`);
  const said = form.querySelector(`#${CSS.escape(field)}-error`);
  input?.setAttribute("aria-invalid", "true");
  input?.closest(".govuk-form-group")?.classList.add("govuk-form-group--error");
  if (said instanceof HTMLElement) {
    said.textContent = sentence;
    said.hidden = false;
    const described = input?.getAttribute("aria-describedby") ?? "";
    if (!described.includes(said.id)) input?.setAttribute("aria-describedby", `${described} ${said.id}`.trim());
  }
}
