// @ts-check
// /hall/ticket/{token}: a ticket on one's own phone. The place in line, words of staff, the room when called, the rating after it.
import { insist, post, put, remove } from "../../api.js";
import { listen } from "../../events.js";
import { html, render, useEffect, useRef, useState } from "../../html.js";
import { loadWords, t } from "../../i18n.js";
import { say } from "../../live.js";
import { chime, speak } from "../../speech.js";
import { spokenTime, spokenWait } from "../../time.js";
import { Banner, Confirm, Icon, Reconnecting } from "../../ui.js";
import { aheadOf, spell } from "../kiosk/ticket.js";
import { Rating } from "../rating.js";
import { DeviceCheck, useDevices } from "../room/check.js";
import { Closed } from "../room/closed.js";
import { Room } from "../room/view.js";
import { useCheckTold } from "../told.js";
import { OwnLink } from "./link.js";

const place = /** @type {HTMLElement} */ (document.getElementById("ticket"));
const { site = "", slug = "", link = "", qr = "" } = place.dataset;
const API = `/api/ticket-links/${location.pathname.split("/")[3] ?? ""}`;
const ANSWERS = ["coming", "one_minute", "need_help"];
const OVER = ["done", "abandoned", "no_show", "transferred"];

/** The newest word of staff and three answers that need no typing. @param {{ messages: any[] }} props */
function Words({ messages }) {
  const said = messages.filter((message) => message.sender === "staff").at(-1);
  const answer = said && messages.filter((message) => message.sender === "citizen" && message.id > said.id).at(-1);
  useEffect(() => { if (said && !answer) { chime(); speak(said.text); } }, [said?.id]);
  if (!said) return null;
  const send = (/** @type {string} */ code) => post(`${API}/answers`, { code }).catch((error) => say(error.message));
  return html`<div aria-live="polite" data-testid="words-of-staff"><${Banner} kind="info" icon="megaphone"><p><strong>${said.by}</strong> ${said.text}</p>
    ${answer ? html`<p><${Icon} name="check" /> ${t("kiosk.answered", { answer: t(`kiosk.answer_${answer.code}`) })}</p>`
      : html`<div class="row">${ANSWERS.map((code) => html`<button type="button" key=${code} class="button button-quiet" data-testid=${`answer-${code}`} onClick=${() => send(code)}>${t(`kiosk.answer_${code}`)}</button>`)}</div>`}<//></div>`;
}

/** @param {{ ticket: any, lost_ms: number | null, onTry: () => void, onLeave: () => void }} props */
function Waiting({ ticket, lost_ms, onTry, onLeave }) {
  const held = ticket.state === "held";
  return html`<div class="page page-narrow visit">
    ${lost_ms !== null && html`<${Reconnecting} since_ms=${lost_ms} says=${t("hall.lost")} />`}
    <${Words} messages=${ticket.messages} />
    <section class="card visit-ticket">
      <h1>${t("kiosk.your_number")}</h1>
      <p class="visit-number figures" data-testid="ticket-number">${ticket.number}</p>
      <p class="muted">${site} · ${t(`names.service_${ticket.service}`)} · ${t("kiosk.taken_at", { time: spokenTime(ticket.taken_at) })}</p>
      <div aria-live="polite" data-state=${ticket.state}>
        <p class="visit-fact" data-testid="people-ahead" data-count=${ticket.people_ahead}><${Icon} name=${held ? "pause" : "users"} /> ${held ? t("kiosk.held") : aheadOf(ticket)}</p>
        <p class="visit-fact" data-testid="estimated-wait"><${Icon} name="clock" /> ${ticket.estimated_wait_s === null ? t("hall.wait_unknown") : t("kiosk.wait_about", { time: spokenWait(ticket.estimated_wait_s) })}</p>
        ${ticket.moved_to && html`<p><${Icon} name="arrow-right-left" /> ${t("kiosk.moved_to", { site: ticket.moved_to })}</p>`}
      </div>
    </section>
    <section class="card"><h2 class="type-sub">${t("kiosk.ready_title")}</h2>
      <ul>${t(`kiosk.ready_${ticket.service}`).split("|").map((line) => html`<li key=${line}>${line}</li>`)}</ul>
      <p><${Icon} name="bell" /> ${t("hall.will_call")}</p>
      <p><button type="button" class="button button-quiet" data-testid="try-camera" onClick=${onTry}><${Icon} name="camera" />${t("hall.try_camera")}</button></p></section>
    <${OwnLink} link=${link} qr=${qr} />
    <p><button type="button" class="button button-danger-quiet" data-testid="leave-queue" onClick=${onLeave}><${Icon} name="x" />${t("kiosk.leave_queue")}</button></p>
  </div>`;
}

/** Nothing more comes of this ticket. @param {{ ticket: any }} props */
function Over({ ticket }) {
  if (ticket.state === "done") {
    return html`<div class="page page-narrow visit" data-testid="ticket-over" data-state="done"><h1>${t("hall.done_title")}</h1>
      <section class="card"><${Rating} send=${(/** @type {number} */ level) => post(`${API}/rating`, { level })} /></section>
      <p>${t("hall.more_to_say")} <a href=${`/hall/${slug}/opinions`} data-testid="to-opinions">${t("hall.to_opinions")}</a></p></div>`;
  }
  return html`<div class="page page-narrow visit" data-testid="ticket-over" data-state=${ticket.state}><h1>${t("hall.over_title")}</h1><p class="type-lead">${t(`hall.over_${ticket.state}`, { number: ticket.number })}</p>
    <p class="row"><a class="button" href=${`/hall/${slug}`}><${Icon} name="ticket" />${t("hall.take_again")}</a><a class="button button-quiet" href=${`/hall/${slug}/booking?service=${ticket.service}`}><${Icon} name="calendar-plus" />${t("hall.book")}</a></p></div>`;
}

