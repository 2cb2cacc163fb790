// @ts-check
// Talking to /api: JSON, the CSRF header, and refusals as sentences a person can act on.
import { has, t } from "./i18n.js";

/** How long one request may take before the page says so; the server itself answers within a second. */
const PATIENCE_MS = 15_000;

/** A refusal or a failure; `message` is the sentence to show. */
export class ApiError extends Error {
  /** @param {number} status @param {string} code @param {string | null} field @param {string} detail */
  constructor(status, code, field, detail) {
    super(sentenceOf(code, detail));
    this.status = status;
    this.code = code;
    this.field = field;
    this.detail = detail;
  }
}

/** The sentence of an error code; codes we do not know get the general one. @param {string} code @param {string} [detail] */
export function sentenceOf(code, detail = "") {
  const known = has(`errors.${code}`) ? t(`errors.${code}`) : t("errors.unexpected");
  return code === "unexpected" && detail ? `${known} ${t("errors.reference", { reference: detail })}` : known;
}

function csrf() {
  const meta = document.querySelector("meta[name=csrf]");
  return meta instanceof HTMLMetaElement ? meta.content : "";
}

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {number} [patience_ms] for what is known to take longer
 * @returns {Promise<any>} the JSON of the answer, null where there is none
 */
export async function ask(method, path, body, patience_ms = PATIENCE_MS) {
  const headers = new Headers({ Accept: "application/json" });
  if (method !== "GET") headers.set("X-CSRF-Token", csrf());
  if (body !== undefined) headers.set("Content-Type", body instanceof Blob ? body.type : "application/json");
  let answer;
  try {
    answer = await fetch(path, {
      method, headers, credentials: "same-origin", cache: "no-store", signal: AbortSignal.timeout(patience_ms),
      ...(body === undefined ? {} : { body: body instanceof Blob ? body : JSON.stringify(body) }),
    });
  } catch {
    throw new ApiError(0, "offline", null, "");
  }
  const reply = await readJson(answer);
  if (answer.ok) return reply;
  const error = reply?.error ?? {};
  throw new ApiError(answer.status, error.code ?? "unexpected", error.field ?? null, error.detail ?? "");
}

/** @param {Response} answer */
async function readJson(answer) {
  if (answer.status === 204) return null;
  try { return await answer.json(); } catch { return null; }
}

/** @param {string} path */
export const get = (path) => ask("GET", path);
/** @param {string} path @param {unknown} [body] */
export const post = (path, body) => ask("POST", path, body);
/** @param {string} path @param {unknown} [body] */
export const put = (path, body) => ask("PUT", path, body);
/** A file as it is. @param {string} path @param {Blob} file */
export const sendFile = (path, file) => ask("PUT", path, file);
/** @param {string} path */
export const remove = (path) => ask("DELETE", path);

/** A key that makes the same press, sent twice, one act. */
export function requestKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The same request again while the service is away or the line is down; everything else is thrown at once.
 * @template T @param {() => Promise<T>} attempt @param {(error: ApiError) => void} [onWait]
 * @returns {Promise<T>}
 */
export async function insist(attempt, onWait) {
  for (let wait_ms = 500; ; wait_ms = Math.min(wait_ms * 2, 8000)) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ApiError) || (error.status !== 0 && error.status !== 503)) throw error;
      onWait?.(error);
      await new Promise((resolve) => setTimeout(resolve, wait_ms * (1 + Math.random() / 2)));
    }
  }
}
