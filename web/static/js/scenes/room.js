// @ts-check
// /room/{session}: the staff's page of a session.
import { html, render } from "../html.js";
import { loadWords } from "../i18n.js";
import { StaffRoom } from "./room/staff.js";

await loadWords();
const place = document.getElementById("room");
if (place) render(html`<${StaffRoom} session=${location.pathname.split("/")[2] ?? ""} />`, place);
