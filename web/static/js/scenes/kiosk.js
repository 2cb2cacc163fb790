// @ts-check
// The whole life of a kiosk in one page: menu -> check -> ticket -> called -> room -> thanks -> menu, with nothing kept of the last person.
import { ApiError, get, insist, post, remove, requestKey } from "../api.js";
import { listen } from "../events.js";
import { html, render, useEffect, useRef, useState } from "../html.js";
import { lang, loadWords, t } from "../i18n.js";
import { say } from "../live.js";
import { chime, hush, speak } from "../speech.js";
import { Banner, Confirm, Icon, useLanguage } from "../ui.js";
import { Frame, setLarge, speakLanguage } from "./kiosk/frame.js";
import { Menu } from "./kiosk/menu.js";
import { Called, TicketScreen, aheadOf } from "./kiosk/ticket.js";
import { DeviceCheck, useDevices } from "./room/check.js";
import { Closed } from "./room/closed.js";
import { Room } from "./room/view.js";

const API = `/api/kiosk/${location.pathname.split("/")[2]}`;
const MENU_REFRESH_MS = 20_000;
const IDLE_MS = 120_000; // somebody chose and walked away: the next one finds the menu
const CALLED_MS = 3500;
const THANKS_MS = 15_000;

/** What the kiosk offers now, again and again while the menu shows. @param {boolean} watching @param {(ticket: any) => void} onTicket */
function useOffer(watching, onTicket) {
  const [offer, setOffer] = useState(/** @type {any} */ (null));
  const [away, setAway] = useState("");
  const asking = useRef(false); // while the service is away one question waits, not one more every time
  const load = async () => {
    if (asking.current) return;
    asking.current = true;
    try {
      const reply = await insist(() => get(API), (error) => setAway(error.message));
      setAway("");
      setOffer(reply);
      if (reply.ticket) onTicket(reply.ticket);
    } catch (error) { setAway(/** @type {Error} */ (error).message); }
    asking.current = false;
  };
  useEffect(() => {
    if (!watching) return undefined;
    load();
    const timer = setInterval(load, MENU_REFRESH_MS);
    return () => clearInterval(timer);
  }, [watching, lang()]);
  return { offer, away };
}

/** The ticket's stream while one is held. @param {boolean} held @param {(ticket: any) => void} onTicket */
function useTicketStream(held, onTicket) {
  const [lost_ms, setLost] = useState(/** @type {number | null} */ (null));
  const current = useRef(onTicket);
  current.current = onTicket;
  useEffect(() => {
    if (!held) { setLost(null); return undefined; }
    return listen({
      url: `${API}/events`, event: "ticket", probe: `${API}/ticket`,
      onData: (data) => current.current(data.ticket),
      onState: (connected) => setLost((/** @type {number | null} */ before) => (connected ? null : before ?? Date.now())),
      onRefused: (error) => say(error.message),
    });
  }, [held]);
  return lost_ms;
}

function Kiosk() {
  useLanguage();
  const [step, setStep] = useState("menu");
  const [service, setService] = useState("");
  const [ticket, setTicket] = useState(/** @type {any} */ (null));
  const [asking, setAsking] = useState(false);
  const [why, setWhy] = useState("");
  const [fresh, setFresh] = useState(false); // just called: colour over the room
  const entered = useRef("");
  const left = useRef(""); // whoever walks away is not called back in front of the next person
  const newest = useRef(""); // the last key to the room, for when the one in use is no longer taken
  const { devices, open, stop } = useDevices();

  const clear = () => {
    stop(); hush(); setLarge(false); speakLanguage(HOME_LANGUAGE);
    setStep("menu"); setService(""); setTicket(null); setAsking(false); setWhy(""); setFresh(false);
    entered.current = newest.current = "";
  };
  const onTicket = (/** @type {any} */ next) => {
    if (next?.id === left.current) return;
    if (!next) { if (step === "ticket") { say(t("kiosk.ticket_over")); clear(); } return; }
    if (next.room) newest.current = next.room.token;
    // A restarted server tells a new key to the same seat; the call that stands needs none.
    setTicket((/** @type {any} */ before) => ({ ...next, room: (before?.id === next.id && before.room) || next.room }));
    if (step === "menu") { setStep("ticket"); if (!devices) open(); }
    if (next.room && entered.current !== next.id) enter(next);
  };
  const enter = (/** @type {any} */ next) => {
    entered.current = next.id;
    setAsking(false); setFresh(true); setStep("room");
    chime();
    setTimeout(() => speak(t("kiosk.called_voice", { number: spell(next.number) })), 900);
    setTimeout(() => setFresh(false), CALLED_MS);
  };
  const choose = (/** @type {string} */ chosen) => { setService(chosen); setStep("check"); open(); speak(t("kiosk.check_voice")); };
  const renewToken = async () => {
    if (!newest.current || newest.current === ticket.room.token) throw new Error("no newer key");
    return newest.current;
  };
  const giveUp = async () => {
    setAsking(false);
    try { await insist(() => remove(`${API}/ticket`)); } catch (error) { if (!(error instanceof ApiError)) throw error; }
    clear();
  };
  const startOver = () => (step === "ticket" || step === "room" ? setAsking(true) : clear());
  const onClosed = (/** @type {string} */ reason) => { setWhy(reason); setStep("over"); if (reason === "left") left.current = ticket.id; else stop(); };

  const { offer, away } = useOffer(step === "menu", onTicket);
  const lost_ms = useTicketStream(step === "ticket" || step === "room", onTicket);
  useIdle(step === "check", clear);
  useEffect(() => { if (step !== "over") return undefined; const timer = setTimeout(clear, THANKS_MS); return () => clearTimeout(timer); }, [step]);

  const duty = offer?.services.find((/** @type {any} */ one) => one.service === ticket?.service)?.on_duty ?? [];
  return html`<${Frame} site=${offer?.site.name ?? ""} canStartOver=${step !== "menu"} onStartOver=${startOver}>
    ${away && step === "menu" && html`<div role="status"><${Banner} kind="wait" icon="refresh-cw"><p>${away}</p><//></div>`}
    ${step === "menu" && (offer ? html`<${Menu} services=${offer.services} onChoose=${choose} />` : html`<p role="status">${t("common.loading")}</p>`)}
    ${step === "check" && html`<${Check} service=${service} devices=${devices} onTry=${open} onTicket=${(/** @type {any} */ next) => { setTicket(next); setStep("ticket"); }} />`}
    ${step === "ticket" && ticket && html`<${TicketScreen} ticket=${ticket} duty=${duty} lost_ms=${lost_ms} onLeave=${() => setAsking(true)} />`}
    ${step === "room" && ticket?.room && html`<${Room} token=${ticket.room.token} devices=${devices} place="kiosk" renewToken=${renewToken} onFix=${open} onClosed=${onClosed} />`}
    ${step === "room" && fresh && html`<${Called} ticket=${ticket} />`}
    ${step === "over" && html`<${Over} why=${why} onAgain=${() => { left.current = ""; open(); setStep("room"); }} onDone=${clear} />`}
    ${asking && html`<${Confirm} title=${t("kiosk.leave_title")} says=${t(step === "room" ? "kiosk.leave_room_says" : "kiosk.leave_says")} yes=${t("kiosk.leave_yes")} icon="x" danger
      testid="confirm-leave-queue" onYes=${giveUp} onClose=${() => setAsking(false)} />`}
  <//>`;
}

