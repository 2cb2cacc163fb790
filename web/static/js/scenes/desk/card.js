// @ts-check
// The next person, or the one being served: all that is known before saying hello, and what one can do, each with its key.
import { get, post } from "../../api.js";
import { html, useEffect, useRef, useState } from "../../html.js";
import { t } from "../../i18n.js";
import { say } from "../../live.js";
import { exactTime, spokenTime } from "../../time.js";
import { Dialog, Empty, Icon, State } from "../../ui.js";

/** What can be done to a ticket in a state, in the order of the buttons: [what, icon, key]. @type {Record<string, [string, string, string][]>} */
const MOVES = {
  waiting: [["skip", "skip-forward", "S"], ["hold", "pause", "H"], ["transfer", "arrow-right-left", "T"], ["write", "megaphone", "M"]],
  held: [["resume", "play", "H"], ["transfer", "arrow-right-left", "T"], ["write", "megaphone", "M"]],
  called: [["put-back", "undo-2", "B"], ["transfer", "arrow-right-left", "T"], ["write", "megaphone", "M"]],
  serving: [["put-back", "undo-2", "B"], ["transfer", "arrow-right-left", "T"]],
};

/** Done at once, because it can be undone by another press. */
const AT_ONCE = ["skip", "hold", "resume"];
const word = (/** @type {string} */ what) => t(`desk.do_${what.replaceAll("-", "_")}`);

/** @param {string} ticket @param {unknown} version @returns {any} the card, read again when the desk has changed */
function useCard(ticket, version) {
  const [card, setCard] = useState(/** @type {any} */ (null));
  useEffect(() => {
    let ended = false;
    if (!ticket) { setCard(null); return undefined; }
    get(`/api/desk/tickets/${ticket}`).then((reply) => { if (!ended) setCard(reply); }, () => { if (!ended) setCard(null); });
    return () => { ended = true; };
  }, [ticket, version]);
  return card;
}

/** @param {{ ticket: string, version: unknown, isMine: boolean }} props */
export function PersonCard({ ticket, version, isMine }) {
  const card = useCard(ticket, version);
  const [asking, setAsking] = useState("");
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const moves = card && (isMine || card.state === "waiting" || card.state === "held") ? MOVES[card.state] ?? [] : [];
  const act = async (/** @type {string} */ what) => {
    if (!AT_ONCE.includes(what)) { setAsking(what); return; }
    try { await post(`/api/desk/tickets/${ticket}/${what}`); say(`${card.number} ${word(what)}`); } catch (error) { say(/** @type {Error} */ (error).message); }
  };
  // A letter acts only while the focus is in the card: whoever dictates or types elsewhere moves nobody (WCAG 2.1.4).
  const pressed = (/** @type {KeyboardEvent} */ event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement || document.querySelector("dialog[open]")) return;
    const move = moves.find(([, , key]) => key === event.key.toUpperCase());
    if (move) { event.preventDefault(); act(move[0]); }
  };
  return html`<section class="card desk-card" id="person-card" tabindex="-1" ref=${place} aria-labelledby="card" data-testid="person-card" data-ticket=${ticket} onKeyDown=${pressed}>
    <div class="card-head"><h2 id="card">${t(isMine ? "desk.this_person" : "desk.next_person")}</h2>${card && html`<span class="muted">${t(`desk.state_${card.state}`)}</span>`}</div>
    ${!card ? html`<${Empty} icon="user">${t("desk.nobody_next")}<//>` : html`
      <p class="row"><span class="desk-card-number figures">${card.number}</span> <strong>${card.citizen_name || t("names.no_name")}</strong></p>
      ${card.has_portrait && html`<img class="desk-portrait" src=${`/api/desk/tickets/${ticket}/portrait`} alt=${t("desk.portrait_of", { number: card.number })} data-testid="desk-portrait" />`}
      <dl class="facts">
        ${card.matter && html`<dt>${t("desk.matter")}</dt><dd data-testid="matter">${t(`kiosk.say_${card.matter}`)}</dd>`}
        <dt>${t("desk.line")}</dt><dd>${t(`names.service_${card.service}`)} · ${card.site_name}</dd>
        <dt>${t("desk.came")}</dt><dd><time datetime=${exactTime(card.taken_at)}>${spokenTime(card.taken_at)}</time> · ${t(`desk.channel_${card.channel}`)}</dd>
        ${card.priority_group && html`<dt>${t("desk.care")}</dt><dd><${State} kind="info" icon="triangle">${t(`desk.group_${card.priority_group}`)}<//> ${card.priority_note}</dd>`}
      </dl>
      ${card.story.length > 1 && html`<details class="govuk-details"><summary class="govuk-details__summary">${t("desk.story", { count: card.story.length })}</summary>
        <ol class="lines">${card.story.map((/** @type {any} */ one) => html`<li key=${one.at}><time datetime=${exactTime(one.at)}>${spokenTime(one.at)}</time> ${one.number} ${t(`desk.move_${one.move}`)} <span class="muted">${one.by}</span>${one.note && html`<br />${one.note}`}</li>`)}</ol></details>`}
      ${card.messages.length > 0 && html`<ul class="lines desk-words" aria-label=${t("desk.words")}>${card.messages.map((/** @type {any} */ one) => html`<li key=${one.id}>
        <strong>${one.sender === "staff" ? one.by : card.number}</strong> ${one.code ? t(`kiosk.answer_${one.code}`) : one.text}</li>`)}</ul>`}
      <div class="row desk-moves">${moves.map(([what, icon, key]) => html`<button type="button" key=${what} class="button button-quiet" data-testid=${`${what}-ticket`} aria-keyshortcuts=${key} onClick=${() => act(what)}>
        <${Icon} name=${icon} />${word(what)} <kbd>${key}</kbd></button>`)}</div>`}
    ${asking === "transfer" && html`<${TransferDialog} card=${card} onClose=${() => setAsking("")} />`}
    ${(asking === "put-back" || asking === "write") && html`<${NoteDialog} card=${card} what=${asking} onClose=${() => setAsking("")} />`}
  </section>`;
}

