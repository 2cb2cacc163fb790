// @ts-check
// What a site offers and who belongs to which team: small forms, each saved by itself.
import { ApiError, ask } from "../api.js";
import { clearWrongs, emptyFields, showRefusal, showWrongs } from "../forms.js";
import { loadWords } from "../i18n.js";
import { say } from "../live.js";
import { enableControls } from "../ready.js";

/** @param {ParentNode} within @param {string} name */
const valueOf = (within, name) => {
  const input = within.querySelector(`[name="${name}"], [data-name="${name}"]`);
  return input instanceof HTMLInputElement || input instanceof HTMLSelectElement ? input.value.trim() : "";
};

/** What the server takes as a time: with seconds. @param {string} clock */
const toTime = (clock) => (clock ? `${clock.slice(0, 5)}:00` : "");

/** @param {HTMLFormElement} form half-filled spans are left for the server to refuse */
function hours(form) {
  const spans = Array.from(form.querySelectorAll("[data-span]"), (span) => ({
    weekday: Number(span.closest("[data-weekday]")?.getAttribute("data-weekday")), opens: toTime(valueOf(span, "opens")), closes: toTime(valueOf(span, "closes")),
  }));
  return { hours: spans.filter((span) => span.opens || span.closes) };
}

/** @param {HTMLFormElement} form */
function ways(form) {
  const inputs = Array.from(form.querySelectorAll("input[data-way]"), (input) => /** @type {HTMLInputElement} */ (input));
  return { minutes: Object.fromEntries(inputs.map((input) => [input.dataset.way, Number(input.value) || null])) };
}

/** What each form sends: method, path below its own, body. @type {Record<string, (form: HTMLFormElement) => [string, string, object]>} */
const REQUESTS = {
  hours: (form) => ["PUT", "", hours(form)],
  closure: (form) => ["POST", "", { first_day: valueOf(form, "first_day"), last_day: valueOf(form, "last_day"), message_zh: valueOf(form, "message_zh") }],
  services: (form) => ["PUT", "", { services: new FormData(form).getAll("service") }],
  ways: (form) => ["PUT", "", ways(form)],
  purchase: (form) => ["POST", "", {
    service: valueOf(form, "service"), provider: valueOf(form, "provider"), first: valueOf(form, "first"), last: valueOf(form, "last"), shifts: Number(valueOf(form, "shifts")),
  }],
  admit: (form) => ["POST", `/${valueOf(form, "team")}/members`, { person: valueOf(form, "person"), day: valueOf(form, "day") }],
  licence: (form) => ["PUT", `/${valueOf(form, "licence")}`, { first: valueOf(form, "first") || null, last: valueOf(form, "last") || null }],
  limits: (form) => ["PUT", "", { max_days_a_week: Number(valueOf(form, "days")) || null, rest_minutes: 60 * Number(valueOf(form, "rest")), home: valueOf(form, "home") || null }],
};

/** @param {HTMLFormElement} form */
async function save(form) {
  const wrongs = emptyFields(form);
  if (wrongs.length) { showWrongs(form, wrongs); return; }
  clearWrongs(form);
  const [method, below, body] = REQUESTS[String(form.dataset.settings)](form);
  try {
    await ask(method, `${form.dataset.path}${below}`, body);
    location.reload();
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

const dialog = document.querySelector("dialog[data-exit]");

/** @param {HTMLElement} pressed asks for the last day first */
function askExit(pressed) {
  if (!(dialog instanceof HTMLDialogElement)) return;
  const says = dialog.querySelector("[data-says]");
  if (says) says.textContent = pressed.dataset.says ?? "";
  dialog.returnValue = "";
  dialog.onclose = () => {
    const day = valueOf(dialog, "exit-day");
    if (dialog.returnValue === "leave" && day) act(() => ask("POST", String(pressed.dataset.leave), { person: pressed.dataset.person, day }));
  };
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  const pressed = event.target instanceof Element ? event.target.closest("[data-drop], [data-leave]") : null;
  if (!(pressed instanceof HTMLElement)) return;
  if (pressed.dataset.drop) act(() => ask("DELETE", String(pressed.dataset.drop)));
  if (pressed.dataset.leave) askExit(pressed);
});
for (const form of document.querySelectorAll("form[data-settings]")) {
  form.addEventListener("submit", (event) => { event.preventDefault(); save(/** @type {HTMLFormElement} */ (form)); });
}
// Who comes from the roster board finds the person's limits open.
const asked = document.getElementById(location.hash.slice(1));
if (asked instanceof HTMLDetailsElement) { asked.open = true; asked.querySelector("summary")?.focus({ preventScroll: true }); asked.scrollIntoView(); }
await loadWords();
enableControls();
