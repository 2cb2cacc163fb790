// @ts-check
// Hide a stretch that nobody may see, with its cause: the films and the pack are made anew without it.
import { ApiError, post } from "../../api.js";
import { html, useState } from "../../html.js";
import { t } from "../../i18n.js";
import { Dialog, Icon } from "../../ui.js";

const SOURCES = ["face", "voice", "document", "screen"];

/** Seconds of "1:05" or "65". @param {string} text */
export function secondsOf(text) {
  const found = /^(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)$/.exec(text.trim());
  return found ? Number(found[1] ?? 0) * 3600 + Number(found[2] ?? 0) * 60 + Number(found[3]) : NaN;
}

/** @param {{ id: string, value?: string, hint?: string }} props */
const Field = ({ id, value = "", hint }) => html`<div class="govuk-form-group"><label class="govuk-label" for=${`hide-${id}`}>${t(`sessions.hide_${id}`)}</label>${hint && html`<div class="govuk-hint" id=${`hide-${id}-hint`}>${hint}</div>`}
  <input class="govuk-input" id=${`hide-${id}`} name=${id} defaultValue=${value} data-testid=${`hide-${id}`} required autocomplete="off" aria-describedby=${hint ? `hide-${id}-hint` : undefined} /></div>`;

/** @param {{ id: string, choices: [string, string][] }} props */
const Choose = ({ id, choices }) => html`<div class="govuk-form-group"><label class="govuk-label" for=${`hide-${id}`}>${t(`sessions.hide_${id}`)}</label>
  <select class="govuk-select" id=${`hide-${id}`} name=${id} data-testid=${`hide-${id}`}><option value="">${t("sessions.hide_all")}</option>${choices.map(([value, word]) => html`<option key=${value} value=${value}>${word}</option>`)}</select></div>`;

/** @param {{ api: string, people: any[], at: string, onClose: () => void, onDone: () => void }} props */
export function HideDialog({ api, people, at, onClose, onDone }) {
  const [wrong, setWrong] = useState("");
  const hide = async (/** @type {any} */ event) => {
    event.preventDefault();
    const form = Object.fromEntries([...new FormData(event.currentTarget)].map(([key, value]) => [key, String(value).trim()]));
    const [from_s, to_s] = [secondsOf(form.from), secondsOf(form.to)];
    if (!(to_s > from_s) || !form.cause) { setWrong(t("errors.bad_part")); return; }
    try {
      await post(`${api}/hidden-parts`, { from_s, to_s, cause: form.cause, seat: form.seat || null, source: form.source || null });
      onDone();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setWrong(error.message);
    }
  };
  return html`<${Dialog} title=${t("sessions.hide")} onClose=${onClose} testid="hide-dialog"><form onSubmit=${hide} novalidate><p>${t("sessions.hide_says")}</p>
    ${wrong && html`<p class="govuk-error-message" role="alert">${wrong}</p>`}
    <${Field} id="from" value=${at} hint=${t("sessions.hide_hint")} /><${Field} id="to" />
    <${Choose} id="seat" choices=${people.map((one) => [one.seat, `${one.name || t("names.no_name")} ${t(`names.role_${one.role}`)}`])} /><${Choose} id="source" choices=${SOURCES.map((one) => [one, t(`sessions.source_${one}`)])} />
    <${Field} id="cause" hint=${t("recordings.reason_hint")} />
    <div class="dialog-buttons"><button type="button" class="button button-quiet" onClick=${onClose}>${t("common.cancel")}</button>
      <button type="submit" class="button button-danger" data-testid="confirm-hide"><${Icon} name="video-off" />${t("sessions.hide")}</button></div></form><//>`;
}
