// @ts-check
// The coordinator's board: small edits and the publish. The server draws the page; after an edit it is drawn anew.
import { ApiError, ask, sentenceOf } from "../api.js";
import { clearWrongs, emptyFields, showRefusal, showWrongs } from "../forms.js";
import { loadWords } from "../i18n.js";
import { enableControls } from "../ready.js";

const main = /** @type {HTMLElement} */ (document.getElementById("main"));
const api = `/api/rosters/${main.dataset.site}`;
const revision = Number(main.dataset.revision);
const isPreviewing = new URLSearchParams(location.search).has("preview");

/** @param {string} [query] */
function redraw(query = "") {
  const preview = isPreviewing && !query ? "&preview=1" : "";
  location.assign(`/roster?site=${main.dataset.slug}${preview}${query}`);
}

/** @param {unknown} error */
function refuse(error) {
  if (!(error instanceof ApiError)) throw error;
  const banner = document.querySelector("[data-error-banner]");
  const text = banner?.querySelector("p");
  if (!(banner instanceof HTMLElement) || !text) return;
  text.textContent = error.message;
  banner.hidden = false;
  banner.scrollIntoView({ block: "center" });
}

/** Publish what was looked at: the mark names it, and anything else is refused. @param {HTMLElement} button */
async function publish(button) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  const csrf = document.querySelector("meta[name=csrf]")?.getAttribute("content") ?? "";
  const headers = { "X-CSRF-Token": csrf, "If-Match": `"${button.dataset.mark}"`, Accept: "application/json" };
  const answer = await fetch(`${api}/publish`, { method: "POST", headers, credentials: "same-origin" }).catch(() => null);
  const reply = await answer?.json().catch(() => null);
  if (answer?.ok) { redraw(`&published=${reply.version}`); return; }
  button.removeAttribute("aria-disabled");
  const code = answer ? reply?.error?.code ?? "unexpected" : "offline";
  refuse(new ApiError(answer?.status ?? 0, code, null, reply?.error?.detail ?? sentenceOf(code)));
}

/** @param {HTMLFormElement} form */
async function saveForm(form) {
  const wrongs = emptyFields(form);
  if (wrongs.length) { showWrongs(form, wrongs); return; }
  clearWrongs(form);
  const entered = Object.fromEntries(new FormData(form));
  const body = "noRevision" in form.dataset ? entered : { ...entered, revision };
  try {
    await ask(form.dataset.method ?? "POST", `${api}/${form.dataset.api}`, body);
    redraw();
  } catch (error) {
    showRefusal(form, error);
  }
}

/** One dialog for every shift: it is told which one. @param {HTMLElement} button */
function openChange(button) {
  const dialog = document.getElementById("change-shift");
  const form = dialog?.querySelector("form");
  const select = dialog?.querySelector("select[name=post]");
  if (!(dialog instanceof HTMLDialogElement) || !form || !(select instanceof HTMLSelectElement)) return;
  form.dataset.override = button.dataset.change;
  const said = dialog.querySelector("[data-says]");
  if (said) said.textContent = button.dataset.says ?? "";
  const posts = (button.dataset.posts ?? "").split("|").filter(Boolean);
  select.replaceChildren(...posts.map((name, post) => new Option(name, String(post))));
  const line = dialog.querySelector("[data-post]");
  if (line instanceof HTMLElement) line.hidden = posts.length < 2;
  dialog.showModal();
}

/** @param {HTMLFormElement} form @param {string} kind */
async function override(form, kind) {
  if (kind === "cancel") return;
  const entered = new FormData(form);
  const body = {
    revision, slot: form.dataset.override, kind, reason: String(entered.get("reason") ?? ""), post: Number(entered.get("post") ?? 0),
    ...(kind === "substitute" ? { person: String(entered.get("person")) } : {}),
  };
  try {
    await ask("POST", `${api}/overrides`, body);
    redraw();
  } catch (error) {
    refuse(error);
  }
}

/** @param {HTMLElement} button */
async function takeAway(button) {
  if (button.dataset.confirm && button.dataset.asked !== "yes") {
    button.dataset.asked = "yes";
    button.textContent = button.dataset.confirm;
    return;
  }
  const path = button.dataset.delete ?? "";
  try {
    await ask("DELETE", `${api}/${path}${path.startsWith("leave/") ? "" : `?revision=${revision}`}`);
    redraw();
  } catch (error) {
    refuse(error);
  }
}

document.addEventListener("click", (event) => {
  const pressed = event.target instanceof Element ? event.target.closest("[data-does-duty], [data-delete], [data-change]") : null;
  if (!(pressed instanceof HTMLElement)) return;
  if (pressed.dataset.doesDuty === "publish") publish(pressed);
  if (pressed.dataset.delete) takeAway(pressed);
  if (pressed.dataset.change) openChange(pressed);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement)) return;
  if (form.dataset.api) { event.preventDefault(); saveForm(form); }
  if (form.dataset.override) {
    override(form, event.submitter instanceof HTMLButtonElement ? event.submitter.value : "substitute");
  }
});
if (isPreviewing) document.getElementById("preview-title")?.focus();

await loadWords();
enableControls();
