// @ts-check
// One's own duties: offer a shift, take a colleague's, check in at the post.
import { ApiError, ask, post, remove } from "../api.js";
import { clearWrongs, showRefusal } from "../forms.js";
import { loadWords, t } from "../i18n.js";

/** @param {() => Promise<unknown>} work */
async function tryTo(work) {
  const banner = document.querySelector("[data-own-error]");
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof ApiError) || !(banner instanceof HTMLElement)) throw error;
    banner.textContent = error.message;
    banner.hidden = false;
    banner.scrollIntoView({ block: "center" });
    return false;
  }
}

document.addEventListener("click", async (event) => {
  const pressed = event.target instanceof Element ? event.target.closest("[data-swap-slot], [data-swap-take], [data-swap-delete]") : null;
  if (!(pressed instanceof HTMLElement)) return;
  const { swapSlot: slot, swapSite: site, swapPost, swapTake, swapDelete } = pressed.dataset;
  const worked = await tryTo(() => {
    if (slot) return post("/api/swaps", { site, slot, post: Number(swapPost) });
    return swapTake ? post(`/api/swaps/${swapTake}/take`) : remove(`/api/swaps/${swapDelete}`);
  });
  if (worked) location.reload();
});

document.querySelector("[data-check-in]")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.target);
  await tryTo(async () => {
    const shift = await post("/api/check-in", { code: String(new FormData(form).get("code") ?? "").trim() });
    const clock = (/** @type {string} */ at) => new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", timeZone: "Asia/Shanghai" });
    const said = document.querySelector("[data-check-in-says]");
    if (said) said.textContent = t("board.checked_in", { times: `${clock(shift.start)}-${clock(shift.end)}` });
  });
});

const phone = document.querySelector("form[data-own-phone]");
phone?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (phone);
  clearWrongs(form);
  try {
    await ask("PUT", "/api/my-phone", { phone: String(new FormData(form).get("phone") ?? "").trim() });
    location.reload();
  } catch (error) {
    showRefusal(form, error);
  }
});

await loadWords();
