// @ts-check
// A private talk with one side: who hears whom, in words; the calm picture of those who wait; the way back together.
import { html, useEffect, useState } from "../../html.js";
import { t } from "../../i18n.js";
import * as protocol from "../../protocol.js";
import { speak } from "../../speech.js";
import { clock } from "../../time.js";
import { Banner, Icon, useNow } from "../../ui.js";
import { nameOf } from "./tiles.js";

/** @param {protocol.Person[]} people */
const names = (people) => people.map(nameOf).join(t("kiosk.and"));

/** @param {protocol.State} state */
const leads = (state) => protocol.inPrivate(state).find((person) => person.role === "in_charge");

/** One line for everybody: inside, who hears; outside, that nobody hears. @param {{ state: protocol.State, say: (message: any) => void }} props */
export function Caucus({ state, say }) {
  const inside = protocol.inPrivate(state);
  if (inside.length === 0) return null;
  const mine = protocol.roomOf(state) !== "";
  const recall = protocol.may(state, "recall") && html`<p><button type="button" class="button" data-testid="recall-all" onClick=${() => say({ type: "recall" })}><${Icon} name="undo-2" />${t("room.caucus_recall")}</button></p>`;
  return html`<div role="status" data-testid="private-talk" data-inside=${mine}><${Banner} kind=${mine ? "good" : "info"} icon=${mine ? "users" : "armchair"}>
    <p>${mine ? html`<strong>${t("room.caucus_only", { names: names(inside) })}</strong> ${t("room.caucus_unrecorded")}` : t(leads(state) ? "room.caucus_away" : "room.caucus_others", { names: names(inside) })}</p>${recall}<//></div>`;
}

/** What somebody sees who is alone while the others talk: nothing is wrong, nobody is forgotten. @param {{ state: protocol.State }} props */
export function Apart({ state }) {
  const now_s = useNow();
  const [since_s, setSince] = useState(0);
  const inside = protocol.inPrivate(state);
  const waits = inside.length > 0 && protocol.roomOf(state) === "";
  useEffect(() => {
    setSince(waits ? Date.now() / 1000 : 0);
    // Who sits at a kiosk may not read: said once, as everything there is.
    if (waits && document.documentElement.dataset.place === "kiosk") speak(t("room.apart_title"));
  }, [waits]);
  if (!waits) return null;
  return html`<li class="face-tile face-main" data-testid="waits-apart"><div class="face-none apart"><${Icon} name="armchair" />
    <p class="apart-title">${t("room.apart_title")}</p><p>${t("room.apart_says", { name: nameOf(leads(state) ?? inside[0]) })}</p>
    <p class="figures" aria-hidden="true">${t("room.apart_for", { time: clock(now_s - (since_s || now_s)) })}</p></div></li>`;
}
