// @ts-check
// The planner's line: how far it is and a way to stop it, as soon as a plan takes longer than a second.
import { ApiError, ask } from "../../api.js";
import { t } from "../../i18n.js";
import { clock } from "../../time.js";

const SHOWN_AFTER_MS = 1000; // what is done before that needs no word
const LOOK_MS = 1000;
const PATIENCE_MS = 180_000; // the server gives up long before: it limits each plan by itself

const line = /** @type {HTMLElement} */ (document.querySelector("[data-planner]"));
const says = /** @type {HTMLElement} */ (line.querySelector("[data-planner-says]"));
const since = /** @type {HTMLElement} */ (line.querySelector("[data-planner-since]"));
const bar = /** @type {HTMLProgressElement} */ (line.querySelector("progress"));
const stopper = /** @type {HTMLElement} */ (line.querySelector("[data-planner-stop]"));

/** Heard by a screen reader only when the words change. @param {{ works: boolean, done: number, of: number }} seen @param {number} began_ms */
function show(seen, began_ms) {
  const words = seen.of ? t("board.planner_groups", { done: seen.done, of: seen.of }) : t("board.planner_begins");
  if (says.textContent !== words) says.textContent = words;
  since.textContent = t("board.planner_since", { time: clock((Date.now() - began_ms) / 1000) });
  if (seen.of) { bar.max = seen.of; bar.value = seen.done; } else bar.removeAttribute("value");
  line.hidden = false;
}

/** @param {string} api of the site's roster */
export const look = (api) => ask("GET", `${api}/planner`);

/**
 * Follow a planner to its end, whoever has started it.
 * @param {string} api @param {() => boolean} goesOn @param {number} [began_ms] @param {number} [first_ms] when to look first: at once, if it works already
 */
export async function follow(api, goesOn, began_ms = Date.now(), first_ms = SHOWN_AFTER_MS) {
  const stop = () => {
    if (stopper.getAttribute("aria-disabled") === "true") return;
    stopper.setAttribute("aria-disabled", "true");
    ask("DELETE", `${api}/planner`).catch(() => stopper.setAttribute("aria-disabled", "false")); // it was done already, or the line is away: the next look tells
  };
  stopper.addEventListener("click", stop);
  try {
    for (let wait_ms = first_ms; goesOn(); wait_ms = LOOK_MS) {
      await new Promise((resolve) => setTimeout(resolve, wait_ms));
      const seen = goesOn() ? await look(api).catch(() => null) : null;
      if (seen?.works && goesOn()) show(seen, began_ms);
      if (seen && !seen.works) break;
    }
  } finally {
    stopper.removeEventListener("click", stop);
    stopper.removeAttribute("aria-disabled");
    line.hidden = true;
    says.textContent = since.textContent = "";
  }
}

/** Ask for a plan and show how far it is meanwhile. @param {string} api @param {object} body @returns {Promise<any>} null: somebody stopped it */
export async function plan(api, body) {
  let goesOn = true;
  const followed = follow(api, () => goesOn);
  try {
    return await ask("POST", `${api}/balance`, body, PATIENCE_MS);
  } catch (error) {
    if (error instanceof ApiError && error.code === "planner_stopped") return null;
    throw error;
  } finally {
    goesOn = false;
    line.hidden = true;
    void followed;
  }
}
