// @ts-check
// What one has led so far, the newest first.
import { ApiError, get } from "../api.js";
import { html, render, useEffect, useState } from "../html.js";
import { loadWords, t } from "../i18n.js";
import { clock, exactTime, spokenDateTime } from "../time.js";
import { Banner, Empty, Icon } from "../ui.js";
import { SessionState } from "./desk/matter.js";

/** @param {{ one: any }} props */
const Row = ({ one }) => html`<tr data-testid="session" data-session=${one.id}>
  <th scope="row"><a href=${one.state === "ended" ? `/sessions/${one.id}` : `/room/${one.id}`} data-testid="open-session">${one.citizen_name || t("names.no_name")}</a></th>
  <td class="figures">${one.number}</td>
  <td>${t(`names.service_${one.procedure}`)}</td>
  <td><time datetime=${exactTime(one.opened_at)}>${spokenDateTime(one.opened_at)}</time></td>
  <td class="number">${one.ended_at && one.live_at ? clock(one.ended_at - one.live_at) : ""}</td>
  <td>${one.state === "ended" ? t(`names.reason_${one.end_reason}`) : html`<${SessionState} state=${one.state} />`}</td>
  <td>${one.recorded ? html`<${Icon} name="film" /> ${t("sessions.recorded")}` : html`<span class="muted">${t("sessions.not_recorded")}</span>`}</td></tr>`;

function Sessions() {
  const [sessions, setSessions] = useState(/** @type {any[] | null} */ (null));
  const [wrong, setWrong] = useState("");
  useEffect(() => { get("/api/sessions").then((reply) => setSessions(reply.sessions), (/** @type {ApiError} */ error) => setWrong(error.message)); }, []);
  if (wrong) return html`<${Banner} kind="bad" icon="triangle-alert"><p>${wrong}</p><//>`;
  if (!sessions) return html`<p role="status">${t("common.loading")}</p>`;
  if (!sessions.length) return html`<${Empty} icon="list">${t("sessions.none")}<//>`;
  return html`<div class="table-wrap card"><table class="table"><thead><tr>${["who", "number", "service", "when", "length", "result", "recording"].map((key) => html`<th scope="col" key=${key} class=${key === "length" ? "number" : ""}>${t(`sessions.col_${key}`)}</th>`)}</tr></thead>
    <tbody>${sessions.map((/** @type {any} */ one) => html`<${Row} key=${one.id} one=${one} />`)}</tbody></table></div>`;
}

await loadWords();
const place = document.getElementById("sessions");
if (place) render(html`<${Sessions} />`, place);
