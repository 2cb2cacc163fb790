// @ts-check
// One journal: its chain, its chunks, its events (EVIDENCE.md, sections 2 to 5). Segments are looked at one after the other.
import { BadBytes, bigEndian, find, hex, join, number, objectOf, same, textOf, unhex, utf8 } from "./bytes.js";
import { hmac, sha256, sm3 } from "./hashes.js";
import { Ledger } from "./ledger.js";

/** @typedef {{ sha256: Uint8Array, sm3: Uint8Array, block: number }} Head */
/** @typedef {{ line: Uint8Array, wall_us: number, salt: Uint8Array, key_id: string, previous: Head, torn: any[], end: number }} SegmentHead */
/** @typedef {{ index: number, stream: number | null, records: number, length: number, sha256: string, sm3: string | null, commit: string }} Chunk */
/** @typedef {{ line: Uint8Array, leaves: Uint8Array[], block: number, previous: Head, wall_us: number, chunks: Chunk[], stated: Head, body: number, end: number }} Block */
/** @typedef {(file: string, block: number | null, second: number | null, key: string, values?: Record<string, string | number>) => void} Damage */

const MAX_HEADER = 4 << 20;
const SEGMENT = utf8("LZJ1"), BLOCK = utf8("LZB1");
const GENESIS = { sha256: new Uint8Array(32), sm3: new Uint8Array(32), block: -1 };

/** @param {any} facts @param {string} name */
function count(facts, name) {
  const value = facts[name];
  if (!Number.isInteger(value) || value < 0) throw new BadBytes(name);
  return value;
}

/** @param {any} facts @param {string} name @param {number} size */
function bytesOf(facts, name, size = 32) {
  const value = facts[name];
  if (typeof value !== "string" || value.length !== 2 * size) throw new BadBytes(name);
  return unhex(value);
}

/** @param {Uint8Array[]} leaves @param {(bytes: Uint8Array) => Uint8Array} digest */
function merkleRoot(leaves, digest) {
  let level = leaves.map((leaf) => digest(join(Uint8Array.of(0), leaf)));
  if (level.length === 0) return digest(new Uint8Array(0));
  while (level.length > 1) {
    const next = [];
    for (let at = 0; at + 1 < level.length; at += 2) next.push(digest(join(Uint8Array.of(1), level[at], level[at + 1])));
    if (level.length % 2) next.push(level[level.length - 1]);
    level = next;
  }
  return level[0];
}

/** @param {Head} previous @param {number} block @param {Uint8Array} line @param {Uint8Array[]} leaves @returns {Head} */
const afterBlock = (previous, block, line, leaves) => ({
  sha256: sha256(join(Uint8Array.of(2), previous.sha256, merkleRoot(leaves, sha256), line)), sm3: sm3(join(Uint8Array.of(2), previous.sm3, merkleRoot(leaves, sm3), line)), block });
/** @param {Head} previous @param {Uint8Array} line @returns {Head} */
const afterSegment = (previous, line) => ({
  sha256: sha256(join(Uint8Array.of(3), previous.sha256, line)), sm3: sm3(join(Uint8Array.of(3), previous.sm3, line)), block: previous.block });
/** @param {Head} a @param {Head} b */
const sameHead = (a, b) => same(a.sha256, b.sha256) && same(a.sm3, b.sm3);

/** @param {Uint8Array} data @returns {SegmentHead | null} */
export function segmentHead(data) {
  if (data.length < 8 || !same(data.subarray(0, 4), SEGMENT)) return null;
  const length = number(data, 4, 4), line = data.subarray(8, 8 + length);
  if (length > MAX_HEADER || line.length < length) return null;
  try {
    const facts = objectOf(line);
    if (facts.format !== 1 || ["session", "room", "key_id"].some((name) => typeof facts[name] !== "string") || typeof facts.clock?.boot !== "string") return null;
    if (!Array.isArray(facts.torn) || facts.torn.some((/** @type {any} */ one) => one === null || typeof one !== "object" || Array.isArray(one))) return null;
    for (const name of ["segment", "next_event", "next_stream"]) count(facts, name);
    count(facts.clock, "mono_us");
    const previous = { sha256: bytesOf(facts, "prev"), sm3: bytesOf(facts, "prev_sm3"), block: facts.block === -1 ? -1 : count(facts, "block") };
    return { line, wall_us: count(facts.clock, "wall_us"), salt: bytesOf(facts, "salt", 16), key_id: facts.key_id, previous, torn: facts.torn, end: 8 + length };
  } catch {
    return null;
  }
}

/** The block at this byte, null when there is no whole one. @param {Uint8Array} data @param {number} at @returns {Block | null} */
function parseBlock(data, at) {
  if (at + 8 > data.length || !same(data.subarray(at, at + 4), BLOCK)) return null;
  const length = number(data, at + 4, 4), body = at + 8 + length;
  if (length > MAX_HEADER || body > data.length) return null;
  try {
    return decodeBlock(data, data.subarray(at + 8, body), body);
  } catch {
    return null;
  }
}

