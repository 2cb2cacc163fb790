// @ts-check
// /hall/{site}: take a number from home. The key of the press makes the link, so a press sent twice is one ticket.
import { insist, post, requestKey } from "../../api.js";
import { clearWrongs, showRefusal } from "../../forms.js";
import { loadWords, t } from "../../i18n.js";
import { enableControls } from "../../ready.js";
import { spokenDateTime } from "../../time.js";

const slug = /** @type {HTMLElement} */ (document.querySelector("[data-slug]")).dataset.slug;
const dialog = /** @type {HTMLDialogElement} */ (document.querySelector("[data-taking]"));
const form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
const what = /** @type {HTMLElement} */ (dialog.querySelector("[data-what]"));
let service = "";
let key = "";

for (const button of document.querySelectorAll("[data-take]")) {
  button.addEventListener("click", () => {
    const { take, name } = /** @type {HTMLElement} */ (button).dataset;
    [service, key, what.textContent] = [take ?? "", requestKey(), t("hall.take_says", { service: name ?? "" })];
    clearWrongs(form);
    dialog.showModal();
  });
}
dialog.querySelector("[data-not-now]")?.addEventListener("click", () => dialog.close());
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const given = new FormData(form);
  const wish = { service, request_key: key, citizen_name: String(given.get("citizen_name")).trim(), priority_group: String(given.get("group")) };
  try {
    const taken = await insist(() => post(`/api/hall/${slug}/tickets`, wish), (error) => showRefusal(form, error));
    location.assign(`/hall/ticket/${taken.token}`);
  } catch (error) { showRefusal(form, error); }
});

await loadWords();
for (const said of document.querySelectorAll("[data-unix]")) {
  const { unix, says } = /** @type {HTMLElement} */ (said).dataset;
  said.textContent = t(says ?? "", { time: spokenDateTime(Number(unix)) });
}
enableControls();
