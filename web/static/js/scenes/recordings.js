// @ts-check
// /recordings: how long each recording of one's sites is kept, what holds it, who saw it; and the things that take two people.
import { ApiError, get, post } from "../api.js";
import { html, render, useEffect, useState } from "../html.js";
import { loadWords, t } from "../i18n.js";
import { say } from "../live.js";
import { Banner, Confirm, Empty } from "../ui.js";
import { Accesses, Certificate, ReasonDialog } from "./recordings/dialogs.js";
import { Recording } from "./recordings/entry.js";
import { Requests } from "./recordings/requests.js";

/** What each press does, and the sentence that is said afterwards. @type {Record<string, (session: string, reason?: string) => Promise<any>>} */
const ACTS = {
  ask: (session, reason) => post(`/api/sessions/${session}/viewings`, { reason }),
  hold: (session, reason) => post(`/api/sessions/${session}/recording/hold`, { reason }),
  release: (session) => post(`/api/sessions/${session}/recording/release`),
  destroy: (session, reason) => post(`/api/sessions/${session}/recording/destroy`, { reason }),
};
/** @type {Record<string, (one: any) => boolean>} */
const SHOWS = { all: () => true, open: (one) => one.viewing !== "none" || one.is_mine, held: (one) => one.held_at !== null, due: (one) => one.may.includes("destroy") || one.destroy_reason !== "" };

/** @param {{ chosen: string, onChoose: (one: string) => void, recordings: any[] }} props */
const Choice = ({ chosen, onChoose, recordings }) => html`<div class="row" role="group" aria-label=${t("recordings.show")}>${Object.keys(SHOWS).map((one) => html`
  <button key=${one} type="button" class="button button-quiet" aria-pressed=${one === chosen} data-testid=${`show-${one}`} onClick=${() => onChoose(one)}>${t(`recordings.show_${one}`)} <span class="figures">${recordings.filter(SHOWS[one]).length}</span></button>`)}</div>`;

function Recordings() {
  const [all, setAll] = useState(/** @type {any} */ (null));
  const [wrong, setWrong] = useState("");
  const [chosen, setChosen] = useState("all");
  const [asking, setAsking] = useState(/** @type {{ what: string, one: any } | null} */ (null));
  const load = () => get("/api/recordings").then(setAll, (/** @type {ApiError} */ error) => setWrong(error.message));
  useEffect(() => { load(); }, []);
  const close = () => setAsking(null);
  const act = async (/** @type {() => Promise<any>} */ does, /** @type {string} */ said) => {
    close();
    try { const reply = await does(); say(t(`recordings.said_${reply?.state ?? said}`)); } catch (error) { say(/** @type {Error} */ (error).message); }
    load();
  };
  if (wrong) return html`<${Banner} kind="bad" icon="triangle-alert"><p>${wrong}</p><//>`;
  if (!all) return html`<p role="status">${t("common.loading")}</p>`;
  const shown = all.recordings.filter(SHOWS[chosen]);
  return html`<${Requests} requests=${all.requests} onAnswer=${(/** @type {any} */ one, /** @type {boolean} */ agrees) => act(() => post(`/api/viewings/${one.id}/answer`, { agrees }), "open")} />
    <${Choice} chosen=${chosen} onChoose=${setChosen} recordings=${all.recordings} />
    ${shown.length === 0 ? html`<${Empty} icon="film">${t("recordings.none")}<//>`
      : html`<ul class="lines card care-list">${shown.map((/** @type {any} */ one) => html`<${Recording} key=${one.session} one=${one} onAct=${(/** @type {string} */ what) => setAsking({ what, one })} />`)}</ul>`}
    ${asking && ["ask", "hold", "destroy"].includes(asking.what) && html`<${ReasonDialog} what=${asking.what} one=${asking.one} onClose=${close}
      onDone=${(/** @type {string} */ reason) => act(() => ACTS[asking.what](asking.one.session, reason), asking.what)} />`}
    ${asking?.what === "release" && html`<${Confirm} title=${t("recordings.release")} says=${t("recordings.release_says", { reason: asking.one.hold_reason })} yes=${t("recordings.release")} icon="undo-2" testid="confirm-release"
      onYes=${() => act(() => ACTS.release(asking.one.session), "kept")} onClose=${close} />`}
    ${asking?.what === "accesses" && html`<${Accesses} one=${asking.one} onClose=${close} />`}
    ${asking?.what === "certificate" && html`<${Certificate} one=${asking.one} onClose=${close} />`}`;
}

await loadWords();
const place = document.getElementById("recordings");
if (place) render(html`<${Recordings} />`, place);
