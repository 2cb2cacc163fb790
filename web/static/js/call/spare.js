// @ts-check
// A socket to the room that is opened before anybody is called: on a far line opening one costs two round trips, and being called none.
import { SUBPROTOCOL } from "../protocol.js";

const AGAIN_MS = 5000; // after one that was refused or broke

/** @type {WebSocket | null} */
let spare = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let again;

/** A socket that begins to open now. */
export function openSocket() {
  const address = new URL("/ws/room", location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  return new WebSocket(address, SUBPROTOCOL);
}

/** Keep one open from now on; the service ends it every few minutes, and another follows. */
export function keepSpare() {
  if (spare) return;
  const opened = spare = openSocket();
  opened.addEventListener("close", () => {
    if (spare !== opened) return;
    spare = null;
    again = setTimeout(keepSpare, AGAIN_MS);
  });
}

/** Nobody will be called here soon. */
export function dropSpare() {
  clearTimeout(again);
  const dropped = spare;
  spare = null;
  dropped?.close();
}

/** The one that was kept, if it is open. @returns {WebSocket | null} */
export function takeSpare() {
  clearTimeout(again);
  const taken = spare;
  spare = null;
  return taken && taken.readyState <= WebSocket.OPEN ? taken : null;
}
