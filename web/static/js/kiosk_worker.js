// @ts-check
// The kiosk's service worker, served at /kiosk/worker.js: page, scripts, styles and words stay on the device, so that the kiosk opens without a line.
// No answer of /api is ever kept: nothing in here is about a person.
const STORE = "laizuo-kiosk-1";
const BUILD = /^\/static\/[0-9a-f]{12}\//; // what stands below it never changes
const PATIENCE_MS = 3000;
const DEAD_MS = 10_000; // a page is thirty files: one of them waits for a dead line, the others do not
let dead_until_ms = 0;
const worker = /** @type {any} */ (self);

worker.addEventListener("install", () => worker.skipWaiting());
worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(forgetOld().then(() => worker.clients.claim())));
worker.addEventListener("message", (/** @type {any} */ event) => event.waitUntil(keepAll(event.data?.keep ?? [])));
worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (isPage(url, event.request)) event.respondWith(newest(event.request, url.pathname));
  else if (url.pathname.startsWith("/static/") || url.pathname.startsWith("/locales/")) event.respondWith(isFixed(url) ? kept(event.request) : newest(event.request));
});

/** @param {URL} url @param {Request} request */
const isPage = (url, request) => request.mode === "navigate" && /^\/kiosk\/[0-9a-f-]{36}$/.test(url.pathname);

/** @param {URL} url */
const isFixed = (url) => BUILD.test(url.pathname) || url.searchParams.has("v");

async function forgetOld() {
  for (const name of await caches.keys()) if (name !== STORE) await caches.delete(name);
}

/** @param {string[]} addresses */
async function keepAll(addresses) {
  const store = await caches.open(STORE);
  await Promise.all(addresses.map(async (address) => {
    const fixed = isFixed(new URL(address, location.href));
    if (fixed && (await store.match(address))) return;
    try { const answer = await fetch(address, { cache: fixed ? "default" : "no-cache" }); if (answer.ok && !answer.redirected) await store.put(address, answer); } catch { /* the next visit keeps it */ }
  }));
  await dropBuilds(store, addresses);
}

/** Files of builds before, once all of this page's are here. @param {Cache} store @param {string[]} addresses */
async function dropBuilds(store, addresses) {
  const builds = new Set(addresses.map(buildOf).filter(Boolean));
  const here = await Promise.all(addresses.map((address) => store.match(address)));
  if (!builds.size || !here.every(Boolean)) return;
  for (const { url } of await store.keys()) {
    const { pathname } = new URL(url);
    if (pathname.startsWith("/static/") && !builds.has(buildOf(pathname))) await store.delete(url);
  }
}

/** @param {string} path */
const buildOf = (path) => BUILD.exec(path)?.[0];

/** A version in the address: what is kept is what it is. @param {Request} request */
async function kept(request) {
  const store = await caches.open(STORE);
  const found = await store.match(request);
  if (found) return found;
  try {
    const answer = await fetch(request);
    if (answer.ok) await store.put(request, answer.clone());
    return answer;
  } catch (error) {
    const before = await ofBuildBefore(store, new URL(request.url).pathname);
    if (before) return before;
    throw error;
  }
}

/** The line went between a new page and its files: better those from before than none. @param {Cache} store @param {string} path */
async function ofBuildBefore(store, path) {
  const name = path.replace(BUILD, "");
  const request = (await store.keys()).find(({ url }) => buildOf(new URL(url).pathname) && new URL(url).pathname.replace(BUILD, "") === name);
  return request && store.match(request);
}

/** The service's answer while it answers, else what is kept. @param {Request} request @param {string} [name] */
async function newest(request, name = request.url) {
  const store = await caches.open(STORE);
  const before = Date.now() < dead_until_ms ? await store.match(name) : undefined;
  if (before) return before;
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.ok && !answer.redirected) await store.put(name, answer.clone());
    if (answer.status < 500) return answer;
    return (await store.match(name)) ?? answer;
  } catch (error) {
    dead_until_ms = Date.now() + DEAD_MS;
    const found = await store.match(name);
    if (found) return found;
    throw error;
  }
}
