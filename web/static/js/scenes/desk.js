// @ts-check
// The staff desk: my line, whom I serve now, what is done today. Live by server-sent events.
import { ApiError, get, post } from "../api.js";
import { closeDevices, openDevices } from "../call/media.js";
import { dropSpare, keepSpare } from "../call/spare.js";
import { listen } from "../events.js";
import { html, render, useEffect, useState } from "../html.js";
import { lang, loadWords, t } from "../i18n.js";
import { say } from "../live.js";
import { Banner, Confirm, Icon, Reconnecting } from "../ui.js";
import { Alerts, useNewcomers } from "./desk/alerts.js";
import { BesideMe } from "./desk/here.js";
import { Line, NameDialog } from "./desk/line.js";
import { Now, Today } from "./desk/matter.js";
import { PersonCard } from "./desk/card.js";
import { TakeFor } from "./desk/take_for.js";
import { Calls, Day, Rooms, Silent, Status, useWatch } from "./desk/watch.js";

const PAGE = crypto.getRandomValues(new Uint32Array(4)).join("-"); // of several desks of one person, the one that calls enters the room
const CALL_KEY = "F2"; // no letter: somebody who dictates or types must not call by accident

/** The desk's stream. @returns {{ desk: any, lost_ms: number | null, wrong: string }} */
function useDesk() {
  const [desk, setDesk] = useState(/** @type {any} */ (null));
  const [lost_ms, setLost] = useState(/** @type {number | null} */ (null));
  const [wrong, setWrong] = useState("");
  useEffect(() => listen({
    url: "/api/desk/events", event: "desk", probe: "/api/desk", onData: setDesk,
    onState: (connected) => setLost((/** @type {number | null} */ before) => (connected ? null : before ?? Date.now())),
    onRefused: (error) => { if (error.status === 401) location.assign("/sign-in?next=/desk"); else setWrong(error.message); },
  }), []);
  return { desk, lost_ms, wrong };
}

/** Fetched before anybody is called: whoever is then finds the room at once. */
const roomModule = () => import("./room/staff.js");

/** Into the room of a call that was just made. @param {any} called @param {Promise<import("../call/media.js").Devices>} opening */
async function enterRoom(called, opening) {
  try { (await roomModule()).enterHere(called, opening); } catch { location.assign(called.room.url); }
}

