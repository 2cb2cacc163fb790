// @ts-check
// Checks a whole pack (EVIDENCE.md, section 10): `await checkPack(file)` never throws for what is wrong with it, it tells.
import { hex, sameJson, textOf, utf8 } from "./bytes.js";
import { Sha256, Sm3, crc32 } from "./hashes.js";
import { readMembers, Source } from "./archive.js";
import { Keys, segmentHead, Walk } from "./journal.js";
import { ANCHORS, KEPT, LATE, Proofs, SIGNATURE, STAMP_FILE } from "./proofs.js";

/** @typedef {import("./bytes.js").Finding} Finding */
/** @typedef {{ key: string, values: Record<string, string | number> }} Said */
/** What the reader knows from elsewhere: fingerprints of authorities, and time stamps that somebody kept apart. @typedef {{ roots: string[], anchors: any[] }} Trust */
/** @typedef {{ ok: boolean, damages: Finding[], notes: Said[], facts: Said[], bytes: number }} Report */

const PIECE = 4 << 20; // bytes of a member in memory at once; a film may have gigabytes
const MANIFEST = "manifest.json", DIGEST = "manifest.digest", EVENTS = "events.json", FILMS = "films.json", KEYS = "keys.json";

/** @param {any} value */
const objects = (value) => (Array.isArray(value) ? value.filter((one) => one !== null && typeof one === "object" && !Array.isArray(one)) : []);

/** A name of a file or room; "?" where there is none. @param {unknown} value */
const nameIn = (value) => (typeof value === "string" ? value : "?");

/** @param {unknown} unix_us */
const instantOf = (unix_us) => (Number.isSafeInteger(unix_us) && Math.abs(Number(unix_us)) < 8e18 ? new Date(Number(unix_us) / 1000).toISOString() : "?");

class Check {
  /** @param {Blob} blob @param {(share: number) => void} progress @param {Trust} trust */
  constructor(blob, progress, trust) {
    this.trust = trust;
    this.source = new Source(blob);
    this.progress = progress;
    this.read = 0;
    /** @type {Report} */
    this.report = { ok: true, damages: [], notes: [], facts: [], bytes: blob.size };
    /** @type {Map<string, import("./archive.js").Member>} */
    this.members = new Map();
    /** @type {Map<string, Walk>} */
    this.walks = new Map();
    this.damage = this.damage.bind(this);
    this.note = this.note.bind(this);
  }

  /** @type {import("./journal.js").Damage} */
  damage(file, block, second, key, values = {}) { this.report.damages.push({ file, block, second, key, values }); }
  /** @param {string} key @param {any} values */
  note(key, values = {}) { this.report.notes.push({ key, values }); }

  async run() {
    const { members, problem } = await readMembers(this.source);
    if (problem) this.damage("zip", null, null, problem.key, problem.values);
    this.members = new Map(members.map((member) => [member.name, member]));
    if (this.members.size !== members.length) this.damage("zip", null, null, "member_twice");
    const manifest = await this.manifest();
    if (manifest) await this.everything(manifest);
    this.report.ok = this.report.damages.length === 0;
    return this.report;
  }

  /** @param {any} manifest */
  async everything(manifest) {
    const listed = objects(manifest.members);
    for (const entry of listed) await this.member(entry);
    const known = new Set([...listed.map((entry) => nameIn(entry.path)), MANIFEST, DIGEST]);
    for (const [name, member] of this.members) {
      const unlisted = !known.has(name);
      if (unlisted && !name.startsWith("signatures/") && !name.startsWith("timestamps/")) this.damage(name, null, null, "not_listed");
      if ((unlisted || name === MANIFEST || name === DIGEST) && crc32(await this.content(member)) !== member.crc) this.damage(name, null, null, "crc");
    }
    const keys = new Map(objects(await this.json(KEYS)).map((entry) => [entry.room, entry])), told = [];
    for (const entry of objects(manifest.journals)) told.push({ room: nameIn(entry.room), events: await this.journal(entry, keys.get(entry.room)) });
    if (!sameJson(told, await this.json(EVENTS))) this.damage(EVENTS, null, null, "other_events");
    const films = new Set(objects(await this.json(FILMS)).map((film) => nameIn(film.path)));
    for (const name of new Set([...films, ...[...this.members.keys()].filter((one) => one.startsWith("films/"))])) {
      if (!films.has(name) || !this.members.has(name)) this.damage(name, null, null, "film_list");
    }
    await this.proofs(manifest);
  }

