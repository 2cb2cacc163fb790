// @ts-check
// SHA-256 (FIPS 180-4), SM3 (GB/T 32905-2016) and CRC-32, in pieces: WebCrypto has no SM3 and digests only what lies whole in memory.
import { join } from "./bytes.js";

const ROUNDS_256 = Int32Array.from(fractions(64, 3));
const START_256 = Int32Array.from(fractions(8, 2));
const START_SM3 = Int32Array.of(0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600 | 0, 0xa96f30bc | 0, 0x163138aa, 0xe38dee4d | 0, 0xb0fb0e4e | 0);

/** First 32 bits of the fractional parts of the square or cube roots of the first primes. @param {number} count @param {number} root */
function fractions(count, root) {
  const found = [];
  for (let candidate = 2; found.length < count; candidate++) {
    let prime = true;
    for (let divisor = 2; divisor * divisor <= candidate && prime; divisor++) prime = candidate % divisor !== 0;
    if (prime) found.push(wholeRoot(BigInt(candidate) << BigInt(32 * root), BigInt(root)) & 0xffffffffn);
  }
  return found.map((value) => Number(BigInt.asIntN(32, value)));
}

/** @param {bigint} value @param {bigint} root */
function wholeRoot(value, root) {
  let low = 0n, high = 1n << 40n;
  while (low < high) {
    const middle = (low + high + 1n) >> 1n;
    if (middle ** root <= value) low = middle; else high = middle - 1n;
  }
  return low;
}

/** A digest over blocks of 64 bytes, as both are. */
class Digest {
  /** @param {Int32Array} start @param {(state: Int32Array, bytes: Uint8Array, at: number) => void} mix */
  constructor(start, mix) {
    this.state = Int32Array.from(start);
    this.mix = mix;
    this.rest = new Uint8Array(64);
    this.waiting = 0;
    this.length = 0;
  }

  /** @param {Uint8Array} bytes */
  update(bytes) {
    let at = 0;
    this.length += bytes.length;
    if (this.waiting > 0) {
      at = Math.min(64 - this.waiting, bytes.length);
      this.rest.set(bytes.subarray(0, at), this.waiting);
      this.waiting += at;
      if (this.waiting < 64) return this;
      this.mix(this.state, this.rest, 0);
    }
    for (; at + 64 <= bytes.length; at += 64) this.mix(this.state, bytes, at);
    this.waiting = bytes.length - at;
    this.rest.set(bytes.subarray(at));
    return this;
  }

  digest() {
    const bits = this.length * 8, end = new Uint8Array(this.waiting < 56 ? 64 : 128), view = new DataView(end.buffer);
    end.set(this.rest.subarray(0, this.waiting));
    end[this.waiting] = 0x80;
    view.setUint32(end.length - 8, Math.floor(bits / 2 ** 32));
    view.setUint32(end.length - 4, bits >>> 0);
    for (let at = 0; at < end.length; at += 64) this.mix(this.state, end, at);
    const out = new DataView(new ArrayBuffer(32));
    this.state.forEach((word, index) => out.setInt32(index * 4, word));
    return new Uint8Array(out.buffer);
  }
}

export class Sha256 extends Digest {
  constructor() { super(START_256, mix256); }
}

export class Sm3 extends Digest {
  constructor() { super(START_SM3, mixSm3); }
}

const W = new Int32Array(68);

/** @param {Uint8Array} bytes @param {number} at */
function load(bytes, at) {
  for (let i = 0; i < 16; i++, at += 4) W[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}

/** @param {Int32Array} state @param {Uint8Array} bytes @param {number} at */
function mix256(state, bytes, at) {
  load(bytes, at);
  for (let i = 16; i < 64; i++) {
    const x = W[i - 15], y = W[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    W[i] = (W[i - 16] + s0 + W[i - 7] + s1) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUNDS_256[i] + W[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
  }
  state[0] += a; state[1] += b; state[2] += c; state[3] += d; state[4] += e; state[5] += f; state[6] += g; state[7] += h;
}

/** @param {number} x @param {number} n */
const turn = (x, n) => (x << n) | (x >>> (32 - n));
const TURNED = Int32Array.from({ length: 64 }, (_, j) => (j % 32 ? turn(j < 16 ? 0x79cc4519 : 0x7a879d8a, j % 32) : j < 16 ? 0x79cc4519 : 0x7a879d8a));

/** @param {Int32Array} state @param {Uint8Array} bytes @param {number} at */
function mixSm3(state, bytes, at) {
  load(bytes, at);
  for (let j = 16; j < 68; j++) {
    const z = W[j - 3], x = W[j - 16] ^ W[j - 9] ^ ((z << 15) | (z >>> 17)), y = W[j - 13];
    W[j] = x ^ ((x << 15) | (x >>> 17)) ^ ((x << 23) | (x >>> 9)) ^ ((y << 7) | (y >>> 25)) ^ W[j - 6];
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let j = 0; j < 64; j++) {
    const a12 = (a << 12) | (a >>> 20), s = (a12 + e + TURNED[j]) | 0, ss1 = (s << 7) | (s >>> 25);
    const ff = j < 16 ? a ^ b ^ c : (a & b) | (a & c) | (b & c), gg = j < 16 ? e ^ f ^ g : (e & f) | (~e & g);
    const tt1 = (ff + d + (ss1 ^ a12) + (W[j] ^ W[j + 4])) | 0, tt2 = (gg + h + ss1 + W[j]) | 0;
    d = c; c = (b << 9) | (b >>> 23); b = a; a = tt1;
    h = g; g = (f << 19) | (f >>> 13); f = e; e = tt2 ^ ((tt2 << 9) | (tt2 >>> 23)) ^ ((tt2 << 17) | (tt2 >>> 15));
  }
  state[0] ^= a; state[1] ^= b; state[2] ^= c; state[3] ^= d; state[4] ^= e; state[5] ^= f; state[6] ^= g; state[7] ^= h;
}

/** @param {Uint8Array} bytes */
export const sha256 = (bytes) => new Sha256().update(bytes).digest();
/** @param {Uint8Array} bytes */
export const sm3 = (bytes) => new Sm3().update(bytes).digest();

/** RFC 2104 with SHA-256; keys of at most 64 bytes. @param {Uint8Array} key @param {Uint8Array} message */
export function hmac(key, message) {
  const inner = new Uint8Array(64).fill(0x36), outer = new Uint8Array(64).fill(0x5c);
  key.forEach((byte, index) => { inner[index] ^= byte; outer[index] ^= byte; });
  return sha256(join(outer, sha256(join(inner, message))));
}

const CRC = Int32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** Goes on from `crc`, 0 at the start. @param {Uint8Array} bytes @param {number} crc */
export function crc32(bytes, crc = 0) {
  let value = ~crc;
  for (let at = 0; at < bytes.length; at++) value = CRC[(value ^ bytes[at]) & 255] ^ (value >>> 8);
  return ~value >>> 0;
}
