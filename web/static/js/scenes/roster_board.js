// @ts-check
// The roster board: drag a shift to another person, or pick it up by keyboard or tap; every move is an override of the draft, and can be undone.
import { ApiError, ask } from "../api.js";
import { loadWords, t } from "../i18n.js";
import { say } from "../live.js";
import { enableControls } from "../ready.js";
import { drawBars, drawGrid } from "./roster_board/draw.js";
import { History } from "./roster_board/history.js";
import { follow, look, plan } from "./roster_board/planner.js";

const DRAG_PX = 6; // less is a tap: a finger is never quite still
const MONTH_DAYS = 31;

const main = /** @type {HTMLElement} */ (document.getElementById("main"));
const grid = /** @type {HTMLElement} */ (document.querySelector("[data-board-grid]"));
const api = `/api/rosters/${main.dataset.site}`;
const history = new History();
/** @type {any} */
let board = null;
let span = 7;
let first = 0;
/** @type {{chip: HTMLElement, over: HTMLElement | null} | null} */
let picked = null;
let isBusy = false;

// ---- showing

async function load() {
  board = await ask("GET", `${api}/board`);
  draw();
}

function draw() {
  picked = null;
  first = Math.max(0, Math.min(first, board.days.length - 1));
  drawGrid(board, board.days.slice(first, first + span), grid);
  drawBars(board.people, /** @type {HTMLElement} */ (document.querySelector("[data-board-bars]")));
  const gaps = /** @type {HTMLElement} */ (document.querySelector("[data-board-gaps]"));
  gaps.textContent = board.gaps ? t("board.gap_count", { count: board.gaps }) : t("board.no_gaps");
  gaps.classList.toggle("board-has-gaps", board.gaps > 0);
  button("undo").setAttribute("aria-disabled", String(!history.canUndo));
  button("redo").setAttribute("aria-disabled", String(!history.canRedo));
  button("week").setAttribute("aria-pressed", String(span === 7));
  button("month").setAttribute("aria-pressed", String(span !== 7));
  grid.dataset.revision = String(board.revision);
}

/** @param {string} name */
const button = (name) => /** @type {HTMLElement} */ (document.querySelector(`[data-board=${name}]`));

/** @param {unknown} error */
function refuse(error) {
  if (!(error instanceof ApiError)) throw error;
  const banner = document.querySelector("[data-error-banner]");
  const text = banner?.querySelector("p");
  if (!(banner instanceof HTMLElement) || !text) return;
  text.textContent = error.message;
  banner.hidden = false;
}

/** One thing at a time: the next edit needs the revision that this one makes. @param {() => Promise<void>} work */
async function alone(work) {
  if (isBusy) { say(t("board.busy")); return; }
  isBusy = true;
  grid.setAttribute("aria-busy", "true");
  try {
    await work();
    /** @type {HTMLElement} */ (document.querySelector("[data-error-banner]")).hidden = true;
  } catch (error) {
    refuse(error);
    await load();
  } finally {
    isBusy = false;
    grid.removeAttribute("aria-busy");
  }
}

// ---- moving

/** @param {string} slot @param {number} post */
const decisionOf = (slot, post) => board.decisions.find((/** @type {any} */ d) => d.slot === slot && d.post === post && d.kind === "substitute") ?? null;

/** @param {string} slot @param {number} post @param {string} person */
async function decide(slot, post, person) {
  await ask("POST", `${api}/overrides`, { revision: board.revision, slot, kind: "substitute", post, person, reason: "" });
}

/** @param {HTMLElement} chip @param {string} person */
function move(chip, person) {
  const { slot = "", post = "0", person: holder } = chip.dataset;
  if (!person || person === holder) { putBack(); return; }
  alone(async () => {
    const from = decisionOf(slot, Number(post));
    await decide(slot, Number(post), person);
    history.add({ slot, post: Number(post), from, to: person });
    await load();
    const name = board.people.find((/** @type {any} */ one) => one.id === person)?.name ?? "";
    say(t("board.moved", { shift: slot.slice(-10), name }));
    focusSeat(slot, post);
  });
}

/** @param {string} slot @param {string | number} post */
function focusSeat(slot, post) {
  const chip = grid.querySelector(`[data-slot="${CSS.escape(slot)}"][data-post="${post}"]`);
  if (chip instanceof HTMLElement) chip.focus();
}

function undo() {
  alone(async () => {
    if (!history.canUndo) return;
    await history.undo(async ({ slot, post, from }) => {
      if (from?.person) { await decide(slot, post, from.person); return; }
      const now = decisionOf(slot, post);
      if (now) await ask("DELETE", `${api}/overrides/${now.id}?revision=${board.revision}`);
    });
    await load();
    say(t("board.undone"));
  });
}

function redo() {
  alone(async () => {
    if (!history.canRedo) return;
    await history.redo(({ slot, post, to }) => decide(slot, post, to));
    await load();
    say(t("board.redone"));
  });
}

/** A plan that a colleague has started, or that was going on when this page was loaded. */
async function followOthers() {
  const seen = await look(api);
  if (!seen.works) return;
  await alone(async () => {
    await follow(api, () => true, seen.since ? Date.parse(seen.since) : Date.now(), 0);
    await load();
  });
}

function balance() {
  alone(async () => {
    const keep = board.slots.some((/** @type {any} */ slot) => slot.seats.length) && main.dataset.isPublic === "true";
    const found = await plan(api, { revision: board.revision, keep });
    await load();
    say(found ? t("board.balanced", { gaps: found.gaps, changes: found.changes }) : t("board.planner_stopped"));
  }).then(followOthers).catch(refuse); // where a colleague's planner is at work, that one is followed
}

