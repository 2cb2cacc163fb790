// @ts-check
// What one shows besides one's face: a document under a camera, or a window of one's screen. Of both, sharpness counts and not movement.

/** @typedef {"document" | "screen"} Source */
/** @typedef {{ source: Source, stream: MediaStream, granted: boolean }} Shown granted: the service said yes */

/** What asks for it (PROTOCOL.md). @type {Record<Source, string>} */
export const ASKS = { document: "show_document", screen: "share_screen" };

const KEPT = "laizuo_document_camera"; // of the device, not of a person: a kiosk may keep it
const FRAMES = 5; // a second: a page that is turned, a pointer that moves
const SHARP = { maxBitrate: 1_500_000, maxFramerate: FRAMES };
// A page of A4 across: 1280 points read well, 1920 read the small print; an old kiosk has the strength for the first.
const LARGE = { width: 1920, height: 1080, processors: 4 };
const FAIR = { width: 1280, height: 720 };

/** Whether this browser can give a picture of its screen; on phones none can. */
export const canShare = () => typeof navigator.mediaDevices?.getDisplayMedia === "function";

/**
 * Cameras that can look at a document: all but the one that looks at the face.
 * @param {MediaStream | null} face @returns {Promise<MediaDeviceInfo[]>}
 */
export async function documentCameras(face) {
  const devices = await navigator.mediaDevices?.enumerateDevices?.().catch(() => []) ?? [];
  const used = face?.getVideoTracks()[0]?.getSettings().deviceId;
  return devices.filter(({ kind, deviceId }) => kind === "videoinput" && deviceId && deviceId !== used);
}

/** The one that was chosen last, if it is there. @param {MediaDeviceInfo[]} cameras */
export function usualCamera(cameras) {
  const kept = localStorage.getItem(KEPT);
  return cameras.find(({ deviceId }) => deviceId === kept) ?? (cameras.length === 1 ? cameras[0] : null) ?? null;
}

/** @param {string} id @returns {Promise<MediaStream>} */
export async function openDocument(id) {
  const { width, height } = (navigator.hardwareConcurrency ?? 1) >= LARGE.processors ? LARGE : FAIR;
  const video = { deviceId: { exact: id }, width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: FRAMES } };
  const stream = await navigator.mediaDevices.getUserMedia({ video });
  localStorage.setItem(KEPT, id);
  return hinted(stream, "detail");
}

/** The browser asks which window. @returns {Promise<MediaStream>} */
export async function openScreen() {
  const wanted = { video: { width: { max: LARGE.width }, height: { max: LARGE.height }, frameRate: { max: FRAMES } }, audio: false, selfBrowserSurface: "exclude", surfaceSwitching: "include" };
  return hinted(await navigator.mediaDevices.getDisplayMedia(/** @type {any} */ (wanted)), "text");
}

/** Tell the encoder what it sees. @param {MediaStream} stream @param {string} what */
function hinted(stream, what) {
  for (const track of stream.getVideoTracks()) if ("contentHint" in track) track.contentHint = what;
  return stream;
}

/** @param {Shown | null} shown */
export function closeShown(shown) {
  for (const track of shown?.stream.getTracks() ?? []) track.stop();
}

/** The sending line of what is shown: made when first wanted, and kept for the next time. */
export class ShownLine {
  /** @type {RTCRtpTransceiver | null} */
  #line = null;
  /** @type {Source | ""} */
  source = "";

  /** @param {RTCPeerConnection} pc @param {Shown} shown */
  async show(pc, { source, stream }) {
    const [track] = stream.getVideoTracks();
    this.source = source;
    if (!this.#line) {
      this.#line = pc.addTransceiver(track, { direction: "sendonly", sendEncodings: [SHARP] });
      await keepSharp(this.#line.sender);
    } else {
      this.#line.direction = "sendonly";
      await this.#line.sender.replaceTrack(track);
    }
  }

  async hide() {
    this.source = "";
    if (!this.#line) return;
    this.#line.direction = "inactive";
    await this.#line.sender.replaceTrack(null);
  }

  /** For the offer: mid -> source. @returns {Record<string, string>} */
  sources() {
    return this.#line?.mid && this.source ? { [this.#line.mid]: this.source } : {};
  }
}

/** On a line that is too narrow it comes slower, not smaller; a browser that does not know the word goes by the hint alone. @param {RTCRtpSender} sender */
async function keepSharp(sender) {
  const parameters = /** @type {any} */ (sender.getParameters());
  parameters.degradationPreference = "maintain-resolution";
  await sender.setParameters(parameters).catch(() => {});
}
