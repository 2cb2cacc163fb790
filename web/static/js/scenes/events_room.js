// @ts-check
// A lecture's room: the speaker opens it, a village room asks to listen.
import { ApiError, post } from "../api.js";
import { loadWords } from "../i18n.js";
import { say } from "../live.js";
import { enableControls } from "../ready.js";

/** @param {HTMLButtonElement} pressed */
async function go(pressed) {
  pressed.disabled = true;
  try {
    const room = await post(String(pressed.dataset.room));
    location.assign(room.url);
  } catch (error) {
    pressed.disabled = false;
    if (!(error instanceof ApiError)) throw error;
    say(error.message);
  }
}

for (const button of document.querySelectorAll("button[data-room]")) {
  button.addEventListener("click", () => go(/** @type {HTMLButtonElement} */ (button)));
}
await loadWords();
enableControls();
