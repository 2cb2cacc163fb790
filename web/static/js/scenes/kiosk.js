// @ts-check
// The whole life of a kiosk in one page: menu -> check -> ticket -> called -> room -> thanks -> menu, with nothing kept of the last person.
import { ApiError, insist, post, put, remove } from "../api.js";
import { dropSpare, keepSpare } from "../call/spare.js";
import { listen } from "../events.js";
import { html, render, useEffect, useRef, useState } from "../html.js";
import { lang, loadWords, t } from "../i18n.js";
import { say } from "../live.js";
import { chime, hush, speak } from "../speech.js";
import { Banner, Confirm, Icon, useLanguage } from "../ui.js";
import { Frame, setLarge, speakLanguage } from "./kiosk/frame.js";
import { useHealth } from "./kiosk/health.js";
import { Idle } from "./kiosk/idle.js";
import { Lectures } from "./kiosk/lectures.js";
import { useLine } from "./kiosk/line.js";
import { Menu } from "./kiosk/menu.js";
import { DownBanner, KeptRoster, MergedBanner, TakeOffline } from "./kiosk/offline.js";
import { keepShell } from "./kiosk/shell.js";
import { Take } from "./kiosk/take.js";
import { Called, TicketScreen, spell } from "./kiosk/ticket.js";
import { useDevices } from "./room/check.js";
import { Rating } from "./rating.js";
import { useCheckTold } from "./told.js";
import { Closed } from "./room/closed.js";
import { Room } from "./room/view.js";

const ENDPOINT = location.pathname.split("/")[2] ?? "";
const API = `/api/kiosk/${ENDPOINT}`;
const CALLED_MS = 3500;
const THANKS_MS = 15_000;
const RATING_MS = 30_000; // five faces want to be heard before one is pressed
const WELCOME_AGAIN_MS = 60_000; // a touch on the quiet menu is greeted; not every touch

/** The device's ticket, told by the server for as long as the page stands: an offline number is called on the menu too. @param {(ticket: any) => void} onTicket @param {() => void} onLost */
function useTicketStream(onTicket, onLost) {
  const [lost_ms, setLost] = useState(/** @type {number | null} */ (null));
  const current = useRef(onTicket);
  const lost = useRef(onLost);
  [current.current, lost.current] = [onTicket, onLost];
  useEffect(() => listen({
    url: `${API}/events`, event: "ticket", probe: `${API}/ticket`,
    onData: (data) => current.current(data.ticket),
    onState: (connected) => { setLost((/** @type {number | null} */ before) => (connected ? null : before ?? Date.now())); lost.current(); },
    onRefused: (error) => say(error.message),
  }), []);
  return lost_ms;
}

