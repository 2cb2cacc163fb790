// @ts-check
// /screen/{endpoint}: the wall of a hall. Numbers called, spoken; what waits, who is on duty, risk notices, month and quarter, in turn.
import { post } from "../../api.js";
import { listen } from "../../events.js";
import { html, render, useEffect, useRef, useState } from "../../html.js";
import { lang, loadWords, t } from "../../i18n.js";
import { chime, speak } from "../../speech.js";
import { spokenTime, spokenWait } from "../../time.js";
import { Empty, Icon, State, useNow } from "../../ui.js";
import { spell } from "../kiosk/ticket.js";

const API = `/api/screens/${location.pathname.split("/")[2] ?? ""}`;
const TURN_MS = 12_000; // six lines of large type are read in half of that
const SAY_EVERY_MS = 7000; // one call after the other, none cut short
const FRESH_S = 30; // so long the newest call stands out
const CALLED_SHOWN = 6;
const HEALTH_MS = 30_000; // three that are missed, and staff are told that the screen is dark
/** The version of the page: what its script was when it was loaded. */
const VERSION = new URL(import.meta.url).searchParams.get("v") ?? "";

/** @typedef {{ number: string, service: string, where: string, called_at: number, state: string }} Called */

/** New calls are said one after the other; what was there when the screen was switched on is not. @param {Called[] | undefined} called */
function useVoice(called) {
  const known = useRef(/** @type {Set<string> | null} */ (null));
  const queue = useRef(/** @type {Called[]} */ ([]));
  useEffect(() => {
    if (!called) return;
    const key = (/** @type {Called} */ one) => `${one.number} ${one.called_at}`;
    const before = known.current;
    if (before) queue.current.push(...called.filter((one) => one.state === "called" && !before.has(key(one))).reverse());
    known.current = new Set(called.map(key));
  }, [called]);
  useEffect(() => {
    const timer = setInterval(() => {
      const next = queue.current.shift();
      if (!next) return;
      chime();
      setTimeout(() => speak(t("hall.screen_voice", { number: spell(next.number), where: next.where })), 900);
    }, SAY_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
}

/** @param {{ called: Called[], now_s: number }} props */
const Calls = ({ called, now_s }) => html`<section class="screen-calls" aria-labelledby="calls"><h2 id="calls">${t("hall.screen_now")}</h2>
  ${called.length === 0 ? html`<${Empty} icon="ticket">${t("hall.screen_nobody_called")}<//>` : html`<ol class="plain" aria-live="polite">${called.slice(0, CALLED_SHOWN).map((one, place) => html`<li key=${`${one.number}${one.called_at}`} class=${`screen-call ${place === 0 && now_s - one.called_at < FRESH_S ? "screen-fresh" : ""}`} data-testid="screen-call" data-state=${one.state}>
    <strong class="figures">${one.number}</strong><span class="screen-where">${one.where}</span>
    <${State} kind=${one.state === "called" ? "good" : "quiet"} icon=${one.state === "called" ? "bell-ring" : "video"}>${t(`hall.screen_${one.state}`)}<//></li>`)}</ol>`}</section>`;

/** @param {{ lines: any[], now_s: number }} props */
const Waiting = ({ lines, now_s }) => (lines.length === 0 ? html`<${Empty} icon="users">${t("hall.screen_nobody_waits")}<//>` : html`<ul class="lines">${lines.map((line) => html`<li key=${line.service}>
  <p class="screen-name">${t(`names.service_${line.service}`)} <span class="muted">${t("kiosk.waiting_count", { count: line.people })}</span></p>
  <p class="figures screen-numbers">${line.numbers.join("　")}</p><p class="muted">${t("hall.screen_since", { time: spokenWait(Math.max(60, now_s - line.since)) })}</p></li>`)}</ul>`);

/** @param {{ people: any[] }} props */
const Duty = ({ people }) => (people.length === 0 ? html`<${Empty} icon="clock">${t("duty.nobody_now")}<//>` : html`<ul class="lines">${people.map((one) => html`<li key=${one.service + one.name}>
  <p class="screen-name">${one.name} <span class="muted">${t(`names.service_${one.service}`)}</span></p><p><${State} kind="good" icon="circle-check">${t("duty.until", { time: spokenTime(one.until) })}<//></p></li>`)}</ul>`);

/** @param {{ notices: any[] }} props */
const Notices = ({ notices }) => html`<ul class="plain stack">${notices.map((one) => html`<li key=${one.id} class=${`screen-notice screen-${one.level}`} data-testid="screen-notice"><${Icon} name=${one.level === "warning" ? "octagon-alert" : "megaphone"} /><p>${one.text}</p></li>`)}</ul>`;

/** @param {{ figures: any }} props */
const Figures = ({ figures }) => html`<div class="screen-figures">${["month", "quarter"].map((period) => {
  const of = figures[period];
  return html`<section key=${period}><h3>${t(`hall.screen_${period}`)}</h3><dl>
    <div><dt>${t("hall.screen_served")}</dt><dd class="figures">${of.served}</dd></div>
    <div><dt>${t("hall.screen_wait")}</dt><dd class="figures">${of.served ? spokenWait(Math.max(60, of.mean_wait_s)) : "—"}</dd></div>
    <div><dt>${t("hall.screen_satisfied")}</dt><dd class="figures">${of.satisfied === null ? "—" : `${Math.round(of.satisfied * 100)} %`}</dd></div></dl></section>`;
})}</div>`;

function Screen() {
  const [screen, setScreen] = useState(/** @type {any} */ (null));
  const [lost, setLost] = useState(false);
  const [turn, setTurn] = useState(0);
  const now_s = useNow();
  useEffect(() => listen({ url: `${API}/events`, event: "screen", probe: API, onData: setScreen, onState: (connected) => setLost(!connected), onRefused: () => setLost(true) }), []);
  useEffect(() => { const timer = setInterval(() => setTurn((/** @type {number} */ count) => count + 1), TURN_MS); return () => clearInterval(timer); }, []);
  useEffect(() => {
    /** @type {number | null} */
    let rtt_ms = null;
    const tell = async () => {
      const sent_ms = performance.now();
      try {
        const answer = await post(`${API.replace("/screens/", "/endpoints/")}/health`, { version: VERSION.slice(0, 40), line: { rtt_ms }, problems: [] });
        rtt_ms = Math.round(performance.now() - sent_ms);
        if (answer.reload) location.reload();
      } catch { /* the foot of the page says that the line is lost; who looks after the hall misses the report */ }
    };
    tell();
    const timer = setInterval(tell, HEALTH_MS);
    return () => clearInterval(timer);
  }, []);
  useVoice(screen?.called);
  if (!screen) return html`<p class="screen-loading" role="status">${t("common.loading")}</p>`;
  const panels = ["waiting", "duty", ...(screen.notices.length ? ["notices"] : []), "figures"];
  const shown = panels[turn % panels.length] ?? "waiting";
  const clock = new Intl.DateTimeFormat(lang(), { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", hour12: false }).format(now_s * 1000);
  const day = new Intl.DateTimeFormat(lang(), { timeZone: "Asia/Shanghai", month: "long", day: "numeric", weekday: "long" }).format(now_s * 1000);
  const warning = screen.notices.find((/** @type {any} */ one) => one.level === "warning");
  return html`<header class="screen-head"><h1>${screen.site_name}</h1><p><span class="muted">${day}</span> <time class="figures screen-clock" data-testid="screen-clock">${clock}</time></p></header>
    <${Calls} called=${screen.called} now_s=${now_s} />
    <section class="screen-panel" aria-labelledby="panel" data-testid="screen-panel" data-panel=${shown}><h2 id="panel">${t(`hall.screen_panel_${shown}`)}</h2>
      ${shown === "waiting" && html`<${Waiting} lines=${screen.waiting} now_s=${now_s} />`}
      ${shown === "duty" && html`<${Duty} people=${screen.on_duty} />`}
      ${shown === "notices" && html`<${Notices} notices=${screen.notices} />`}
      ${shown === "figures" && html`<${Figures} figures=${screen.figures} />`}
      <p class="screen-dots" aria-hidden="true">${panels.map((one) => (one === shown ? "●" : "○")).join(" ")}</p></section>
    <footer class=${`screen-foot ${warning ? "screen-warning" : ""}`}>${lost ? html`<p role="status"><${Icon} name="wifi-off" /> ${t("hall.screen_lost")}</p>` : warning ? html`<p><${Icon} name="octagon-alert" /> ${warning.text}</p>` : html`<p>${t("hall.screen_foot")}</p>`}</footer>`;
}

await loadWords();
const place = document.getElementById("screen");
if (place) render(html`<${Screen} />`, place);
