// @ts-check
// Without a line: numbers from this kiosk's own block, today's signed roster, and calm words. The room's people are called when it is back.
import { html, useEffect, useState } from "../../html.js";
import { lang, t } from "../../i18n.js";
import { speak } from "../../speech.js";
import { clock, spokenTime } from "../../time.js";
import { Banner, Icon, useNow } from "../../ui.js";
import { Priority } from "./take.js";
import { spell } from "./ticket.js";

const SHOWN_MS = 45_000;

/** @param {{ since_ms: number, waiting: number }} props */
export function DownBanner({ since_ms, waiting }) {
  const now_s = useNow();
  return html`<div role="status"><${Banner} kind="wait" icon="wifi-off" testid="line-down">
    <p><strong>${t("kiosk.down_title")}</strong> ${t("kiosk.down_says")}
      <span class="figures" aria-hidden="true"> ${t("common.reconnecting_for", { time: clock(now_s - since_ms / 1000) })}${waiting ? ` · ${t("kiosk.down_waiting", { count: waiting })}` : ""}</span></p><//></div>`;
}

/** @param {{ merged: { numbers: string[], gap_s: number, refused: number }, onSeen: () => void }} props */
export const MergedBanner = ({ merged, onSeen }) => html`<div role="status"><${Banner} kind=${merged.refused ? "wait" : "good"} icon=${merged.refused ? "triangle-alert" : "circle-check"} testid="line-back">
  <p>${t("kiosk.back_says", { minutes: Math.max(1, Math.round(merged.gap_s / 60)), numbers: merged.numbers.join(t("kiosk.and")) })}
    ${merged.refused > 0 && ` ${t("kiosk.back_refused", { count: merged.refused })}`}</p>
  <button type="button" class="button button-quiet" data-testid="seen-line-back" onClick=${onSeen}><${Icon} name="check" />${t("kiosk.help_close")}</button><//></div>`;

/** Today's roster as it was signed. @param {{ kit: { roster: string, signature: string } | null }} props */
export function KeptRoster({ kit }) {
  if (!kit) return null;
  const roster = JSON.parse(kit.roster);
  const lines = roster.lines.filter((/** @type {any} */ line) => line.on_duty.length);
  return html`<section class="kiosk-roster card card-flat" data-testid="kept-roster"><h2>${t("kiosk.roster_title")}</h2>
    ${lines.length === 0 ? html`<p>${t("kiosk.roster_nobody")}</p>` : html`<ul class="lines">${lines.map((/** @type {any} */ line) => html`<li key=${line.service}>
      <strong>${t(`names.service_${line.service}`)}</strong> ${line.on_duty.map((/** @type {any} */ one) => t("kiosk.roster_line", { name: lang() === "en" ? one.name_en : one.name_zh, time: spokenTime(one.until) })).join(t("kiosk.and"))}</li>`)}</ul>`}
    <p class="muted">${t("kiosk.roster_signed", { time: spokenTime(roster.made_at), code: kit.signature.slice(0, 8).match(/.{4}/g)?.join(" ") ?? "" })}</p></section>`;
}

/** @param {{ entry: { service: string }, take: (service: string, group: string) => Promise<string | null>, onDone: () => void }} props */
export function TakeOffline({ entry, take, onDone }) {
  const [group, setGroup] = useState("");
  const [number, setNumber] = useState("");
  const [wrong, setWrong] = useState(false);
  useEffect(() => { speak(t("kiosk.down_take_says")); }, []);
  useEffect(() => {
    if (!number) return undefined;
    speak(t("kiosk.down_voice", { number: spell(number) }));
    const timer = setTimeout(onDone, SHOWN_MS);
    return () => clearTimeout(timer);
  }, [number]);
  const press = async () => {
    const given = await take(entry.service, group === "urgent" ? "" : group);
    if (given) setNumber(given); else setWrong(true);
  };
  if (number) {
    return html`<div class="kiosk-ticket"><section class="ticket-paper"><h1 tabindex="-1">${t("kiosk.your_number")}</h1>
        <p class="ticket-number figures" data-testid="offline-number">${number}</p><p class="muted">${t(`names.service_${entry.service}`)}</p></section>
      <section class="ticket-ready"><p><strong>${t("kiosk.down_number_says")}</strong></p></section>
      <p class="ticket-leave"><button type="button" class="button button-big" data-testid="done" onClick=${onDone}><${Icon} name="check" />${t("kiosk.down_done")}</button></p></div>`;
  }
  return html`<div class="kiosk-offline"><h1 tabindex="-1">${t("kiosk.down_take_title")}</h1><p>${t("kiosk.down_take_says")}</p>
    <${Priority} chosen=${group} onChoose=${setGroup} />
    ${wrong && html`<div role="alert"><${Banner} kind="bad" icon="triangle-alert"><p>${t("kiosk.down_used_up")}</p><//></div>`}
    <p><button type="button" class="button button-big button-wide" data-testid="take-ticket" onClick=${press}><${Icon} name="ticket" />${t("kiosk.take_ticket")}</button></p></div>`;
}
