// @ts-check
// Who is here, in which role, how good the line is; who stands at the door. The buttons are those that `you.may` allows.
import { html } from "../../html.js";
import { t } from "../../i18n.js";
import { Icon, State } from "../../ui.js";
import { PersonState, about, nameOf } from "./tiles.js";

/** @type {Record<string, [string, string]>} */
const LINES = { good: ["good", "signal-high"], weak: ["wait", "signal-medium"], bad: ["bad", "signal-low"], none: ["quiet", "wifi-off"] };

/** @param {{ quality: any }} props */
export function LineQuality({ quality }) {
  const [kind, icon] = LINES[quality.word] ?? ["quiet", "wifi-off"];
  const figures = [
    quality.loss_up > 0 || quality.loss_down > 0 ? t("room.loss", { percent: Math.round(100 * Math.max(quality.loss_up, quality.loss_down)) }) : "",
    quality.rtt_ms === null || quality.rtt_ms === undefined ? "" : t("room.delay", { ms: Math.round(quality.rtt_ms) }),
    quality.up_bps > 0 ? t("room.rate", { kbit: Math.round(quality.up_bps / 1000) }) : "",
    quality.width ? t("room.picture", { width: quality.width, height: quality.height, fps: Math.round(quality.fps ?? 0) }) : "",
    quality.frozen_ms >= 100 ? t("room.frozen", { s: (quality.frozen_ms / 1000).toFixed(1) }) : "",
  ].filter(Boolean).join(" · ");
  return html`<span class="line-quality" data-testid="line-quality" data-quality=${quality.word}>
    <${State} kind=${kind} icon=${icon}>${t(`room.quality_${quality.word}`)}<//> <span class="muted type-small figures">${figures}</span></span>`;
}

/** Somebody waits to be let in. @param {{ person: any, may: (action: string) => boolean, say: (message: any) => void }} props */
export const AtTheDoor = ({ person, may, say }) => html`<li class="door" data-testid="waiting-person" data-seat=${person.seat}>
  <p><${Icon} name="door-open" /> <strong>${nameOf(person)}</strong> <span class="muted">${about(person)}</span> ${t("room.wants_in")}</p>
  <div class="row">
    ${may("admit") && html`<button type="button" class="button" data-testid="admit-person" onClick=${() => say({ type: "admit", seat: person.seat })}><${Icon} name="user-check" />${t("room.admit")}</button>`}
    ${may("refuse") && html`<button type="button" class="button button-danger-quiet" data-testid="refuse-person" onClick=${() => say({ type: "refuse", seat: person.seat })}><${Icon} name="user-x" />${t("room.refuse")}</button>`}
  </div></li>`;

/** @param {{ person: any, isYou: boolean, quality: any, may: (action: string) => boolean, say: (message: any) => void, onRemove: () => void, onWait: () => void, onName: () => void, away: any[], onCaucus: () => void }} props */
export function PersonRow({ person, isYou, quality, may, say, onRemove, onWait, onName, away, onCaucus }) {
  const silenced = person.silenced.includes("voice");
  const citizen = person.role === "applicant" || person.role === "party";
  return html`<li data-testid="person" data-seat=${person.seat} data-state=${person.state}>
    <div class="row row-apart"><span><strong>${nameOf(person)}</strong>${isYou ? ` (${t("room.you")})` : ""}<br /><span class="muted type-small">${about(person)}</span></span>
      <${PersonState} person=${person} /></div>
    ${quality && html`<${LineQuality} quality=${quality} />`}
    ${person.room && html`<p data-testid="in-private"><${State} kind="info" icon="users">${t("room.caucus_here")}<//></p>`}
    ${person.muted.includes("voice") && html`<p class="muted type-small"><${Icon} name="mic-off" /> ${t("room.microphone_off")}</p>`}
    ${!isYou && html`<div class="row person-does">
      ${may("name") && citizen && html`<button type="button" class="button button-plain" data-testid="name-citizen" onClick=${onName}><${Icon} name="pencil" />${t(person.name ? "room.rename_person" : "room.name_person")}</button>`}
      ${may("silence") && html`<button type="button" class="button button-plain" data-testid="silence-person" aria-pressed=${silenced}
        onClick=${() => say({ type: "silence", seat: person.seat, source: "voice", silenced: !silenced })}><${Icon} name=${silenced ? "mic" : "mic-off"} />${t(silenced ? "room.let_speak" : "room.silence")}</button>`}
      ${may("caucus") && away.length === 0 && citizen && html`<button type="button" class="button button-plain" data-testid="talk-privately" onClick=${onCaucus}><${Icon} name="users" />${t("room.caucus_talk")}</button>`}
      ${may("move") && away.length > 0 && (person.room || !citizen) && html`<button type="button" class="button button-plain" data-testid=${person.room ? "move-out" : "move-in"}
        onClick=${() => say({ type: "move", seat: person.seat, room: person.room ? "" : away[0].room })}><${Icon} name=${person.room ? "undo-2" : "log-in"} />${t(person.room ? "room.caucus_out" : "room.caucus_in")}</button>`}
      ${may("wait") && html`<button type="button" class="button button-plain" data-testid="send-back-person" onClick=${onWait}><${Icon} name="door-open" />${t("room.wait")}</button>`}
      ${may("remove") && html`<button type="button" class="button button-plain" data-testid="remove-person" onClick=${onRemove}><${Icon} name="user-x" />${t("room.remove")}</button>`}
    </div>`}
  </li>`;
}

/**
 * @param {{ people: any[], knocking: any[], you: any, quality: Record<string, any>, may: (action: string) => boolean, say: (message: any) => void,
 *           onRemove: (person: any) => void, onWait: (person: any) => void, onName: (person: any) => void, away: any[], onCaucus: (person: any) => void }} props
 */
export const PeoplePanel = ({ people, knocking, you, quality, may, say, onRemove, onWait, onName, away, onCaucus }) => html`
  <aside class="people-panel" aria-label=${t("room.people")}>
    ${knocking.length > 0 && html`<h2>${t("room.at_the_door")}</h2><ul class="plain">${knocking.map((person) => html`<${AtTheDoor} key=${person.seat} person=${person} may=${may} say=${say} />`)}</ul>`}
    <h2>${t("room.people_here", { count: people.length })}</h2>
    <ul class="lines">${people.map((person) => html`<${PersonRow} key=${person.seat} person=${person} isYou=${person.seat === you?.seat} quality=${quality[person.seat]}
      may=${may} say=${say} onRemove=${() => onRemove(person)} onWait=${() => onWait(person)} onName=${() => onName(person)} away=${away} onCaucus=${() => onCaucus(person)} />`)}</ul>
  </aside>`;
