// @ts-check
// /hall/{site}/booking: one question after the other; nothing is booked before the last page says yes.
import { ApiError, insist, post, requestKey } from "../../api.js";
import { html, render, useEffect, useRef, useState } from "../../html.js";
import { loadWords, t } from "../../i18n.js";
import { spokenDateTime } from "../../time.js";
import { Banner, Icon } from "../../ui.js";
import { SlotPicker } from "./slots.js";

const place = /** @type {HTMLElement} */ (document.getElementById("booking"));
const { slug = "", site = "", services = "", rooms = "[]" } = place.dataset;
/** @type {{ id: string, name: string }[]} */
const ROOMS = JSON.parse(rooms);
const SERVICES = services.split(" ").filter(Boolean);
const STEPS = ["service", "where", "when", "who"];

/** @param {{ name: string, says?: string, chosen?: boolean, icon: string, testid: string, onChoose: () => void }} props */
const Choice = ({ name, says = "", chosen = false, icon, testid, onChoose }) => html`<li><button type="button" class="tile" data-testid=${testid} aria-pressed=${chosen} onClick=${onChoose}>
  <span class="avatar"><${Icon} name=${icon} /></span><span class="grow"><span class="tile-name">${name}</span>${says && html`<span class="tile-says">${says}</span>`}</span><${Icon} name="chevron-right" /></button></li>`;

/** @type {Record<string, string>} */
const ICONS = { notarization: "stamp", mediation: "handshake", legal_aid: "scale", legal_advice: "message-circle-question-mark" };

