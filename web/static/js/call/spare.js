// @ts-check
// A socket to the room that is opened before anybody is called, and a peer connection whose offer is said on it: on a far line opening one
// costs two round trips and an offer one more, and being called none. The service answers the offer when it calls (PROTOCOL.md, stand_by).
import { FIRST_SLOTS, SUBPROTOCOL, offerMessage } from "../protocol.js";

const AGAIN_MS = 5000; // after one that was refused or broke

/** @typedef {{ kiosk?: string, page?: string, stream: MediaStream | null }} Stands for whom one stands by, and with which camera */
/** @typedef {import("./peer.js").Peer} Peer */
/** @typedef {{ socket: WebSocket, peer: Peer | null, heard: string[] }} Spare heard: what the service has said since it called */

/** @type {Spare | null} */
let spare = null;
/** @type {Stands} */
let stands = { stream: null };
/** @type {ReturnType<typeof setTimeout> | undefined} */
let again;

/** A socket that begins to open now. */
export function openSocket() {
  const address = new URL("/ws/room", location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  return new WebSocket(address, SUBPROTOCOL);
}

/** Keep one open from now on; the service ends it every few minutes, and another follows. @param {Stands} by */
export function keepSpare(by) {
  if (spare && by.stream !== stands.stream) spare.peer?.useStream(by.stream).catch((error) => console.warn("spare", error));
  stands = by;
  clearTimeout(again);
  if (!spare) open();
}

function open() {
  const opened = spare = /** @type {Spare} */ ({ socket: openSocket(), peer: null, heard: [] });
  opened.socket.addEventListener("open", () => standBy(opened).catch((error) => console.warn("spare", error)));
  opened.socket.addEventListener("message", (event) => {
    if (spare !== opened) return; // it has its call, which listens itself
    opened.heard.push(String(event.data));
    answer(opened, String(event.data));
  });
  opened.socket.addEventListener("close", () => {
    if (spare !== opened) return;
    dropSpare();
    again = setTimeout(open, AGAIN_MS);
  });
}

/** @param {Spare} opened */
async function standBy(opened) {
  const { Peer } = await import("./peer.js"); // the desk is there before its room
  const { kiosk, page, stream } = stands;
  const peer = new Peer({ stream, slots: FIRST_SLOTS });
  const offer = await peer.offer(FIRST_SLOTS, []);
  if (spare !== opened || stands.stream !== stream) { peer.close(); if (spare === opened) await standBy(opened); return; }
  opened.peer = peer;
  opened.socket.send(JSON.stringify({ type: "stand_by", ...(kiosk ? { kiosk } : { page }) }));
  opened.socket.send(JSON.stringify(offerMessage({ ...offer, peer: 1, revision: 1 })));
}

/** The media path begins while the page still draws the room. @param {Spare} opened @param {string} text */
function answer(opened, text) {
  const message = JSON.parse(text);
  if (message.type === "answer") opened.peer?.answer(message.sdp).catch((error) => console.warn("spare", error));
}

/** Nobody will be called here soon. */
export function dropSpare() {
  clearTimeout(again);
  const dropped = spare;
  spare = null;
  dropped?.peer?.close();
  dropped?.socket.close();
}

/** The one that was kept, if it is open. @returns {Spare | null} */
export function takeSpare() {
  clearTimeout(again);
  const taken = spare;
  spare = null;
  if (taken && taken.socket.readyState <= WebSocket.OPEN) return taken;
  taken?.peer?.close();
  return null;
}
