// @ts-check
// The middle and the right of the desk: whom I serve now, and what was done today.
import { html } from "../../html.js";
import { t } from "../../i18n.js";
import { exactTime, spokenDateTime, spokenTime } from "../../time.js";
import { Empty, Icon, State } from "../../ui.js";

/** @type {Record<string, [string, string]>} */
const SESSION_LOOKS = { open: ["wait", "hourglass"], live: ["good", "circle-check"], ended: ["quiet", "square"] };
const SHOWN = 8;

/** @param {{ state: string }} props */
export const SessionState = ({ state }) => html`<${State} kind=${SESSION_LOOKS[state]?.[0] ?? "quiet"} icon=${SESSION_LOOKS[state]?.[1] ?? "circle"} data-state=${state}>${t(`names.session_${state}`)}<//>`;

/** @param {{ session: any, waiting: number, mayCall: boolean, onNoShow: () => void }} props */
export const Now = ({ session, waiting, mayCall, onNoShow }) => html`
  <section class="card desk-now" aria-labelledby="now"><div class="card-head"><h2 id="now">${t("desk.now")}</h2>${session && html`<${SessionState} state=${session.state} />`}</div>
    ${session ? html`
      <p class="desk-now-number figures">${session.number}</p>
      <p>${t(`names.service_${session.procedure}`)}</p>
      <p><a class="button button-big button-wide" href=${session.url} data-testid="open-room"><${Icon} name="video" />${t("desk.open_room")}</a></p>
      ${mayCall && html`<p><button type="button" class="button button-danger-quiet button-wide" data-testid="mark-no-show" onClick=${onNoShow}><${Icon} name="user-x" />${t("desk.no_show")}</button></p>`}`
    : html`<${Empty} icon="armchair">${t(!mayCall ? "desk.nobody_now_watch" : waiting ? "desk.nobody_now_waiting" : "desk.nobody_now")}<//>`}
  </section>`;

/** @param {{ sessions: any[], mayCall: boolean }} props */
export const Today = ({ sessions, mayCall }) => html`
  <section class="card desk-today" aria-labelledby="today"><div class="card-head"><h2 id="today">${t("desk.done")}</h2>${mayCall && html`<a href="/sessions">${t("desk.all_done")}</a>`}</div>
    ${sessions.length === 0 ? html`<${Empty} icon="list">${t("desk.nothing_done")}<//>`
      : html`<ul class="lines">${sessions.filter((one) => one.state === "ended").slice(0, SHOWN).map((one) => html`<li key=${one.id}>
          <a href=${`/sessions/${one.id}`}>${[one.number, one.citizen_name || t("names.no_name")].filter(Boolean).join(" · ")}</a><br />
          <span class="muted type-small">${t(`names.service_${one.procedure}`)} · <time datetime=${exactTime(one.opened_at)} title=${spokenDateTime(one.opened_at)}>${spokenTime(one.opened_at)}</time>${one.end_reason ? ` · ${t(`names.reason_${one.end_reason}`)}` : ""}</span></li>`)}</ul>`}
  </section>`;
