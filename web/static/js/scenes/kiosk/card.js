// @ts-check
// The name from an identity card, by the reader's program on this device (server/waiting/KIOSK.md). Nothing but the name is asked for.
import { html, useState } from "../../html.js";
import { t } from "../../i18n.js";
import { speak } from "../../speech.js";
import { Banner, Icon } from "../../ui.js";

const LAY_DOWN_S = 20;

/** @param {string} address @returns {Promise<string>} the name; throws the key of a sentence */
async function readName(address) {
  let answer;
  try {
    answer = await fetch(`${address}/v1/read`, {
      method: "POST", mode: "cors", credentials: "omit", cache: "no-store", signal: AbortSignal.timeout((LAY_DOWN_S + 5) * 1000),
      headers: { "Content-Type": "application/json" }, body: JSON.stringify({ fields: ["name"], timeout_s: LAY_DOWN_S }),
    });
  } catch { throw new Error("card_no_reader"); }
  if (answer.status === 204) throw new Error("card_none");
  if (!answer.ok) throw new Error("card_no_reader");
  const said = await answer.json().catch(() => null);
  if (typeof said?.name !== "string" || !said.name.trim()) throw new Error("card_unread");
  return said.name.trim().slice(0, 80);
}

/** @param {{ address: string, onName: (name: string) => void }} props */
export function ReadCard({ address, onName }) {
  const [state, setState] = useState("");
  const read = async () => {
    if (state === "reading") return;
    setState("reading"); speak(t("kiosk.card_lay"));
    try { onName(await readName(address)); setState("read"); speak(t("kiosk.card_read")); } catch (error) { const why = /** @type {Error} */ (error).message; setState(why); speak(t(`kiosk.${why}`)); }
  };
  return html`<div class="kiosk-card-reader"><button type="button" class="button button-quiet button-wide" data-testid="read-card" aria-disabled=${state === "reading"} onClick=${read}><${Icon} name="user" />${t("kiosk.card_button")}</button>
    <div role="status" data-testid="card-state" data-state=${state}>${state === "reading" ? html`<${Banner} kind="info" icon="hourglass"><p>${t("kiosk.card_lay")}</p><//>` : state === "read" ? html`<${Banner} kind="good" icon="circle-check"><p>${t("kiosk.card_read")}</p><//>`
      : state && html`<${Banner} kind="wait" icon="triangle-alert"><p>${t(`kiosk.${state}`)}</p><//>`}</div></div>`;
}
