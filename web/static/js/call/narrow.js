// @ts-check
// What a page does about a narrow line: its voice takes less of it, what is to be read comes slower, and where hardly more than a voice fits, its face is small.

const LOOK_MS = 1000;
// Below the first figure a line carries no voice twice at full rate; above the second it does again.
const NARROW_BPS = /** @type {const} */ ([150_000, 250_000]);
const VOICE_BPS = { wide: undefined, narrow: 16_000, tight: 12_000 };
// Below the first figure a picture at the least rate of a browser (30 kbit/s) fills the line, and stands still in a queue of seconds.
const TIGHT_BPS = /** @type {const} */ ([80_000, 110_000]);
const LEAST_BPS = 30_000;
const TIGHT_FACE = { bps: 20_000, lines: 135, frames: 8 };
// A page of paper once a second: on a narrow line it leaves the voice and a face their part, on a tight one the voice. Sharp it stays.
const SHEET = { wide: {}, narrow: { maxBitrate: 100_000, maxFramerate: 1 }, tight: { maxBitrate: LEAST_BPS, maxFramerate: 1 } };
const SURE_LOOKS = 5; // a line counts as wider only then: each change of size costs a key frame
const LOSES = 0.1; // of a voice: from there on it is a lossy line first, and goes twice

/** @typedef {{ line_bps: number | undefined, face_bps: number | undefined, lost: number }} Told what the browser believes of its line */
/** @typedef {"wide" | "narrow" | "tight"} Width */
const WIDTHS = ["tight", "narrow", "wide"];

/** How wide one's own line is, by what was thought of it before. @param {Width} before @param {Told} told @returns {Width} */
export function widthOf(before, { line_bps, face_bps, lost }) {
  if (line_bps === undefined) return before !== "tight" && face_bps !== undefined && face_bps <= LEAST_BPS ? "tight" : before;
  if (lost < LOSES && line_bps < TIGHT_BPS[before === "tight" ? 1 : 0]) return "tight";
  return line_bps < NARROW_BPS[before === "wide" ? 0 : 1] ? "narrow" : "wide";
}

/** What counts, look by look: narrower at once, wider when it was so for a while. */
export class Looks {
  /** @type {Width} */
  width = "wide";
  #wider = 0;

  /** @param {Told} told @returns {Width} */
  look(told) {
    const seen = widthOf(this.width, told);
    this.#wider = WIDTHS.indexOf(seen) > WIDTHS.indexOf(this.width) ? this.#wider + 1 : 0;
    if (!this.#wider || this.#wider >= SURE_LOOKS) { this.width = seen; this.#wider = 0; }
    return this.width;
  }
}

/** @param {any[]} stats @returns {Told} */
function toldBy(stats) {
  const sent = stats.filter(({ type, kind, targetBitrate }) => type === "outbound-rtp" && kind === "video" && targetBitrate);
  return {
    line_bps: stats.find(({ type, nominated }) => type === "candidate-pair" && nominated)?.availableOutgoingBitrate,
    face_bps: sent.length ? sent.reduce((sum, { targetBitrate }) => sum + targetBitrate, 0) : undefined,
    lost: stats.find(({ type, kind }) => type === "remote-inbound-rtp" && kind === "audio")?.fractionLost ?? 0,
  };
}

/** Look after a connection until it is closed. @param {RTCPeerConnection} pc */
export function fitLine(pc) {
  const looks = new Looks();
  const timer = setInterval(async () => {
    if (pc.connectionState === "closed") { clearInterval(timer); return; }
    if (pc.connectionState !== "connected") return;
    const stats = /** @type {any[]} */ ([]);
    (await pc.getStats()).forEach((report) => stats.push(report));
    const width = looks.look(toldBy(stats));
    // Also what is shown since the last look. What fails is tried again: something else was being set.
    const senders = pc.getSenders().filter((sender) => (widths.get(sender) ?? "wide") !== width);
    await Promise.all(senders.map((sender) => fit(sender, width))).catch((error) => console.warn("narrow", error));
  }, LOOK_MS);
}

/** @type {WeakMap<RTCRtpSender, any[]>} what the encodings were */
const usual = new WeakMap();
/** @type {WeakMap<RTCRtpSender, Width>} what they were fitted to */
const widths = new WeakMap();
/** @type {WeakSet<RTCRtpSender>} seen on narrow lines only */
const small = new WeakSet();

/** Let the smallest layer of a face be smaller still, whatever one's own line: the server says so. @param {RTCRtpSender} sender @param {boolean} wanted */
export async function beSmall(sender, wanted) {
  if (small.has(sender) === wanted) return;
  if (wanted) small.add(sender); else small.delete(sender);
  await fit(sender, widths.get(sender) ?? "wide");
}

/** @param {RTCRtpSender} sender @param {Width} own */
export async function fit(sender, own) {
  const width = small.has(sender) ? "tight" : own;
  const parameters = sender.getParameters();
  const [first] = parameters.encodings ?? [];
  if (!first || !sender.track) return;
  const before = usual.get(sender) ?? parameters.encodings.map((encoding) => ({ ...encoding }));
  usual.set(sender, before);
  if (sender.track.kind === "audio") fitVoice(parameters, width, before);
  else if (["detail", "text"].includes(sender.track.contentHint)) fitSheet(parameters, width, before);
  else fitFace(parameters, width, before, sender.track, own === "tight");
  await sender.setParameters(parameters);
  widths.set(sender, own);
}

/** @param {any} parameters @param {Width} width @param {any[]} before */
function fitVoice(parameters, width, before) {
  const [voice] = parameters.encodings;
  restore(voice, before[0], ["maxBitrate"]);
  if (VOICE_BPS[width]) voice.maxBitrate = VOICE_BPS[width];
}

/** What one shows is to be read: it comes slower, never smaller (showing.js). @param {any} parameters @param {Width} width @param {any[]} before */
function fitSheet(parameters, width, before) {
  parameters.encodings.forEach((/** @type {any} */ encoding, /** @type {number} */ at) => {
    restore(encoding, before[at], ["maxBitrate", "maxFramerate"]);
    Object.assign(encoding, SHEET[width]);
  });
}

/** The smallest layer that is sent stays, made smaller. A bound of frames would bind the larger layers too: only where one's own
 * line carries none of them (`slow`). @param {any} parameters @param {Width} width @param {any[]} before @param {MediaStreamTrack} track @param {boolean} slow */
function fitFace(parameters, width, before, track, slow) {
  parameters.encodings.forEach((/** @type {any} */ encoding, /** @type {number} */ at) =>
    restore(encoding, before[at], ["maxBitrate", "maxFramerate", "scaleResolutionDownBy"]));
  const face = parameters.encodings.find((/** @type {any} */ encoding) => encoding.active) ?? parameters.encodings[0];
  if (width !== "tight") return;
  face.maxBitrate = TIGHT_FACE.bps;
  if (slow) face.maxFramerate = TIGHT_FACE.frames;
  face.scaleResolutionDownBy = Math.max(face.scaleResolutionDownBy ?? 1, (track.getSettings().height ?? 360) / TIGHT_FACE.lines);
}

/** @param {any} encoding @param {any} before @param {string[]} names */
function restore(encoding, before, names) {
  for (const name of names) {
    if (before?.[name] === undefined) delete encoding[name];
    else encoding[name] = before[name];
  }
}