  /** @param {import("./archive.js").Member} member */
  content(member) { return this.source.bytes(member.start, member.start + member.size); }

  /** @param {string} name */
  async bytes(name) {
    const member = this.members.get(name);
    return member ? this.content(member) : null;
  }

  /** @param {string} name @returns {Promise<any>} */
  async json(name) {
    const data = await this.bytes(name);
    if (!data) { this.damage(name, null, null, "missing"); return null; }
    try { return JSON.parse(textOf(data)); } catch { this.damage(name, null, null, "not_json"); return null; }
  }

  async manifest() {
    const manifest = await this.json(MANIFEST), stated = await this.json(DIGEST), data = await this.bytes(MANIFEST);
    if (!data || manifest === null || typeof manifest !== "object") return null;
    const digest = { bytes: data.length, path: MANIFEST, sha256: hex(new Sha256().update(data).digest()), sm3: hex(new Sm3().update(data).digest()) };
    const expected = `${JSON.stringify(digest)}\n`, found = await this.bytes(DIGEST);
    if (!sameJson(stated, digest) || !found || hex(found) !== hex(utf8(expected))) this.damage(MANIFEST, null, null, "manifest_digest");
    if (manifest.laizuo !== "pack" || manifest.format !== 1) { this.damage(MANIFEST, null, null, "format"); return null; }
    for (const zone of objects(manifest.facts?.hidden)) this.report.facts.push({ key: "hidden", values: { from: instantOf(zone.from_us), to: instantOf(zone.to_us), source: String(zone.source ?? "*"), cause: String(zone.cause) } });
    this.report.facts.push({ key: "made_at", values: { at: String(manifest.made_at) } });
    return manifest;
  }

  /** Digests and CRC of one listed member, in pieces. @param {any} entry */
  async member(entry) {
    const name = nameIn(entry.path), member = this.members.get(name);
    if (!member) return this.damage(name, null, null, "missing");
    const sha = new Sha256(), other = "sm3" in entry ? new Sm3() : null;
    let crc = 0;
    for (let at = 0; at < member.size; at += PIECE) {
      const piece = await this.source.bytes(member.start + at, member.start + Math.min(member.size, at + PIECE));
      sha.update(piece);
      other?.update(piece);
      crc = crc32(piece, crc);
      this.read += piece.length;
      this.progress(Math.min(1, this.read / this.source.size));
      await new Promise((resolve) => setTimeout(resolve)); // the page stays alive
    }
    if (member.size !== entry.bytes) this.damage(name, null, null, "size", { found: member.size, said: entry.bytes });
    else if (hex(sha.digest()) !== entry.sha256) this.damage(name, null, null, "sha256");
    else if (other && hex(other.digest()) !== entry.sm3) this.damage(name, null, null, "sm3");
    if (crc !== member.crc) this.damage(name, null, null, "crc");
  }

  /** @param {any} entry of the manifest @param {any} key of keys.json */
  async journal(entry, key) {
    const room = nameIn(entry.room), names = objects([entry]).flatMap((one) => (Array.isArray(one.segments) ? one.segments.filter((/** @type {any} */ name) => typeof name === "string") : []));
    const there = names.filter((name) => this.members.has(`journal/${room}/${name}`)), before = this.report.damages.length;
    let keys = new Keys(null);
    try { keys = new Keys(key); } catch { this.damage(KEYS, null, null, "keys_unreadable"); }
    const walk = new Walk(room, keys, await this.tears(room, there), this.damage, this.note);
    for (const [index, name] of there.entries()) {
      const data = await this.bytes(`journal/${room}/${name}`);
      if (data) await walk.segment(name, data, index === 0, index === there.length - 1);
    }
    this.walks.set(room, walk);
    this.compare(room, entry, walk, before);
    return walk.events;
  }

