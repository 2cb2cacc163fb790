// @ts-check
// "Try the line": one button of the device check, what was found, and what to do about it.
import { tryLine } from "../../call/line_check.js";
import { html, useState } from "../../html.js";
import { t } from "../../i18n.js";
import { Icon, State } from "../../ui.js";

const FAIR = 60; // below it a call is not promised

/** @param {import("../../call/line_check.js").Line} line */
function figures(line) {
  const { way, rtt_ms, loss, kbit_s } = line;
  return [way && t(`line.way_${way}`), rtt_ms !== null && t("line.rtt", { ms: rtt_ms }), loss !== null && t("line.loss", { percent: Math.round(loss * 100) }), kbit_s !== null && t("line.rate", { kbit: kbit_s })].filter(Boolean).join(" · ");
}

/** @param {{ devices: any, onVerdict?: (bad: boolean) => void }} props */
export function LineTrial({ devices, onVerdict }) {
  const [state, setState] = useState("idle");
  const [verdict, setVerdict] = useState(/** @type {import("../../call/line_check.js").Verdict | null} */ (null));
  const start = async () => {
    setState("running");
    try {
      const found = await tryLine(devices?.stream ?? null);
      setVerdict(found);
      devices.network = found.score < FAIR ? "bad" : null; // a kiosk reports it with its other faults
      onVerdict?.(found.score < FAIR);
      setState("done");
    } catch { setState("failed"); }
  };
  const good = verdict && verdict.score >= FAIR;
  return html`<div class="check-level check-line" role="status">
    <div class="row row-apart"><button type="button" class="button button-plain" data-testid="test-line" disabled=${state === "running"} onClick=${start}><${Icon} name="wifi" />${t(state === "running" ? "line.running" : "line.try")}</button>
      ${state === "done" && verdict && html`<${State} kind=${good ? "good" : "bad"} icon=${good ? "circle-check" : "triangle-alert"} testid="line-score">${t("line.score", { score: verdict.score })}<//>`}</div>
    ${state === "done" && verdict && html`<p class="muted" data-testid="line-figures">${figures(verdict.line)}</p><p data-testid="line-advice">${t(`line.advice_${verdict.advice}`)}</p>`}
    ${state === "failed" && html`<p data-testid="line-failed">${t("line.failed")}</p>`}
  </div>`;
}
