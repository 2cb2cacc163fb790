// @ts-check
// The personal link of a page: kept by its holder, opened on another device by its code.
import { html } from "../../html.js";
import { t } from "../../i18n.js";
import { say } from "../../live.js";
import { Icon } from "../../ui.js";

/** @param {{ link: string, qr: string }} props */
export function OwnLink({ link, qr }) {
  const copy = async () => {
    try { await navigator.clipboard.writeText(link); say(t("common.copied")); } catch { say(t("common.copy_failed")); }
  };
  return html`<details class="visit-code" data-testid="own-link"><summary><${Icon} name="qr-code" /> ${t("hall.link_title")}</summary>
    <p>${t("hall.link_says")}</p>
    <img src=${qr} alt=${t("hall.link_code")} width="180" height="180" />
    <p class="code type-small">${link}</p>
    <p><button type="button" class="button button-quiet" data-testid="copy-link" onClick=${copy}><${Icon} name="copy" />${t("room.copy_link")}</button></p></details>`;
}
