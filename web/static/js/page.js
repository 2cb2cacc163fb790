// @ts-check
// What every page has: theme and type size, the language cookie, signing out.
import { post } from "./api.js";

const THEMES = ["light", "dark", "contrast"];
const root = document.documentElement;

/** @param {string} key @param {string} value */
function keep(key, value) {
  try { localStorage.setItem(key, value); } catch { /* private window: the choice holds for this page */ }
}

function nextTheme() {
  const next = THEMES[(THEMES.indexOf(root.dataset.theme ?? "light") + 1) % THEMES.length] ?? "light";
  root.dataset.theme = next;
  keep("laizuo.theme", next);
  showTheme();
}

function switchSize() {
  const next = root.dataset.size === "large" ? "normal" : "large";
  root.dataset.size = next;
  keep("laizuo.size", next);
  showTheme();
}

function showTheme() {
  for (const name of document.querySelectorAll("[data-theme-name]")) {
    if (name instanceof HTMLElement) name.hidden = name.dataset.themeName !== root.dataset.theme;
  }
  document.querySelector("[data-does=switch-size]")?.setAttribute("aria-pressed", String(root.dataset.size === "large"));
}

/** The language of the address stays for the next pages. */
function keepLanguage() {
  const chosen = new URLSearchParams(location.search).get("lang");
  if (chosen === "zh-CN" || chosen === "en") document.cookie = `laizuo_lang=${chosen}; Path=/; Max-Age=31536000; SameSite=Lax`;
}

async function signOut() {
  await post("/api/sign-out");
  location.assign("/");
}

const DOES = { "switch-theme": nextTheme, "switch-size": switchSize, "sign-out": signOut, print: () => window.print() };

document.addEventListener("click", (event) => {
  const pressed = event.target instanceof Element ? event.target.closest("[data-does]") : null;
  const does = pressed instanceof HTMLElement ? DOES[/** @type {keyof typeof DOES} */ (pressed.dataset.does)] : undefined;
  if (does) does();
});
keepLanguage();
showTheme();
