// @ts-check
// A portrait for whoever agrees to one: asked while waiting, taken by their own press, gone by their own press.
import { ask } from "../../api.js";
import { html, useState } from "../../html.js";
import { t } from "../../i18n.js";
import { say } from "../../live.js";
import { speak } from "../../speech.js";
import { Icon } from "../../ui.js";

const ASKED_FOR = ["notarization", "legal_aid"]; // where somebody's face is compared with their card
const [WIDTH, HEIGHT] = [480, 360];
const AGREED = "portrait-1"; // the sentence kiosk.portrait_says; another sentence is another name

/** One picture of the camera as JPEG: a canvas, and its base64 for the API. @param {MediaStream} stream @returns {Promise<string>} */
async function picture(stream) {
  const video = document.createElement("video");
  video.muted = true;
  video.srcObject = stream;
  await video.play();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [WIDTH, HEIGHT];
  const scale = Math.max(WIDTH / video.videoWidth, HEIGHT / video.videoHeight);
  const [width, height] = [video.videoWidth * scale, video.videoHeight * scale];
  canvas.getContext("2d")?.drawImage(video, (WIDTH - width) / 2, (HEIGHT - height) / 2, width, height);
  video.srcObject = null;
  return canvas.toDataURL("image/jpeg", 0.7);
}

/** @param {{ api: string, ticket: { id: string, service: string, state: string }, stream: MediaStream | null }} props */
export function Portrait({ api, ticket, stream }) {
  const [taken, setTaken] = useState("");
  if (!ASKED_FOR.includes(ticket.service) || !stream?.getVideoTracks().length) return null;
  const take = async () => {
    try {
      const url = await picture(stream);
      await ask("PUT", `${api}/portrait`, { ticket: ticket.id, picture: url.slice(url.indexOf(",") + 1), agreed: AGREED });
      setTaken(url); speak(t("kiosk.portrait_taken"));
    } catch (error) { say(/** @type {Error} */ (error).message); }
  };
  const drop = async () => {
    try { await ask("DELETE", `${api}/portrait`, { ticket: ticket.id }); setTaken(""); speak(t("kiosk.portrait_gone")); } catch (error) { say(/** @type {Error} */ (error).message); }
  };
  return html`<section class="kiosk-portrait card card-flat" aria-labelledby="portrait" data-testid="portrait" data-state=${taken ? "taken" : ""}><h2 id="portrait">${t("kiosk.portrait_title")}</h2>
    ${taken ? html`<div class="row"><img src=${taken} alt=${t("kiosk.portrait_of_you")} width="160" height="120" /><p role="status">${t("kiosk.portrait_taken")}</p></div>
      <button type="button" class="button button-quiet" data-testid="drop-portrait" onClick=${drop}><${Icon} name="trash-2" />${t("kiosk.portrait_drop")}</button>`
    : html`<p>${t("kiosk.portrait_says")}</p><button type="button" class="button button-quiet" data-testid="agree-portrait" onClick=${take}><${Icon} name="camera" />${t("kiosk.portrait_agree")}</button>`}</section>`;
}
