// @ts-check
// What was done on the board, so that it can be undone and done again. Knows no page: `send` talks to the server.

/** @typedef {{slot: string, post: number, from: Decision | null, to: string}} Move  `from`: the decision that stood before */
/** @typedef {{id: string, slot: string, post: number, kind: string, person: string | null}} Decision */

export class History {
  constructor() {
    /** @type {Move[]} */ this.done = [];
    /** @type {Move[]} */ this.undone = [];
  }

  get canUndo() { return this.done.length > 0; }

  get canRedo() { return this.undone.length > 0; }

  /** Something new was done: what had been undone before is gone. @param {Move} move */
  add(move) {
    this.done.push(move);
    this.undone = [];
  }

  /** @param {(move: Move) => Promise<void>} send  takes it back; only if that worked it counts as undone */
  async undo(send) { await this.#shift(this.done, this.undone, send); }

  /** @param {(move: Move) => Promise<void>} send */
  async redo(send) { await this.#shift(this.undone, this.done, send); }

  /** @param {Move[]} source @param {Move[]} target @param {(move: Move) => Promise<void>} send */
  async #shift(source, target, send) {
    const move = source.at(-1);
    if (!move) return;
    await send(move);
    source.pop();
    target.push(move);
  }
}
