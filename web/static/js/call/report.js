// @ts-check
// What the browser measures itself, as the room protocol's `report`.

/** @typedef {{ seat: string, frames: number, still_s: number, moved: boolean }} Face a line that brings pictures; `moved`: it once brought some of this seat */
/** @typedef {{ at_ms: number, concealed: number, samples: number, faces: Record<string, Face> }} Totals faces by mid */

/** Before the first report of a peer connection. @type {Totals} */
export const NOTHING = { at_ms: 0, concealed: 0, samples: 0, faces: {} };

/**
 * The faces that should move: nobody has switched them off, and their people are here.
 * A page of paper that comes five times a second is no bad line.
 * @param {import("../protocol.js").State} state @returns {Record<string, string>} mid -> seat
 */
export function movingFaces({ slots, people }) {
  const moves = (/** @type {import("../protocol.js").Slot} */ { seat, source }) => {
    const person = people[seat ?? ""];
    return source === "face" && person?.state === "connected" && ![...person.muted, ...person.silenced].includes("face");
  };
  return Object.fromEntries(slots.filter(moves).map(({ video_mid, seat }) => [video_mid, seat ?? ""]));
}

/**
 * @param {RTCPeerConnection} pc @param {Totals} before @param {Record<string, string>} watched as movingFaces has it
 * @returns {Promise<[Totals, { frozen_ms: number, fps: number | null, width: number | null, height: number | null, concealed: number }]>}
 */
export async function measure(pc, before, watched) {
  const stats = /** @type {any[]} */ ([]);
  (await pc.getStats()).forEach((entry) => stats.push(entry));
  const inbound = (/** @type {string} */ kind) => stats.filter((entry) => entry.type === "inbound-rtp" && entry.kind === kind);
  const [voices, pictures] = [inbound("audio"), inbound("video")];
  const totals = {
    at_ms: Math.max(...stats.map(({ timestamp }) => timestamp)),
    concealed: sum(voices, "concealedSamples") - sum(voices, "silentConcealedSamples"),
    samples: sum(voices, "totalSamplesReceived"),
    faces: Object.fromEntries(pictures.map((entry) => [entry.mid, face(entry, before.faces[entry.mid], watched[entry.mid] ?? "")])),
  };
  const faces = pictures.filter(({ mid }) => mid in watched);
  const stood_ms = faces.map(({ mid }) => standstill_ms(before.faces[mid], totals.faces[mid], totals.at_ms - before.at_ms));
  const fps = faces.filter(({ mid }) => totals.faces[mid].moved).map(({ framesPerSecond }) => framesPerSecond ?? 0);
  const largest = faces.reduce((best, one) => ((one.frameWidth ?? 0) > (best?.frameWidth ?? 0) ? one : best), null);
  const heard = Math.max(1, totals.samples - before.samples);
  return [totals, {
    frozen_ms: Math.round(Math.max(0, ...stood_ms)),
    fps: fps.length ? Math.min(...fps) : null,
    width: largest?.frameWidth ?? null,
    height: largest?.frameHeight ?? null,
    concealed: Math.max(0, Math.min(1, (totals.concealed - before.concealed) / heard)),
  }];
}

/** What a line has brought until now. @param {any} entry @param {Face | undefined} before @param {string} seat @returns {Face} */
function face(entry, before, seat) {
  const frames = entry.framesDecoded ?? 0;
  const moved = (before?.seat === seat && before.moved) || frames > (before?.frames ?? 0);
  return { seat, frames, still_s: sum([entry], "totalFreezesDuration") + sum([entry], "totalPausesDuration"), moved };
}

/**
 * How long somebody's face stood since the report before. A browser counts a standstill only when the next picture has come (W3C
 * webrtc-stats, totalFreezesDuration): until then it is that none has come. Who was not shown, or switched off, stood for another cause.
 * @param {Face | undefined} before @param {Face} now @param {number} window_ms
 */
function standstill_ms(before, now, window_ms) {
  if (!before || before.seat !== now.seat || !now.moved) return 0;
  return now.frames === before.frames ? window_ms : Math.max(0, Math.min(window_ms, 1000 * (now.still_s - before.still_s)));
}

/** @param {any[]} entries @param {string} key */
const sum = (entries, key) => entries.reduce((total, entry) => total + (entry[key] ?? 0), 0);
