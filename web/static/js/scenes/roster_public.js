// @ts-check
// Subscribing: copy the link, show the picture to scan; on "my duties" also making and ending one's own link.
import { ApiError, post, remove } from "../api.js";
import { loadWords, t } from "../i18n.js";
import { enableControls } from "../ready.js";
import { say } from "../live.js";


/** @param {Element} pressed @returns {HTMLElement | null} */
const cardOf = (pressed) => pressed.closest("[data-feed]");

/** @param {HTMLElement} pressed */
async function copyLink(pressed) {
  const link = cardOf(pressed)?.querySelector(".feed-link");
  if (!(link instanceof HTMLInputElement)) return;
  try {
    await navigator.clipboard.writeText(link.value);
    say(t("common.copied"));
  } catch {
    link.focus();
    link.select();
    say(t("common.copy_failed"));
  }
}

/** @param {HTMLElement} pressed */
function showQr(pressed) {
  const picture = cardOf(pressed)?.querySelector(".feed-qr");
  if (!(picture instanceof HTMLElement)) return;
  picture.hidden = !picture.hidden;
  pressed.setAttribute("aria-expanded", String(!picture.hidden));
}

async function rotateFeed() {
  const links = await post("/api/feeds/own");
  const card = document.getElementById("own-links");
  const link = card?.querySelector(".feed-link");
  const webcal = card?.querySelector("a");
  const picture = card?.querySelector("img");
  if (!card || !(link instanceof HTMLInputElement) || !webcal || !picture) return;
  link.value = links.https;
  webcal.href = links.webcal;
  picture.src = links.qr;
  card.hidden = false;
  link.focus();
}

async function revokeFeed() {
  await remove("/api/feeds/own");
  location.reload();
}

const DOES = { "copy-link": copyLink, "show-qr": showQr, "rotate-feed": rotateFeed, "revoke-feed": revokeFeed };

document.addEventListener("click", async (event) => {
  const pressed = event.target instanceof Element ? event.target.closest("[data-does-duty]") : null;
  if (!(pressed instanceof HTMLElement)) return;
  const does = DOES[/** @type {keyof typeof DOES} */ (pressed.dataset.doesDuty)];
  try {
    await does?.(pressed);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    say(error.message);
  }
});

await loadWords();
enableControls();
