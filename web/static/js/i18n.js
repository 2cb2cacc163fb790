// @ts-check
// Words for scripts: the same catalogs the templates speak. `t("desk.call_next")`, `t("kiosk.people_ahead", { count: 3 })`.

/** @type {Record<string, string>} */
let words = {};
/** @type {"zh-CN" | "en"} */
let language = "zh-CN";
/** @type {Set<() => void>} */
const listeners = new Set();

/** The words of the page's language are fetched once, before anything is drawn. */
export async function loadWords() {
  const meta = document.querySelector("meta[name=catalog]");
  language = document.documentElement.lang === "en" ? "en" : "zh-CN";
  if (meta instanceof HTMLMetaElement) words = await fetchWords(meta.content);
}

/** Another language without leaving the page: a kiosk keeps its ticket, a room keeps its call. @param {"zh-CN" | "en"} wanted */
export async function switchLanguage(wanted) {
  words = await fetchWords(`/locales/${wanted}.json`);
  language = wanted;
  document.documentElement.lang = wanted;
  for (const listener of listeners) listener();
}

/** @param {() => void} listener @returns {() => void} stops listening */
export function onLanguage(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** @param {string} url @returns {Promise<Record<string, string>>} */
async function fetchWords(url) {
  const answer = await fetch(url, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`words not available: ${answer.status}`);
  return answer.json();
}

/** The language on screen. */
export const lang = () => language;

/** @param {string} key */
export const has = (key) => key in words;

/**
 * The sentence of a key. A missing key is a defect of ours; the page shows the key rather than nothing.
 * @param {string} key @param {Record<string, string | number>} [values]
 */
export function t(key, values) {
  const sentence = words[key];
  if (sentence === undefined) {
    console.error(`no words for ${key}`);
    return key;
  }
  return values ? sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole)) : sentence;
}
