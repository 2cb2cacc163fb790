// @ts-check
// The page around the checker: a file in, plain words out.
import { checkPack } from "./check.js";
import { say, sentence } from "./words.js";

const SHOWN = 50;

class Page {
  constructor() {
    this.language = navigator.language.startsWith("zh") ? "zh" : "en";
    /** @type {import("./check.js").Report | null} */
    this.report = null;
    this.wrong = "";
    this.share = -1;
    this.turn = 0;
    this.by("language").addEventListener("click", () => {
      this.language = this.language === "en" ? "zh" : "en";
      this.draw();
    });
    const input = /** @type {HTMLInputElement} */ (this.by("file"));
    input.addEventListener("change", () => input.files?.[0] && this.check(input.files[0]));
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      if (event.dataTransfer?.files[0]) this.check(event.dataTransfer.files[0]);
    });
    this.draw();
  }

  /** @param {string} id @returns {HTMLElement} */
  by(id) { return /** @type {HTMLElement} */ (document.getElementById(id)); }

  /** @param {File} file */
  async check(file) {
    const turn = ++this.turn;
    this.report = null;
    this.wrong = "";
    this.share = 0;
    this.draw();
    try {
      const report = await checkPack(file, (share) => { if (turn === this.turn) { this.share = share; this.drawProgress(); } });
      if (turn === this.turn) this.report = report;
    } catch (error) {
      if (turn === this.turn) this.wrong = String(error);
    }
    if (turn === this.turn) { this.share = -1; this.draw(); }
  }

  drawProgress() {
    const meter = /** @type {HTMLProgressElement} */ (this.by("progress"));
    meter.hidden = this.share < 0;
    meter.value = Math.max(0, this.share);
  }

  draw() {
    document.documentElement.lang = this.language === "en" ? "en" : "zh-CN";
    document.title = say(this.language, "title");
    for (const id of ["title", "lead", "choose", "language", "trust"]) this.by(id).textContent = say(this.language, id);
    this.by("progress").setAttribute("aria-label", say(this.language, "checking"));
    this.by("no-crypto").textContent = globalThis.crypto?.subtle ? "" : say(this.language, "no_crypto");
    this.drawProgress();
    const verdict = this.by("verdict"), { report } = this;
    verdict.dataset.state = this.wrong ? "failed" : this.share >= 0 ? "checking" : report ? (report.ok ? "whole" : "changed") : "";
    verdict.textContent = this.wrong ? say(this.language, "failed", { what: this.wrong }) : this.share >= 0 ? say(this.language, "checking")
      : report ? say(this.language, report.ok ? "whole" : "changed", { count: report.damages.length }) : "";
    this.list("findings", report?.damages.slice(0, SHOWN).map((finding) => sentence(this.language, finding)) ?? []);
    this.list("notes", report?.notes.map((note) => say(this.language, note.key, note.values)) ?? []);
    this.list("facts", report ? [...report.facts.map((fact) => say(this.language, fact.key, fact.values)), say(this.language, "measured", { size: (report.bytes / 1e6).toFixed(1) })] : []);
    this.by("trust").hidden = !report;
  }

  /** @param {string} id @param {string[]} lines */
  list(id, lines) {
    const section = this.by(id), heading = document.createElement("h2"), list = document.createElement("ul");
    section.hidden = lines.length === 0;
    heading.textContent = say(this.language, id);
    list.append(...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
    section.replaceChildren(heading, list);
  }
}

new Page();
// For tests and for whoever wants to script the page.
Object.assign(globalThis, { laizuoVerifier: { checkPack, sentence } });