/** @param {{ wish: any, wrong: string, busy: boolean, onSend: (name: string, contact: string) => void }} props */
function Who({ wish, wrong, busy, onSend }) {
  const [name, setName] = useState("");
  const [contact, setContact] = useState("");
  const [missing, setMissing] = useState("");
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const send = (/** @type {Event} */ event) => {
    event.preventDefault();
    const short = contact.trim().length > 0 && contact.trim().length < 5;
    setMissing(!name.trim() ? t("common.please_fill", { field: t("hall.name") }) : short ? t("hall.contact_short") : "");
    if (!name.trim()) field.current?.focus();
    if (name.trim() && !short) onSend(name.trim(), contact.trim());
  };
  const said = missing || wrong;
  return html`<form onSubmit=${send} novalidate>
    <dl class="facts card"><dt>${t("hall.what")}</dt><dd>${t(`names.service_${wish.service}`)}</dd><dt>${t("hall.when")}</dt><dd>${spokenDateTime(wish.slot.starts_at)}</dd>
      <dt>${t("hall.with")}</dt><dd>${wish.slot.name}</dd><dt>${t("hall.where")}</dt><dd>${wish.room ? `${site} · ${wish.room.name}` : t("hall.at_home")}</dd></dl>
    ${said && html`<div role="alert"><${Banner} kind="bad" icon="triangle-alert"><p>${said}</p><//></div>`}
    <div class="govuk-form-group"><label class="govuk-label" for="booking-name">${t("hall.name")}</label>
      <input class="govuk-input" id="booking-name" ref=${field} maxlength="80" autocomplete="name" required aria-invalid=${Boolean(missing) && !name.trim()} value=${name} data-testid="booking-name" onInput=${(/** @type {any} */ event) => setName(event.target.value)} /></div>
    <div class="govuk-form-group"><label class="govuk-label" for="booking-contact">${t("hall.contact")}</label><div class="govuk-hint" id="contact-hint">${t("hall.contact_hint")}</div>
      <input class="govuk-input" id="booking-contact" type="tel" maxlength="80" autocomplete="tel" aria-describedby="contact-hint" value=${contact} data-testid="booking-contact" onInput=${(/** @type {any} */ event) => setContact(event.target.value)} /></div>
    <button type="submit" class="button button-big button-wide" data-testid="confirm-booking" aria-disabled=${busy}><${Icon} name="calendar-plus" />${t("hall.book_yes")}</button>
  </form>`;
}

function Booking() {
  const asked = new URLSearchParams(location.search).get("service") ?? "";
  const [step, setStep] = useState(SERVICES.includes(asked) ? 1 : 0);
  const [wish, setWish] = useState(/** @type {any} */ ({ service: SERVICES.includes(asked) ? asked : "", room: null, slot: null }));
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const title = useRef(/** @type {HTMLElement | null} */ (null));
  const key = useRef(requestKey());
  const moved = useRef(false);
  useEffect(() => { if (moved.current) title.current?.focus(); moved.current = true; }, [step]);
  const go = (/** @type {any} */ more, /** @type {number} */ next) => { setWish({ ...wish, ...more }); setWrong(""); setStep(next); };
  const send = async (/** @type {string} */ name, /** @type {string} */ contact) => {
    if (busy) return;
    setBusy(true); setWrong("");
    const body = { service: wish.service, starts_at: wish.slot.starts_at, professional: wish.slot.professional, citizen_name: name, contact,
      request_key: key.current, endpoint: wish.room?.id ?? null };
    try {
      const made = await insist(() => post(`/api/hall/${slug}/appointments`, body), (error) => setWrong(error.message));
      location.assign(`/hall/appointment/${made.token}?made=1`);
    } catch (error) {
      const taken = error instanceof ApiError && (error.code === "slot_taken" || error.code === "bad_slot");
      key.current = requestKey();
      setBusy(false);
      setWrong(/** @type {Error} */ (error).message);
      if (taken) { setWish({ ...wish, slot: null }); setStep(2); }
    }
  };
  const name = STEPS[step] ?? "service";
  return html`
    <p class="muted">${site}</p>
    <h1 tabindex="-1" ref=${title}>${t(`hall.ask_${name}`)}</h1>
    <ol class="steps">${STEPS.map((one, number) => html`<li key=${one} class=${number < step ? "done" : ""} aria-current=${number === step ? "step" : undefined}>${t(`hall.step_${one}`)}</li>`)}</ol>
    ${step < 3 && wrong && html`<div role="alert"><${Banner} kind="wait" icon="triangle-alert"><p>${wrong}</p><//></div>`}
    ${name === "service" && html`<ul class="plain stack">${SERVICES.map((one) => html`<${Choice} key=${one} icon=${ICONS[one] ?? "ticket"} name=${t(`names.service_${one}`)} says=${t(`hall.what_${one}`)} testid=${`choose-${one}`} onChoose=${() => go({ service: one, slot: null }, 1)} />`)}</ul>`}
    ${name === "where" && html`<ul class="plain stack">
      ${ROOMS.map((room) => html`<${Choice} key=${room.id} icon="map-pin" name=${t("hall.in_village_room")} says=${`${site} · ${room.name}`} testid="choose-room" onChoose=${() => go({ room }, 2)} />`)}
      <${Choice} icon="house" name=${t("hall.at_home")} says=${t("hall.at_home_says")} testid="choose-home" onChoose=${() => go({ room: null }, 2)} /></ul>`}
    ${name === "when" && html`<${SlotPicker} slug=${slug} service=${wish.service} room=${wish.room && { endpoint: wish.room.id, name: wish.room.name }} chosen=${wish.slot} onChoose=${(/** @type {any} */ slot) => go({ slot }, 3)} />`}
    ${name === "who" && html`<${Who} wish=${wish} wrong=${wrong} busy=${busy} onSend=${send} />`}
    <p class="visit-back">${step > 0 ? html`<button type="button" class="button button-plain" data-testid="step-back" onClick=${() => go({}, step - 1)}><${Icon} name="arrow-left" />${t("common.back")}</button>`
      : html`<a href=${`/hall/${slug}`}>${t("hall.to_way_in")}</a>`}</p>`;
}

await loadWords();
render(html`<${Booking} />`, place);
