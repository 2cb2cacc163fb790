// @ts-check
// For the worker of a village room: who has a number here, and a seat beside them in the room.
import { get, post } from "../../api.js";
import { html, useEffect, useState } from "../../html.js";
import { lang, t } from "../../i18n.js";
import { say } from "../../live.js";
import { exactTime, spokenTime } from "../../time.js";
import { Icon, State } from "../../ui.js";

const LOOK_EVERY_MS = 5000; // a number that is taken here moves no line of this desk, so nothing tells us of it

/** @type {Record<string, [string, string]>} */
const LOOKS = { waiting: ["wait", "hourglass"], held: ["quiet", "pause"], called: ["good", "bell-ring"], serving: ["info", "video"] };

export function BesideMe() {
  const [here, setHere] = useState(/** @type {any} */ (null));
  useEffect(() => {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let again;
    let ended = false;
    const look = async () => {
      const found = await get("/api/desk/here").catch(() => null); // away for a moment: asked again
      if (ended) return;
      if (found) setHere(found);
      if (!found || found.is_beside) again = setTimeout(look, LOOK_EVERY_MS);
    };
    look();
    return () => { ended = true; clearTimeout(again); };
  }, [lang()]);
  if (!here?.is_beside) return null;
  const sit = async (/** @type {string} */ session) => {
    try { location.assign((await post(`/api/sessions/${session}/sit-in`)).url); } catch (error) { say(/** @type {Error} */ (error).message); }
  };
  return html`<section class="card" aria-labelledby="beside"><div class="card-head"><h2 id="beside">${t("desk.here")}</h2><span class="badge">${here.tickets.length}</span></div>
    ${here.tickets.length === 0 ? html`<p class="muted">${t("desk.here_nobody")}</p>` : html`<ul class="lines">${here.tickets.map((/** @type {any} */ one) => html`<li key=${one.ticket} data-testid="ticket-here" data-state=${one.state}>
      <strong class="figures">${one.number}</strong> ${one.citizen_name || t("names.no_name")} · ${t(`names.service_${one.service}`)}
      <br /><span class="muted type-small">${one.endpoint_name} <time datetime=${exactTime(one.taken_at)}>${t("kiosk.taken_at", { time: spokenTime(one.taken_at) })}</time></span>
      <br /><${State} kind=${LOOKS[one.state]?.[0] ?? "quiet"} icon=${LOOKS[one.state]?.[1] ?? "circle"}>${t(`desk.here_${one.state}`)}<//>
      ${one.session && html` <button type="button" class="button button-quiet" data-testid="sit-in" onClick=${() => sit(one.session)}><${Icon} name="armchair" />${t("desk.sit_in")}<span class="visually-hidden"> ${one.number}</span></button>`}</li>`)}</ul>`}</section>`;
}