/** @param {{ card: any, what: string, onClose: () => void }} props */
function NoteDialog({ card, what, onClose }) {
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const [wrong, setWrong] = useState("");
  const name = what === "write" ? "write" : "put_back";
  const done = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const text = field.current?.value.trim() ?? "";
    if (what === "write" && !text) { setWrong(t("common.please_fill", { field: t("desk.write_label") })); return; }
    try {
      await (what === "write" ? post(`/api/desk/tickets/${card.id}/messages`, { text }) : post(`/api/desk/tickets/${card.id}/put-back`, { note: text }));
      say(t(`desk.${name}_done`, { number: card.number }));
      onClose();
    } catch (error) { setWrong(/** @type {Error} */ (error).message); }
  };
  return html`<${Dialog} title=${t(`desk.${name}_title`, { number: card.number })} onClose=${onClose}><form onSubmit=${done}>
    <p>${t(`desk.${name}_says`)}</p>${wrong && html`<p class="govuk-error-message" role="alert">${wrong}</p>`}
    <label class="govuk-label" for="note">${t(`desk.${name}_label`)}</label>
    <textarea class="govuk-textarea" id="note" rows="3" maxlength=${what === "write" ? 300 : 1000} ref=${field} data-testid="note"></textarea>
    <div class="dialog-buttons"><button type="button" class="button button-quiet" onClick=${onClose}>${t("common.cancel")}</button>
      <button type="submit" class="button" data-testid=${`confirm-${what}`}><${Icon} name=${what === "write" ? "send" : "undo-2"} />${word(what)}</button></div></form><//>`;
}

/** @param {{ card: any, onClose: () => void }} props */
function TransferDialog({ card, onClose }) {
  const [targets, setTargets] = useState(/** @type {any[] | null} */ (null));
  const [wrong, setWrong] = useState("");
  const area = useRef(/** @type {HTMLSelectElement | null} */ (null));
  const note = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  useEffect(() => { get("/api/desk/targets").then((reply) => setTargets(reply.targets.filter((/** @type {any} */ one) => one.area !== card.area)), (error) => setWrong(error.message)); }, []);
  const done = async (/** @type {Event} */ event) => {
    event.preventDefault();
    try {
      const reply = await post(`/api/desk/tickets/${card.id}/transfer`, { area: area.current?.value ?? "", note: note.current?.value.trim() ?? "" });
      say(t("desk.transfer_done", { number: card.number, next: reply.number }));
      onClose();
    } catch (error) { setWrong(/** @type {Error} */ (error).message); }
  };
  return html`<${Dialog} title=${t("desk.transfer_title", { number: card.number })} onClose=${onClose}><form onSubmit=${done}>
    <p>${t("desk.transfer_says")}</p>${wrong && html`<p class="govuk-error-message" role="alert">${wrong}</p>`}
    <label class="govuk-label" for="area">${t("desk.transfer_to")}</label>
    <select class="govuk-select" id="area" ref=${area} data-testid="transfer-to">${(targets ?? []).map((one) => html`<option key=${one.area} value=${one.area}>${t(`names.service_${one.service}`)} · ${one.site_name}</option>`)}</select>
    <label class="govuk-label" for="note">${t("desk.put_back_label")}</label>
    <textarea class="govuk-textarea" id="note" rows="3" maxlength="1000" ref=${note} data-testid="note"></textarea>
    <div class="dialog-buttons"><button type="button" class="button button-quiet" onClick=${onClose}>${t("common.cancel")}</button>
      <button type="submit" class="button" data-testid="confirm-transfer" aria-disabled=${!targets?.length}><${Icon} name="arrow-right-left" />${word("transfer")}</button></div></form><//>`;
}
