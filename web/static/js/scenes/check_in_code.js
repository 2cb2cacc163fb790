// @ts-check
// The six digits of this minute, changed in place: a page that loads itself anew takes a reader away from what they read.
import { get } from "../api.js";

const LOOK_MS = 10_000;
const shown = document.querySelector("[data-testid=shown-code]");

setInterval(() => get(`/api/kiosk/${location.pathname.split("/")[2]}/check-in-code`).then((reply) => {
  if (shown && shown.textContent !== reply.code) shown.textContent = reply.code;
}, () => {}), LOOK_MS);
