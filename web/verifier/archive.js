// @ts-check
// The archive in its canonical form (EVIDENCE.md, section 9): each byte outside of the members follows from their names, sizes and CRCs.
import { BadBytes, find, join, same, textOf, utf8 } from "./bytes.js";

/** @typedef {{ name: string, size: number, crc: number, header: number, start: number }} Member */

const LOCAL = Uint8Array.of(0x50, 0x4b, 3, 4);

/** A file on disk, read where it is needed. */
export class Source {
  /** @param {Blob} blob */
  constructor(blob) {
    this.blob = blob;
    this.size = blob.size;
  }

  /** @param {number} start @param {number} end */
  async bytes(start, end) {
    return new Uint8Array(await this.blob.slice(start, Math.max(start, end)).arrayBuffer());
  }
}

/** Little-endian numbers of the given sizes. @param {...[number, number]} fields */
function pack(...fields) {
  const view = new DataView(new ArrayBuffer(fields.reduce((sum, [, size]) => sum + size, 0)));
  let at = 0;
  for (const [value, size] of fields) {
    if (size === 8) view.setBigUint64(at, BigInt(value), true);
    else if (size === 4) view.setUint32(at, value, true);
    else view.setUint16(at, value, true);
    at += size;
  }
  return new Uint8Array(view.buffer);
}

const F16 = 0xffff, F32 = 0xffffffff;

/** @param {{ name: string, size: number, crc: number }} member */
function localHeader({ name, size, crc }) {
  const text = utf8(name);
  return join(LOCAL, pack([45, 2], [0x800, 2], [0, 2], [0, 2], [0x21, 2], [crc, 4], [F32, 4], [F32, 4], [text.length, 2], [20, 2]), text, pack([1, 2], [16, 2], [size, 8], [size, 8]));
}

/** @param {Member} member */
function centralHeader({ name, size, crc, header }) {
  const text = utf8(name);
  return join(Uint8Array.of(0x50, 0x4b, 1, 2), pack([45 | (3 << 8), 2], [45, 2], [0x800, 2], [0, 2], [0, 2], [0x21, 2], [crc, 4], [F32, 4], [F32, 4], [text.length, 2], [28, 2], [0, 2], [0, 2], [0, 2], [(0o100644 << 16) >>> 0, 4], [F32, 4]),
    text, pack([1, 2], [24, 2], [size, 8], [size, 8], [header, 8]));
}

/** @param {Member[]} members @param {number} at */
function directory(members, at) {
  const central = join(...members.map(centralHeader)), count = members.length;
  return join(central,
    Uint8Array.of(0x50, 0x4b, 6, 6), pack([44, 8], [45 | (3 << 8), 2], [45, 2], [0, 4], [0, 4], [count, 8], [count, 8], [central.length, 8], [at, 8]),
    Uint8Array.of(0x50, 0x4b, 6, 7), pack([0, 4], [at + central.length, 8], [1, 4]),
    Uint8Array.of(0x50, 0x4b, 5, 6), pack([0, 2], [0, 2], [F16, 2], [F16, 2], [F32, 4], [F32, 4], [0, 2]));
}

/** Members as the headers in front of them say, and where it stops being canonical. @param {Source} source @returns {Promise<{ members: Member[], problem: { key: string, values: Record<string, any> } | null }>} */
export async function readMembers(source) {
  /** @type {Member[]} */
  const members = [];
  let at = 0;
  while (same(await source.bytes(at, at + 4), LOCAL)) {
    const member = await readLocal(source, at);
    if (!member) return { members, problem: { key: "bad_header", values: { at } } };
    members.push(member);
    at = member.start + member.size;
  }
  const expected = directory(members, at);
  // A longer rest than the directory is no directory; it need not be read whole.
  const rest = await source.bytes(at, Math.min(source.size, at + expected.length + 1));
  return { members, problem: same(rest, expected) ? null : { key: "bad_directory", values: { at, count: members.length } } };
}

/** @param {Source} source @param {number} at */
async function readLocal(source, at) {
  const fixed = await source.bytes(at, at + 30);
  if (fixed.length < 30) return null;
  const view = new DataView(fixed.buffer), length = 30 + view.getUint16(26, true) + 20;
  const whole = await source.bytes(at, at + length);
  if (whole.length < length) return null;
  try {
    const name = textOf(whole.subarray(30, length - 20));
    const size = Number(new DataView(whole.buffer).getBigUint64(length - 16, true)), crc = view.getUint32(14, true);
    const good = same(whole, localHeader({ name, size, crc })) && at + length + size <= source.size;
    return good ? { name, size, crc, header: at, start: at + length } : null;
  } catch {
    return null;
  }
}

/** The parts of a PDF that its one signature covers, and the signature. @param {Uint8Array} pdf */
export function pdfSignature(pdf) {
  const range = utf8("/ByteRange"), first = find(pdf, range, 0);
  if (first < 0 || find(pdf, range, first + 1) >= 0) throw new BadBytes("pdf_signatures");
  const numbers = /^\/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]/.exec(String.fromCharCode(...pdf.subarray(first, first + 120)));
  if (!numbers) throw new BadBytes("pdf_unreadable");
  const [start, length, behind, rest] = numbers.slice(1).map(Number);
  if (start !== 0 || behind + rest !== pdf.length || behind < length) throw new BadBytes("pdf_uncovered");
  const text = String.fromCharCode(...pdf.subarray(length + 1, behind - 1)).toLowerCase();
  if (!/^([0-9a-f]{2})+$/.test(text)) throw new BadBytes("pdf_unreadable");
  return { content: join(pdf.subarray(0, length), pdf.subarray(behind)), signature: Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16)) };
}
