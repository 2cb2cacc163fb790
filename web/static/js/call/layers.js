// @ts-check
// A face is sent in layers, from small to large: the server gives each person the one that their line carries.

// A talking head of 640x360 looks right at the last rate; more would only fill a village line. The rates of the smaller ones leave
// a sender on a line of 300 kbit/s both of two.
const LAYERS = /** @type {const} */ ([
  { rid: "q", scaleResolutionDownBy: 4, maxBitrate: 100_000 },
  { rid: "h", scaleResolutionDownBy: 2, maxBitrate: 200_000 },
  { rid: "f", maxBitrate: 800_000 },
]);
// Lines of the picture from which a quarter of it is still a face, and processors that a third encoder does not take from the rest.
const THREE_LAYERS = { lines: 540, processors: 4 };

/** What to send of a camera; undefined is one that may come later. @param {MediaStreamTrack | undefined} face @returns {RTCRtpEncodingParameters[]} */
export function layersOf(face, processors = navigator.hardwareConcurrency ?? 1) {
  const { width = 0, height = 0 } = face?.getSettings() ?? {};
  const large = Math.min(width, height) >= THREE_LAYERS.lines && processors >= THREE_LAYERS.processors;
  const [small, half, full] = LAYERS;
  if (processors < 2) return [{ maxBitrate: full.maxBitrate }];
  return large ? [small, half, full] : [half, full];
}

/** Tell the encoder what it sees: of a face, movement matters more than sharpness. @param {MediaStreamTrack | undefined} face */
export function hint(face) {
  if (face && "contentHint" in face) face.contentHint = "motion";
}
