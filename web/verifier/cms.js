// @ts-check
// Signed data (RFC 5652), time stamps (RFC 3161) and the certificates they bring (RFC 5280): read as DER, checked by WebCrypto.
import { BadBytes, hex, join, same, textOf } from "./bytes.js";
import { sha256 } from "./hashes.js";

/** One element: its tag, where it starts, where its content starts and ends. @typedef {{ bytes: Uint8Array, tag: number, at: number, start: number, end: number }} Element */
/** @typedef {{ name: string, fingerprint: string, root: string }} Signer */

/** @param {Uint8Array} bytes @param {number} at @returns {Element} */
function element(bytes, at) {
  let length = bytes[at + 1], start = at + 2;
  if (length === undefined || (bytes[at] & 31) === 31 || length === 128) throw new BadBytes("not DER");
  if (length > 128) {
    const count = length - 128;
    length = 0;
    for (let index = 0; index < count; index++) length = length * 256 + bytes[start + index];
    start += count;
  }
  if (!(start + length <= bytes.length)) throw new BadBytes("DER is cut off");
  return { bytes, tag: bytes[at], at, start, end: start + length };
}

/** @param {Element} whole */
function parts(whole) {
  const found = [];
  for (let at = whole.start; at < whole.end; at = found[found.length - 1].end) found.push(element(whole.bytes, at));
  return found;
}
/** @param {Element} one */
const content = (one) => one.bytes.slice(one.start, one.end);
/** With tag and length. @param {Element} one */
const raw = (one) => one.bytes.slice(one.at, one.end);

/** Dotted, as people write it. @param {Element} one */
function oid(one) {
  const numbers = [];
  let value = 0;
  for (const byte of content(one)) {
    value = value * 128 + (byte & 127);
    if (byte < 128) { numbers.push(value); value = 0; }
  }
  const first = Math.min(2, Math.floor(numbers[0] / 40));
  return [first, numbers[0] - 40 * first, ...numbers.slice(1)].join(".");
}

const SIGNED_DATA = "1.2.840.113549.1.7.2", CONTENT_TYPE = "1.2.840.113549.1.9.3", MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
export const DATA = "1.2.840.113549.1.7.1", STAMP = "1.2.840.113549.1.9.16.1.4";
const COMMON_NAME = "2.5.4.3", EC_KEY = "1.2.840.10045.2.1", RSA_KEY = "1.2.840.113549.1.1.1", ED25519 = "1.3.101.112";
/** @type {Record<string, string>} */
const HASHES = {
  "2.16.840.1.101.3.4.2.1": "SHA-256", "2.16.840.1.101.3.4.2.2": "SHA-384", "2.16.840.1.101.3.4.2.3": "SHA-512",
  "1.2.840.10045.4.3.2": "SHA-256", "1.2.840.10045.4.3.3": "SHA-384", "1.2.840.10045.4.3.4": "SHA-512",
  "1.2.840.113549.1.1.11": "SHA-256", "1.2.840.113549.1.1.12": "SHA-384", "1.2.840.113549.1.1.13": "SHA-512",
};
/** @type {Record<string, [string, number]>} */
const CURVES = { "1.2.840.10045.3.1.7": ["P-256", 32], "1.3.132.0.34": ["P-384", 48], "1.3.132.0.35": ["P-521", 66] };

/** @param {Element} whole */
function certificate(whole) {
  const [tbs, algorithm, signature] = parts(whole), fields = parts(tbs);
  if (fields[0].tag === 0xa0) fields.shift();
  const [serial, , issuer, , subject, key] = fields;
  return { whole: raw(whole), tbs: raw(tbs), algorithm: oid(parts(algorithm)[0]), signature: content(signature).slice(1), serial: content(serial), issuer: raw(issuer), subject, key: raw(key) };
}
/** @typedef {ReturnType<typeof certificate>} Certificate */

/** @param {Element} subject */
function nameOf(subject) {
  for (const set of parts(subject)) {
    for (const pair of parts(set)) {
      const [type, value] = parts(pair);
      if (oid(type) === COMMON_NAME) return textOf(content(value));
    }
  }
  return "?";
}

/** Whether the key signed these bytes. @param {Uint8Array} spki @param {string | undefined} hash @param {Uint8Array} signature @param {Uint8Array} signed */
async function verified(spki, hash, signature, signed) {
  const [kind, parameters] = parts(parts(element(spki, 0))[0]), name = oid(kind);
  if (name === ED25519) return subtleVerify({ name: "Ed25519" }, spki, signature, signed);
  if (!hash) throw new BadBytes("unknown_algorithm");
  if (name === RSA_KEY) return subtleVerify({ name: "RSASSA-PKCS1-v1_5", hash }, spki, signature, signed);
  const [curve, size] = CURVES[name === EC_KEY ? oid(parameters) : ""] ?? [];
  if (!curve || !size) throw new BadBytes("unknown_algorithm");
  const numbers = parts(element(signature, 0)).map((one) => fixed(content(one), size));
  return subtleVerify({ name: "ECDSA", namedCurve: curve, hash }, spki, join(...numbers), signed);
}

