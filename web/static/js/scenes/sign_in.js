// @ts-check
// Signing in: one form, one request, then where one wanted to go.
import { post } from "../api.js";
import { clearWrongs, emptyFields, showRefusal, showWrongs } from "../forms.js";
import { loadWords } from "../i18n.js";

await loadWords();
const form = document.querySelector("form[data-sign-in]");
if (form instanceof HTMLFormElement) form.addEventListener("submit", (event) => { event.preventDefault(); signIn(form); });

/** @param {HTMLFormElement} form */
async function signIn(form) {
  const wrongs = emptyFields(form);
  if (wrongs.length) { showWrongs(form, wrongs); return; }
  clearWrongs(form);
  const entered = new FormData(form);
  const button = form.querySelector("button[type=submit]");
  button?.setAttribute("aria-disabled", "true");
  try {
    const body = { user: String(entered.get("user")).trim(), password: String(entered.get("password")), next: form.dataset.next ?? "" };
    location.assign((await post("/api/sign-in", body)).next);
  } catch (error) {
    button?.removeAttribute("aria-disabled");
    showRefusal(form, error);
  }
}
