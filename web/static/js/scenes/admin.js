// @ts-check
// /admin: sites, endpoints with their enrolment codes, people. Thin: what a small city needs on the first day.
import { ApiError, get, post } from "../api.js";
import { html, render, useEffect, useState } from "../html.js";
import { loadWords, t } from "../i18n.js";
import { say } from "../live.js";
import { Banner, Confirm, Dialog, Icon, State } from "../ui.js";
import { AddDialog } from "./admin/add.js";
import { Endpoints } from "./admin/endpoints.js";
import { ReaderDialog } from "./admin/reader.js";

const LOOK_MS = 30_000; // as often as devices report

/** @param {{ code: any, onClose: () => void }} props */
const CodeDialog = ({ code, onClose }) => html`<${Dialog} title=${t("admin.code_title")} onClose=${onClose}>
  <p>${t("admin.code_says")}</p><p class="admin-code code" data-testid="enrolment-code">${code.code}</p>
  <p class="muted">${t("admin.code_link")}<br /><span class="code">${code.url}</span></p>
  <div class="dialog-buttons"><button type="button" class="button" onClick=${onClose} data-testid="close-dialog">${t("admin.code_done")}</button></div><//>`;

/** @param {{ sites: any[], onAdd: (parent?: string) => void }} props */
const Sites = ({ sites, onAdd }) => html`<section class="card" aria-labelledby="sites"><div class="card-head"><h2 id="sites">${t("admin.sites")}</h2>
    <button type="button" class="button button-quiet" data-testid="add-site" onClick=${() => onAdd()}><${Icon} name="plus" />${t("admin.add_site")}</button></div>
  <ul class="lines admin-tree">${sites.map((site) => html`<li key=${site.id} style=${{ "--depth": String(site.depth) }}><span class="admin-branch"><strong>${site.name}</strong> <span class="muted">${t(`names.kind_${site.kind}`)}</span>
    <span class="row type-small"><a href=${`/admin/sites/${site.id}`} data-testid="open-place">${t("admin.place")}<span class="visually-hidden"> ${site.name}</span></a>
      <a href=${`/sites/${site.slug}`}>${t("admin.public_page")}<span class="visually-hidden"> ${site.name}</span></a></span></span></li>`)}</ul></section>`;

/** @param {string} role */
const roleName = (role) => t(`names.role_${role.split("@")[0]}`);

/** @param {{ people: any[], onAdd: () => void }} props */
const People = ({ people, onAdd }) => html`<section class="card" aria-labelledby="people"><div class="card-head"><h2 id="people">${t("admin.people")}</h2>
    <button type="button" class="button button-quiet" data-testid="add-person" onClick=${onAdd}><${Icon} name="plus" />${t("admin.add_person")}</button></div>
  <div class="table-wrap"><table class="table"><thead><tr><th scope="col">${t("admin.name")}</th><th scope="col">${t("start.user_name")}</th><th scope="col">${t("admin.roles")}</th></tr></thead>
    <tbody>${people.map((person) => html`<tr key=${person.id}><th scope="row">${person.name} ${person.disabled && html`<${State} kind="quiet" icon="circle-x">${t("admin.disabled")}<//>`}</th><td>${person.user}</td><td>${[...new Set(person.roles.map(roleName))].join(" · ")}</td></tr>`)}</tbody></table></div></section>`;

function Admin() {
  const [all, setAll] = useState(/** @type {any} */ (null));
  const [wrong, setWrong] = useState("");
  const [asking, setAsking] = useState(/** @type {any} */ (null));
  const [health, setHealth] = useState(/** @type {any[]} */ ([]));
  const look = () => get("/api/admin/health").then((reply) => setHealth(reply.endpoints), () => {});
  const load = () => { look(); return get("/api/admin").then(setAll, (/** @type {ApiError} */ error) => setWrong(error.message)); };
  useEffect(() => { load(); const timer = setInterval(look, LOOK_MS); return () => clearInterval(timer); }, []);
  const act = async (/** @type {() => Promise<any>} */ does) => {
    setAsking(null);
    try {
      const reply = await does();
      if (reply?.code) setAsking({ what: "code", code: reply });
      load();
    } catch (error) { say(/** @type {Error} */ (error).message); }
  };
  if (wrong) return html`<${Banner} kind="bad" icon="triangle-alert"><p>${wrong}</p><//>`;
  if (!all) return html`<p role="status">${t("common.loading")}</p>`;
  const close = () => setAsking(null);
  return html`<div class="admin">
    <${Sites} sites=${all.sites} onAdd=${() => setAsking({ what: "site" })} />
    <div class="admin-right"><${Endpoints} endpoints=${all.endpoints} health=${health} onAdd=${() => setAsking({ what: "endpoint" })}
        onCode=${(/** @type {any} */ one) => act(() => post(`/api/admin/endpoints/${one.id}/code`))} onRevoke=${(/** @type {any} */ one) => setAsking({ what: "revoke", one })}
        onReader=${(/** @type {any} */ one) => setAsking({ what: "reader", one })}
        onReload=${(/** @type {any} */ one) => act(async () => { await post(`/api/admin/endpoints/${one.id}/reload`); say(t("admin.reload_asked")); })} />
      <${People} people=${all.people} onAdd=${() => setAsking({ what: "person" })} /></div>
    ${["site", "endpoint", "person"].includes(asking?.what) && html`<${AddDialog} what=${asking.what} sites=${all.sites} onClose=${close}
      onDone=${(/** @type {any} */ reply) => { setAsking(reply?.code ? { what: "code", code: reply } : null); load(); }} />`}
    ${asking?.what === "reader" && html`<${ReaderDialog} one=${asking.one} onClose=${close} onDone=${() => { close(); say(t("admin.saved")); load(); }} />`}
    ${asking?.what === "code" && html`<${CodeDialog} code=${asking.code} onClose=${close} />`}
    ${asking?.what === "revoke" && html`<${Confirm} title=${t("admin.revoke_title", { name: asking.one.name })} says=${t("admin.revoke_says")} yes=${t("admin.revoke")} icon="circle-x" danger testid="confirm-revoke-endpoint"
      onYes=${() => act(() => post(`/api/admin/endpoints/${asking.one.id}/revoke`))} onClose=${close} />`}
  </div>`;
}

await loadWords();
const place = document.getElementById("admin");
if (place) render(html`<${Admin} />`, place);
