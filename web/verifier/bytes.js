// @ts-check
// Bytes, texts and numbers. Everything of this folder runs without a network, also from a file.

/** A place that is not as it was written. second counts from the journal's beginning. @typedef {{ file: string, block: number | null, second: number | null, key: string, values: Record<string, string | number> }} Finding */

/** Bytes that are not what EVIDENCE.md describes. */
export class BadBytes extends Error {}

/** @param {Uint8Array} bytes */
export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** @param {string} text */
export function unhex(text) {
  if (!/^([0-9a-f]{2})*$/.test(text)) throw new BadBytes("not hex");
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** @param {string} text */
export const unbase64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

/** @param {string} text */
export const utf8 = (text) => new TextEncoder().encode(text);

/** Refuses what is no UTF-8. @param {Uint8Array} bytes */
export const textOf = (bytes) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);

/** @param {...Uint8Array} parts */
export function join(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** @param {Uint8Array} a @param {Uint8Array} b */
export const same = (a, b) => a.length === b.length && a.every((byte, index) => byte === b[index]);

/** @param {Uint8Array} bytes @param {number} at @param {number} size big-endian */
export function number(bytes, at, size) {
  let value = 0;
  for (let index = at; index < at + size; index++) value = value * 256 + bytes[index];
  return value;
}

/** @param {number} value @param {number} size big-endian */
export function bigEndian(value, size) {
  const bytes = new Uint8Array(size);
  for (let index = size - 1; index >= 0; index--, value = Math.floor(value / 256)) bytes[index] = value % 256;
  return bytes;
}

/** One JSON object of these bytes. @param {Uint8Array} bytes @returns {any} */
export function objectOf(bytes) {
  let value;
  try { value = JSON.parse(textOf(bytes)); } catch { throw new BadBytes("not JSON"); }
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new BadBytes("not an object");
  return value;
}

/** Whether two values of JSON say the same, whatever the order of their members. @param {any} a @param {any} b @returns {boolean} */
export function sameJson(a, b) {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object" || Array.isArray(a) !== Array.isArray(b)) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && sameJson(a[name], b[name]));
}

/** Where these bytes stand in others, -1 where they do not. @param {Uint8Array} bytes @param {Uint8Array} wanted @param {number} from */
export function find(bytes, wanted, from) {
  for (let at = bytes.indexOf(wanted[0], from); at >= 0; at = bytes.indexOf(wanted[0], at + 1)) {
    let length = 1;
    while (length < wanted.length && bytes[at + length] === wanted[length]) length++;
    if (length === wanted.length) return at;
  }
  return -1;
}
