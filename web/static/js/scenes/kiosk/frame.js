// @ts-check
// What stands on every screen of the kiosk, always in the same place: where one is, larger text, language, help, start over.
import { html, useState } from "../../html.js";
import { lang, switchLanguage, t } from "../../i18n.js";
import { Icon } from "../../ui.js";
import { HelpDialog } from "./help.js";

/** @param {"zh-CN" | "en"} wanted @param {boolean} [isHome] the kiosk's own language needs no cookie */
export async function speakLanguage(wanted, isHome = false) {
  document.cookie = `laizuo_lang=${isHome ? "; Max-Age=0" : wanted}; Path=/; SameSite=Lax`; // until the next person; the API names places in it
  if (wanted !== lang()) await switchLanguage(wanted);
}

/** @param {boolean} large */
export function setLarge(large) {
  document.documentElement.dataset.size = large ? "large" : "normal";
}

/** @param {{ icon: string, word: string, testid: string, onPress: () => void, pressed?: boolean, langOf?: string }} props */
const Tool = ({ icon, word, testid, onPress, pressed, langOf }) => html`
  <li><button type="button" class="kiosk-tool" data-testid=${testid} aria-pressed=${pressed} lang=${langOf} onClick=${onPress}><${Icon} name=${icon} /><span>${word}</span></button></li>`;

/** @param {{ api: string, site: string, onStartOver: () => void, canStartOver: boolean, children?: any }} props */
export function Frame({ api, site, onStartOver, canStartOver, children }) {
  const [large, setNow] = useState(false);
  const [helping, setHelping] = useState(false);
  const shown = large && document.documentElement.dataset.size === "large";
  const larger = () => { setLarge(!shown); setNow(!shown); };
  const other = lang() === "en" ? "zh-CN" : "en";
  return html`
    <header class="kiosk-head"><span class="seal-mark" aria-hidden="true" lang="zh-CN">来坐</span>
      <span><strong>${t("common.product")}</strong><span class="kiosk-site">${site}</span></span></header>
    <div class="kiosk-body">${children}</div>
    <footer class="kiosk-foot"><ul class="kiosk-tools" aria-label=${t("kiosk.tools")}>
      <${Tool} icon="a-large-small" word=${t("common.larger_text")} testid="larger-text" pressed=${shown} onPress=${larger} />
      <${Tool} icon="languages" word=${other === "en" ? "English" : "中文"} langOf=${other} testid="switch-language" onPress=${() => speakLanguage(other)} />
      <${Tool} icon="hand-helping" word=${t("kiosk.help")} testid="ask-help" onPress=${() => setHelping(true)} />
      <${Tool} icon="rotate-ccw" word=${t("kiosk.start_over")} testid="start-over" onPress=${canStartOver ? onStartOver : () => {}} />
    </ul></footer>
    ${helping && html`<${HelpDialog} api=${api} onClose=${() => setHelping(false)} />`}`;
}
