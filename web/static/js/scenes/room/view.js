// @ts-check
// The room: the other person's face is the largest thing. Used by the kiosk, by /room/{session} and by /join/{token}.
import { Call } from "../../call/call.js";
import { html, useEffect, useReducer, useRef, useState } from "../../html.js";
import { sentenceOf } from "../../api.js";
import { has, t } from "../../i18n.js";
import { say } from "../../live.js";
import * as protocol from "../../protocol.js";
import { chime } from "../../speech.js";
import { clock } from "../../time.js";
import { Banner, Icon, Reconnecting, State, useLanguage, useNow } from "../../ui.js";
import { Apart, Caucus } from "./caucus.js";
import { Bar } from "./bar.js";
import { CaucusDialog, ConsentDialog, EndDialog, InviteDialog, LeaveDialog, NameDialog, RemoveDialog, WaitDialog } from "./dialogs.js";
import { PeoplePanel } from "./people.js";
import { CameraDialog, ShownTile, noticeShown, useShowing } from "./shown.js";
import { PersonTile, SelfTile, nameOf } from "./tiles.js";

const CALM_MS = 1200; // a shorter gap is not worth a word

/** Server truth about the recording: a dot, a word, the running time. @param {{ state: protocol.State }} props */
function Recording({ state }) {
  const now_s = useNow();
  const { recording } = state;
  if (recording.state === "none") return html`<span class="room-recording muted" data-testid="recording-state" data-state="none">${t("room.not_recorded")}</span>`;
  const runs = recording.since === null ? "" : clock(protocol.serverTime(state, now_s * 1000) - recording.since);
  return html`<span class=${`room-recording recording-${recording.state}`} data-testid="recording-state" data-state=${recording.state}>
    ${recording.state === "recording" ? html`<span class="rec-dot" aria-hidden="true"></span>` : html`<${Icon} name=${{ failed: "triangle-alert", starting: "hourglass" }[recording.state] ?? "square"} />`}
    ${t(`room.recording_${recording.state}`)} ${recording.state === "recording" && html`<span class="clock" aria-hidden="true">${runs}</span>`}</span>`;
}

/** How one's own line stands. @param {Call} call */
function lineOf(call) {
  const { phase, line } = call.state;
  if (phase === "closed") return "closed";
  if (phase === "waiting") return "waiting";
  if (line !== "up" && call.state.resume !== null) return "reconnecting";
  if (phase !== "seated") return "connecting";
  if (call.media === "connected") return "connected";
  return ["disconnected", "failed"].includes(call.media) ? "reconnecting" : "connecting";
}

/** @type {Record<string, [string, string]>} */
const LINE_LOOKS = { connected: ["good", "wifi"], connecting: ["wait", "refresh-cw"], reconnecting: ["wait", "refresh-cw"], waiting: ["wait", "hourglass"], closed: ["quiet", "wifi-off"] };

/** @param {{ line: string }} props */
const ConnectionState = ({ line }) => html`<${State} kind=${LINE_LOOKS[line]?.[0] ?? "quiet"} icon=${LINE_LOOKS[line]?.[1] ?? "wifi"} testid="connection-state" data-state=${line}>${t(`room.line_${line}`)}<//>`;

/** Whose face is large: whom one chose, else who leads for the citizen, the citizen for who leads. @param {protocol.Person[]} people @param {string | null} chosen */
function mainSeat(people, chosen) {
  if (people.some((person) => person.seat === chosen)) return chosen;
  const here = people.filter((person) => person.state === "connected" || person.state === "reconnecting");
  return (here[0] ?? people[0])?.seat ?? null;
}

/**
 * @param {{ token: string, devices: import("../../call/media.js").Devices | null, session?: string, renewToken?: () => Promise<string>,
 *           onClosed: (why: string, state: protocol.State) => void, onFix?: () => void, place?: "kiosk" | "staff" | "guest" }} props
 *   devices may be null at first and follow later; onFix: what to do when camera or microphone are missing
 */