/** @param {Uint8Array} data @param {Uint8Array} header @param {number} body @returns {Block | null} */
function decodeBlock(data, header, body) {
  const lines = [];
  for (let start = 0, end = 0; end >= 0; start = end + 1) {
    end = header.indexOf(10, start);
    lines.push(header.subarray(start, end < 0 ? header.length : end));
  }
  const [facts, last] = [objectOf(lines[0]), objectOf(lines[lines.length - 1])], leaves = lines.slice(1, -1);
  if (lines.length < 2) return null;
  const block = count(facts, "block"), chunks = leaves.map((leaf, index) => chunkOf(objectOf(leaf), index));
  const end = body + chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  for (const name of ["mono_us", "next_event", "next_stream"]) count(facts, name);
  const previous = { sha256: bytesOf(facts, "prev"), sm3: bytesOf(facts, "prev_sm3"), block: block - 1 };
  const stated = { sha256: bytesOf(last, "head"), sm3: bytesOf(last, "sm3"), block };
  return end > data.length ? null : { line: lines[0], leaves, block, previous, wall_us: count(facts, "wall_us"), chunks, stated, body, end };
}

/** @param {any} facts @param {number} index @returns {Chunk} */
function chunkOf(facts, index) {
  if (facts.chunk !== index) throw new BadBytes("chunk");
  return { index, stream: "stream" in facts ? count(facts, "stream") : null, records: count(facts, "records"), length: count(facts, "len"),
    sha256: hex(bytesOf(facts, "sha256")), sm3: "sm3" in facts ? hex(bytesOf(facts, "sm3")) : null, commit: hex(bytesOf(facts, "commit")) };
}

/** Keys of chunks: from the session's key, or the ones that were released; without any all stays closed. */
export class Keys {
  /** @param {any} entry of keys.json, or nothing */
  constructor(entry) {
    this.session = entry?.session_key ? unhex(entry.session_key) : null;
    this.id = this.session ? hex(sha256(join(utf8("laizuo/1 session key"), this.session))) : "";
    this.released = new Map((entry?.chunks ?? []).map((/** @type {any} */ one) => [`${one.block}/${one.chunk}`, unhex(one.key)]));
  }

  /** @param {SegmentHead} segment @param {number} block @param {number} chunk @returns {Uint8Array | null} */
  of(segment, block, chunk) {
    if (!this.session) return this.released.get(`${block}/${chunk}`) ?? null;
    if (segment.key_id !== this.id) return null;
    return hmac(hmac(segment.salt, this.session), join(utf8("laizuo/1 chunk"), bigEndian(block, 8), bigEndian(chunk, 4), Uint8Array.of(1)));
  }
}

/** What a later segment declares of a file: behind so many bytes lies nothing of the journal; digest null: nobody could read it. @typedef {{ valid: number, digest: string | null }} Tear */

/** Walks the segments of one journal in order. */
export class Walk {
  /** @param {string} room @param {Keys} keys @param {Map<string, Tear>} declared torn ends by file @param {Damage} damage @param {(key: string, values: any) => void} note */
  constructor(room, keys, declared, damage, note) {
    Object.assign(this, { room });
    this.keys = keys;
    this.declared = declared;
    this.damage = damage;
    this.note = note;
    /** @type {Head} */
    this.head = GENESIS;
    this.accepted = [GENESIS.sha256];
    /** @type {number | null} */
    this.start_us = null;
    this.last_us = 0;
    /** @type {any[]} */
    this.events = [];
    /** @type {{ block: number, chunk: number }[]} */
    this.withheld = [];
    this.hidden_events = false;
    this.ledger = new Ledger();
    /** @type {Map<number, { head: string, sm3: string, wall_us: number }>} */
    this.heads = new Map();
    this.last_block = -1;
  }

  /** @param {number} [wall_us] */
  second(wall_us = this.last_us) {
    return this.start_us === null ? null : Math.max(0, (wall_us - this.start_us) / 1e6);
  }

  /** @param {Uint8Array} head */
  accepts(head) {
    return this.accepted.some((one) => same(one, head));
  }

  /** @param {string} file @param {Uint8Array} whole @param {boolean} first @param {boolean} last */
  async segment(file, whole, first, last) {
    const data = whole.subarray(0, this.declared.get(file)?.valid ?? whole.length);
    const header = segmentHead(data);
    if (!header) {
      if (this.declared.has(file)) this.note("header_torn", { file });
      else this.damage(file, null, this.second(), "segment_header");
      return;
    }
    if (this.start_us === null) this.start_us = this.last_us = header.wall_us;
    if (!this.accepts(header.previous.sha256)) this.damage(file, null, this.second(), first ? "beginning_missing" : "broken_before_segment");
    this.head = afterSegment(header.previous, header.line);
    this.accepted = [this.head.sha256];
    let at = header.end;
    for (;;) {
      const block = parseBlock(data, at);
      if (block) {
        await this.block(file, header, data, block);
        at = block.end;
      } else {
        const next = nextBlock(data, at + 1);
        if (next === null) break;
        this.damage(file, this.head.block + 1, this.second(), "unreadable_bytes", { from: at, to: next });
        at = next;
      }
    }
    this.tail(file, whole.subarray(at), at, last);
  }

