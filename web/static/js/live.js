// @ts-check
// What just happened, shown shortly and read aloud: the page's one live region.

const SHOWN_MS = 6000; // long enough to read twelve words twice

/** @param {string} sentence */
export function say(sentence) {
  const region = document.getElementById("toasts");
  if (!region) return;
  const toast = document.createElement("p");
  toast.className = "toast";
  toast.textContent = sentence;
  region.append(toast);
  setTimeout(() => toast.remove(), SHOWN_MS);
}
