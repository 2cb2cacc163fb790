// @ts-check
// /sessions/{session}: one past session. The film, each person's own film, what happened when, and the evidence pack.
import { ApiError, get } from "../api.js";
import { html, render, useEffect, useRef, useState } from "../html.js";
import { loadWords, t } from "../i18n.js";
import { clock, exactTime, spokenDateTime } from "../time.js";
import { Banner, Icon } from "../ui.js";
import { AccessList } from "./recordings/dialogs.js";
import { Events, sentenceOf } from "./review/events.js";
import { Films, RecordingState } from "./review/films.js";
import { HideDialog } from "./review/hide.js";

const API = `/api/sessions/${location.pathname.split("/")[2]}`;
const AGAIN_MS = 2000; // while films are being made

/** @returns {{ whole: any, wrong: string, again: () => void }} */
function useSession() {
  const [whole, setWhole] = useState(/** @type {any} */ (null));
  const [wrong, setWrong] = useState("");
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let timer = 0;
    const load = () => get(API).then((reply) => {
      setWhole(reply);
      setWrong("");
      if (reply.recording && !["ready", "failed", "destroyed"].includes(reply.recording.state)) timer = window.setTimeout(load, AGAIN_MS);
    }, (/** @type {ApiError} */ error) => {
      setWrong(error.message);
      if (error.status === 0 || error.status === 503) timer = window.setTimeout(load, AGAIN_MS);
    });
    load();
    return () => clearTimeout(timer);
  }, [turn]);
  return { whole, wrong, again: () => setTurn((/** @type {number} */ count) => count + 1) };
}

/** @param {{ session: any, people: any[] }} props */
const Facts = ({ session, people }) => html`<section class="card card-flat" aria-labelledby="facts"><h2 id="facts">${t("sessions.facts")}</h2>
  <dl class="facts"><dt>${t("sessions.col_service")}</dt><dd>${t(`names.service_${session.procedure}`)}</dd>
    <dt>${t("sessions.site")}</dt><dd>${session.site_name}</dd>
    <dt>${t("sessions.col_number")}</dt><dd class="figures">${session.number}</dd>
    <dt>${t("sessions.col_when")}</dt><dd><time datetime=${exactTime(session.opened_at)}>${spokenDateTime(session.opened_at)}</time></dd>
    ${session.end_reason && html`<dt>${t("sessions.col_result")}</dt><dd>${t(`names.reason_${session.end_reason}`)}</dd>`}
    <dt>${t("sessions.people")}</dt><dd><ul class="plain">${people.map((person) => html`<li key=${person.seat}>${person.name || t("names.no_name")} <span class="muted">${t(`names.role_${person.role}`)}</span></li>`)}</ul></dd></dl></section>`;

/** @param {{ pack: any }} props */
const Pack = ({ pack }) => html`<section class="card card-flat" aria-labelledby="pack"><h2 id="pack">${t("sessions.pack")}</h2><p class="muted">${t("sessions.pack_says")}</p>
  ${pack.state === "ready" ? html`<p><a class="button" href=${pack.url} download data-testid="download-pack"><${Icon} name="download" />${t("sessions.download_pack")} <span class="figures">(${t("sessions.megabytes", { count: (pack.bytes / 1e6).toFixed(1) })})</span></a></p>
      <p><a href="/verifier.html?download" download="verifier.html" data-testid="download-verifier"><${Icon} name="download" /> ${t("sessions.verifier")}</a></p>`
    : html`<p><${Icon} name=${pack.state === "failed" ? "triangle-alert" : "hourglass"} /> ${t(`sessions.pack_${pack.state}`)}</p>`}</section>`;

/** Who asked for it and who saw it; asked for when it is opened. @param {{ session: string }} props */
function Accesses({ session }) {
  const [journal, setJournal] = useState(/** @type {any} */ (null));
  const open = (/** @type {any} */ event) => { if (event.currentTarget.open) get(`/api/sessions/${session}/accesses`).then(setJournal, () => {}); };
  return html`<details class="card card-flat review-accesses" data-testid="review-accesses" onToggle=${open}><summary>${t("sessions.accesses")}</summary><p class="muted">${t("recordings.accesses_say")}</p>${journal && html`<${AccessList} ...${journal} />`}</details>`;
}

function Review() {
  const { whole, wrong, again } = useSession();
  const [hiding, setHiding] = useState(false);
  const player = useRef(/** @type {HTMLVideoElement | null} */ (null));
  const [at_s, setAt] = useState(0);
  if (!whole) return wrong ? html`<${Banner} kind="bad" icon="triangle-alert"><p>${wrong}</p><//>` : html`<p role="status">${t("common.loading")}</p>`;
  const { session, people, events, recording } = whole;
  const jump = (/** @type {number} */ to_s) => {
    if (!player.current) return;
    player.current.currentTime = Math.max(0, to_s);
    setAt(Math.max(0, to_s));
  };
  const start = recording?.started_at ?? session.opened_at;
  const marks = events.map((/** @type {any} */ event) => ({ at_s: event.at - start, kind: event.kind, says: sentenceOf(event, people) }));
  const watchable = recording?.films.length > 0;
  return html`<nav aria-label=${t("sessions.breadcrumb")}><a href="/sessions"><${Icon} name="arrow-left" /> ${t("common.go_sessions")}</a></nav>
    <div class="row row-apart review-head"><h1>${session.citizen_name || t("names.no_name")} · ${t(`names.service_${session.procedure}`)}</h1>
      ${recording ? html`<${RecordingState} recording=${recording} />` : html`<span class="muted">${t("sessions.not_recorded")}</span>`}</div>
    <div class="review">
      <div class="review-main">
        ${recording ? html`<${Films} recording=${recording} api=${API} player=${player} onHide=${whole.may_hide && recording.state === "ready" ? () => setHiding(true) : null} events=${marks} at_s=${at_s} onTime=${setAt} onJump=${jump} />` : html`<${Banner} kind="info" icon="info"><p>${t("sessions.never_recorded")}</p><//>`}
        <div class="grid grid-wide review-below"><${Facts} session=${session} people=${people} />${recording && html`<${Pack} pack=${recording.pack} />`}</div>
        ${hiding && html`<${HideDialog} api=${API} people=${people} at=${clock(at_s)} onClose=${() => setHiding(false)} onDone=${() => { setHiding(false); again(); }} />`}
        ${recording && html`<${Accesses} session=${session.id} />`}
      </div>
      <${Events} events=${events} people=${people} start=${start} at_s=${at_s} canJump=${watchable} onJump=${(/** @type {number} */ to_s) => { jump(to_s); player.current?.play().catch(() => {}); }} />
    </div>
    ${recording && recording.duration_s > 0 && html`<p class="muted type-small">${t("sessions.length", { time: clock(recording.duration_s) })}</p>`}`;
}

await loadWords();
const place = document.getElementById("review");
if (place) render(html`<${Review} />`, place);
