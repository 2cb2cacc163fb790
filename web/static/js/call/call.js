// @ts-check
// One visit to a room: the socket, the peer connection and the devices, driven by protocol.js. Draws nothing.
import * as protocol from "../protocol.js";
import { Peer } from "./peer.js";
import { NOTHING, measure, movingFaces } from "./report.js";
import { ASKS, closeShown } from "./showing.js";
import { openSocket, takeSpare } from "./spare.js";

const PING_MS = 5000;
const SILENCE_MS = 12_000; // two pongs missed: the line is dead although the socket does not know it
const REPORT_MS = 5000;
const OFFER_AGAIN_MS = 2000;
const SPARE_MS = 2500; // a socket that stood unused may be dead without knowing it

/** @param {import("./media.js").Devices} devices */
const lacking = (devices) => ({ voice: !devices.stream?.getAudioTracks().length, face: !devices.stream?.getVideoTracks().length });

export class Call {
  /**
   * devices: null while the browser still asks for permission; `useDevices` follows, and the room is joined meanwhile.
   * @param {{ token: string, devices: import("./media.js").Devices | null, onChange: () => void, onNotice?: (effect: protocol.Effect) => void,
   *           renewToken?: () => Promise<string> }} options
   */
  constructor({ token, devices, onChange, onNotice, renewToken }) {
    this.state = protocol.start(token);
    this.devices = devices;
    /** @type {Peer | null} */
    this.peer = null;
    this.media = "new";
    /** @type {import("./showing.js").Shown | null} what one shows, or has asked to show */
    this.shown = null;
    this.renewing = false;
    this.muted = devices ? lacking(devices) : { voice: false, face: false };
    this.#onChange = onChange;
    this.#onNotice = onNotice ?? (() => {});
    this.#renewToken = renewToken;
    const spare = takeSpare();
    if (spare?.peer) this.#stoodBy(spare.peer); else this.#newPeer();
    this.#connect(spare);
    this.#timers = [setInterval(() => this.#ping(), PING_MS), setInterval(() => this.#report(), REPORT_MS)];
    addEventListener("online", this.#hurry);
  }

  #onChange; #onNotice; #renewToken;
  /** @type {WebSocket | null} */
  #socket = null;
  #heard_at_ms = 0;
  /** @type {ReturnType<typeof setInterval>[]} */
  #timers = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #again;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #offerAgain;
  #totals = NOTHING;
  #offering = Promise.resolve();
  #owesOffer = false;
  #hasFailed = false; // a media path: from then on the long way, which every browser knows
  /** Whose offer went with `join`, before the service said a word. @type {Peer | null} */
  #early = null;
  #hurry = () => { if (this.state.line === "down") this.#connect(); };

  /** Say something. @param {Record<string, unknown>} message */
  say(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** One's own microphone or camera. @param {"voice" | "face"} source @param {boolean} muted */
  mute(source, muted) {
    const stream = this.devices?.stream;
    for (const track of (source === "voice" ? stream?.getAudioTracks() : stream?.getVideoTracks()) ?? []) track.enabled = !muted;
    this.muted = { ...this.muted, [source]: muted };
    this.say({ type: "mute", source, muted });
    this.#onChange();
  }

  /** Devices that came later: somebody allowed the camera after all. @param {import("./media.js").Devices} devices */
  async useDevices(devices) {
    this.devices = devices;
    await this.peer?.useStream(devices.stream);
    const lacks = lacking(devices);
    for (const source of /** @type {const} */ (["voice", "face"])) if (lacks[source] !== this.muted[source]) this.mute(source, lacks[source]);
    this.#onChange();
  }

  /**
   * Show a document or the screen. The service says whether it may be; another camera for what is shown already needs no word.
   * @param {import("./showing.js").Source} source @param {MediaStream} stream handed over: stopped when it ends
   */
  show(source, stream) {
    const goesOn = this.shown?.granted === true && this.shown.source === source;
    closeShown(this.shown);
    const shown = this.shown = { source, stream, granted: goesOn };
    stream.getVideoTracks()[0].addEventListener("ended", () => { if (this.shown === shown) this.stopShowing(); }); // the browser's own button
    if (goesOn) this.peer?.show(shown).catch((error) => console.warn("show", error));
    else this.say({ type: ASKS[source], rid: "show" });
    this.#onChange();
  }

  stopShowing() {
    if (!this.shown) return;
    this.say({ type: "stop_showing" });
    this.#putAway();
  }

  /** The stream of a seat's face, if a slot shows it. @param {string} seat @param {string} [source] */
  streamOf(seat, source = "face") {
    const slot = protocol.slotOf(this.state, seat, source);
    return slot && this.peer ? this.peer.stream(slot.slot) : null;
  }

  leave() {
    this.say({ type: "leave" });
  }

  /** Everything stops; the devices belong to whoever opened them. */
  close() {
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#again);
    clearTimeout(this.#offerAgain);
    removeEventListener("online", this.#hurry);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.peer?.close();
    closeShown(this.shown);
  }

  // ---------------------------------------------------------------- the socket

  /** @param {import("./spare.js").Spare | null} [spare] one that was opened before it was needed */
  #connect(spare = null) {
    clearTimeout(this.#again);
    if (!spare) this.#early = null; // what was said on the socket before, nobody may have heard
    const socket = spare?.socket ?? openSocket();
    this.#socket?.close();
    this.#socket = socket;
    this.#heard_at_ms = Date.now();
    const mine = () => this.#socket === socket;
    const opened = () => mine() && this.#opened();
    socket.addEventListener("message", (event) => {
      if (!mine()) return;
      this.#heard_at_ms = Date.now();
      this.#step(protocol.received(this.state, String(event.data), Date.now()));
    });
    socket.addEventListener("close", () => mine() && this.#lost());
    if (socket.readyState === WebSocket.OPEN) opened(); else socket.addEventListener("open", opened);
    if (spare) queueMicrotask(() => { for (const text of spare.heard) if (mine()) this.#step(protocol.received(this.state, text, Date.now())); });
    if (spare) this.#again = setTimeout(() => { if (mine() && this.state.phase === "joining") this.#connect(); }, SPARE_MS);
  }

  /** Say who we are and, where nothing is known of us yet, what we offer: the answer comes a round trip sooner. */
  #opened() {
    const fresh = this.state.resume === null;
    this.#step(protocol.opened(this.state));
    if (!fresh || !this.peer || this.peer.closed || this.peer.pc.localDescription) return;
    this.#early = this.peer;
    this.#offer(true, this.state.slot_count);
  }

  #lost() {
    this.#socket = null;
    this.#step(protocol.lost(this.state, Date.now(), Math.random()));
  }

  #ping() {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    if (Date.now() - this.#heard_at_ms > SILENCE_MS) { this.#socket.close(); this.#lost(); return; }
    this.say({ type: "ping", t: Date.now() });
  }

  // ---------------------------------------------------------------- effects

  /** @param {[protocol.State, protocol.Effect[]]} result */
  #step([state, effects]) {
    this.state = state;
    for (const effect of effects) this.#perform(effect);
    this.#onChange();
  }

  /** @param {protocol.Effect} effect */
  #perform(effect) {
    const does = /** @type {Record<string, () => void>} */ ({
      send: () => this.say(effect.message),
      connect: () => { this.#again = setTimeout(() => this.#connect(), effect.after_ms); },
      reopen: () => { this.#socket?.close(); },
      hang: () => { this.#putAway(); const socket = this.#socket; this.#socket = null; socket?.close(); this.peer?.close(); },
      renew: () => this.#renew(),
      media: () => this.#mediaIs(effect.state),
      answer: () => this.#answered(effect.sdp),
      step_out: () => { this.#putAway(); clearTimeout(this.#offerAgain); this.peer?.close(); this.media = "new"; },
      layers: () => { if (effect.source === "face") this.peer?.sendLayers(effect.send).catch((error) => console.warn("layers", error)); },
      widen: () => this.#offer(false, effect.slots),
      put_away: () => this.#putAway(),
      show_refused: () => { this.#putAway(); this.#onNotice({ do: "refused", code: effect.code }); },
      showed: () => { if (effect.person.seat === this.state.you?.seat) this.#showed(effect.person.shows ?? ""); this.#onNotice(effect); },
    });
    (does[effect.do] ?? (() => this.#onNotice(effect)))();
  }

  /** What the service says that we show: the yes to what was asked, or that it is over. @param {string} source */
  #showed(source) {
    if (source && this.shown?.source !== source) { this.say({ type: "stop_showing" }); return; } // ended here meanwhile
    if (!this.shown || (!source && !this.shown.granted)) return; // of what was shown before the question
    if (!source) { this.#putAway(); return; }
    this.shown.granted = true;
    this.#sendShown();
  }

  /** The face and the voice go on: a line more in the same peer connection. */
  #sendShown() {
    const { peer, shown } = this;
    if (!peer || peer.closed || !shown) return;
    peer.show(shown).catch((error) => console.warn("show", error));
    this.#offerChange();
  }

  #putAway() {
    const { peer, shown } = this;
    if (!shown) return;
    closeShown(shown);
    this.shown = null;
    if (peer && !peer.closed && peer.shown.source) {
      peer.shown.hide().catch((error) => console.warn("hide", error));
      this.#offerChange();
    }
    this.#onChange();
  }

  /** Other lines in the same peer connection; while nobody hears it, once somebody does. */
  #offerChange() {
    if (!this.peer?.pc.localDescription) return; // the first offer is still to come
    this.#owesOffer = this.state.phase !== "seated" || this.state.line !== "up";
    if (!this.#owesOffer) this.#offer(false, this.state.slot_count);
  }

  async #renew() {
    if (!this.#renewToken || this.renewing) { this.renewing = false; return; }
    this.renewing = true; // once: a seat that refuses two keys is gone
    try {
      this.#step(protocol.renewed(this.state, await this.#renewToken()));
    } catch {
      this.renewing = false; // the seat is gone for good, and the page says so
      this.#onChange();
    }
  }

  // ---------------------------------------------------------------- media

  /** @param {string} word */
  #mediaIs(word) {
    // Muted from before: a new line knows nothing of it.
    for (const source of /** @type {const} */ (["voice", "face"])) if (this.muted[source]) this.say({ type: "mute", source, muted: true });
    if (this.shown) this.say({ type: ASKS[this.shown.source], rid: "show" });
    else if (word === "kept" && this.state.people[this.state.you?.seat ?? ""]?.shows) this.say({ type: "stop_showing" });
    const early = this.#early !== null && this.#early === this.peer;
    this.#early = null;
    if (word === "refused" && this.state.phase !== "seated") return; // at the door: offered again when we are let in
    if (early && word !== "refused" && !this.state.ice.length && (this.peer?.slots.length ?? 0) >= this.state.slot_count) return; // is under way
    if (word === "kept" && this.peer && ["connected", "connecting"].includes(this.peer.pc.connectionState)) {
      if (this.#owesOffer || this.peer.pc.signalingState !== "stable") this.#offerChange(); // the answer is lost
      return;
    }
    if (word === "kept" && this.peer?.pc.connectionState === "disconnected") { this.#restartIce(); return; }
    if (word === "refused") { this.#offerAgain = setTimeout(() => this.#peerFailed("offer refused"), OFFER_AGAIN_MS); return; }
    if (early || !this.peer || this.peer.closed || this.peer.pc.signalingState !== "stable" || this.peer.pc.localDescription) this.#newPeer();
    this.#offer(true, this.state.slot_count);
  }

  #newPeer() {
    clearTimeout(this.#offerAgain); // of the peer before
    this.peer?.close();
    this.#totals = NOTHING;
    this.#own(new Peer({ stream: this.devices?.stream ?? null, slots: Math.max(this.state.slot_count, protocol.FIRST_SLOTS), plain: this.#hasFailed }));
    this.media = "new";
    this.#owesOffer = false;
    if (this.shown?.granted) this.peer?.show(this.shown).catch((error) => console.warn("show", error));
  }

  /** @param {Peer} peer */
  #own(peer) {
    this.peer = peer;
    peer.owner = {
      onState: (state) => { if (this.peer === peer) { this.media = state; this.#onChange(); } },
      onSilent: () => { if (this.peer === peer) this.#restartIce(); },
      onFailed: () => { if (this.peer === peer) this.#peerFailed("connection"); },
    };
  }

  /** The peer connection of a page that stood by: its offer is said, and perhaps answered already. @param {Peer} peer */
  #stoodBy(peer) {
    this.#own(peer);
    this.state = protocol.stoodBy(this.state);
    peer.number = this.state.peer;
    this.#early = peer;
    this.media = peer.pc.connectionState;
    peer.useStream(this.devices?.stream ?? null).catch((error) => console.warn("devices", error));
  }

  /** Another way for the same connection, as after a change of network: no new keys, nobody's picture begins anew. */
  #restartIce() {
    if (this.state.phase !== "seated" || this.state.line !== "up") return; // offered when the line is back
    console.info("media path: ICE begins again");
    this.peer?.pc.restartIce();
    this.#offer(false, this.state.slot_count);
  }

  /** A media path that does not come back: the same seat with a new peer connection. @param {string} why */
  #peerFailed(why) {
    console.info("media path renewed:", why);
    this.#hasFailed = true;
    this.#newPeer();
    if (this.state.phase === "seated" && this.state.line === "up") this.#offer(true, this.state.slot_count);
  }

  /** One offer at a time; the next waits for the one before. @param {boolean} fresh @param {number} slots */
  #offer(fresh, slots) {
    const peer = this.peer;
    this.#offering = this.#offering.then(async () => {
      if (!peer || peer !== this.peer || peer.closed) return;
      const offer = await peer.offer(slots, this.state.ice);
      this.#step(protocol.offered(this.state, { ...offer, fresh }));
      peer.number = this.state.peer;
    }).catch((error) => { if (!peer?.closed) console.warn("no offer", error); });
  }

  /** The answer to the last offer, which may be that of a peer before: the next one is only being made. @param {string} sdp */
  #answered(sdp) {
    if (this.peer?.number !== this.state.peer) return;
    this.peer.answer(sdp).catch((error) => this.#peerFailed(String(error)));
  }

  async #report() {
    if (!this.peer || this.media !== "connected") return;
    const [totals, report] = await measure(this.peer.pc, this.#totals, movingFaces(this.state));
    this.#totals = totals;
    const lacks = this.devices ? lacking(this.devices) : { voice: false, face: false };
    this.say({ type: "report", ...report, lacks: Object.entries(lacks).filter(([, missing]) => missing).map(([source]) => source) });
  }
}