function Kiosk() {
  useLanguage();
  const [step, setStep] = useState("menu");
  const [entry, setEntry] = useState(/** @type {any} */ (null));
  const [ticket, setTicket] = useState(/** @type {any} */ (null));
  const [asking, setAsking] = useState(false);
  const [why, setWhy] = useState("");
  const [lecture, setLecture] = useState(""); // the key to a lecture's room, while this room listens
  const [rated, setRated] = useState(false);
  const [fresh, setFresh] = useState(false); // just called: colour over the room
  const [visit, setVisit] = useState(0); // the next person gets new inputs, not emptied ones
  const entered = useRef("");
  const left = useRef(""); // whoever walks away is not called back in front of the next person
  const newest = useRef(""); // the last key to the room, for when the one in use is no longer taken
  const { devices, open, stop } = useDevices();

  const clear = () => {
    stop(); hush(); setLarge(false); speakLanguage(HOME_LANGUAGE, true);
    setStep("menu"); setEntry(null); setTicket(null); setAsking(false); setWhy(""); setFresh(false); setRated(false); setLecture(""); setVisit((count) => count + 1);
    entered.current = newest.current = "";
    document.getElementById("toasts")?.replaceChildren();
    history.replaceState(null, "", location.pathname);
    line.look();
  };
  const onTicket = (/** @type {any} */ next) => {
    if (next && next.id === left.current) return;
    if (!next) { if (step === "ticket") { say(t("kiosk.ticket_over")); clear(); } return; }
    if (next.room) newest.current = next.room.token;
    // A restarted server tells a new key to the same seat; the call that stands needs none.
    setTicket((/** @type {any} */ before) => ({ ...next, room: (before?.id === next.id && entered.current === roomOf(next) && before.room) || next.room }));
    if (step === "menu" || step === "over") { setStep("ticket"); if (!devices) open(); }
    if (step === "room" && !next.room && next.state === "waiting") { entered.current = ""; setStep("ticket"); say(t("kiosk.put_back")); speak(t("kiosk.put_back")); return; }
    if (next.room && entered.current !== roomOf(next)) enter(next);
  };
  const enter = (/** @type {any} */ next) => {
    entered.current = roomOf(next);
    setAsking(false); setFresh(true); setStep("room");
    if (!devices) open();
    chime();
    setTimeout(() => speak(t("kiosk.called_voice", { number: spell(next.number) })), 900);
    setTimeout(() => setFresh(false), CALLED_MS);
  };
  const choose = (/** @type {any} */ chosen) => {
    setEntry(chosen);
    if (line.down) { setStep("offline"); return; }
    setStep("check"); open(); speak(`${t(`kiosk.say_${chosen.matter}`)}. ${t("kiosk.check_voice")}`);
  };
  const renewToken = async () => {
    if (!newest.current || newest.current === ticket.room.token) throw new Error("no newer key");
    return newest.current;
  };
  const giveUp = async () => {
    setAsking(false);
    left.current = ticket?.id ?? "";
    const freed = step === "room" ? () => post(`${API}/gone`) : () => remove(`${API}/ticket`);
    try { await insist(freed); } catch (error) { if (!(error instanceof ApiError)) throw error; }
    clear();
  };
  const listenTo = (/** @type {string} */ token) => { setLecture(token); setStep("lecture"); open(); };
  const onLectureOver = (/** @type {string} */ reason) => { if (step !== "lecture") return; stop(); if (reason === "left") { clear(); return; } setLecture(""); setWhy(reason); setStep("over"); };
  /** Went out and does not come back: the device is free for the next person, whatever the session still does. */
  const leaveForGood = () => {
    if (why === "left" && ticket) { left.current = ticket.id; insist(() => post(`${API}/gone`)).catch((error) => say(error.message)); }
    clear();
  };
  const startOver = () => (step === "ticket" || step === "room" ? setAsking(true) : step === "over" ? leaveForGood() : clear());
  const onClosed = (/** @type {string} */ reason) => { if (step !== "room") return; setWhy(reason); setStep("over"); if (reason === "left") left.current = ticket.id; else stop(); };

  // Asked before the call and answered behind it on a far line, it would put somebody out of the room: there the stream alone tells.
  const line = useLine(API, (/** @type {any} */ next) => { if (step !== "room" && step !== "over") onTicket(next); });
  const lost_ms = useTicketStream(onTicket, line.look);
  useHealth(ENDPOINT, devices, step === "menu");
  useCheckTold(devices, step === "ticket" ? ticket?.id ?? "" : "", (lacks) => put(`${API}/ticket/check`, { lacks }));
  useEffect(() => { if (line.shutOut) { clear(); hush(); } }, [line.shutOut]);
  useGreeting(step === "menu" && !line.down);
  useEffect(() => { if (step === "ticket" && !line.down) keepSpare({ kiosk: ENDPOINT, stream: devices?.stream ?? null }); else if (step !== "room") dropSpare(); }, [step, line.down, devices]);
  useEffect(() => { if (step !== "over") return undefined; const timer = setTimeout(leaveForGood, why === "ended" && !rated ? RATING_MS : THANKS_MS); return () => clearTimeout(timer); }, [step, rated]);

  if (line.shutOut) return html`<${ShutOut} />`;
  const { offer } = line;
  const duty = offer?.services.find((/** @type {any} */ one) => one.service === ticket?.service)?.on_duty ?? [];
  const changed = lang() !== HOME_LANGUAGE || document.documentElement.dataset.size === "large";
  return html`<${Frame} key=${visit} api=${API} site=${offer?.site.name ?? ""} canStartOver=${step !== "menu" || changed} onStartOver=${startOver}>
    ${line.down && line.lost_ms !== null && step !== "room" && html`<${DownBanner} since_ms=${line.lost_ms} waiting=${line.unmerged} />`}
    ${!line.down && line.lost_ms !== null && step === "menu" && html`<div role="status"><${Banner} kind="wait" icon="refresh-cw" testid="line-lost"><p>${t("kiosk.lost_short")}</p><//></div>`}
    ${line.merged && step === "menu" && html`<${MergedBanner} merged=${line.merged} onSeen=${line.seen} />`}
    ${step === "menu" && (offer ? html`<${Menu} services=${line.down ? offer.services.map(unknownLine) : offer.services} calledHere=${offer.called_here ?? []}
      lectures=${line.down ? [] : offer.lectures ?? []} onChoose=${choose} onLectures=${() => setStep("lectures")} />` : html`<p role="status">${t("common.loading")}</p>`)}
    ${step === "menu" && line.down && html`<${KeptRoster} kit=${line.roster} />`}
    ${step === "offline" && html`<${TakeOffline} entry=${entry} take=${line.take} onDone=${clear} />`}
    ${step === "check" && html`<${Take} api=${API} entry=${entry} cardReader=${offer?.card_reader ?? ""} devices=${devices} onTry=${open} onTicket=${(/** @type {any} */ next) => { setTicket(next); setStep("ticket"); }} />`}
    ${step === "ticket" && ticket && html`<${TicketScreen} api=${API} ticket=${ticket} duty=${duty} lost_ms=${lost_ms} stream=${devices?.stream ?? null} onLeave=${() => setAsking(true)} />`}
    ${step === "lectures" && html`<${Lectures} api=${API} lectures=${offer?.lectures ?? []} onListen=${listenTo} onBack=${clear} />`}
    ${step === "lecture" && html`<${Room} token=${lecture} devices=${devices} place="kiosk" onFix=${open} onClosed=${onLectureOver} />`}
    ${step === "room" && ticket?.room && html`<${Room} token=${ticket.room.token} devices=${devices} place="kiosk" renewToken=${renewToken} onFix=${open} onClosed=${onClosed} />`}
    ${step === "room" && fresh && html`<${Called} ticket=${ticket} />`}
    ${step === "over" && html`<${Over} why=${why} ticket=${ticket} onRated=${() => setRated(true)} onAgain=${() => { left.current = ""; open(); setStep("room"); }} onDone=${leaveForGood} />`}
    ${asking && html`<${Confirm} title=${t("kiosk.leave_title")} says=${t(step === "room" ? "kiosk.leave_room_says" : "kiosk.leave_says")} yes=${t("kiosk.leave_yes")} icon="x" danger
      testid="confirm-leave-queue" onYes=${giveUp} onClose=${() => setAsking(false)} />`}
    ${(step === "check" || step === "offline" || step === "lectures" || (step === "menu" && changed)) && html`<${Idle} onOver=${clear} />`}
  <//>`;
}

