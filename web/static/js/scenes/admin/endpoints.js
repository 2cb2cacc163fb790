// @ts-check
// Devices and how they are: enrolled or not, when they last reported, which page they run, how their line is, what they lack.
import { html } from "../../html.js";
import { t } from "../../i18n.js";
import { spokenDateTime } from "../../time.js";
import { Banner, Empty, Icon, State } from "../../ui.js";

/** @type {Record<string, [string, string]>} */
const LOOKS = { enrolled: ["good", "circle-check"], waiting: ["wait", "hourglass"], revoked: ["quiet", "circle-x"], here: ["good", "wifi"], gone: ["bad", "wifi-off"], silent: ["quiet", "circle"] };

/** @param {{ state: string, what: string }} props */
const Look = ({ state, what }) => html`<${State} kind=${LOOKS[state]?.[0] ?? "quiet"} icon=${LOOKS[state]?.[1] ?? "circle"} testid=${what} data-state=${state}>${t(`admin.${what}_${state}`)}<//>`;

/** How it is, in words. @param {{ one: any }} props */
const Health = ({ one }) => html`<br /><span class="type-small muted">${one.reported_at ? t("admin.reported", { time: spokenDateTime(one.reported_at) }) : ""}
  ${one.version && ` · ${t("admin.version", { version: one.version.slice(0, 12) })}`}${one.line.rtt_ms !== null ? ` · ${t("admin.rtt", { ms: Math.round(one.line.rtt_ms) })}` : ""}
  ${one.reload_wanted && ` · ${t("admin.reload_waits")}`}</span>
  ${one.problems.map((/** @type {string} */ problem) => html` <${State} key=${problem} kind="wait" icon="triangle-alert">${t(`admin.lacks_${problem}`)}<//>`)}`;

/**
 * @param {{ endpoints: any[], health: any[], onAdd: () => void, onCode: (endpoint: any) => void, onRevoke: (endpoint: any) => void,
 *           onReload: (endpoint: any) => void, onReader: (device: any) => void }} props
 */
export function Endpoints({ endpoints, health, onAdd, onCode, onRevoke, onReload, onReader }) {
  const healthOf = new Map(health.map((one) => [one.id, one]));
  const gone = endpoints.filter((endpoint) => endpoint.state === "enrolled" && healthOf.get(endpoint.id)?.state === "gone");
  return html`<section class="card" aria-labelledby="endpoints"><div class="card-head"><h2 id="endpoints">${t("admin.endpoints")}</h2>
    <button type="button" class="button button-quiet" data-testid="add-endpoint" onClick=${onAdd}><${Icon} name="plus" />${t("admin.add_endpoint")}</button></div>
  ${gone.length > 0 && html`<div role="status" data-testid="devices-gone"><${Banner} kind="wait" icon="wifi-off"><p>${t("admin.devices_gone", { names: gone.map((one) => `${one.name} (${one.site_name})`).join(t("kiosk.and")) })}</p><//></div>`}
  ${endpoints.length === 0 ? html`<${Empty} icon="monitor">${t("admin.no_endpoints")}<//>` : html`<ul class="lines">${endpoints.map((endpoint) => html`<li key=${endpoint.id} data-testid="endpoint" data-state=${endpoint.state}>
    <div class="row row-apart"><span><strong>${endpoint.name}</strong> <span class="muted">${endpoint.site_name} · ${t(`names.endpoint_${endpoint.kind}`)}</span>
      ${healthOf.has(endpoint.id) && html`<${Health} one=${healthOf.get(endpoint.id)} />`}</span>
      <span class="row"><${Look} what="endpoint" state=${endpoint.state} />${endpoint.state === "enrolled" && healthOf.has(endpoint.id) && html`<${Look} what="health" state=${healthOf.get(endpoint.id).state} />`}
      <button type="button" class="button button-plain" data-testid="renew-code" onClick=${() => onCode(endpoint)}>${t("admin.new_code")}<span class="visually-hidden"> ${endpoint.name}</span></button>
      ${endpoint.state === "enrolled" && html`<button type="button" class="button button-plain" data-testid="reload-endpoint" onClick=${() => onReload(endpoint)}>${t("admin.reload")}<span class="visually-hidden"> ${endpoint.name}</span></button>
        ${endpoint.kind === "kiosk" && healthOf.has(endpoint.id) && html`<button type="button" class="button button-plain" data-testid="set-reader" onClick=${() => onReader(healthOf.get(endpoint.id))}>${t("admin.reader")}<span class="visually-hidden"> ${endpoint.name}</span></button>`}
        <button type="button" class="button button-plain" data-testid="revoke-endpoint" onClick=${() => onRevoke(endpoint)}>${t("admin.revoke")}<span class="visually-hidden"> ${endpoint.name}</span></button>`}</span></div></li>`)}</ul>`}</section>`;
}