// ---- picking up and putting down

/** @param {HTMLElement} chip */
function pickUp(chip) {
  putBack();
  picked = { chip, over: null };
  chip.setAttribute("aria-pressed", "true");
  say(t("board.picked", { shift: chip.getAttribute("aria-label") ?? "" }));
}

function putBack() {
  if (!picked) return;
  picked.chip.setAttribute("aria-pressed", "false");
  picked.over?.classList.remove("board-over");
  picked = null;
}

/** @param {HTMLElement | null} row */
function hover(row) {
  if (!picked || picked.over === row) return;
  picked.over?.classList.remove("board-over");
  picked.over = row;
  row?.classList.add("board-over");
}

function putDown() {
  if (!picked) return;
  const { chip, over } = picked;
  putBack();
  if (over?.dataset.person) move(chip, over.dataset.person);
}

/** @param {number} step */
function walk(step) {
  if (!picked) return;
  const rows = /** @type {HTMLElement[]} */ ([...grid.querySelectorAll("[data-testid=board-row]")].filter((row) => row instanceof HTMLElement && row.dataset.person));
  const here = picked.over ?? picked.chip.closest("[data-testid=board-row]");
  const next = rows[(rows.indexOf(/** @type {HTMLElement} */ (here)) + step + rows.length) % rows.length];
  hover(next);
  next.scrollIntoView({ block: "nearest" });
  say(t("board.over", { name: next.querySelector(".board-who")?.textContent ?? "" }));
}

/** Arrows without anything picked up: the next shift in that direction. @param {HTMLElement} chip @param {number} step */
function stroll(chip, step) {
  const chips = /** @type {HTMLElement[]} */ ([...grid.querySelectorAll("[data-testid=board-shift]")]);
  chips[chips.indexOf(chip) + step]?.focus();
}

grid.addEventListener("keydown", (event) => {
  const chip = event.target instanceof Element ? event.target.closest("[data-testid=board-shift]") : null;
  if (!(chip instanceof HTMLElement)) return;
  const step = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1 }[event.key] ?? 0;
  if (event.key === "Enter" || event.key === " ") picked ? putDown() : pickUp(chip);
  else if (event.key === "Escape" && picked) { putBack(); say(t("board.put_back")); }
  else if (step && picked) walk(step);
  else if (step) stroll(chip, step);
  else return;
  event.preventDefault();
});

/** @type {{chip: HTMLElement, x: number, y: number, isDrag: boolean} | null} */
let pointer = null;

/** @param {number} x @param {number} y */
const rowAt = (x, y) => {
  const row = document.elementFromPoint(x, y)?.closest("[data-testid=board-row]");
  return row instanceof HTMLElement ? row : null;
};

grid.addEventListener("pointerdown", (event) => {
  const chip = event.target instanceof Element ? event.target.closest("[data-testid=board-shift]") : null;
  if (!(chip instanceof HTMLElement) || event.button !== 0) return;
  pointer = { chip, x: event.clientX, y: event.clientY, isDrag: false };
  chip.setPointerCapture(event.pointerId);
});

grid.addEventListener("pointermove", (event) => {
  if (!pointer) return;
  if (!pointer.isDrag && Math.hypot(event.clientX - pointer.x, event.clientY - pointer.y) < DRAG_PX) return;
  if (!pointer.isDrag) { pointer.isDrag = true; pickUp(pointer.chip); }
  hover(rowAt(event.clientX, event.clientY));
});

grid.addEventListener("pointerup", () => {
  const was = pointer;
  pointer = null;
  if (was?.isDrag) putDown();
  else if (was) picked?.chip === was.chip ? putBack() : pickUp(was.chip);
});

grid.addEventListener("pointercancel", () => { pointer = null; putBack(); });

// A tap on another person's cell puts down what a tap picked up.
grid.addEventListener("click", (event) => {
  if (!picked || !(event.target instanceof Element) || event.target.closest("[data-testid=board-shift]")) return;
  hover(event.target.closest("[data-testid=board-row]"));
  putDown();
});

// ---- the tools

/** @type {Record<string, () => void>} */
const tools = {
  week: () => { span = 7; draw(); },
  month: () => { span = MONTH_DAYS; draw(); },
  earlier: () => { first -= span; draw(); },
  later: () => { if (first + span < board.days.length) first += span; draw(); },
  undo, redo, balance,
  print: () => window.print(),
};

document.addEventListener("click", (event) => {
  const pressed = event.target instanceof Element ? event.target.closest("[data-board], [data-decide], [data-send]") : null;
  if (!(pressed instanceof HTMLElement)) return;
  if (pressed.dataset.board) tools[pressed.dataset.board]?.();
  if (pressed.dataset.decide) alone(async () => { await ask("POST", pressed.dataset.decide ?? ""); location.reload(); });
  if (pressed.dataset.send) alone(async () => {
    const { slot, post, send: person } = pressed.dataset;
    await ask("POST", `${api}/substitutes`, { slot, post: Number(post), person, absent: true });
    location.reload();
  });
});

document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
  event.preventDefault();
  event.shiftKey ? redo() : undo();
});

await loadWords();
await load();
// Begin where there is something to move: the days before today have no shifts any more.
first = board.days.findIndex((/** @type {any} */ day) => day.day === board.slots[0]?.day);
draw();
enableControls();
followOthers().catch(refuse);
