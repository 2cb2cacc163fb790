// @ts-check
// The ledger of a journal (EVIDENCE.md, section 5): per stream, received + declared missing + withheld = sent.

const SEQ_MASK = 0xffff, FIRST_CYCLE = 1 << 16;
const RTP_RECORD = 1, MISSING_RECORD = 3, WITHHELD_RECORD = 4;
const RECORD_HEAD = 11, LEAST_RECORD = 9; // u16 length of the rest, u8 type, u64 arrival; the rest of a record without a body

/** The extended number that ends in these 16 bits and lies closest to another. @param {number} seq @param {number} near */
const unwrapped = (seq, near) => near + ((seq - near + 0x8000) & SEQ_MASK) - 0x8000;

/** One stream: what its records say about its numbers. */
class Book {
  constructor() {
    this.first = this.highest = -1;
    this.next = -1;
    /** Numbers that nothing was said about yet. @type {Set<number>} */
    this.open = new Set();
    this.received = this.missing = this.withheld = this.twice = 0;
  }

  /** @param {number} seq */
  packet(seq) {
    this.received++;
    if (seq === this.next) { this.highest++; this.next = (seq + 1) & SEQ_MASK; } else this.take(seq, 1);
  }

  /** @param {number} seq @param {number} count @param {number} kind */
  declare(seq, count, kind) {
    if (kind === MISSING_RECORD) this.missing += count; else this.withheld += count;
    this.take(seq, count);
  }

  /** @param {number} seq @param {number} count */
  take(seq, count) {
    if (this.highest < 0) { this.first = FIRST_CYCLE + seq; this.highest = this.first - 1; }
    const start = unwrapped(seq, this.highest);
    for (let number = this.highest + 1; number < start; number++) this.open.add(number);
    for (let number = start; number < this.first; number++) this.open.add(number);
    this.first = Math.min(this.first, start);
    for (let number = start; number < start + count; number++) {
      if (number > this.highest) this.highest = number;
      else if (!this.open.delete(number)) this.twice++;
    }
    this.next = (this.highest + 1) & SEQ_MASK;
  }

  get sent() { return this.highest < 0 ? 0 : this.highest - this.first + 1; }
}

/** Feed it each chunk and each event in order; then ask for what does not add up. */
export class Ledger {
  constructor() {
    /** @type {Map<number, Book>} */
    this.books = new Map();
    /** Streams that promise a ledger, and what their end says. @type {Map<number, any>} */
    this.promised = new Map();
    this.hidden = new Set();
  }

  /** @param {any} event */
  event({ kind, data }) {
    const stream = data?.stream;
    if (!Number.isInteger(stream)) return;
    if (kind === "stream" && data.ledger === true) this.promised.set(stream, null);
    else if (kind === "stream_ended") this.promised.set(stream, data);
  }

  /** A chunk of this stream cannot be read. @param {number} stream */
  skip(stream) { this.hidden.add(stream); }

  /** How many records there are, -1 when they do not fit their lengths. @param {number} stream @param {Uint8Array} plain */
  take(stream, plain) {
    const book = this.books.get(stream) ?? new Book();
    this.books.set(stream, book);
    let at = 0, records = 0;
    while (at + 2 <= plain.length) {
      const length = plain[at] * 256 + plain[at + 1], kind = plain[at + 2], body = at + RECORD_HEAD;
      if (length < LEAST_RECORD || at + 2 + length > plain.length) break;
      if (kind === RTP_RECORD && length >= LEAST_RECORD + 12) book.packet(plain[body + 2] * 256 + plain[body + 3]);
      else if ((kind === MISSING_RECORD || kind === WITHHELD_RECORD) && length === LEAST_RECORD + 4) {
        book.declare(plain[body] * 256 + plain[body + 1], plain[body + 2] * 256 + plain[body + 3], kind);
      }
      at += 2 + length;
      records++;
    }
    return at === plain.length ? records : -1;
  }

  /** @returns {{ key: string, values: Record<string, number>, isDamage: boolean }[]} */
  findings() {
    const found = [];
    for (const stream of [...this.promised.keys()].filter((one) => !this.hidden.has(one)).sort((a, b) => a - b)) {
      const book = this.books.get(stream) ?? new Book(), ended = this.promised.get(stream), values = { stream, count: book.open.size, sent: book.sent };
      if (book.open.size) found.push({ key: ended ? "ledger_open" : "ledger_stopped", values, isDamage: Boolean(ended) });
      if (book.twice) found.push({ key: "ledger_twice", values: { stream, count: book.twice }, isDamage: true });
      if (ended && (ended.received !== book.received || ended.missing !== book.missing || ended.withheld !== book.withheld)) found.push({ key: "ledger_end", values: { stream }, isDamage: true });
    }
    return found;
  }

  /** The sum over all streams that promise a ledger; null when none does. */
  sum() {
    const books = [...this.promised.keys()].filter((one) => !this.hidden.has(one)).flatMap((one) => this.books.get(one) ?? []);
    if (!books.length) return null;
    const sum = { streams: books.length, received: 0, missing: 0, withheld: 0, open: 0, sent: 0 };
    for (const book of books) {
      for (const name of /** @type {const} */ (["received", "missing", "withheld", "sent"])) sum[name] += book[name];
      sum.open += book.open.size;
    }
    return sum;
  }
}
