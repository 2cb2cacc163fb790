// @ts-check
// The device says every half minute that it is there: which page it runs, how its line is, what it lacks. The answer may ask for a new page.
import { post } from "../../api.js";
import { useEffect, useRef } from "../../html.js";
import { problemsOf } from "../told.js";

const REPORT_MS = 30_000;

/** The version of the page: the build below which its scripts were loaded. */
const VERSION = /\/static\/([0-9a-f]{12})\//.exec(import.meta.url)?.[1] ?? "";

/**
 * @param {string} endpoint @param {any} devices camera and microphone as they were last opened; null: not open, nothing new is known
 * @param {boolean} free nobody is served, so the page may be loaded anew
 */
export function useHealth(endpoint, devices, free) {
  const problems = useRef(/** @type {string[]} */ ([]));
  const reload = useRef(false);
  const rtt_ms = useRef(/** @type {number | null} */ (null));
  const isFree = useRef(free);
  isFree.current = free;
  if (devices) problems.current = problemsOf(devices);
  useEffect(() => {
    const report = async () => {
      const sent_ms = performance.now();
      try {
        const answer = await post(`/api/endpoints/${endpoint}/health`, { version: VERSION.slice(0, 40), line: { rtt_ms: rtt_ms.current }, problems: problems.current });
        rtt_ms.current = Math.round(performance.now() - sent_ms);
        if (answer.reload) reload.current = true;
      } catch { /* the line itself is looked after by line.js */ }
      if (reload.current && isFree.current) location.reload();
    };
    report();
    const timer = setInterval(report, REPORT_MS);
    return () => clearInterval(timer);
  }, []);
}
