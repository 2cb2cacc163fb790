// @ts-check
// The opinion box: one field, and a way to be answered for who wants one.
import { post } from "../../api.js";
import { clearWrongs, emptyFields, showRefusal, showWrongs } from "../../forms.js";
import { loadWords } from "../../i18n.js";
import { enableControls } from "../../ready.js";

const form = /** @type {HTMLFormElement} */ (document.querySelector("[data-box]"));
const thanks = /** @type {HTMLElement} */ (document.querySelector("[data-thanks]"));

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const wrongs = emptyFields(form);
  showWrongs(form, wrongs);
  if (wrongs.length) return;
  clearWrongs(form);
  const given = new FormData(form);
  try {
    await post(`/api/hall/${form.dataset.box}/opinions`, { text: String(given.get("text")).trim(), contact: String(given.get("contact")).trim() });
    form.hidden = true;
    thanks.hidden = false;
    thanks.focus();
  } catch (error) { showRefusal(form, error); }
});

await loadWords();
enableControls();