export function Room({ token, devices, session, renewToken, onClosed, onFix, place = "guest" }) {
  useLanguage();
  const [, draw] = useReducer((/** @type {number} */ count) => count + 1, 0);
  const call = useRef(/** @type {Call | null} */ (null));
  const [chosen, setChosen] = useState(/** @type {string | null} */ (null));
  const [asking, setAsking] = useState(/** @type {any} */ (null));
  const [panel, setPanel] = useState(place === "staff" && matchMedia("(min-width: 60em)").matches);
  const [blocked, setBlocked] = useState(false);

  useEffect(() => {
    const made = new Call({ token, devices, renewToken, onChange: () => draw(null), onNotice: (effect) => notice(effect, made.state) });
    call.current = made;
    exposeForTests(made);
    draw(null);
    return () => made.close();
  }, [token]);
  useEffect(() => { if (devices && call.current && call.current.devices !== devices) call.current.useDevices(devices); }, [devices]);
  const made = call.current;
  const showing = useShowing(made, place, onFix);
  const shown = made ? protocol.whoShows(made.state) : null;
  useEffect(() => setChosen(null), [shown?.seat, shown?.shows]); // it takes the stage, and gives it back
  const closed = made?.state.phase === "closed" && !made.renewing ? made.state.why : null;
  useEffect(() => { if (made && closed) onClosed(closed, made.state); }, [closed]);
  if (!made) return null;

  const { state } = made;
  const line = lineOf(made);
  const may = (/** @type {string} */ action) => protocol.may(state, action);
  const people = protocol.others(state);
  const here = protocol.together(state);
  const knocking = protocol.atTheDoor(state);
  const stage = shown !== null && !here.some((person) => person.seat === chosen);
  const main = stage ? null : mainSeat(here, chosen);
  const close = () => setAsking(null);
  const on = {
    voice: () => made.mute("voice", !made.muted.voice), face: () => made.mute("face", !made.muted.face),
    people: () => setPanel(!panel), invite: () => setAsking({ what: "invite" }), leave: () => setAsking({ what: "leave" }), end: () => setAsking({ what: "end" }),
    document: showing.document, screen: showing.screen,
  };
  if (line === "waiting") return html`<${AtDoor} state=${state} devices=${made.devices} onLeave=${() => made.leave()} />`;
  return html`<div class=${`room room-${place} ${panel ? "room-with-panel" : ""}`}>
    <header class="room-head">
      <div class="grow"><h1 class="room-title">${state.session ? t(`names.service_${state.session.procedure}`) : t("room.title")}</h1>
        <span class="muted room-site">${state.session?.site ?? ""}</span></div>
      <${Recording} state=${state} /><${ConnectionState} line=${line} />
    </header>
    <${Consent} call=${made} />
    <${Notes} call=${made} line=${line} people=${here} blocked=${blocked} onHear=${() => setBlocked(false)} onFix=${onFix} />
    <ul class="faces" style=${{ "--others": String(here.length + (shown ? 2 : 1)) }}>
      ${shown && html`<${ShownTile} key="shown" person=${shown} own=${shown.seat === state.you?.seat} stream=${shown.seat === state.you?.seat ? made.shown?.stream ?? null : made.streamOf(shown.seat, shown.shows)}
        main=${stage} canEnd=${shown.seat !== state.you?.seat && may("silence")} onMain=${() => setChosen(null)} onEnd=${() => made.say({ type: "stop_showing", seat: shown.seat })}
        onCamera=${showing.source === "document" && showing.canChoose ? () => showing.ask(true) : undefined} onBlocked=${() => setBlocked(true)} blocked=${blocked} />`}
      ${here.length === 0 && html`<${Apart} state=${state} />`}
      ${here.map((person) => html`<${PersonTile} key=${person.seat} person=${person} stream=${made.streamOf(person.seat)} main=${person.seat === main}
        speaks=${protocol.speaks(state, person.seat)} quality=${state.quality[person.seat]} onMain=${() => setChosen(person.seat)} onBlocked=${() => setBlocked(true)} blocked=${blocked} />`)}
      <${SelfTile} key="self" stream=${made.devices?.stream ?? null} muted=${made.muted} alone=${here.length === 0 && !shown && protocol.inPrivate(state).length === 0}
        voice=${made.peer?.voice.sender ?? null} heard=${protocol.speaks(state, state.you?.seat ?? "") && here.some((person) => person.state === "connected")} />
    </ul>
    ${panel && html`<${PeoplePanel} people=${[...(state.you ? [ownPerson(state)] : []), ...people]} knocking=${knocking} you=${state.you} away=${protocol.inPrivate(state)} quality=${state.quality} may=${may}
      say=${(/** @type {any} */ message) => made.say(message)} onRemove=${(/** @type {any} */ person) => setAsking({ what: "remove", person })} onWait=${(/** @type {any} */ person) => setAsking({ what: "wait", person })} onName=${(/** @type {any} */ person) => setAsking({ what: "name", person })} onCaucus=${(/** @type {any} */ person) => setAsking({ what: "caucus", person })} />`}
    <${Bar} muted=${made.muted} may=${may} canInvite=${session !== undefined && may("admit")} panel=${place === "kiosk" ? null : panel} knocking=${knocking.length} showing=${showing} on=${on} />
    ${showing.asks && html`<${CameraDialog} showing=${showing} />`}
    ${asking && html`<${Asking} asking=${asking} call=${made} session=${session} close=${close} />`}
  </div>`;
}

