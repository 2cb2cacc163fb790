// @ts-check
// What stands on every screen of the kiosk, always in the same place: where one is, larger text, language, help, start over.
import { html, useState } from "../../html.js";
import { lang, switchLanguage, t } from "../../i18n.js";
import { speak } from "../../speech.js";
import { Dialog, Icon } from "../../ui.js";

/** @param {"zh-CN" | "en"} wanted */
export async function speakLanguage(wanted) {
  document.cookie = `laizuo_lang=${wanted}; Path=/; SameSite=Lax`; // until the browser closes; the API names places in it
  if (wanted !== lang()) await switchLanguage(wanted);
}

/** @param {boolean} large */
export function setLarge(large) {
  document.documentElement.dataset.size = large ? "large" : "normal";
}

/** @param {{ onClose: () => void }} props */
const HelpDialog = ({ onClose }) => html`<${Dialog} title=${t("kiosk.help_title")} onClose=${onClose} testid="help">
  <ul class="kiosk-help"><li>${t("kiosk.help_person")}</li><li>${t("kiosk.help_phone")}</li><li>${t("kiosk.help_danger")}</li></ul>
  <div class="dialog-buttons"><button type="button" class="button" data-testid="close-dialog" onClick=${onClose}>${t("kiosk.help_close")}</button></div><//>`;

/** @param {{ icon: string, word: string, testid: string, onPress: () => void, pressed?: boolean, langOf?: string }} props */
const Tool = ({ icon, word, testid, onPress, pressed, langOf }) => html`
  <li><button type="button" class="kiosk-tool" data-testid=${testid} aria-pressed=${pressed} lang=${langOf} onClick=${onPress}><${Icon} name=${icon} /><span>${word}</span></button></li>`;

/** @param {{ site: string, onStartOver: () => void, canStartOver: boolean, children?: any }} props */
export function Frame({ site, onStartOver, canStartOver, children }) {
  const [large, setNow] = useState(false);
  const [helping, setHelping] = useState(false);
  const shown = large && document.documentElement.dataset.size === "large";
  const larger = () => { setLarge(!shown); setNow(!shown); };
  const help = () => { setHelping(true); speak(t("kiosk.help_person")); };
  const other = lang() === "en" ? "zh-CN" : "en";
  return html`
    <header class="kiosk-head"><span class="seal-mark" aria-hidden="true" lang="zh-CN">来坐</span>
      <span><strong>${t("common.product")}</strong><span class="kiosk-site">${site}</span></span></header>
    <div class="kiosk-body">${children}</div>
    <footer class="kiosk-foot"><ul class="kiosk-tools" aria-label=${t("kiosk.tools")}>
      <${Tool} icon="a-large-small" word=${t("common.larger_text")} testid="larger-text" pressed=${shown} onPress=${larger} />
      <${Tool} icon="languages" word=${other === "en" ? "English" : "中文"} langOf=${other} testid="switch-language" onPress=${() => speakLanguage(other)} />
      <${Tool} icon="hand-helping" word=${t("kiosk.help")} testid="ask-help" onPress=${help} />
      <${Tool} icon="rotate-ccw" word=${t("kiosk.start_over")} testid="start-over" onPress=${canStartOver ? onStartOver : () => {}} />
    </ul></footer>
    ${helping && html`<${HelpDialog} onClose=${() => setHelping(false)} />`}`;
}
