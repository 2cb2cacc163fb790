// @ts-check
// One RTCPeerConnection: two sending lines (voice, face), then receiving slots of an audio and a video line each, and a sending line for
// what one shows, made when it is first shown. Always the offerer.
import { hint, layersOf } from "./layers.js";
import { beSmall, fitLine } from "./narrow.js";
import { offerTwice, resist } from "./resilience.js";
import { ShownLine } from "./showing.js";

/** @typedef {{ audio: RTCRtpTransceiver, video: RTCRtpTransceiver, stream: MediaStream }} SlotLines */

const DISCONNECTED_MS = 4000; // ICE often heals by itself within two or three seconds
const RESTARTED_MS = 5000; // what a restarted ICE has to find a way; then a new connection is tried

export class Peer {
  /** plain: leave it to the service who begins with DTLS. @param {{ stream: MediaStream | null, slots: number, plain?: boolean }} options */
  constructor({ stream, slots, plain = false }) {
    this.pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    const [voice, face] = [stream?.getAudioTracks()[0], stream?.getVideoTracks()[0]];
    hint(face);
    this.voice = this.pc.addTransceiver(voice ?? "audio", { direction: "sendonly" });
    offerTwice(this.voice);
    this.face = this.pc.addTransceiver(face ?? "video", { direction: "sendonly", sendEncodings: layersOf(face) });
    /** @type {SlotLines[]} */
    this.slots = [];
    this.shown = new ShownLine();
    this.closed = false;
    this.number = 0; // of its offer (PROTOCOL.md); 0 before the first
    this.#plain = plain;
    this.#widen(slots);
    // Made now, while the socket opens: at `welcome` the offer only has to be sent.
    this.#prepared = this.pc.createOffer();
    this.#prepared.catch(() => {});
    this.#watch();
    resist(this.pc);
    fitLine(this.pc);
    this.#ended.catch(() => {}); // nobody may be waiting
  }

  /** Whoever it belongs to now hears of it: a page that stands by has one before it has a call. @type {{ onState: (state: string) => void, onSilent: () => void, onFailed: () => void }} */
  owner = { onState() {}, onSilent() {}, onFailed() {} };
  #plain;
  /** @type {Promise<RTCSessionDescriptionInit> | null} */
  #prepared;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #patience;

  /** @type {(reason: Error) => void} */
  #end = () => {};
  /** @type {Promise<never>} */
  #ended = new Promise((_, reject) => { this.#end = reject; });

  /** What a closed connection has begun never ends (W3C WebRTC 1.0, chained operations): who waits for it has to be told. @template T @param {Promise<T>} step */
  #unlessClosed(step) {
    return Promise.race([step, this.#ended]);
  }

  /**
   * The offer, set as ours; fails when the connection is closed meanwhile. @param {number} slots @param {RTCIceServer[]} ice
   * @returns {Promise<{ sdp: string, sources: Record<string, string> }>}
   */
  async offer(slots, ice) {
    if (ice.length) this.pc.setConfiguration({ bundlePolicy: "max-bundle", iceServers: ice });
    if (slots > this.slots.length) { this.#widen(slots); this.#prepared = null; }
    const description = await this.#unlessClosed(this.#prepared ?? this.pc.createOffer());
    this.#prepared = null;
    await this.#unlessClosed(this.pc.setLocalDescription(description));
    const sources = { [/** @type {string} */ (this.voice.mid)]: "voice", [/** @type {string} */ (this.face.mid)]: "face", ...this.shown.sources() };
    const sdp = description.sdp ?? "";
    // Who waits to be greeted has his keys a round trip sooner; our own description leaves it open, and so takes either answer.
    return { sdp: this.#plain ? sdp : sdp.replaceAll("a=setup:actpass", "a=setup:passive"), sources };
  }

  /** @param {string} sdp */
  async answer(sdp) {
    if (this.pc.signalingState !== "have-local-offer") return;
    await this.pc.setRemoteDescription({ type: "answer", sdp });
  }

  /** The picture and sound of a slot. The stream stays the same while people come and go in it. @param {number} slot */
  stream(slot) {
    return this.slots[slot]?.stream ?? null;
  }

  /** Send other devices on the same lines: no new offer, no gap for the recorder. @param {MediaStream | null} stream */
  async useStream(stream) {
    const [voice, face] = [stream?.getAudioTracks()[0], stream?.getVideoTracks()[0]];
    hint(face);
    await Promise.all([this.voice.sender.replaceTrack(voice ?? null), this.face.sender.replaceTrack(face ?? null)]);
  }

  /** A document or a screen besides the face; the next offer says so. @param {import("./showing.js").Shown} shown */
  show(shown) {
    this.#prepared = null;
    return this.shown.show(this.pc, shown);
  }

  /** Leave out the layers of one's face that nobody takes. @param {string[]} rids */
  async sendLayers(rids) {
    const parameters = this.face.sender.getParameters();
    if (!parameters.encodings.some(({ rid }) => rid && rids.includes(rid))) return; // not layers of this peer
    for (const encoding of parameters.encodings) encoding.active = rids.includes(encoding.rid ?? "");
    await this.face.sender.setParameters(parameters);
    await beSmall(this.face.sender, rids.includes("small"));
  }

  close() {
    this.closed = true;
    clearTimeout(this.#patience);
    this.pc.close();
    this.#end(new Error("closed"));
  }

  /** @param {number} count */
  #widen(count) {
    while (this.slots.length < count) {
      const audio = this.pc.addTransceiver("audio", { direction: "recvonly" });
      const video = this.pc.addTransceiver("video", { direction: "recvonly" });
      this.slots.push({ audio, video, stream: new MediaStream([audio.receiver.track, video.receiver.track]) });
    }
  }

  #watch() {
    const failed = () => this.owner.onFailed();
    const waitLonger = () => {
      this.owner.onSilent();
      this.#patience = setTimeout(failed, RESTARTED_MS);
    };
    this.pc.addEventListener("connectionstatechange", () => {
      if (this.closed) return;
      const state = this.pc.connectionState;
      if (state !== "connecting") clearTimeout(this.#patience); // while ICE starts again its time runs on
      this.owner.onState(state);
      if (state === "failed") failed();
      if (state === "disconnected") this.#patience = setTimeout(waitLonger, DISCONNECTED_MS);
    });
  }
}
