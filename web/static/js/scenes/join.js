// @ts-check
// /join/{token}: a personal link. Device check, then the room; the person in charge opens the door.
import { html, render, useEffect, useState } from "../html.js";
import { loadWords, t } from "../i18n.js";
import { Icon } from "../ui.js";
import { DeviceCheck, useDevices } from "./room/check.js";
import { Closed } from "./room/closed.js";
import { Room } from "./room/view.js";

const token = decodeURIComponent(location.pathname.split("/")[2] ?? "");

function Guest() {
  const { devices, open, stop } = useDevices();
  const [step, setStep] = useState("check");
  const [why, setWhy] = useState("");
  useEffect(() => { open(); }, []);
  useEffect(() => { document.body.classList.toggle("in-room", step === "room"); }, [step]);
  const onClosed = (/** @type {string} */ reason) => { setWhy(reason); setStep("closed"); stop(); };
  if (step === "closed") {
    return html`<${Closed} why=${why}>${why === "left" && html`<button type="button" class="button button-big" data-testid="join-again" onClick=${() => { open(); setStep("check"); }}><${Icon} name="log-in" />${t("room.join_again")}</button>`}<//>`;
  }
  if (step === "room") return html`<${Room} token=${token} devices=${devices} onFix=${open} place="guest" onClosed=${onClosed} />`;
  return html`<div class="page"><${DeviceCheck} devices=${devices} onTry=${open} title=${t("room.join_title")} says=${t("room.join_says")}>
    <button type="button" class="button button-big button-wide check-go" data-testid="join" onClick=${() => setStep("room")}><${Icon} name="log-in" />${t(devices?.stream ? "room.join" : "room.join_without")}</button>
    <p class="muted">${t("room.join_recorded")}</p><//></div>`;
}

await loadWords();
const place = document.getElementById("room");
if (place) render(html`<${Guest} />`, place);
