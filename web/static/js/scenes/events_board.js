// @ts-check
// The coordinator's events: rules, drafts, publishing, calling off; and the helper at the door.
import { ApiError, ask, post } from "../api.js";
import { clearWrongs, emptyFields, showRefusal, showWrongs } from "../forms.js";
import { loadWords, t } from "../i18n.js";
import { say } from "../live.js";
import { enableControls } from "../ready.js";

const SOURCES = ["hotline_12345", "petition", "local_problem"];
const reason = document.querySelector("dialog[data-reason]");
/** What is about to be called off. @type {HTMLElement | null} */
let asked = null;

/** @param {FormData} entered @param {string} name */
const text = (entered, name) => String(entered.get(name) ?? "").trim();
/** Words with commas between, Chinese or not. @param {FormData} entered @param {string} name */
const words = (entered, name) => text(entered, name).split(/[,，、;；]/).map((word) => word.trim()).filter(Boolean);
/** @param {FormData} entered */
const clocks = (entered) => ({ starts: text(entered, "starts").slice(0, 5), ends: text(entered, "ends").slice(0, 5) });

/** @param {FormData} entered */
function ruleBody(entered) {
  const [nth, weekday] = text(entered, "when").split("/").map(Number);
  return {
    title: text(entered, "title"), ...clocks(entered), holiday: text(entered, "holiday"), first_month: text(entered, "first_month"),
    ...(weekday ? { nth, weekday } : { day: nth }),
    services: entered.getAll("services"), teams: words(entered, "teams"), materials: words(entered, "materials"),
  };
}

/** @param {FormData} entered @param {HTMLFormElement} form */
function eventBody(entered, form) {
  const capacity = Number(text(entered, "capacity"));
  return {
    revision: Number(form.dataset.revision), title: text(entered, "title"), title_en: text(entered, "title_en"), on: text(entered, "on"), ...clocks(entered),
    venue: text(entered, "venue"), topic: text(entered, "topic"), says: text(entered, "says").replaceAll("\r", ""),
    speakers: words(entered, "speakers"), services: entered.getAll("services"), teams: words(entered, "teams"), materials: words(entered, "materials"),
    room_link: text(entered, "room_link"), recording_link: text(entered, "recording_link"),
    ...(capacity ? { capacity } : {}), ...(text(entered, "series") ? { series: text(entered, "series") } : {}),
  };
}

/** @param {FormData} entered @param {HTMLFormElement} form */
function screeningBody(entered, form) {
  const counted = SOURCES.map((code) => [code, [Number(text(entered, `count-${code}`)), text(entered, `note-${code}`)]]);
  return { month: form.dataset.month, sources: Object.fromEntries(counted), needs: text(entered, "needs"), plan: text(entered, "plan"), done: entered.has("done") };
}

/** Lectures that each site owes, by slug. @param {HTMLFormElement} form */
function quotasOf(form) {
  const inputs = Array.from(form.querySelectorAll("input[data-quota]"), (input) => /** @type {HTMLInputElement} */ (input));
  return Object.fromEntries(inputs.map((input) => [input.dataset.quota, Number(input.value)]).filter(([, count]) => Number(count) > 0));
}

/** @param {FormData} entered @param {HTMLFormElement} form */
function seriesBody(entered, form) {
  return { title: text(entered, "series-title"), year: Number(text(entered, "series-year")), quotas: quotasOf(form), topics: entered.getAll("topic") };
}

/** The year's total beside the legend, as it is typed. @param {HTMLFormElement} form */
function showTotal(form) {
  const counts = Object.values(quotasOf(form)).map(Number);
  const total = form.querySelector("[data-series-total]");
  if (total) total.textContent = `= ${counts.reduce((sum, count) => sum + count, 0)}`;
}

/** @param {HTMLFormElement} form */
async function submit(form) {
  const wrongs = emptyFields(form);
  if (form.matches("[data-series]") && !Object.keys(quotasOf(form)).length) wrongs.push({ field: "quotas", sentence: t("events.need_quota") });
  if (wrongs.length) { showWrongs(form, wrongs); return; }
  clearWrongs(form);
  const entered = new FormData(form);
  const { path, event, slug, kind } = form.dataset;
  try {
    if (form.matches("[data-series]")) await post(String(path), seriesBody(entered, form));
    if (form.matches("[data-rule]")) await post(String(path), ruleBody(entered));
    if (form.matches("[data-screening]")) await ask("PUT", String(path), screeningBody(entered, form));
    if (!form.matches("[data-event-form]")) { location.reload(); return; }
    if (event) await ask("PUT", `/api/events/${event}`, eventBody(entered, form));
    else await post(`/api/sites/${slug}/${kind === "lecture" ? "lectures" : "theme-days"}`, eventBody(entered, form));
    location.assign(`/events-board?site=${slug}`);
  } catch (error) {
    showRefusal(form, error);
  }
}

/** @param {() => Promise<unknown>} attempt */
async function act(attempt) {
  try {
    await attempt();
    location.reload();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    say(error.message);
  }
}

/** @param {HTMLElement} pressed */
function press(pressed) {
  const { act: what, event, revision, path, checkIn } = pressed.dataset;
  if (checkIn) act(() => post(`/api/registrations/${checkIn}/check-in`));
  if (what === "publish") act(() => post(`/api/events/${event}/publish`, { revision: Number(revision) }));
  if (what === "remove") act(() => ask("DELETE", `/api/events/${event}?revision=${revision}`));
  if (what === "retire") act(() => ask("DELETE", String(path)));
  if (!(reason instanceof HTMLDialogElement)) return;
  if (what === "cancel") { asked = pressed; reason.showModal(); }
  if (pressed.matches("[data-keep]")) reason.close();
  if (pressed.matches("[data-confirm]")) callOff(reason);
}

/** @param {HTMLDialogElement} dialog */
function callOff(dialog) {
  const said = dialog.querySelector("input")?.value.trim();
  if (!said || !asked) { dialog.querySelector("input")?.focus(); return; }
  const { event, revision } = asked.dataset;
  dialog.close();
  act(() => post(`/api/events/${event}/cancel`, { revision: Number(revision), reason: said }));
}

document.addEventListener("click", (event) => {
  const pressed = event.target instanceof Element ? event.target.closest("button") : null;
  if (pressed && !pressed.form?.matches("[data-rule], [data-series], [data-screening], [data-event-form]")) press(pressed);
});
for (const form of document.querySelectorAll("form[data-rule], form[data-series], form[data-screening], form[data-event-form]")) {
  form.addEventListener("submit", (event) => { event.preventDefault(); submit(/** @type {HTMLFormElement} */ (form)); });
}
for (const form of document.querySelectorAll("form[data-series]")) {
  showTotal(/** @type {HTMLFormElement} */ (form));
  form.addEventListener("input", () => showTotal(/** @type {HTMLFormElement} */ (form)));
}
await loadWords();
enableControls();
