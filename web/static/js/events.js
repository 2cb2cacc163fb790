// @ts-check
// A stream of server-sent events that comes back by itself and says calmly when it is away.
import { ApiError, get } from "./api.js";

const SILENCE_MS = 40_000; // the server says something every 15 s; after two missed the line is dead, whatever the socket thinks

/**
 * @param {{ url: string, event: string, probe: string, onData: (data: any) => void, onState: (connected: boolean) => void,
 *           onRefused: (error: ApiError) => void }} options
 *   probe: a GET that tells why the stream is refused (an EventSource cannot see the status)
 * @returns {() => void} ends it
 */
export function listen({ url, event, probe, onData, onState, onRefused }) {
  /** @type {EventSource | null} */
  let source = null;
  let tries = 0;
  let ended = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let silence;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let again;

  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(lost, SILENCE_MS);
  };

  function open() {
    source = new EventSource(url);
    source.addEventListener("open", () => { tries = 0; heard(); onState(true); });
    source.addEventListener("ping", heard);
    source.addEventListener(event, (message) => { heard(); onData(JSON.parse(message.data)); });
    source.addEventListener("error", lost);
    heard();
  }

  function lost() {
    source?.close();
    clearTimeout(silence);
    clearTimeout(again);
    if (ended) return;
    onState(false);
    again = setTimeout(retry, Math.min(500 * 2 ** tries, 8000) * (1 + Math.random() / 2));
    tries += 1;
  }

  async function retry() {
    try {
      await get(probe);
      if (!ended) open();
    } catch (error) {
      if (error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429) { onRefused(error); return; }
      lost();
    }
  }

  const awake = () => { if (document.visibilityState === "visible" && source?.readyState === EventSource.CLOSED) { tries = 0; lost(); } };
  document.addEventListener("visibilitychange", awake);
  open();
  return () => {
    ended = true;
    source?.close();
    clearTimeout(silence);
    clearTimeout(again);
    document.removeEventListener("visibilitychange", awake);
  };
}
