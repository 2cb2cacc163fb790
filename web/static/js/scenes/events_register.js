// @ts-check
// Registering for an event on a phone: one press, no account; the answer is a personal link.
import { post, requestKey } from "../api.js";
import { clearWrongs, showRefusal } from "../forms.js";
import { loadWords } from "../i18n.js";
import { enableControls } from "../ready.js";

const form = document.querySelector("form[data-register]");
const key = requestKey();

/** @param {HTMLFormElement} filled */
async function register(filled) {
  const button = filled.querySelector("button");
  const entered = new FormData(filled);
  const event = /** @type {HTMLElement} */ (filled.closest("[data-event]")).dataset.event;
  clearWrongs(filled);
  if (button) button.disabled = true;
  try {
    const place = await post(`/api/events/${event}/registrations`, {
      request_key: key, name: String(entered.get("name") ?? ""), phone: String(entered.get("phone") ?? ""),
      mail: String(entered.get("mail") ?? "").trim(),
    });
    location.assign(new URL(place.url).pathname);
  } catch (error) {
    if (button) button.disabled = false;
    showRefusal(filled, error);
  }
}

if (form instanceof HTMLFormElement) form.addEventListener("submit", (event) => { event.preventDefault(); register(form); });
await loadWords();
enableControls();
