// @ts-check
// The form of a rotation: weekday and time, who in which order, and the rules of handing over.
import { ask } from "../api.js";
import { clearWrongs, emptyFields, showRefusal, showWrongs } from "../forms.js";
import { loadWords, t } from "../i18n.js";
import { enableControls } from "../ready.js";

/** @typedef {{ role: string, needs?: string }} Post */
/** The posts of each service: who leads it, and who serves together with them. @type {Record<string, [Post, Post]>} */
const POSTS = {
  notarization: [{ role: "notary", needs: "notary" }, { role: "notary_assistant" }],
  mediation: [{ role: "mediator", needs: "mediator" }, { role: "mediator" }],
  legal_aid: [{ role: "lawyer", needs: "lawyer" }, { role: "lawyer" }],
  legal_advice: [{ role: "lawyer", needs: "lawyer" }, { role: "lawyer" }],
};

const form = document.querySelector("form[data-rotation]");
const list = document.querySelector("[data-members]");

/** @returns {string[][]} entries in order, empty lines left out */
function members() {
  return Array.from(list?.children ?? [])
    .map((line) => Array.from(line.querySelectorAll("select")).map((select) => select.value).filter(Boolean))
    .filter((entry) => entry.length > 0);
}

/** @param {HTMLFormElement} filled */
function bodyOf(filled) {
  const entered = new FormData(filled);
  const entries = members();
  const posts = POSTS[String(entered.get("service"))].slice(0, Math.max(1, ...entries.map((entry) => entry.length)));
  return {
    revision: Number(filled.dataset.revision),
    service: entered.get("service"),
    title: String(entered.get("title") ?? ""),
    weekdays: entered.getAll("weekday").map(Number),
    starts: String(entered.get("starts")).slice(0, 5),
    ends: String(entered.get("ends")).slice(0, 5),
    posts,
    members: entries,
    anchor: entered.get("anchor"),
    turn: entered.get("turn"),
    week_starts: Number(entered.get("week_starts")),
    holidays: entered.get("holidays") ? "serve" : "skip",
    makeup_days: entered.get("makeup_days") ? "serve" : "skip",
    ...(entered.get("team") ? { team: entered.get("team") } : {}),
  };
}

/** @param {ReturnType<typeof bodyOf>} body */
function wrongsOf(body) {
  const wrongs = [];
  if (!body.weekdays.length) wrongs.push({ field: "weekdays", sentence: t("duty.need_weekday") });
  if (!body.members.length) wrongs.push({ field: "members", sentence: t("duty.need_member") });
  if (body.members.some((entry) => entry.length !== body.posts.length)) wrongs.push({ field: "members", sentence: t("duty.need_pairs") });
  return wrongs;
}

/** @param {HTMLFormElement} filled */
async function save(filled) {
  const body = bodyOf(filled);
  const wrongs = [...emptyFields(filled), ...wrongsOf(body)];
  if (wrongs.length) { showWrongs(filled, wrongs); return; }
  clearWrongs(filled);
  const { site, slug, rotation } = filled.dataset;
  try {
    await ask(rotation ? "PUT" : "POST", `/api/rosters/${site}/rotations${rotation ? `/${rotation}` : ""}`, body);
    location.assign(`/roster?site=${slug}`);
  } catch (error) {
    showRefusal(filled, error);
  }
}

function addMember() {
  const last = list?.lastElementChild;
  if (!list || !last) return;
  const line = /** @type {HTMLElement} */ (last.cloneNode(true));
  const position = list.children.length;
  line.querySelectorAll("select").forEach((select, post) => {
    select.value = "";
    select.dataset.testid = `rotation-member-${position}-${post}`;
    const label = select.closest("label")?.querySelector("span");
    if (label) label.textContent = t("duty.member_post", { position: position + 1, post: post + 1 });
  });
  list.append(line);
  line.querySelector("select")?.focus();
}

if (form instanceof HTMLFormElement) {
  form.addEventListener("submit", (event) => { event.preventDefault(); save(form); });
  form.querySelector("[data-does-duty=add-member]")?.addEventListener("click", addMember);
}

await loadWords();
enableControls();
