// @ts-check
// When a place is open: hours of the week, days without service, and lines closed by hand.
import { post, put, remove } from "../../api.js";
import { html } from "../../html.js";
import { lang, t } from "../../i18n.js";
import { Empty, Icon, State } from "../../ui.js";

const STRETCHES = [0, 1]; // before and after noon
/** @typedef {(does: () => Promise<unknown>) => Promise<boolean>} Act */

/** 周一, Mon. @param {number} weekday ISO */
const dayName = (weekday) => new Intl.DateTimeFormat(lang(), { weekday: "long", timeZone: "UTC" }).format(Date.UTC(2024, 0, weekday)); // 1 January 2024 was a Monday

/** @param {{ site: string, hours: any[], act: Act }} props */
export function Hours({ site, hours, act }) {
  const save = (/** @type {any} */ event) => {
    event.preventDefault();
    const said = new FormData(event.currentTarget);
    const found = [];
    for (let weekday = 1; weekday <= 7; weekday += 1) for (const part of STRETCHES) {
      const [opens, closes] = ["opens", "closes"].map((end) => String(said.get(`${end}-${weekday}-${part}`) ?? ""));
      if (opens || closes) found.push({ weekday, opens, closes });
    }
    act(() => put(`/api/lines/of-site/${site}/hours`, { hours: found }));
  };
  const at = (/** @type {number} */ weekday, /** @type {number} */ part) => hours.filter((one) => one.weekday === weekday).sort((a, b) => (a.opens < b.opens ? -1 : 1))[part];
  return html`<section class="card" aria-labelledby="hours"><h2 id="hours">${t("admin.hours")}</h2><p class="muted">${t("admin.hours_says")}</p>
    <form onSubmit=${save}><ul class="lines place-days">${[1, 2, 3, 4, 5, 6, 7].map((weekday) => html`<li key=${weekday}><strong>${dayName(weekday)}</strong>
      ${STRETCHES.map((part) => html`<span key=${part} class="place-stretch">${["opens", "closes"].map((end) => html`<input class="govuk-input" key=${end} type="time" name=${`${end}-${weekday}-${part}`} value=${at(weekday, part)?.[end]?.slice(0, 5) ?? ""}
        aria-label=${t(`admin.${end}_on`, { day: dayName(weekday), part: t(`admin.part_${part}`) })} data-testid=${`${end}-${weekday}-${part}`} />`)}</span>`)}</li>`)}</ul>
      <button type="submit" class="button" data-testid="save-hours"><${Icon} name="check" />${t("admin.save")}</button></form></section>`;
}

/** @param {{ site: string, closures: any[], act: Act }} props */
export function Closures({ site, closures, act }) {
  const add = async (/** @type {any} */ event) => {
    event.preventDefault();
    const form = event.currentTarget;
    const said = Object.fromEntries(new FormData(form));
    if (await act(() => post(`/api/lines/of-site/${site}/closures`, { ...said, last_day: said.last_day || said.first_day }))) form.reset();
  };
  return html`<section class="card" aria-labelledby="closures"><h2 id="closures">${t("admin.closures")}</h2>
    ${closures.length === 0 ? html`<${Empty} icon="calendar-days">${t("admin.no_closures")}<//>` : html`<ul class="lines">${closures.map((one) => html`<li key=${one.id} class="row row-apart" data-testid="closure"><span><strong class="figures">${one.first_day === one.last_day ? one.first_day : `${one.first_day} – ${one.last_day}`}</strong> ${lang() === "en" ? one.message_en : one.message_zh}</span>
      <button type="button" class="button button-plain" data-testid="drop-closure" onClick=${() => act(() => remove(`/api/lines/closures/${one.id}`))}>${t("admin.drop_closure")}<span class="visually-hidden"> ${one.first_day}</span></button></li>`)}</ul>`}
    <form onSubmit=${add}><h3>${t("admin.add_closure")}</h3><div class="place-fields">
      ${[["first_day", "date"], ["last_day", "date"], ["message_zh", "text"], ["message_en", "text"]].map(([id, type]) => html`<div class="govuk-form-group" key=${id}><label class="govuk-label" for=${`closure-${id}`}>${t(`admin.field_${id}`)}</label>
        <input class="govuk-input" id=${`closure-${id}`} name=${id} type=${type} required=${id === "first_day"} maxlength=${type === "text" ? 400 : undefined} autocomplete="off" data-testid=${`closure-${id}`} /></div>`)}</div>
      <button type="submit" class="button button-quiet" data-testid="add-closure"><${Icon} name="plus" />${t("admin.add_closure")}</button></form></section>`;
}

/** @param {{ lines: any[], act: Act }} props */
export const Lines = ({ lines, act }) => html`<section class="card" aria-labelledby="own-lines"><h2 id="own-lines">${t("admin.lines")}</h2>
  ${lines.length === 0 ? html`<${Empty} icon="ticket">${t("admin.no_lines")}<//>` : html`<ul class="lines">${lines.map((line) => html`<li key=${line.area} class="row row-apart" data-testid="place-line" data-state=${line.closed ? "closed" : "open"}><span><strong>${t(`names.service_${line.service}`)}</strong>
    ${line.closed ? html`<${State} kind="wait" icon="circle-x">${t("admin.line_closed")}<//>` : html`<${State} kind="good" icon="circle-check">${t("admin.line_open")}<//>`}</span>
    <button type="button" class="button button-plain" data-testid="close-line" onClick=${() => act(() => post(`/api/lines/${line.area}/closed`, { closed: !line.closed }))}>${t(line.closed ? "admin.open_line" : "admin.close_line")}<span class="visually-hidden"> ${t(`names.service_${line.service}`)}</span></button></li>`)}</ul>`}</section>`;