/** A 0 0 3 rather than A three. @param {string} number */
const spell = (number) => Array.from(number).join(" ");

/** @param {boolean} watching @param {() => void} onIdle */
function useIdle(watching, onIdle) {
  useEffect(() => {
    if (!watching) return undefined;
    let timer = setTimeout(onIdle, IDLE_MS);
    const touched = () => { clearTimeout(timer); timer = setTimeout(onIdle, IDLE_MS); };
    addEventListener("pointerdown", touched);
    addEventListener("keydown", touched);
    return () => { clearTimeout(timer); removeEventListener("pointerdown", touched); removeEventListener("keydown", touched); };
  }, [watching]);
}

/** @param {{ service: string, devices: any, onTry: () => void, onTicket: (ticket: any) => void }} props */
function Check({ service, devices, onTry, onTicket }) {
  const [name, setName] = useState("");
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState("");
  const key = useRef(requestKey());
  const take = async () => {
    if (busy) return;
    setBusy(true); setWrong("");
    try {
      const ticket = await insist(() => post(`${API}/tickets`, { service, request_key: key.current, citizen_name: name.trim() }), (error) => setWrong(error.message));
      speak(t("kiosk.ticket_voice", { number: spell(ticket.number), ahead: aheadOf(ticket) }));
      onTicket(ticket);
    } catch (error) {
      key.current = requestKey();
      setBusy(false);
      setWrong(/** @type {Error} */ (error).message);
    }
  };
  return html`<${DeviceCheck} devices=${devices} onTry=${onTry} title=${t("kiosk.check_title")} says=${t(`kiosk.check_${service}`)}>
    <div class="govuk-form-group"><label class="govuk-label" for="citizen-name">${t("kiosk.name")} <span class="muted">(${t("common.optional")})</span></label>
      <input class="govuk-input" id="citizen-name" maxlength="80" autocomplete="off" value=${name} data-testid="citizen-name" onInput=${(/** @type {any} */ event) => setName(event.target.value)} />
    </div>
    ${wrong && html`<div role="alert"><${Banner} kind="wait" icon="triangle-alert"><p>${wrong}</p><//></div>`}
    <button type="button" class="button button-big button-wide check-go" data-testid="take-ticket" aria-disabled=${busy} onClick=${take}><${Icon} name="ticket" />${t(busy ? "kiosk.taking" : "kiosk.take_ticket")}</button>
  <//>`;
}

/** @param {{ why: string, onAgain: () => void, onDone: () => void }} props */
function Over({ why, onAgain, onDone }) {
  useEffect(() => { if (why === "ended") speak(t("kiosk.thanks")); }, []);
  return html`<${Closed} why=${why} says=${why === "left" ? undefined : t("kiosk.thanks_says")}>
    ${why === "left" && html`<button type="button" class="button button-big" data-testid="join-again" onClick=${onAgain}><${Icon} name="log-in" />${t("room.join_again")}</button>`}
    <button type="button" class="button button-big button-quiet" data-testid="done" onClick=${onDone}><${Icon} name="house" />${t("kiosk.done")}</button><//>`;
}

await loadWords();
const HOME_LANGUAGE = lang();
const place = document.getElementById("kiosk");
if (place) render(html`<${Kiosk} />`, place);