  /** @param {string} file @param {SegmentHead} header @param {Uint8Array} data @param {Block} block */
  async block(file, header, data, block) {
    const head = afterBlock(block.previous, block.block, block.line, block.leaves), fits = sameHead(head, block.stated);
    const wall_us = fits ? block.wall_us : this.last_us, second = this.second(wall_us);
    if (block.block !== this.head.block + 1) this.damage(file, block.block, second, "out_of_place", { expected: this.head.block + 1 });
    else if (!this.accepts(block.previous.sha256)) this.damage(file, block.block, second, "broken_before_block");
    if (!fits) this.damage(file, block.block, second, "block_header");
    this.head = block.stated;
    this.accepted = [head.sha256, block.stated.sha256];
    this.last_us = wall_us;
    this.last_block = block.block;
    this.heads.set(block.block, { head: hex(block.stated.sha256), sm3: hex(block.stated.sm3), wall_us: block.wall_us });
    let at = block.body;
    for (const chunk of block.chunks) {
      await this.chunk(file, header, block, chunk, data.subarray(at, at + chunk.length), second);
      at += chunk.length;
    }
  }

  /** @param {string} file @param {SegmentHead} header @param {Block} block @param {Chunk} chunk @param {Uint8Array} sealed @param {number | null} second */
  async chunk(file, header, block, chunk, sealed, second) {
    const values = { chunk: chunk.index };
    if (hex(sha256(sealed)) !== chunk.sha256) this.damage(file, block.block, second, "chunk_bytes", values);
    else if (chunk.sm3 !== null && hex(sm3(sealed)) !== chunk.sm3) this.damage(file, block.block, second, "chunk_sm3", values);
    const key = this.keys.of(header, block.block, chunk.index);
    if (!key) {
      this.withheld.push({ block: block.block, chunk: chunk.index });
      if (chunk.stream === null) this.hidden_events = true; else this.ledger.skip(chunk.stream);
    } else if (hex(sha256(join(utf8("laizuo/1 chunk key"), key))) !== chunk.commit) {
      this.damage(file, block.block, second, "wrong_key", values);
    } else {
      const plain = await opened(key, sealed);
      if (!plain) this.damage(file, block.block, second, "does_not_open", values);
      else if (this.read(chunk, plain) !== chunk.records) this.damage(file, block.block, second, "record_count", values);
    }
  }

  /** How many records there are, -1 when they cannot be read. @param {Chunk} chunk @param {Uint8Array} plain */
  read(chunk, plain) {
    try {
      if (chunk.stream !== null) return this.ledger.take(chunk.stream, plain);
      const events = textOf(plain).split("\n").filter(Boolean).map((line) => objectOf(utf8(line)));
      if (events.some((event) => !Number.isInteger(event.n) || typeof event.kind !== "string")) return -1;
      this.events.push(...events);
      for (const event of events) this.ledger.event(event);
      return events.length;
    } catch {
      return -1;
    }
  }

  /** @param {string} file @param {Uint8Array} rest @param {number} at where it begins @param {boolean} last */
  tail(file, rest, at, last) {
    if (rest.every((byte) => byte === 0)) return;
    const tear = this.declared.get(file);
    if (tear && tear.valid === at && (tear.digest === null || tear.digest === hex(sha256(rest)))) this.note("torn_declared", { file, count: rest.length });
    else if (last && unfinished(rest)) this.note("torn_end", { file, count: rest.length });
    else this.damage(file, this.head.block + 1, this.second(), "tail", { count: rest.length });
  }
}

/** @param {Uint8Array} data @param {number} from */
function nextBlock(data, from) {
  for (let at = find(data, BLOCK, from); at >= 0; at = find(data, BLOCK, at + 1)) {
    const block = parseBlock(data, at);
    if (block && sameHead(afterBlock(block.previous, block.block, block.line, block.leaves), block.stated)) return at;
  }
  return null;
}

/** Whether these bytes can be the start of a block that was not written to its end. @param {Uint8Array} rest */
function unfinished(rest) {
  if (!same(rest.subarray(0, 4), BLOCK.subarray(0, Math.min(4, rest.length)))) return false;
  if (rest.length < 8) return rest.length <= 4 || same(rest.subarray(0, 4), BLOCK);
  const length = number(rest, 4, 4);
  if (length > MAX_HEADER) return false;
  if (8 + length > rest.length) return true;
  try {
    const roomy = { length: Number.MAX_SAFE_INTEGER }; // only its length is asked for
    const block = decodeBlock(/** @type {any} */ (roomy), rest.subarray(8, 8 + length), 8 + length);
    return block !== null && block.end > rest.length;
  } catch {
    return false;
  }
}

/** @param {Uint8Array} key @param {Uint8Array} sealed @returns {Promise<Uint8Array | null>} */
async function opened(key, sealed) {
  try {
    const opener = await crypto.subtle.importKey("raw", /** @type {BufferSource} */ (key), "AES-GCM", false, ["decrypt"]);
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: new Uint8Array(12) }, opener, /** @type {BufferSource} */ (sealed)));
  } catch {
    return null;
  }
}
