// @ts-check
// The browser's side of server/signaling/PROTOCOL.md. Pure: no socket, no clock, no page. Each input gives the next state and a list
// of effects, which call/line.js and call/call.js perform. `now_ms` and `chance` (0 to 1) are arguments.

/** @typedef {{ seat: string, role: string, name: string, site: string, state: string, muted: string[], silenced: string[], room?: string, shows?: string }} Person */
/** @typedef {{ slot: number, audio_mid: string, video_mid: string, seat: string | null, source: string | null }} Slot */
/** @typedef {{ word: string, loss_up: number, loss_down: number, rtt_ms: number | null, up_bps: number, fps: number | null, width: number | null, height: number | null, frozen_ms: number }} Quality */
/**
 * @typedef {{
 *   phase: "joining" | "waiting" | "seated" | "closed",
 *   line: "opening" | "up" | "down",
 *   tries: number, lost_at_ms: number | null,
 *   token: string, resume: string | null, joined_with_resume: boolean,
 *   you: { seat: string, role: string, name: string, may: string[] } | null,
 *   session: any, recording: { state: string, since: number | null, cause: string | null },
 *   people: Record<string, Person>, speaking: string[], quality: Record<string, Quality>, consents: Record<string, string>,
 *   slots: Slot[], slot_count: number, ice: RTCIceServer[],
 *   peer: number, revision: number,
 *   server_ahead_s: number, why: string | null,
 * }} State
 */
/** @typedef {{ do: string, [more: string]: any }} Effect */

export const SUBPROTOCOL = "laizuo.room.1";
export const FIRST_SLOTS = 3;
const WAITS_MS = [500, 1000, 2000, 4000, 8000];
// Nobody who is gone for good stays in the list of people.
const GONE = ["left", "removed", "refused"];

/** @param {string} token @returns {State} */
export function start(token) {
  return {
    phase: "joining", line: "opening", tries: 0, lost_at_ms: null, token, resume: null, joined_with_resume: false,
    you: null, session: null, recording: { state: "none", since: null, cause: null }, people: {}, speaking: [], quality: {}, consents: {},
    slots: [], slot_count: FIRST_SLOTS, ice: [], peer: 0, revision: 0, server_ahead_s: 0, why: null,
  };
}

/** The socket is open: say who we are. @param {State} state @returns {[State, Effect[]]} */
export function opened(state) {
  const key = state.resume === null ? { token: state.token } : { resume: state.resume };
  const joined = { ...state, line: /** @type {const} */ ("up"), joined_with_resume: state.resume !== null };
  return [joined, [send({ type: "join", rid: "join", ...key, media: true })]];
}

/** The socket is gone: come back by ourselves, for ever, until `closed`. @param {State} state @param {number} now_ms @param {number} chance @returns {[State, Effect[]]} */
export function lost(state, now_ms, chance) {
  if (state.phase === "closed") return [state, []];
  const wait = WAITS_MS[Math.min(state.tries, WAITS_MS.length - 1)] ?? 8000;
  const next = { ...state, line: /** @type {const} */ ("down"), tries: state.tries + 1, lost_at_ms: state.lost_at_ms ?? now_ms };
  return [next, [{ do: "connect", after_ms: wait * (1 + chance / 2) }]];
}

/** A new seat token, because the old one is no longer taken. @param {State} state @param {string} token @returns {[State, Effect[]]} */
export function renewed(state, token) {
  return [{ ...state, token, resume: null, phase: "joining", why: null }, [{ do: "connect", after_ms: 0 }]];
}

/** The page has an offer ready. @param {State} state @param {{ sdp: string, sources: Record<string, string>, fresh: boolean }} offer @returns {[State, Effect[]]} */
export function offered(state, { sdp, sources, fresh }) {
  const peer = fresh ? state.peer + 1 : state.peer;
  const revision = fresh ? 1 : state.revision + 1;
  return [{ ...state, peer, revision }, [send(offerMessage({ peer, revision, sdp, sources }))]];
}

