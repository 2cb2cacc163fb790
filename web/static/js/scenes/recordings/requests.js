// @ts-check
// Who asks to see a recording and waits for a second person: this one.
import { html } from "../../html.js";
import { t } from "../../i18n.js";
import { spokenDateTime } from "../../time.js";
import { Icon } from "../../ui.js";

/** @param {{ requests: any[], onAnswer: (one: any, agrees: boolean) => void }} props */
export const Requests = ({ requests, onAnswer }) => requests.length > 0 && html`<section class="card care-requests" aria-labelledby="requests"><h2 id="requests">${t("recordings.requests")}</h2><p class="muted">${t("recordings.requests_say")}</p>
  <ul class="lines">${requests.map((one) => html`<li key=${one.id} data-testid="viewing-request"><div class="row row-apart"><div><strong>${one.by}</strong> <span class="muted">${one.number} ${t(`names.service_${one.procedure}`)} · ${spokenDateTime(one.asked_at)}</span><p class="care-note">${one.reason}</p></div>
    <div class="row"><button type="button" class="button button-quiet" data-testid="refuse-viewing" onClick=${() => onAnswer(one, false)}><${Icon} name="x" />${t("recordings.refuse")}<span class="visually-hidden"> ${one.by}</span></button>
      <button type="button" class="button" data-testid="agree-viewing" onClick=${() => onAnswer(one, true)}><${Icon} name="check" />${t("recordings.agree")}<span class="visually-hidden"> ${one.by}</span></button></div></div></li>`)}</ul></section>`;