/** Called: seen from across the room, and one press to go in. @param {{ ticket: any, devices: any, onTry: () => void, onGo: () => void }} props */
function Called({ ticket, devices, onTry, onGo }) {
  return html`<div class="page visit-called" data-testid="called">
    <p class="visit-turn" role="alert"><${Icon} name="bell-ring" /> <span class="figures">${ticket.number}</span> ${t("kiosk.called")}</p>
    <${DeviceCheck} devices=${devices} onTry=${onTry} title=${t("hall.called_title")} says=${t("hall.called_says")}>
      <button type="button" class="button button-big button-wide check-go" data-testid="join" onClick=${onGo}><${Icon} name="log-in" />${t(devices?.stream ? "room.join" : "room.join_without")}</button><//></div>`;
}

function Ticket() {
  const [ticket, setTicket] = useState(/** @type {any} */ (null));
  const [lost_ms, setLost] = useState(/** @type {number | null} */ (null));
  const [wrong, setWrong] = useState("");
  const [step, setStep] = useState("line"); // line, check, room, out
  const [entered, setEntered] = useState(/** @type {{ ticket: string, token: string } | null} */ (null));
  const [asking, setAsking] = useState(false);
  const { devices, open, stop } = useDevices();
  useCheckTold(devices, ticket && ["waiting", "held", "called"].includes(ticket.state) ? ticket.id : "", (lacks) => put(`${API}/check`, { lacks }));
  const newest = useRef("");
  const called = useRef(false);
  useEffect(() => listen({
    url: `${API}/events`, event: "ticket", probe: API,
    onData: (data) => setTicket(data.ticket),
    onState: (connected) => setLost((/** @type {number | null} */ before) => (connected ? null : before ?? Date.now())),
    onRefused: (error) => setWrong(error.message),
  }), []);
  const key = ticket?.room?.token ?? "";
  if (key) newest.current = key;
  useEffect(() => {
    if (!key) { called.current = false; if (step === "room" && ticket?.state === "waiting") { setEntered(null); setStep("line"); stop(); say(t("hall.put_back")); } return; }
    if (called.current) return;
    called.current = true;
    document.title = `${ticket.number} ${t("kiosk.called")}`;
    navigator.vibrate?.([400, 200, 400]);
    chime();
    setTimeout(() => speak(t("kiosk.called_voice", { number: spell(ticket.number) })), 900);
    if (step !== "room" && !devices) open();
  }, [key, ticket?.state]);
  useEffect(() => { document.body.classList.toggle("in-room", step === "room"); }, [step]);
  const renewToken = async () => {
    if (!newest.current || newest.current === entered?.token) throw new Error("no newer key");
    return newest.current;
  };
  const go = () => { setEntered({ ticket: ticket.id, token: newest.current }); setStep("room"); };
  const leave = async () => {
    setAsking(false);
    try { await insist(() => remove(API)); } catch (error) { say(/** @type {Error} */ (error).message); }
  };
  const onClosed = (/** @type {string} */ why) => { setStep(why === "left" ? "out" : "line"); setEntered(null); stop(); };
  if (wrong) return html`<div class="page page-narrow"><h1>${t("hall.ticket_title")}</h1><${Banner} kind="bad" icon="triangle-alert"><p>${wrong}</p><//></div>`;
  if (!ticket) return html`<div class="page page-narrow"><h1>${t("hall.ticket_title")}</h1><p role="status">${t("common.loading")}</p></div>`;
  if (step === "room" && entered) return html`<${Room} token=${entered.token} devices=${devices} place="guest" renewToken=${renewToken} onFix=${open} onClosed=${onClosed} />`;
  if (OVER.includes(ticket.state)) return html`<${Over} ticket=${ticket} />`;
  if (step === "out" && key) return html`<${Closed} why="left"><button type="button" class="button button-big" data-testid="join-again" onClick=${() => { open(); setStep("line"); }}><${Icon} name="log-in" />${t("room.join_again")}</button><//>`;
  if (key) return html`<${Called} ticket=${ticket} devices=${devices} onTry=${open} onGo=${go} />`;
  if (step === "check") {
    return html`<div class="page"><${DeviceCheck} devices=${devices} onTry=${open} title=${t("hall.try_title")} says=${t("hall.try_says")}>
      <button type="button" class="button button-big button-wide check-go" data-testid="back-to-ticket" onClick=${() => { stop(); setStep("line"); }}><${Icon} name="arrow-left" />${t("hall.back_to_ticket")}</button><//></div>`;
  }
  return html`<${Waiting} ticket=${ticket} lost_ms=${lost_ms} onTry=${() => { open(); setStep("check"); }} onLeave=${() => setAsking(true)} />
    ${asking && html`<${Confirm} title=${t("kiosk.leave_title")} says=${t("kiosk.leave_says")} yes=${t("kiosk.leave_yes")} icon="x" danger testid="confirm-leave-queue" onYes=${leave} onClose=${() => setAsking(false)} />`}`;
}

await loadWords();
render(html`<${Ticket} />`, place);
