// @ts-check
// What a device lacks, told while its person waits: staff see it beside the name and can act before they call.
import { useEffect, useRef } from "../html.js";

const LOOK_MS = 3000; // the trial of the line ends some seconds after camera and microphone were opened

/** @param {any} devices @returns {string[]} */
export const problemsOf = (devices) => ["camera", "microphone", "network"].filter((one) => devices?.[one]);

/**
 * @param {any} devices null: not open, nothing new is known
 * @param {string} ticket whose; empty: nobody waits
 * @param {(lacks: string[]) => Promise<unknown>} send
 */
export function useCheckTold(devices, ticket, send) {
  const told = useRef({ ticket: "", lacks: "" });
  useEffect(() => {
    if (!devices || !ticket) return undefined;
    if (told.current.ticket !== ticket) told.current = { ticket, lacks: "" };
    const tell = () => {
      const lacks = problemsOf(devices);
      const words = lacks.join(" ");
      if (words === told.current.lacks) return;
      told.current.lacks = words;
      send(lacks).catch(() => { told.current.lacks = "again"; }); // the line was down: told at the next look
    };
    tell();
    const timer = setInterval(tell, LOOK_MS);
    return () => clearInterval(timer);
  }, [devices, ticket]);
}