  /** Torn ends that later segments declare. @param {string} room @param {string[]} names */
  async tears(room, names) {
    const found = new Map();
    for (const name of names) {
      const member = this.members.get(`journal/${room}/${name}`);
      const head = member && segmentHead(await this.source.bytes(member.start, member.start + Math.min(member.size, 8 + (4 << 20))));
      for (const torn of head ? objects(head.torn) : []) {
        if (!Number.isInteger(torn.segment) || !Number.isInteger(torn.valid_bytes) || torn.valid_bytes < 0) continue;
        found.set(`journal-${String(torn.segment).padStart(6, "0")}.lzj`, { valid: torn.valid_bytes, digest: torn.torn_sha256 == null ? null : String(torn.torn_sha256) });
      }
    }
    return found;
  }

  /** Whether each stream's numbers add up; behind damage they cannot, and that is told already. @param {string} room @param {Walk} walk @param {boolean} whole */
  ledger(room, walk, whole) {
    for (const { key, values, isDamage } of whole ? walk.ledger.findings() : []) {
      if (isDamage) this.damage(`journal/${room}`, null, null, key, values); else this.note(key, { ...values, room });
    }
    const sum = walk.ledger.sum();
    if (sum) this.report.facts.push({ key: "ledger", values: { room, ...sum } });
  }

  /** What the manifest says of a journal against what was found. @param {string} room @param {any} entry @param {Walk} walk @param {number} before findings before this journal */
  compare(room, entry, walk, before) {
    const file = `journal/${room}`, last = walk.heads.get(walk.last_block);
    if (!last) return this.damage(file, 0, 0, "no_block");
    if (last.head !== entry.head || last.sm3 !== entry.sm3 || walk.last_block !== entry.block) this.damage(file, null, null, "other_head", { block: walk.last_block });
    if (!sameJson(walk.withheld, entry.withheld)) this.damage(file, null, null, "withheld", { count: walk.withheld.length });
    const numbers = walk.events.map((event) => event.n).sort((a, b) => a - b);
    if (before === this.report.damages.length && !walk.hidden_events && numbers.some((number, index) => number !== index)) this.damage(file, null, null, "event_numbers");
    if (!walk.events.some((event) => event.kind === "closed")) this.note("not_closed", { room });
    this.ledger(room, walk, before === this.report.damages.length && !walk.hidden_events);
    this.report.facts.push({ key: "journal", values: { room, blocks: walk.last_block + 1, seconds: ((last.wall_us - (walk.start_us ?? 0)) / 1e6).toFixed(1), events: walk.events.length, head: last.head } });
  }

  /** @param {any} manifest */
  async proofs(manifest) {
    const proofs = new Proofs(this.damage, this.note, (key, values = {}) => this.report.facts.push({ key, values }), this.trust.roots);
    const digest = (await this.bytes(DIGEST)) ?? new Uint8Array(0), held = [];
    await proofs.signature(manifest.signed ?? null, await this.bytes(SIGNATURE), digest);
    await proofs.manifestStamp(await this.bytes(STAMP_FILE), digest);
    for (const name of [ANCHORS, LATE]) {
      if (this.members.has(name)) held.push(...(await proofs.anchors(objects(await this.json(name)), this.walks, name)));
    }
    await proofs.anchors(this.trust.anchors, this.walks, KEPT);
    for (const [room, walk] of this.members.has(ANCHORS) ? this.walks : []) proofs.cover(room, walk, held.filter((one) => one.room === room).map((one) => one.block));
    for (const [name, member] of this.members) {
      if (name.startsWith("report.") && name.endsWith(".pdf")) await proofs.report(name, await this.content(member), manifest.signed ?? null);
    }
  }
}

/** @param {Blob} blob @param {(share: number) => void} [progress] @param {Trust} [trust] @returns {Promise<Report>} */
export const checkPack = (blob, progress = () => {}, trust = { roots: [], anchors: [] }) => new Check(blob, progress, trust).run();
