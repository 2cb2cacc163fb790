// @ts-check
// One's own registration: it moves up by itself while one looks, can be given back, and takes an opinion afterwards.
import { ApiError, ask, get, remove } from "../api.js";
import { showRefusal, showWrongs } from "../forms.js";
import { loadWords, t } from "../i18n.js";
import { say } from "../live.js";
import { enableControls } from "../ready.js";

const LOOK_EVERY_MS = 5000; // somebody who waits for a seat looks at this page; the answer is a hundred bytes
const card = /** @type {HTMLElement} */ (document.querySelector("[data-secret]"));
const path = `/api/my-registration/${card.dataset.secret}`;
const sure = document.querySelector("dialog[data-sure]");

async function look() {
  try {
    const now = await get(path);
    const before = document.querySelector("[data-testid=waiting-before]");
    if (now.state !== card.dataset.place || now.event_state !== card.dataset.eventState) location.reload();
    else if (before) before.textContent = t("events.waiting_before", { count: now.waiting_before });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error; // the line is down: the page stays as it is, the next look will tell
  }
}

async function giveUp() {
  try {
    await remove(path);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    say(error.message);
  }
  location.reload();
}

/** @param {HTMLFormElement} form */
async function sendFeedback(form) {
  const entered = new FormData(form);
  if (!entered.get("rating")) { showWrongs(form, [{ field: "rating", sentence: t("events.choose_rating") }]); return; }
  try {
    await ask("PUT", `${path}/feedback`, { rating: Number(entered.get("rating")), text: String(entered.get("text") ?? "") });
    say(t("events.feedback_thanks"));
  } catch (error) {
    showRefusal(form, error);
  }
}

document.addEventListener("click", (event) => {
  const pressed = event.target instanceof Element ? event.target.closest("button") : null;
  if (!pressed || !(sure instanceof HTMLDialogElement)) return;
  if (pressed.matches("[data-give-up]")) sure.showModal();
  if (pressed.matches("[data-keep]")) sure.close();
  if (pressed.matches("[data-confirm]")) giveUp();
});
const feedback = document.querySelector("form[data-feedback]");
if (feedback instanceof HTMLFormElement) feedback.addEventListener("submit", (event) => { event.preventDefault(); sendFeedback(feedback); });
await loadWords();
enableControls();
if (card.dataset.place === "waiting" || card.dataset.place === "registered") setInterval(look, LOOK_EVERY_MS);