/** The administrator has shut this device out; nothing of anybody is left on it. */
const ShutOut = () => html`<div class="kiosk-shut-out" role="alert" data-testid="shut-out"><${Icon} name="circle-x" /><h1>${t("kiosk.shut_out_title")}</h1><p>${t("kiosk.shut_out_says")}</p>
  <p><a class="button button-big" href="/kiosk/enrol" data-testid="enrol-again">${t("kiosk.shut_out_enrol")}</a></p></div>`;

/** Whose room was entered; put back into the line, it is entered anew. @param {any} ticket */
const roomOf = (ticket) => ticket.id;

/** Nobody can say how many wait while the line is down. @param {any} offered */
const unknownLine = (offered) => ({ ...offered, people_ahead: null, estimated_wait_s: null, on_duty: [], opening: { open: true, opens_at: null, message: "" } });

/** The first touch on a quiet menu is answered by voice. @param {boolean} watching */
function useGreeting(watching) {
  const greeted_ms = useRef(0);
  useEffect(() => {
    if (!watching) return undefined;
    const touched = (/** @type {Event} */ event) => {
      if (event.target instanceof Element && event.target.closest("button")) return; // what was touched speaks for itself
      if (Date.now() - greeted_ms.current < WELCOME_AGAIN_MS) return;
      greeted_ms.current = Date.now();
      speak(`${t("kiosk.welcome")} ${t("kiosk.choose")}`);
    };
    addEventListener("pointerdown", touched);
    return () => removeEventListener("pointerdown", touched);
  }, [watching]);
}

/** @param {{ why: string, ticket: any, onAgain: () => void, onDone: () => void, onRated: () => void }} props */
function Over({ why, ticket, onAgain, onDone, onRated }) {
  const asks = why === "ended" && Boolean(ticket);
  useEffect(() => { speak(why === "left" ? t("kiosk.left_voice") : `${t("kiosk.thanks")} ${asks ? t("hall.rate_voice") : ""}`); }, []);
  return html`<${Closed} why=${why} says=${why === "left" ? t("kiosk.left_says") : t("kiosk.thanks_says")}>
    ${asks && html`<${Rating} send=${(/** @type {number} */ level) => post(`${API}/rating`, { ticket: ticket.id, level })} onRated=${onRated} />`}
    ${why === "left" && html`<button type="button" class="button button-big" data-testid="join-again" onClick=${onAgain}><${Icon} name="log-in" />${t("room.join_again")}</button>`}
    <button type="button" class="button button-big button-quiet" data-testid="done" onClick=${onDone}><${Icon} name="house" />${t("kiosk.done")}</button><//>`;
}

await loadWords();
const HOME_LANGUAGE = lang();
const place = document.getElementById("kiosk");
if (place) render(html`<${Kiosk} />`, place);
keepShell();
