// @ts-check
// Signature, time stamps and reports of a pack against its journals (EVIDENCE.md, section 10).
import { BadBytes, hex, same, unbase64 } from "./bytes.js";
import { pdfSignature } from "./archive.js";
import { DATA, readSigned, readStamp } from "./cms.js";
import { sha256 } from "./hashes.js";

export const SIGNATURE = "signatures/manifest.p7s", STAMP_FILE = "timestamps/manifest.tst", ANCHORS = "anchors.json", LATE = "timestamps/late.json", KEPT = "kept";
const APART_MS = 10_000, LATE_MS = 120_000, COVER_MS = 90_000;
const REASONS = ["other_bytes", "other_key", "bad_chain", "unknown_algorithm", "pdf_signatures", "pdf_uncovered"];

/** Why a proof does not hold, as a key of the words. @param {unknown} error */
const reasonOf = (error) => (error instanceof BadBytes && REASONS.includes(error.message) ? error.message : "proof_unreadable");

/** @param {number} ms */
const instant = (ms) => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");

export class Proofs {
  /** @param {import("./journal.js").Damage} damage @param {(key: string, values?: any) => void} note @param {(key: string, values?: any) => void} fact @param {string[]} roots fingerprints of the authorities that the reader believes; none: all are told */
  constructor(damage, note, fact, roots) {
    this.roots = new Set(roots);
    this.damage = damage;
    this.note = note;
    this.fact = fact;
    this.told = new Set();
  }

  /** Once for each signer: who, and whether the reader believes the authority behind. @param {string} where @param {string} key @param {import("./cms.js").Signer} signer */
  tell(where, key, signer) {
    if (this.told.has(signer.fingerprint)) return;
    this.told.add(signer.fingerprint);
    this.fact(key, { ...signer });
    if (this.roots.size && !this.roots.has(signer.root) && !this.roots.has(signer.fingerprint)) this.damage(where, null, null, "not_trusted", { name: signer.name, root: signer.root });
  }

  /** @param {string | null} said @param {Uint8Array | null} signature @param {Uint8Array} digestMember */
  async signature(said, signature, digestMember) {
    if (!signature) {
      if (said) this.damage(SIGNATURE, null, null, "signature_missing"); else this.note("unsigned");
      return;
    }
    try {
      const { signer } = await readSigned(signature, DATA, digestMember);
      if (signer.fingerprint !== said) this.damage(SIGNATURE, null, null, "other_signer");
      this.tell(SIGNATURE, "signed_by", signer);
    } catch (error) {
      this.damage(SIGNATURE, null, null, reasonOf(error));
    }
  }

  /** @param {Uint8Array | null} token @param {Uint8Array} digestMember */
  async manifestStamp(token, digestMember) {
    if (!token) return this.note("unstamped");
    const stamp = await this.stamp(STAMP_FILE, token);
    if (stamp && !same(stamp.imprint, sha256(digestMember))) this.damage(STAMP_FILE, null, null, "other_stamp");
    else if (stamp) this.fact("complete_at", { at: instant(stamp.at_ms), name: stamp.signer.name });
  }

  /** @param {string} where @param {Uint8Array} token */
  async stamp(where, token) {
    try {
      const stamp = await readStamp(token);
      this.tell(where, "stamped_by", stamp.signer);
      return stamp;
    } catch (error) {
      this.damage(where, null, null, reasonOf(error));
      return null;
    }
  }

  /** @param {any[]} entries @param {Map<string, import("./journal.js").Walk>} journals @param {string} where @returns {Promise<{ room: string, block: number }[]>} */
  async anchors(entries, journals, where) {
    const held = [];
    for (const entry of entries) {
      const walk = journals.get(entry?.room);
      let token = null;
      try { token = Number.isInteger(entry.block) ? unbase64(entry.token) : null; } catch { token = null; }
      if (!token) { this.damage(where, null, null, "anchor_unreadable"); continue; }
      const stamp = await this.stamp(where, token);
      if (stamp && walk && this.anchor(where, entry.room, entry.block, stamp, walk)) held.push({ room: entry.room, block: entry.block });
    }
    return held;
  }

  /** @param {string} where @param {string} room @param {number} block @param {Awaited<ReturnType<typeof readStamp>>} stamp @param {import("./journal.js").Walk} walk */
  anchor(where, room, block, stamp, walk) {
    const found = walk.heads.get(block), at = instant(stamp.at_ms), file = `journal/${room}`;
    if (!found) { this.damage(file, block, null, "anchored_block_gone", { block, at }); return false; }
    const second = walk.second(found.wall_us), written_ms = found.wall_us / 1000;
    if (found.head !== hex(stamp.imprint)) { this.damage(file, block, second, "rewritten", { at, name: stamp.signer.name }); return false; }
    if (written_ms - stamp.at_ms > APART_MS) { this.damage(file, block, second, "redated", { written: instant(written_ms), at }); return false; }
    if (stamp.at_ms - written_ms > LATE_MS) this.note("stamped_late", { where, block, room, at, seconds: Math.round((stamp.at_ms - written_ms) / 1000) });
    return true;
  }

  /** @param {string} room @param {import("./journal.js").Walk} walk @param {number[]} blocks */
  cover(room, walk, blocks) {
    const start = walk.start_us ?? 0, unique = [...new Set(blocks)].sort((a, b) => a - b);
    const last = Math.max(start, ...Array.from(walk.heads.values(), (one) => one.wall_us));
    const edges = [start, ...unique.map((block) => walk.heads.get(block)?.wall_us ?? start), last];
    for (let at = 0; at + 1 < edges.length; at++) {
      if (edges[at + 1] - edges[at] > COVER_MS * 1000) this.note("uncovered", { room, from: Math.round((edges[at] - start) / 1e6), to: Math.round((edges[at + 1] - start) / 1e6) });
    }
    if (unique.length) this.fact("anchored", { room, count: unique.length });
  }

  /** @param {string} name @param {Uint8Array} pdf @param {string | null} said */
  async report(name, pdf, said) {
    try {
      const { content, signature } = pdfSignature(pdf);
      const { signer } = await readSigned(signature, DATA, content, true);
      if (signer.fingerprint !== said) this.damage(name, null, null, "other_signer");
    } catch (error) {
      this.damage(name, null, null, reasonOf(error));
    }
  }
}
