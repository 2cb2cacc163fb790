// @ts-check
// The help button calls a person: the staff of this place see it at their desks, and the answer comes back here.
import { get, post } from "../../api.js";
import { html, useEffect, useState } from "../../html.js";
import { t } from "../../i18n.js";
import { speak } from "../../speech.js";
import { Banner, Dialog, Icon } from "../../ui.js";

const LOOK_MS = 4000;

/** @param {{ api: string, onClose: () => void }} props */
export function HelpDialog({ api, onClose }) {
  const [state, setState] = useState(/** @type {{ state: string, by: string } | null} */ (null));
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    post(`${api}/help`, { kind: "help" }).then((reply) => { setState(reply); speak(t("kiosk.help_asked")); }, () => { setFailed(true); speak(t("kiosk.help_person")); });
  }, []);
  useEffect(() => {
    if (state?.state !== "asked") return undefined;
    const timer = setInterval(() => get(`${api}/help`).then((reply) => {
      if (reply.state === "taken") { setState(reply); speak(t("kiosk.help_taken", { name: reply.by })); }
    }, () => {}), LOOK_MS);
    return () => clearInterval(timer);
  }, [state?.state]);
  return html`<${Dialog} title=${t("kiosk.help_title")} onClose=${onClose} testid="help">
    <div role="status" data-testid="help-state" data-state=${failed ? "failed" : state?.state ?? ""}>
      ${state?.state === "asked" && html`<${Banner} kind="info" icon="bell-ring"><p>${t("kiosk.help_asked")}</p><//>`}
      ${state?.state === "taken" && html`<${Banner} kind="good" icon="circle-check"><p>${t("kiosk.help_taken", { name: state.by })}</p><//>`}</div>
    <ul class="kiosk-help"><li>${t("kiosk.help_person")}</li><li>${t("kiosk.help_phone")}</li><li>${t("kiosk.help_danger")}</li></ul>
    <div class="dialog-buttons"><button type="button" class="button" data-testid="close-dialog" onClick=${onClose}><${Icon} name="check" />${t("kiosk.help_close")}</button></div><//>`;
}