/** @param {protocol.State} state */
const ownPerson = (state) => state.people[state.you?.seat ?? ""] ?? { ...state.you, site: "", state: "connected", muted: [], silenced: [] };

/** @param {{ asking: any, call: Call, session?: string, close: () => void }} props */
function Asking({ asking, call, session, close }) {
  const then = (/** @type {() => void} */ act) => () => { act(); close(); };
  if (asking.what === "invite") return html`<${InviteDialog} session=${session} onClose=${close} />`;
  if (asking.what === "leave") return html`<${LeaveDialog} inCharge=${protocol.may(call.state, "end")} onLeave=${then(() => call.leave())} onClose=${close} />`;
  if (asking.what === "end") return html`<${EndDialog} onEnd=${(/** @type {string} */ reason) => then(() => call.say({ type: "end", reason }))()} onClose=${close} />`;
  if (asking.what === "name") return html`<${NameDialog} person=${asking.person} onName=${(/** @type {string} */ name) => then(() => call.say({ type: "name", seat: asking.person.seat, name }))()} onClose=${close} />`;
  if (asking.what === "caucus") return html`<${CaucusDialog} person=${asking.person} people=${protocol.together(call.state)} onTalk=${(/** @type {string[]} */ seats) => then(() => call.say({ type: "caucus", seats }))()} onClose=${close} />`;
  if (asking.what === "wait") return html`<${WaitDialog} person=${asking.person} onWait=${then(() => call.say({ type: "wait", seat: asking.person.seat }))} onClose=${close} />`;
  return html`<${RemoveDialog} person=${asking.person} onRemove=${then(() => call.say({ type: "remove", seat: asking.person.seat }))} onClose=${close} />`;
}

/** Whether to be recorded, where the people decide: the question, one's own answer, and the button that asks. @param {{ call: Call }} props */
function Consent({ call }) {
  const [again, setAgain] = useState(false);
  const [later, setLater] = useState(false);
  const { state } = call;
  const own = state.consents[state.you?.seat ?? ""];
  useEffect(() => { if (own === "asked") setLater(false); }, [own]);
  const answer = (/** @type {boolean} */ given) => { call.say({ type: "consent", purpose: "recording", given }); setAgain(false); setLater(true); };
  const mayAsk = protocol.may(state, "ask_consent") && state.recording.state !== "recording";
  return html`
    ${mayAsk && html`<p><button type="button" class="button button-quiet" data-testid="ask-consent" onClick=${() => call.say({ type: "ask_consent", purpose: "recording" })}><${Icon} name="video" />${t("room.consent_ask")}</button></p>`}
    ${own !== undefined && html`<p data-testid="own-consent" data-state=${own}>${t(`room.consent_state_${own}`)}
      <button type="button" class="button button-plain" data-testid="change-consent" onClick=${() => setAgain(true)}><${Icon} name="pencil" />${t("room.consent_change")}</button></p>`}
    ${(again || (own === "asked" && !later)) && html`<${ConsentDialog} given=${own === "given"} onAnswer=${answer} onClose=${() => { setAgain(false); setLater(true); }} />`}`;
}

