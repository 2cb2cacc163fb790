// @ts-check
// /admin/sites/{site}: one place. Where it is and what it looks like, its counters and rooms, its hours and closures, its lines.
import { ApiError, get } from "../api.js";
import { html, render, useEffect, useState } from "../html.js";
import { loadWords, t } from "../i18n.js";
import { say } from "../live.js";
import { Banner } from "../ui.js";
import { Facts } from "./place/facts.js";
import { Closures, Hours, Lines } from "./place/hours.js";
import { Spaces } from "./place/spaces.js";

const SITE = location.pathname.split("/")[3] ?? "";

function Place() {
  const [place, setPlace] = useState(/** @type {any} */ (null));
  const [lines, setLines] = useState(/** @type {any} */ (null));
  const [wrong, setWrong] = useState("");
  const load = () => Promise.all([get(`/api/admin/sites/${SITE}`).then(setPlace), get(`/api/lines/of-site/${SITE}`).then(setLines)])
    .catch((/** @type {ApiError} */ error) => setWrong(error.message));
  useEffect(() => { load(); }, []);
  /** Do it, say so, and show how it is now; a refusal is said. @param {() => Promise<unknown>} does */
  const act = async (does) => {
    try { await does(); say(t("admin.saved")); await load(); return true; } catch (error) { say(/** @type {Error} */ (error).message); return false; }
  };
  if (wrong) return html`<${Banner} kind="bad" icon="triangle-alert"><p>${wrong}</p><//>`;
  if (!place || !lines) return html`<p role="status">${t("common.loading")}</p>`;
  const own = lines.lines.filter((/** @type {any} */ line) => line.site === place.id);
  return html`<h1>${place.name_zh} <span class="muted type-sub">${place.name_en} · ${t(`names.kind_${place.kind}`)}</span></h1>
    <div class="place">
      <${Facts} key=${place.id} place=${place} act=${act} />
      <${Spaces} place=${place} act=${act} />
      <${Hours} site=${place.id} hours=${lines.hours} act=${act} />
      <${Closures} site=${place.id} closures=${lines.closures} act=${act} />
      <${Lines} lines=${own} act=${act} />
    </div>`;
}

await loadWords();
const where = document.getElementById("place");
if (where) render(html`<${Place} />`, where);