/** An integer of DER in so many bytes. @param {Uint8Array} bytes @param {number} size */
function fixed(bytes, size) {
  const short = bytes.subarray(Math.max(0, bytes.length - size)), out = new Uint8Array(size);
  out.set(short, size - short.length);
  return out;
}

/** @param {any} algorithm @param {Uint8Array} spki @param {Uint8Array} signature @param {Uint8Array} signed */
async function subtleVerify(algorithm, spki, signature, signed) {
  const key = await crypto.subtle.importKey("spki", /** @type {BufferSource} */ (spki), algorithm, false, ["verify"]);
  return crypto.subtle.verify(algorithm, key, /** @type {BufferSource} */ (signature), /** @type {BufferSource} */ (signed));
}

/**
 * Who signed. `detached` are the bytes signed when they do not lie in it.
 * @param {Uint8Array} encoded @param {string} type @param {Uint8Array | null} detached @param {boolean} padded
 * @returns {Promise<{ signer: Signer, content: Uint8Array }>}
 */
export async function readSigned(encoded, type, detached, padded = false) {
  const info = element(encoded, 0);
  if (!padded && info.end !== encoded.length) throw new BadBytes("bytes behind it");
  const [kind, wrapped] = parts(info);
  if (oid(kind) !== SIGNED_DATA) throw new BadBytes("not signed data");
  const fields = parts(parts(wrapped)[0]), [, , inner] = fields, infos = parts(fields[fields.length - 1]);
  const certificates = fields.filter((one) => one.tag === 0xa0).flatMap(parts).map(certificate);
  const [innerType, innerContent] = parts(inner);
  if (oid(innerType) !== type || infos.length !== 1) throw new BadBytes("other content");
  const signed = detached ?? content(parts(innerContent)[0]);
  const signer = await checkSigner(infos[0], certificates, type, signed);
  return { signer: await chainOf(signer, certificates), content: signed };
}

/** @param {Element} info @param {Certificate[]} certificates @param {string} type @param {Uint8Array} signed */
async function checkSigner(info, certificates, type, signed) {
  const [, sid, digest, attributes, algorithm, signature] = parts(info);
  if (attributes.tag !== 0xa0) throw new BadBytes("no signed attributes");
  const [issuer, serial] = parts(sid);
  const signer = certificates.find((one) => same(one.issuer, raw(issuer)) && same(one.serial, content(serial)));
  if (!signer) throw new BadBytes("its certificate is missing");
  const said = new Map(parts(attributes).map((one) => { const [name, values] = parts(one); return [oid(name), parts(values)[0]]; }));
  const saidType = said.get(CONTENT_TYPE), saidDigest = said.get(MESSAGE_DIGEST), hash = HASHES[oid(parts(digest)[0])];
  if (!hash || !saidType || oid(saidType) !== type) throw new BadBytes("other content");
  const actual = new Uint8Array(await crypto.subtle.digest(hash, /** @type {BufferSource} */ (signed)));
  if (!saidDigest || !same(content(saidDigest), actual)) throw new BadBytes("other_bytes");
  const set = raw(attributes);
  set[0] = 0x31;
  if (!(await verified(signer.key, HASHES[oid(parts(algorithm)[0])] ?? hash, content(signature), set))) throw new BadBytes("other_key");
  return signer;
}

/** @param {Certificate} first @param {Certificate[]} pool @returns {Promise<Signer>} */
async function chainOf(first, pool) {
  const chain = [first];
  for (let last = first; !same(last.issuer, raw(last.subject)); last = chain[chain.length - 1]) {
    const above = pool.find((one) => same(raw(one.subject), last.issuer) && !chain.includes(one));
    if (!above) break;
    if (!(await verified(above.key, HASHES[last.algorithm], last.signature, last.tbs))) throw new BadBytes("bad_chain");
    chain.push(above);
  }
  return { name: nameOf(first.subject), fingerprint: hex(sha256(first.whole)), root: hex(sha256(chain[chain.length - 1].whole)) };
}

/** What a time stamp says. @param {Uint8Array} token @returns {Promise<{ imprint: Uint8Array, at_ms: number, signer: Signer }>} */
export async function readStamp(token) {
  const { signer, content: info } = await readSigned(token, STAMP, null);
  const [, , imprint, , time] = parts(element(info, 0)), [algorithm, digest] = parts(imprint);
  if (HASHES[oid(parts(algorithm)[0])] !== "SHA-256") throw new BadBytes("not over SHA-256");
  const written = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d+)?Z$/.exec(textOf(content(time)));
  if (time.tag !== 0x18 || !written) throw new BadBytes("no time");
  const [year, month, day, hour, minute, second] = written.slice(1, 7).map(Number);
  return { imprint: content(digest), at_ms: Date.UTC(year, month - 1, day, hour, minute, second) + Number(written[7] ?? 0) * 1000, signer };
}
