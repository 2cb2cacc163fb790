// @ts-check
// What the browser measures itself, as the room protocol's `report`.

/** @typedef {{ frozen_s: number, concealed: number, samples: number }} Totals */

/**
 * @param {RTCPeerConnection} pc @param {Totals} before @param {string[]} [but] mids that are no faces
 * @returns {Promise<[Totals, { frozen_ms: number, fps: number | null, width: number | null, height: number | null, concealed: number }]>}
 */
export async function measure(pc, before, but = []) {
  const stats = /** @type {any[]} */ ([]);
  (await pc.getStats()).forEach((entry) => { if (!but.includes(entry.mid)) stats.push(entry); });
  const faces = stats.filter((entry) => entry.type === "inbound-rtp" && entry.kind === "video" && entry.framesPerSecond > 0);
  const voices = stats.filter((entry) => entry.type === "inbound-rtp" && entry.kind === "audio");
  const totals = {
    frozen_s: sum(stats, "totalFreezesDuration"),
    concealed: sum(voices, "concealedSamples") - sum(voices, "silentConcealedSamples"),
    samples: sum(voices, "totalSamplesReceived"),
  };
  const largest = faces.reduce((best, face) => ((face.frameWidth ?? 0) > (best?.frameWidth ?? 0) ? face : best), null);
  const heard = Math.max(1, totals.samples - before.samples);
  return [totals, {
    frozen_ms: Math.max(0, Math.round((totals.frozen_s - before.frozen_s) * 1000)),
    fps: faces.length ? Math.min(...faces.map((face) => face.framesPerSecond)) : null,
    width: largest?.frameWidth ?? null,
    height: largest?.frameHeight ?? null,
    concealed: Math.max(0, Math.min(1, (totals.concealed - before.concealed) / heard)),
  }];
}

/** @param {any[]} entries @param {string} key */
const sum = (entries, key) => entries.reduce((total, entry) => total + (entry[key] ?? 0), 0);
