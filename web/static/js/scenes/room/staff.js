// @ts-check
// The staff's room of a session. It is joined while the browser still asks for the camera.
import { ApiError, post } from "../../api.js";
import { closeDevices, openDevices } from "../../call/media.js";
import { html, render, useEffect, useState } from "../../html.js";
import { t } from "../../i18n.js";
import { Banner, Icon } from "../../ui.js";
import { Closed } from "./closed.js";
import { Room } from "./view.js";

/**
 * @param {{ session: string, called?: string, opening?: Promise<import("../../call/media.js").Devices> }} props
 *   called: the seat token of a fresh call, which saves a round trip; without it a new one is asked for. opening: devices that somebody opens already
 */
export function StaffRoom({ session, called = "", opening }) {
  const renewToken = async () => (await post(`/api/sessions/${session}/token`)).token;
  const [token, setToken] = useState(called);
  const [devices, setDevices] = useState(/** @type {any} */ (null));
  const [wrong, setWrong] = useState("");
  const [closed, setClosed] = useState(/** @type {string | null} */ (null));
  const open = async () => setDevices(await openDevices());
  useEffect(() => {
    if (!called) renewToken().then(setToken, (error) => setWrong(error instanceof ApiError ? error.message : String(error)));
    if (opening) opening.then(setDevices); else open();
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

/**
 * From the desk into the room of a call, on the same page: scripts, words and styles are here, and a page of its own would cost the
 * citizen a look at an empty picture. A reload, or the way back, is that page again.
 * @param {{ session: string, room: { url: string, token: string } }} called @param {Promise<import("../../call/media.js").Devices>} opening
 */
export function enterHere({ session, room }, opening) {
  const main = document.getElementById("main");
  const desk = document.getElementById("desk");
  if (!main || !desk) { location.assign(room.url); return; }
  history.pushState(null, "", room.url);
  addEventListener("popstate", () => location.reload(), { once: true });
  render(null, desk);
  for (const part of document.querySelectorAll("body > .masthead, body > .footer")) part.remove();
  document.body.className = "room-page";
  main.className = "page page-full";
  document.title = `${t("room.title")} · ${t("common.product")}`;
  const place = document.createElement("div");
  place.id = "room";
  place.className = "room-place";
  main.replaceChildren(place);
  render(html`<${StaffRoom} session=${session} called=${room.token} opening=${opening} />`, place);
  main.focus({ preventScroll: true });
  scrollTo(0, 0);
}
