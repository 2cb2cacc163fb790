// @ts-check
// Camera and microphone: opened once, at the device check, and handed to the room as they are.

/** @typedef {"denied" | "missing" | "busy" | "insecure" | "unknown"} Fault */
/** @typedef {{ stream: MediaStream | null, camera: Fault | null, microphone: Fault | null }} Devices */

// Sent in two layers (layers.js); a larger picture would cost an old kiosk more than it shows.
const FACE = { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 24, max: 30 } };
const PRESSES = ["pointerdown", "keydown"];
const VOICE_MS = 200;
const VOICE = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** Open what there is. Never throws: what is not there is told as a fault. @returns {Promise<Devices>} */
export async function openDevices() {
  if (!navigator.mediaDevices?.getUserMedia) return { stream: null, camera: "insecure", microphone: "insecure" };
  try {
    return { stream: await navigator.mediaDevices.getUserMedia({ audio: VOICE, video: FACE }), camera: null, microphone: null };
  } catch {
    return openEach();
  }
}

/** One of the two may work although both together do not. @returns {Promise<Devices>} */
async function openEach() {
  const [voice, face] = [await tryOpen({ audio: VOICE }), await tryOpen({ video: FACE })];
  const tracks = [...(voice.stream?.getTracks() ?? []), ...(face.stream?.getTracks() ?? [])];
  return { stream: tracks.length ? new MediaStream(tracks) : null, camera: face.fault, microphone: voice.fault };
}

/** @param {MediaStreamConstraints} wanted @returns {Promise<{ stream: MediaStream | null, fault: Fault | null }>} */
async function tryOpen(wanted) {
  try {
    return { stream: await navigator.mediaDevices.getUserMedia(wanted), fault: null };
  } catch (error) {
    return { stream: null, fault: faultOf(error) };
  }
}

/** @param {unknown} error @returns {Fault} */
export function faultOf(error) {
  /** @type {Record<string, Fault>} */
  const faults = { NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "missing", OverconstrainedError: "missing", NotReadableError: "busy", AbortError: "busy" };
  return (error instanceof Error && faults[error.name]) || "unknown";
}

/** @param {Devices | null} devices */
export function closeDevices(devices) {
  for (const track of devices?.stream?.getTracks() ?? []) track.stop();
}

/**
 * How loud the microphone is, 0 to 1, some ten times a second; nothing while the browser does not measure: it wants a press first, or, as Firefox
 * on a machine without a speaker, never begins. That is no silence.
 * @param {MediaStream} stream @param {(level: number) => void} onLevel
 * @returns {() => void} ends it
 */
export function watchLevel(stream, onLevel) {
  if (!stream.getAudioTracks().length) return () => {};
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  const source = context.createMediaStreamSource(stream);
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const wake = () => { if (context.state === "suspended") context.resume().catch(() => {}); };
  for (const press of PRESSES) addEventListener(press, wake, true);
  const timer = setInterval(() => {
    wake();
    if (context.state !== "running") return;
    analyser.getFloatTimeDomainData(samples);
    onLevel(loudness(samples));
  }, 100);
  return () => {
    clearInterval(timer);
    for (const press of PRESSES) removeEventListener(press, wake, true);
    source.disconnect();
    context.close().catch(() => {});
  };
}

/**
 * The same of what is sent, as the browser counts it anyway; where it does not count it, of the microphone.
 * @param {RTCRtpSender} sender @param {MediaStream} stream @param {(level: number) => void} onLevel
 * @returns {() => void} ends it
 */
export function watchVoice(sender, stream, onLevel) {
  let instead = () => {};
  let ended = false;
  const timer = setInterval(async () => {
    const stats = /** @type {any[]} */ ([]);
    try { (await sender.getStats()).forEach((entry) => stats.push(entry)); } catch { return; } // closed meanwhile
    if (ended || !stats.some((entry) => entry.type === "outbound-rtp")) return; // nothing is sent yet
    const source = stats.find((entry) => entry.type === "media-source");
    if (source?.audioLevel !== undefined) onLevel(scaled(20 * Math.log10(source.audioLevel + 1e-5)));
    else { clearInterval(timer); ended = true; instead = watchLevel(stream, onLevel); }
  }, VOICE_MS);
  return () => { clearInterval(timer); ended = true; instead(); };
}

/** Root mean square on a scale where quiet speech is about a third. @param {Float32Array} samples */
function loudness(samples) {
  const mean = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  const decibel = 10 * Math.log10(mean + 1e-9);
  return scaled(decibel);
}

/** @param {number} decibel */
const scaled = (decibel) => Math.max(0, Math.min(1, (decibel + 60) / 50));
