// @ts-check
// Puts the service worker in place and hands it what this page was made of, so that the kiosk opens without a line.
const WORKER = "/kiosk/worker.js";

export async function keepShell() {
  if (!("serviceWorker" in navigator)) return; // no secure address: the kiosk works, but does not open without a line
  try {
    const policy = /** @type {any} */ (window).trustedTypes?.createPolicy("laizuo-kiosk-worker", { createScriptURL: (/** @type {string} */ url) => (url === WORKER ? url : "") });
    await navigator.serviceWorker.register(policy ? policy.createScriptURL(WORKER) : WORKER, { scope: "/kiosk/" });
    const ready = await navigator.serviceWorker.ready;
    const made = performance.getEntriesByType("resource").map((entry) => new URL(entry.name)).filter((url) => url.origin === location.origin && /^\/(static|locales)\//.test(url.pathname));
    const words = ["/locales/zh-CN.json", "/locales/en.json"];
    ready.active?.postMessage({ keep: [location.pathname, ...words, ...new Set(made.map((url) => url.pathname + url.search))] });
  } catch (error) { console.info("this kiosk does not open without a line:", String(error)); }
}
