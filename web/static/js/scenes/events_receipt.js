// @ts-check
// Where notices about one's duty go.
import { ask } from "../api.js";
import { clearWrongs, showRefusal } from "../forms.js";
import { loadWords, t } from "../i18n.js";
import { say } from "../live.js";
import { enableControls } from "../ready.js";

const form = document.querySelector("form[data-mail]");

/** @param {HTMLFormElement} filled */
async function save(filled) {
  clearWrongs(filled);
  try {
    await ask("PUT", "/api/contact/mail", { address: String(new FormData(filled).get("address") ?? "").trim() });
    say(t("events.mail_saved"));
  } catch (error) {
    showRefusal(filled, error);
  }
}

if (form instanceof HTMLFormElement) form.addEventListener("submit", (event) => { event.preventDefault(); save(form); });
await loadWords();
enableControls();