function Desk() {
  const { desk, lost_ms, wrong } = useDesk();
  const [busy, setBusy] = useState(false);
  const [asking, setAsking] = useState(/** @type {any} */ (null));
  const [done, setDone] = useState(/** @type {any[]} */ ([]));
  const [chosen, setChosen] = useState("");
  const watch = useWatch();
  const newcomers = useNewcomers(desk);
  const waiting = desk ? desk.areas.reduce((/** @type {number} */ sum, /** @type {any} */ area) => sum + area.waiting.length, 0) : 0;
  const mayCall = Boolean(desk?.areas.some((/** @type {any} */ area) => area.may_call));
  const running = desk?.session ?? null;
  const served = watch?.rooms.find((/** @type {any} */ room) => room.is_mine)?.ticket ?? "";
  const people = desk?.areas.flatMap((/** @type {any} */ area) => area.waiting) ?? [];
  // The one that was chosen, else whom I serve, else who is called next.
  const shown = people.some((/** @type {any} */ one) => one.ticket === chosen) ? chosen : (running && served) || (people.find((/** @type {any} */ one) => one.state === "waiting" && !one.for_another) ?? people[0])?.ticket || "";
  const choose = (/** @type {any} */ one) => { setChosen(one.ticket); document.getElementById("person-card")?.focus(); };

  /** @param {string} path @param {unknown} [body] */
  const call = async (path, body) => {
    if (busy) return;
    setBusy(true);
    const opening = openDevices(); // while the call is on its way
    try { await enterRoom(await post(path, body), opening); } catch (error) { opening.then(closeDevices); setBusy(false); say(/** @type {ApiError} */ (error).message); }
  };
  const callNext = () => call("/api/desk/call-next", { page: PAGE });
  const noShow = async () => {
    setAsking(null);
    try { await post(`/api/sessions/${running.id}/no-show`); } catch (error) { say(/** @type {ApiError} */ (error).message); }
  };

  const calls = mayCall && !running && waiting > 0;
  useEffect(() => {
    if (busy) return; // the call that is under way takes it
    if (calls) keepSpare({ page: PAGE, stream: null }); else dropSpare();
  }, [calls, busy]);
  useEffect(() => { if (mayCall) roomModule().catch(() => {}); }, [mayCall]);
  useEffect(() => {
    if (!mayCall || running) return undefined;
    const pressed = (/** @type {KeyboardEvent} */ event) => { if (event.key === CALL_KEY && !document.querySelector("dialog[open]")) { event.preventDefault(); callNext(); } };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [mayCall, running, busy]);
  useEffect(() => { document.title = `${waiting ? `(${waiting}) ` : ""}${t("desk.title")} · ${t("common.product")}`; }, [waiting, lang()]);
  useEffect(() => { if (mayCall) get("/api/sessions").then((reply) => setDone(reply.sessions), () => {}); }, [mayCall, running?.id]);

  if (wrong) return html`<${Banner} kind="bad" icon="triangle-alert"><p>${wrong}</p><//>`;
  if (!desk) return html`<div>${lost_ms !== null ? html`<${Reconnecting} since_ms=${lost_ms} />` : html`<p role="status">${t("common.loading")}</p>`}</div>`;
  return html`<div class="desk">
    <div class="desk-head row row-apart"><h1>${t("desk.hello", { name: desk.person.name })}</h1><div class="row"><${Status} watch=${watch} /><${Alerts} /></div></div>
    ${lost_ms !== null && html`<${Reconnecting} since_ms=${lost_ms} />`}
    <div class="desk-columns">
      <section class="desk-line" aria-labelledby="line"><div class="card-head"><h2 id="line">${t("desk.my_line")}</h2>
          <span class=${`badge ${waiting ? "badge-wait" : ""}`}><span data-testid="waiting-count">${waiting}</span><span class="visually-hidden"> ${t("desk.waiting")}</span></span></div>
        ${mayCall && html`<button type="button" class="button button-big button-wide" data-testid="call-next" aria-disabled=${busy || Boolean(running) || waiting === 0} aria-keyshortcuts=${CALL_KEY}
          onClick=${() => (running ? say(t("errors.session_running")) : callNext())}><${Icon} name="phone-call" />${t(busy ? "desk.calling" : "desk.call_next")} <kbd>${CALL_KEY}</kbd></button>`}
        ${!mayCall && html`<p class="muted">${t("desk.watch_only")}</p>`}
        <p><button type="button" class="button button-quiet button-wide" data-testid="take-for" onClick=${() => setAsking({ what: "take-for" })}><${Icon} name="plus" />${t("desk.take_for")}</button></p>
        <div data-testid="waiting-list">${desk.areas.map((/** @type {any} */ area) => html`<${Line} key=${area.id} area=${area} newcomers=${newcomers} blocked=${busy || Boolean(running)} chosen=${shown} onChoose=${choose}
          onCall=${(/** @type {any} */ one) => call(`/api/desk/tickets/${one.ticket}/call`)} onName=${(/** @type {any} */ one) => setAsking({ what: "name", one })} />`)}</div>
      </section>
      <div class="desk-middle"><${Now} session=${running} waiting=${waiting} mayCall=${mayCall} onNoShow=${() => setAsking({ what: "no-show" })} />
        <${PersonCard} key=${shown} ticket=${shown} version=${desk} isMine=${Boolean(running) && shown === served} /></div>
      <div class="desk-right"><${BesideMe} /><${Calls} alerts=${desk.alerts ?? []} watch=${watch} /><${Rooms} watch=${watch} /><${Silent} watch=${watch} /><${Day} watch=${watch} /><${Today} sessions=${done} mayCall=${mayCall} /></div>
    </div>
    ${asking?.what === "no-show" && html`<${Confirm} title=${t("desk.no_show_title")} says=${t("desk.no_show_says")} yes=${t("desk.no_show")} icon="user-x" danger testid="confirm-no-show" onYes=${noShow} onClose=${() => setAsking(null)} />`}
    ${asking?.what === "take-for" && html`<${TakeFor} onClose=${() => setAsking(null)} />`}
    ${asking?.what === "name" && html`<${NameDialog} one=${asking.one} onClose=${() => setAsking(null)} />`}
  </div>`;
}

await loadWords();
const place = document.getElementById("desk");
if (place) render(html`<${Desk} />`, place);