/** One line at a time about what is going on. @param {{ call: Call, line: string, people: any[], blocked: boolean, onHear: () => void, onFix?: () => void }} props */
function Notes({ call, line, people, blocked, onHear, onFix }) {
  const since = useSince(line === "reconnecting");
  const { cause } = call.state.recording;
  const fault = call.devices?.camera ?? call.devices?.microphone;
  return html`<div class="room-notes">
    <${Caucus} state=${call.state} say=${(/** @type {any} */ message) => call.say(message)} />
    ${since !== null && html`<${Reconnecting} since_ms=${since} says=${t("room.reconnecting_says")} />`}
    ${blocked && html`<button type="button" class="button button-big button-wide" data-testid="hear-room" onClick=${onHear}><${Icon} name="volume-2" />${t("room.tap_to_hear")}</button>`}
    ${line === "connected" && protocol.inPrivate(call.state).length === 0 && !people.some((person) => person.state === "connected") && html`<div role="status"><${Banner} kind="info" icon="hourglass"><p>${t("room.nobody_yet")}</p><//></div>`}
    ${cause && has(`errors.${cause}`) && (cause !== "low_space" || protocol.may(call.state, "end")) && html`<div role="status" data-testid="recording-cause" data-cause=${cause}><${Banner} kind=${cause === "low_space" ? "wait" : "bad"} icon="triangle-alert"><p>${t(`errors.${cause}`)}</p><//></div>`}
    ${fault && html`<div role="status"><${Banner} kind="wait" icon="video-off"><p>${t(`room.fault_${fault}`)}</p>
      ${onFix && html`<p><button type="button" class="button button-quiet" data-testid="try-devices" onClick=${onFix}><${Icon} name="refresh-cw" />${t("common.try_again")}</button></p>`}<//></div>`}
  </div>`;
}

/** Since when something holds, after a calm moment; null while it does not. @param {boolean} holds */
function useSince(holds) {
  const [since, setSince] = useState(/** @type {number | null} */ (null));
  useEffect(() => {
    if (!holds) { setSince(null); return undefined; }
    const started = Date.now();
    const timer = setTimeout(() => setSince(started), CALM_MS);
    return () => clearTimeout(timer);
  }, [holds]);
  return since;
}

/** Not admitted yet. @param {{ state: protocol.State, devices: any, onLeave: () => void }} props */
function AtDoor({ state, devices, onLeave }) {
  return html`<div class="door-wait" data-testid="waiting-for-admission">
    <h1 tabindex="-1">${t(state.why === "sent_back" ? "room.back_title" : "room.door_title")}</h1>
    <p class="type-lead" role="status">${t(state.why === "sent_back" ? "room.back_says" : "room.door_says", { name: state.session?.in_charge ?? "" })}</p>
    <p class="muted">${state.session ? `${t(`names.service_${state.session.procedure}`)} · ${state.session.site}` : ""}</p>
    <ul class="faces faces-one" style=${{ "--others": "1" }}><${SelfTile} stream=${devices?.stream ?? null} muted=${{ voice: false, face: false }} alone /></ul>
    <${ConnectionState} line="waiting" />
    <button type="button" class="button button-quiet" data-testid="leave-room" onClick=${onLeave}><${Icon} name="door-open" />${t("room.leave")}</button>
  </div>`;
}

/** Comings and goings, said once; a knock also rings. @param {protocol.Effect} effect @param {protocol.State} state */
function notice(effect, state) {
  if (effect.do === "refused") { say(sentenceOf(effect.code)); return; }
  if (effect.do === "showed") { noticeShown(/** @type {any} */ (effect), state); return; }
  if (effect.do !== "noticed") return;
  const { person, before } = effect;
  if (person.state === "waiting") chime();
  if (["waiting", "reconnecting", "out", "left", "removed"].includes(person.state) || (person.state === "connected" && before !== "reconnecting")) {
    say(t(`room.notice_${person.state}`, { name: nameOf(person) }));
  }
}

/** Read-only, for whoever looks over our shoulder: tests and the person at the help line. @param {Call} call */
function exposeForTests(call) {
  const room = Object.defineProperties({}, {
    pc: { get: () => call.peer?.pc ?? null }, people: { get: () => Object.values(call.state.people) }, slots: { get: () => call.state.slots },
    state: { get: () => ({ phase: call.state.phase, line: call.state.line, media: call.media }) },
  });
  Object.assign(window, { laizuo: { ...(/** @type {any} */ (window).laizuo ?? {}), room } });
}
