// @ts-check
// The page around the checker: a file in, plain words out.
import { unbase64, hex, objectOf, utf8 } from "./bytes.js";
import { checkPack } from "./check.js";
import { sha256 } from "./hashes.js";
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
    /** @type {File | null} */
    this.file = null;
    this.trust = { roots: /** @type {string[]} */ ([]), anchors: /** @type {any[]} */ ([]) };
    this.extra("trust-file", async (files) => { this.trust.roots = await all(files, fingerprints); });
    this.extra("anchors-file", async (files) => { this.trust.anchors = await all(files, anchorLines); });
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

  /** A file that the reader brings besides the pack: the pack is checked again with it. @param {string} id @param {(files: File[]) => Promise<void>} take */
  extra(id, take) {
    const input = /** @type {HTMLInputElement} */ (this.by(id));
    input.addEventListener("change", async () => {
      this.by("bad-extra").textContent = "";
      try { await take([...(input.files ?? [])]); } catch (error) {
        this.by("bad-extra").textContent = say(this.language, "bad_extra", { name: /** @type {Error} */ (error).message });
        input.value = "";
        await take([]);
      }
      if (this.file) this.check(this.file);
    });
  }

  /** @param {File} file */
  async check(file) {
    const turn = ++this.turn;
    this.file = file;
    this.report = null;
    this.wrong = "";
    this.share = 0;
    this.draw();
    try {
      const report = await checkPack(file, (share) => { if (turn === this.turn) { this.share = share; this.drawProgress(); } }, this.trust);
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
    for (const id of ["title", "lead", "choose", "language", "trust", "known", "known_says", "choose_trust", "choose_anchors"]) this.by(id).textContent = say(this.language, id);
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

/** What all these files hold; the name of one that does not is thrown. @template T @param {File[]} files @param {(bytes: string) => T[]} read @returns {Promise<T[]>} */
async function all(files, read) {
  const found = [];
  for (const file of files) {
    try { found.push(...read(await file.text())); } catch { throw new Error(file.name); }
  }
  return found;
}

/** SHA-256 of each certificate of a PEM file. @param {string} pem */
function fingerprints(pem) {
  const bodies = [...pem.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g)];
  if (!bodies.length) throw new Error("no certificate");
  return bodies.map(([, body]) => hex(sha256(unbase64(body.replace(/\s/g, "")))));
}

/** One JSON object a line. @param {string} text */
const anchorLines = (text) => text.split("\n").filter((line) => line.trim()).map((line) => objectOf(utf8(line)));

new Page();
// For tests and for whoever wants to script the page.
Object.assign(globalThis, { laizuoVerifier: { checkPack, say, sentence } });
