// @ts-check
// The line's part of the device check: some seconds of one's own picture and voice to a media worker that nobody listens to.
import { post } from "../api.js";

/** @typedef {{ way: "udp" | "tcp" | null, rtt_ms: number | null, loss: number | null, kbit_s: number | null }} Line */
/** @typedef {{ line: Line, score: number, advice: "good" | "tcp" | "slow" | "narrow" | "lossy" | "none" }} Verdict */

const CONNECT_MS = 10_000; // the promise: whatever the line blocks, one is in within so long
const SEND_MS = 5000;
const QUIET_MS = 2500; // the worker says ten times a second what came: a line that says nothing for so long has died while it was tried
/** @type {Line} */
const NO_LINE = { way: null, rtt_ms: null, loss: null, kbit_s: null };

/** No connection is a verdict too; throws what api.js throws where no worker takes the trial. @param {MediaStream | null} stream @returns {Promise<Verdict>} */
export async function tryLine(stream) {
  const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  try {
    for (const kind of ["audio", "video"]) pc.addTransceiver(stream?.getTracks().find((track) => track.kind === kind) ?? kind, { direction: "sendonly" });
    await pc.setLocalDescription();
    const [voice, face] = pc.getTransceivers();
    const sources = { [/** @type {string} */ (voice.mid)]: "voice", [/** @type {string} */ (face.mid)]: "face" };
    const { sdp } = await post("/api/line-check", { sdp: pc.localDescription?.sdp ?? "", sources });
    await pc.setRemoteDescription({ type: "answer", sdp });
    if (!(await connected(pc))) return judge(NO_LINE);
    const before = await totals(pc);
    await pause(SEND_MS - QUIET_MS);
    const late = await totals(pc);
    await pause(QUIET_MS);
    return judge(await measured(pc, before, late.heard));
  } finally {
    pc.close();
  }
}

/** @param {number} ms */
const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

/** @param {RTCPeerConnection} pc @returns {Promise<boolean>} */
function connected(pc) {
  return new Promise((done) => {
    const patience = setTimeout(() => done(false), CONNECT_MS);
    pc.addEventListener("connectionstatechange", () => {
      if (pc.connectionState === "connected") { clearTimeout(patience); done(true); }
      if (pc.connectionState === "failed") { clearTimeout(patience); done(false); }
    });
  });
}

/** @param {RTCPeerConnection} pc @returns {Promise<any[]>} */
const reports = async (pc) => [.../** @type {any} */ (await pc.getStats()).values()];

/** Bytes sent and heard so far, and bytes that the encoder might have used. @param {RTCPeerConnection} pc */
async function totals(pc) {
  const everything = await reports(pc);
  const all = everything.filter((report) => report.type === "outbound-rtp");
  return {
    heard: everything.reduce((sum, report) => sum + (report.type === "candidate-pair" ? report.bytesReceived ?? 0 : 0), 0),
    sent: all.reduce((sum, report) => sum + report.bytesSent + (report.headerBytesSent ?? 0), 0),
    allowed: all.reduce((sum, report) => sum + (report.totalEncodedBytesTarget ?? 0), 0),
  };
}

/** @param {RTCPeerConnection} pc @param {{ sent: number, allowed: number }} before bytes @param {number} heard bytes, QUIET_MS ago @returns {Promise<Line>} */
async function measured(pc, before, heard) {
  const all = await reports(pc);
  const pair = all.find((report) => report.type === "candidate-pair" && report.nominated && report.state === "succeeded");
  const local = all.find((report) => report.id === pair?.localCandidateId);
  const told = all.filter((report) => report.type === "remote-inbound-rtp");
  const losses = told.map((report) => report.fractionLost ?? 0);
  // On a line that loses, a check may be answered seconds later on purpose: the media's own reports know better.
  const trips = [pair?.currentRoundTripTime, ...told.map((report) => report.roundTripTime)].filter((trip) => trip !== undefined);
  const now = await totals(pc);
  const [sent, allowed] = [now.sent - before.sent, now.allowed - before.allowed];
  if (sent && heard && now.heard === heard) return NO_LINE; // a browser that does not tell what it heard is not asked
  return {
    way: local?.protocol === "tcp" ? "tcp" : "udp",
    rtt_ms: trips.length ? Math.round(Math.min(...trips) * 1000) : null,
    loss: losses.length ? Math.max(...losses) : null,
    // A quiet picture sends less than the line carries: then the browser's own estimate says more, or (Firefox tells none) what it allows its encoder.
    kbit_s: sent ? Math.round(Math.max((Math.max(sent, allowed) * 8) / SEND_MS, (pair?.availableOutgoingBitrate ?? 0) / 1000)) : null,
  };
}

/** How good a line is, 0 to 100, and the first thing to do about it. @param {Line} line @returns {Verdict} */
export function judge(line) {
  if (!line.way) return { line, score: 0, advice: "none" };
  const loss = line.loss ?? 0, rtt_ms = line.rtt_ms ?? 0, kbit_s = line.kbit_s ?? Infinity;
  const cost = {
    lossy: loss > 0.1 ? 50 : loss > 0.02 ? 20 : 0,
    narrow: kbit_s < 100 ? 40 : kbit_s < 250 ? 15 : 0,
    slow: rtt_ms > 400 ? 30 : rtt_ms > 200 ? 10 : 0,
    tcp: line.way === "tcp" ? 10 : 0,
  };
  const worst = /** @type {const} */ (["lossy", "narrow", "slow", "tcp"]).reduce((one, other) => (cost[other] > cost[one] ? other : one));
  const score = Math.max(5, 100 - cost.lossy - cost.narrow - cost.slow - cost.tcp);
  return { line, score, advice: cost[worst] ? worst : "good" };
}
