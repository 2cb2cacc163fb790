// @ts-check
// The hall's screen: one panel after the other, a clock, and the page anew every few minutes.
const TURN_MS = 12_000; // three lines of large type are read in half of that
const RENEW_MS = 180_000; // a change of today is on the wall within three minutes

const panels = /** @type {HTMLElement[]} */ (Array.from(document.querySelectorAll("[data-panel]")));
const clock = document.querySelector("[data-clock]");
const dots = document.querySelector("[data-dots]");
let shown = 0;

function show() {
  panels.forEach((panel, number) => { panel.hidden = number !== shown; });
  if (dots) dots.textContent = panels.map((_, number) => (number === shown ? "●" : "○")).join(" ");
}

function turn() {
  shown = (shown + 1) % panels.length;
  show();
}

function tick() {
  if (clock) clock.textContent = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", hour12: false }).format(new Date());
}

/** Only when the server answers: a screen that lost its line keeps showing what it has. */
async function renew() {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (answer.ok) location.reload();
  } catch { /* the next one will tell */ }
}

show();
tick();
setInterval(turn, TURN_MS);
setInterval(tick, 1000);
setInterval(renew, RENEW_MS);