/** @param {{ peer: number, revision: number, sdp: string, sources: Record<string, string> }} offer */
export const offerMessage = ({ peer, revision, sdp, sources }) => ({ type: "offer", rid: "offer", peer, revision, sdp, sources });

/** The first offer was said by who stood by. @param {State} state @returns {State} */
export const stoodBy = (state) => ({ ...state, peer: 1, revision: 1 });

/** One message of the server. @param {State} state @param {string} text @param {number} now_ms @returns {[State, Effect[]]} */
export function received(state, text, now_ms) {
  const message = parse(text);
  const handle = message && Object.hasOwn(HANDLERS, message.type) ? HANDLERS[message.type] : undefined;
  // A newer server may say what this page does not know: not our business.
  return handle ? handle(state, message, now_ms) : [state, []];
}

/** @param {string} text @returns {any} */
function parse(text) {
  try { return JSON.parse(text); } catch { return null; }
}

/** @param {object} message @returns {Effect} */
const send = (message) => ({ do: "send", message });

/** @type {Record<string, (state: State, message: any, now_ms: number) => [State, Effect[]]>} */
const HANDLERS = {
  welcome(state, message) {
    const people = Object.fromEntries(message.people.map((/** @type {Person} */ person) => [person.seat, person]));
    const seated = {
      ...state, phase: /** @type {const} */ ("seated"), tries: 0, lost_at_ms: null, resume: message.resume, people, speaking: [],
      you: { may: [], ...message.you }, session: message.session, recording: { cause: null, ...message.recording },
      ice: message.ice ?? [], slot_count: message.slots ?? FIRST_SLOTS,
    };
    // What one shows stays in the room where it was shown; said again after a line that was gone, it goes on.
    const elsewhere = state.phase === "seated" && roomOf(state) !== roomOf(seated);
    return [seated, [...(elsewhere ? [{ do: "put_away" }] : []), { do: "media", state: message.media }]];
  },
  waiting(state, message) {
    // Sent back from the room: nothing of it is shown any more, and its media path ends here too.
    const back = state.phase === "seated" || message.why === "sent_back";
    const outside = { ...state, phase: /** @type {const} */ ("waiting"), tries: 0, lost_at_ms: null, session: message.session, you: { may: [], ...message.you }, why: message.why };
    return back ? [{ ...outside, people: {}, speaking: [], slots: [], quality: {} }, [{ do: "step_out" }]] : [outside, []];
  },
  answer(state, message) {
    if (message.peer !== state.peer || message.revision !== state.revision) return [state, []]; // of an offer we have given up
    return [{ ...state, slots: message.slots }, [{ do: "answer", sdp: message.sdp }]];
  },
  slots(state, message) {
    const short = message.short ?? 0;
    const effects = short > 0 ? [{ do: "widen", slots: message.slots.length + short }] : [];
    return [{ ...state, slots: message.slots }, effects];
  },
  layers(state, message) {
    if ((message.peer ?? state.peer) !== state.peer) return [state, []]; // of a peer connection that we have given up
    return [state, [{ do: "layers", source: message.source, send: message.send }]];
  },
  person(state, { person }) {
    const people = { ...state.people };
    if (GONE.includes(person.state)) delete people[person.seat];
    else people[person.seat] = person;
    const before = state.people[person.seat]?.state ?? null;
    const news = before !== person.state && person.seat !== state.you?.seat;
    const showed = state.people[person.seat]?.shows ?? "";
    const shown = (person.shows ?? "") !== showed && !GONE.includes(person.state) ? [{ do: "showed", person, before: showed }] : [];
    return [{ ...state, people }, [...(news ? [{ do: "noticed", person, before }] : []), ...shown]];
  },
  speaking(state, message) {
    return [{ ...state, speaking: message.seats }, []];
  },
  quality(state, message) {
    return [{ ...state, quality: message.people }, []];
  },
  recording(state, message) {
    return [{ ...state, recording: { state: message.state, since: message.since ?? null, cause: message.cause ?? null } }, []];
  },
  consents(state, message) {
    return [{ ...state, consents: message.people }, []];
  },
  rejoin(state) {
    return [{ ...state, speaking: [] }, [{ do: "media", state: "new" }]];
  },
  closed(state, message) {
    return [{ ...state, phase: "closed", why: message.why }, [{ do: "hang" }]];
  },
  error(state, message) {
    return refused(state, message);
  },
  pong(state, message, now_ms) {
    // Half of the way there and back: good to some ten milliseconds, and a clock on screen needs a second.
    const half_s = (now_ms - message.t) / 2000;
    return [{ ...state, server_ahead_s: message.at + half_s - now_ms / 1000 }, []];
  },
};

