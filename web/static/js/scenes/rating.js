// @ts-check
// One matter, one rating: five faces with their words, one tap. Used by the kiosk and by the personal link.
import { html, useState } from "../html.js";
import { t } from "../i18n.js";
import { speak } from "../speech.js";
import { Banner, Icon } from "../ui.js";

/** From very good to very bad, as the national good-bad rating has them. @type {[number, string][]} */
const FACES = [[5, "laugh"], [4, "smile"], [3, "meh"], [2, "frown"], [1, "angry"]];

/** @param {{ send: (level: number) => Promise<unknown>, onRated?: () => void }} props */
export function Rating({ send, onRated }) {
  const [level, setLevel] = useState(0);
  const [wrong, setWrong] = useState("");
  const rate = async (/** @type {number} */ chosen) => {
    if (level) return;
    setLevel(chosen); setWrong("");
    speak(`${t(`hall.level_${chosen}`)}. ${t("hall.rated")}`);
    try { await send(chosen); onRated?.(); } catch (error) { setLevel(0); setWrong(/** @type {Error} */ (error).message); }
  };
  if (level && !wrong) return html`<div role="status" data-testid="rated" data-level=${level}><${Banner} kind="good" icon="circle-check"><p>${t("hall.rated")}</p><//></div>`;
  return html`<section class="rating" aria-labelledby="rating"><h2 id="rating">${t("hall.rate")}</h2>
    ${wrong && html`<p class="govuk-error-message" role="alert">${wrong}</p>`}
    <div class="rating-faces">${FACES.map(([one, icon]) => html`<button type="button" key=${one} class="rating-face" data-testid=${`rate-${one}`} onClick=${() => rate(one)}><${Icon} name=${icon} /><span>${t(`hall.level_${one}`)}</span></button>`)}</div></section>`;
}
