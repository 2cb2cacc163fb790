// @ts-check
// Importing a notice of holidays: what it moves is listed, nothing is published.
import { ApiError, post } from "../api.js";
import { loadWords, t } from "../i18n.js";
import { enableControls } from "../ready.js";
import { element } from "./roster_board/draw.js";

const form = /** @type {HTMLFormElement} */ (document.querySelector("[data-notice]"));
const text = /** @type {HTMLTextAreaElement} */ (document.getElementById("text"));
const file = /** @type {HTMLInputElement} */ (document.getElementById("file"));
const banner = /** @type {HTMLElement} */ (document.querySelector("[data-notice-error]"));
const result = /** @type {HTMLElement} */ (document.querySelector("[data-notice-result]"));

file.addEventListener("change", async () => {
  const chosen = file.files?.[0];
  if (chosen) text.value = await chosen.text();
});

/** @param {any} site */
function moved(site) {
  const made = element("section", "");
  made.append(element("h3", "", t("board.moves", { name: site.name, count: site.changes.length })));
  const list = element("ul", "lines");
  for (const change of site.changes) {
    const line = `${change.day} ${change.times} · ${change.service_name} · ${t(`duty.change_${change.kind}`)} · ${change.before} → ${change.after}`;
    list.append(element("li", "", line));
  }
  made.append(list);
  return made;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  banner.hidden = true;
  try {
    const found = await post("/api/days", { text: text.value });
    const head = element("h2", "", t("board.imported", { year: found.year, version: found.version }));
    result.replaceChildren(head, ...(found.moved.length ? found.moved.map(moved) : [element("p", "", t("board.nothing_moves"))]));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    banner.textContent = error.detail ? `${error.message} (${error.detail})` : error.message;
    banner.hidden = false;
  }
});

await loadWords();
enableControls();