/** @param {State} state @param {any} message @returns {[State, Effect[]]} */
function refused(state, message) {
  if (message.code === "bad_token" && state.phase !== "closed") {
    // The resume token of a line that was replaced: the seat token may still be good.
    if (state.joined_with_resume) return [{ ...state, resume: null }, [{ do: "reopen" }]];
    return [{ ...state, phase: "closed", why: "bad_token" }, [{ do: "hang" }, { do: "renew" }]];
  }
  // After `join` the server closes the socket and we come back as after any loss; after `offer` we offer anew on the same socket.
  if (message.rid === "join") return [state, []];
  if (message.rid === "offer") return [state, [{ do: "media", state: "refused" }]];
  if (message.rid === "show") return [state, [{ do: "show_refused", code: message.code }]];
  return [state, [{ do: "refused", code: message.code, rid: message.rid ?? null }]];
}

/** Server time of a page's time, in unix seconds. @param {State} state @param {number} now_ms */
export const serverTime = (state, now_ms) => now_ms / 1000 + state.server_ahead_s;

/** Whether this role may say that message. @param {State} state @param {string} action */
export const may = (state, action) => state.you?.may.includes(action) ?? false;

/** The slot that shows a seat's source, if any. @param {State} state @param {string} seat @param {string} [source] */
export const slotOf = (state, seat, source = "face") => state.slots.find((slot) => slot.seat === seat && slot.source === source) ?? null;

/** Everybody but oneself, in a fixed order: who leads, then by role and seat, so that faces keep their places. @param {State} state @returns {Person[]} */
export function others(state) {
  const order = ["in_charge", "staff", "applicant", "party", "interpreter", "site_worker", "witness", "supporter"];
  return Object.values(state.people)
    .filter((person) => person.seat !== state.you?.seat && person.state !== "waiting")
    .sort((a, b) => order.indexOf(a.role) - order.indexOf(b.role) || (a.seat < b.seat ? -1 : 1));
}

/** Whether somebody's voice is heard now; a line that is gone and a microphone that is off are silent. @param {State} state @param {string} seat */
export function speaks(state, seat) {
  const person = state.people[seat];
  return state.line === "up" && person?.state === "connected" && state.speaking.includes(seat) && ![...person.muted, ...person.silenced].includes("voice");
}

/** The room of a private talk that somebody is in; empty: where everybody is together. @param {State} state @param {string} [seat] */
export const roomOf = (state, seat = state.you?.seat ?? "") => state.people[seat]?.room ?? "";

/** Those of the others who hear and see me: who is in my room. @param {State} state @returns {Person[]} */
export const together = (state) => others(state).filter((person) => (person.room ?? "") === roomOf(state));

/** Who shows something in my room besides a face, perhaps myself; one at a time. @param {State} state @returns {Person | null} */
export const whoShows = (state) => Object.values(state.people).find((person) => person.shows && (person.room ?? "") === roomOf(state)) ?? null;

/** Everybody who is in a private talk, oneself as well. @param {State} state @returns {Person[]} */
export const inPrivate = (state) => Object.values(state.people).filter((person) => person.room);

/** Who stands at the door. @param {State} state @returns {Person[]} */
export const atTheDoor = (state) => Object.values(state.people).filter((person) => person.state === "waiting");
