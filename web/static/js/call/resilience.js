// @ts-check
// What a page does about a line that loses: its voice goes twice (RED, RFC 2198), and what comes late is waited for.
// The server repairs lost pictures by sending them again, a round trip later: shown at once they would stutter, a little later they do not.

/** @typedef {{ frames: number, sum_s: number, squares: number, repairs: number, concealed: number, samples: number }} Seen */

const LOOK_MS = 1000;
const STEP_MS = 100; // of waiting, for a second in which something stuttered
const MOST_MS = 500; // more would be felt in a talk
const CALM_LOOKS = 30; // without a stutter: half a step back
const UNEVEN_S = 0.04; // standard deviation between frames: at 15 a second, one gap of a quarter second in two seconds
const CONCEALED = 0.02; // of a second of voice

/** Offer the voice as RED first, where the browser can. @param {RTCRtpTransceiver} line */
export function offerTwice(line) {
  const codecs = RTCRtpSender.getCapabilities?.("audio")?.codecs ?? [];
  const red = codecs.filter(({ mimeType }) => mimeType.toLowerCase() === "audio/red");
  if (red.length && line.setCodecPreferences) line.setCodecPreferences([...red, ...codecs.filter((codec) => !red.includes(codec))]);
}

/** How long to wait for late packets of one picture or voice, looked at once a second. */
export class Patience {
  target_ms = 0;
  #calm = 0;
  /** @type {Seen | null} */
  #before = null;

  /** @param {Seen} seen counted since the beginning @returns {number} */
  look(seen) {
    const before = this.#before;
    this.#before = seen;
    if (!before || seen.frames < before.frames) return this.target_ms;
    if (isUneven(before, seen) || isConcealed(before, seen)) {
      this.target_ms = Math.min(MOST_MS, this.target_ms + STEP_MS);
      this.#calm = 0;
    } else if (++this.#calm >= CALM_LOOKS && this.target_ms) {
      this.target_ms -= STEP_MS / 2;
      this.#calm = 0;
    }
    return this.target_ms;
  }
}

/** Whether pictures came unevenly, and because some had to be sent again: a busy machine is not mended by waiting. @param {Seen} before @param {Seen} seen */
function isUneven(before, seen) {
  const frames = seen.frames - before.frames;
  if (frames < 2 || seen.repairs <= before.repairs) return false;
  const mean = (seen.sum_s - before.sum_s) / frames;
  return Math.sqrt(Math.max(0, (seen.squares - before.squares) / frames - mean * mean)) > UNEVEN_S;
}

/** @param {Seen} before @param {Seen} seen */
function isConcealed(before, seen) {
  const samples = seen.samples - before.samples;
  return samples > 0 && (seen.concealed - before.concealed) / samples > CONCEALED;
}

/** @param {any} report of getStats, inbound-rtp @returns {Seen} */
function seenIn(report) {
  return {
    frames: report.framesDecoded ?? 0, sum_s: report.totalInterFrameDelay ?? 0, squares: report.totalSquaredInterFrameDelay ?? 0,
    repairs: report.nackCount ?? 0, concealed: (report.concealedSamples ?? 0) - (report.silentConcealedSamples ?? 0),
    samples: report.totalSamplesReceived ?? 0,
  };
}

/** Look after a connection until it is closed. @param {RTCPeerConnection} pc */
export function resist(pc) {
  /** @type {Map<string, Patience>} by mid */
  const patience = new Map();
  const timer = setInterval(async () => {
    if (pc.connectionState === "closed") { clearInterval(timer); return; }
    if (pc.connectionState !== "connected") return;
    const reports = /** @type {any[]} */ ([]);
    (await pc.getStats()).forEach((report) => { if (report.type === "inbound-rtp") reports.push(report); });
    waitFor(pc, patience, reports);
  }, LOOK_MS);
}

/** @param {RTCPeerConnection} pc @param {Map<string, Patience>} patience @param {any[]} reports */
function waitFor(pc, patience, reports) {
  for (const report of reports) {
    const line = pc.getTransceivers().find(({ mid }) => mid === report.mid);
    if (!line || !("jitterBufferTarget" in line.receiver)) continue;
    const own = patience.get(report.mid) ?? new Patience();
    patience.set(report.mid, own);
    const target_ms = own.look(seenIn(report));
    if ((line.receiver.jitterBufferTarget ?? 0) !== target_ms) line.receiver.jitterBufferTarget = target_ms || null;
  }
}
