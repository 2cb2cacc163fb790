// @ts-check
// /room/{session}: the staff's page of a session. The room is joined while the browser still asks for the camera.
import { ApiError, post } from "../api.js";
import { closeDevices, openDevices } from "../call/media.js";
import { html, render, useEffect, useState } from "../html.js";
import { loadWords, t } from "../i18n.js";
import { Banner, Icon } from "../ui.js";
import { Closed } from "./room/closed.js";
import { Room } from "./room/view.js";

const session = location.pathname.split("/")[2] ?? "";
const KEPT = `laizuo.seat.${session}`;

/** The desk leaves the token of a fresh call here, which saves a round trip; a reload asks for a new one. @returns {Promise<string>} */
async function seatToken() {
  const kept = sessionStorage.getItem(KEPT);
  sessionStorage.removeItem(KEPT);
  return kept ?? (await post(`/api/sessions/${session}/token`)).token;
}

const renewToken = async () => (await post(`/api/sessions/${session}/token`)).token;

function StaffRoom() {
  const [token, setToken] = useState("");
  const [devices, setDevices] = useState(/** @type {any} */ (null));
  const [wrong, setWrong] = useState("");
  const [closed, setClosed] = useState(/** @type {string | null} */ (null));
  const open = async () => setDevices(await openDevices());
  useEffect(() => {
    seatToken().then(setToken, (error) => setWrong(error instanceof ApiError ? error.message : String(error)));
    open();
  }, []);
  useEffect(() => { if (closed) closeDevices(devices); }, [closed]);
  if (closed) {
    return html`<${Closed} why=${closed}>
      ${closed === "ended" && html`<a class="button button-big" href=${`/sessions/${session}`}><${Icon} name="film" />${t("room.to_review")}</a>`}
      <a class="button button-big button-quiet" href="/desk" data-testid="to-desk"><${Icon} name="arrow-left" />${t("room.to_desk")}</a><//>`;
  }
  if (wrong) return html`<div class="page page-narrow"><${Banner} kind="bad" icon="triangle-alert"><p>${wrong}</p><p><a href="/desk">${t("room.to_desk")}</a></p><//></div>`;
  if (!token) return html`<p class="page" role="status">${t("common.loading")}</p>`;
  return html`<${Room} token=${token} devices=${devices} session=${session} renewToken=${renewToken} place="staff" onFix=${open} onClosed=${(/** @type {string} */ why) => setClosed(why)} />`;
}

await loadWords();
const place = document.getElementById("room");
if (place) render(html`<${StaffRoom} />`, place);
