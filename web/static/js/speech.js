// @ts-check
// The chime and the voice of the kiosk. Both may be missing on a device: the screen says everything too.
import { lang } from "./i18n.js";

/** Two soft strokes, like a doorbell in the next room. */
export function chime() {
  try {
    const context = new AudioContext();
    [[0, 659.3], [0.35, 523.3]].forEach(([after_s, hertz]) => strike(context, /** @type {number} */ (after_s), /** @type {number} */ (hertz)));
    setTimeout(() => context.close().catch(() => {}), 2500);
  } catch { /* no sound device */ }
}

/** @param {AudioContext} context @param {number} after_s @param {number} hertz */
function strike(context, after_s, hertz) {
  const [tone, gain] = [context.createOscillator(), context.createGain()];
  const at = context.currentTime + after_s;
  tone.frequency.value = hertz;
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(0.35, at + 0.02);
  gain.gain.exponentialRampToValueAtTime(0.001, at + 1.4);
  tone.connect(gain).connect(context.destination);
  tone.start(at);
  tone.stop(at + 1.5);
}

/** Say a sentence in the language on screen; a newer sentence ends the one before. @param {string} sentence */
export function speak(sentence) {
  if (!("speechSynthesis" in window)) return;
  const words = new SpeechSynthesisUtterance(sentence);
  words.lang = lang() === "en" ? "en-GB" : "zh-CN";
  words.rate = 0.9; // many listeners are old
  const voice = speechSynthesis.getVoices().find((one) => one.lang.replace("_", "-").startsWith(words.lang.slice(0, 2)) && one.localService);
  if (voice) words.voice = voice;
  speechSynthesis.cancel();
  speechSynthesis.speak(words);
}

export function hush() {
  if ("speechSynthesis" in window) speechSynthesis.cancel();
}
