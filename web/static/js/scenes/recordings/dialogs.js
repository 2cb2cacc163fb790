// @ts-check
// Why; who saw it; and the paper that says that it is gone.
import { ApiError, get } from "../../api.js";
import { html, useEffect, useState } from "../../html.js";
import { t } from "../../i18n.js";
import { exactTime, spokenDateTime } from "../../time.js";
import { Banner, Dialog, Icon } from "../../ui.js";

/** @param {{ what: string, one: any, onDone: (reason: string) => void, onClose: () => void }} props */
export function ReasonDialog({ what, one, onDone, onClose }) {
  const [wrong, setWrong] = useState("");
  const says = what === "ask" && one.needs_second ? "ask_second_says" : what === "destroy" && one.destroy_reason ? "destroy_second_says" : `${what}_says`;
  const done = (/** @type {any} */ event) => {
    event.preventDefault();
    const reason = String(new FormData(event.currentTarget).get("reason")).trim();
    if (reason) onDone(reason); else setWrong(t("common.please_fill", { field: t("recordings.reason") }));
  };
  return html`<${Dialog} title=${t(`recordings.${what}`)} onClose=${onClose} testid=${`${what}-dialog`}><form onSubmit=${done} novalidate><p>${t(`recordings.${says}`)}</p>
    <div class=${`govuk-form-group ${wrong ? "govuk-form-group--error" : ""}`}><label class="govuk-label" for="reason">${t("recordings.reason")}</label><div class="govuk-hint" id="reason-hint">${t("recordings.reason_hint")}</div>
      ${wrong && html`<p class="govuk-error-message" id="reason-wrong" role="alert">${wrong}</p>`}
      <textarea class="govuk-textarea" id="reason" name="reason" rows="3" maxlength="500" required data-testid="reason" aria-describedby=${wrong ? "reason-hint reason-wrong" : "reason-hint"} aria-invalid=${wrong ? "true" : undefined}></textarea></div>
    <div class="dialog-buttons"><button type="button" class="button button-quiet" onClick=${onClose}>${t("common.cancel")}</button>
      <button type="submit" class=${what === "destroy" ? "button button-danger" : "button"} data-testid="confirm-reason"><${Icon} name="check" />${t(`recordings.${what}`)}</button></div></form><//>`;
}

/** What a GET answers, or the sentence why not. @param {string} path @returns {{ reply: any, wrong: string }} */
function useReply(path) {
  const [state, setState] = useState({ reply: /** @type {any} */ (null), wrong: "" });
  useEffect(() => { get(path).then((reply) => setState({ reply, wrong: "" }), (/** @type {ApiError} */ error) => setState({ reply: null, wrong: error.message })); }, [path]);
  return state;
}

/** @param {{ entries: any[], wrong: number | null }} props */
export const AccessList = ({ entries, wrong }) => html`${wrong !== null && html`<${Banner} kind="bad" icon="triangle-alert"><p>${t("recordings.accesses_wrong", { n: wrong + 1 })}</p><//>`}
  ${entries.length === 0 ? html`<p class="muted">${t("recordings.accesses_none")}</p>` : html`<ol class="lines" data-testid="accesses">${entries.map((one, n) => html`<li key=${n} data-kind=${one.kind}><span class="muted figures"><time datetime=${exactTime(one.at)}>${spokenDateTime(one.at)}</time></span> <strong>${one.by}</strong> ${t(`recordings.access_${one.kind}`)}
    ${one.reason && html`<p class="care-note">${one.reason}</p>`}</li>`)}</ol>`}`;

/** @param {{ one: any, onClose: () => void }} props */
export function Accesses({ one, onClose }) {
  const { reply, wrong } = useReply(`/api/sessions/${one.session}/accesses`);
  return html`<${Dialog} title=${t("recordings.accesses_title", { number: one.number })} onClose=${onClose} testid="accesses-dialog"><p class="muted">${t("recordings.accesses_say")}</p>
    ${wrong && html`<p role="alert">${wrong}</p>`}${reply && html`<${AccessList} ...${reply} />`}
    <div class="dialog-buttons"><button type="button" class="button" onClick=${onClose}>${t("recordings.close")}</button></div><//>`;
}

/** @param {{ one: any, onClose: () => void }} props */
export function Certificate({ one, onClose }) {
  const { reply, wrong } = useReply(`/api/sessions/${one.session}/recording/certificate`);
  const link = (/** @type {BlobPart} */ bytes, /** @type {string} */ name, /** @type {string} */ word) => html`<p><a class="button button-quiet" href=${URL.createObjectURL(new Blob([bytes]))} download=${name}><${Icon} name="download" />${word}</a></p>`;
  return html`<${Dialog} title=${t("recordings.certificate")} onClose=${onClose} testid="certificate-dialog"><p>${t("recordings.certificate_says")}</p>${wrong && html`<p role="alert">${wrong}</p>`}
    ${reply && html`<pre class="care-paper" tabindex="0" role="region" aria-label=${t("recordings.certificate_text")}>${JSON.stringify(JSON.parse(reply.certificate), null, 1)}</pre>
      ${link(reply.certificate, `destroyed-${one.number}.json`, t("recordings.certificate_text"))}${link(Uint8Array.from(atob(reply.signature), (c) => c.charCodeAt(0)), `destroyed-${one.number}.p7s`, t("recordings.certificate_signature"))}`}
    <div class="dialog-buttons"><button type="button" class="button" onClick=${onClose}>${t("recordings.close")}</button></div><//>`;
}
