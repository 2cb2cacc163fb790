// @ts-check
// What a kiosk keeps for the time without a line: today's numbers, who is on duty, and the numbers it has given out. Nobody's name.
const NAME = "laizuo-kiosk";

/** @typedef {{ block: string, service: string, letter: string, day: string, first: number, last: number }} Block */
/** @typedef {{ blocks: Block[], roster: string, signature: string }} Kit */
/** @typedef {{ count: number, taken_at: number, priority_group: string }} Given */
/** @typedef {{ kit: Kit | null, offer: any, next: Record<string, number>, given: Record<string, Given[]>, lost_at: number | null }} Kept */

/** @returns {Promise<IDBDatabase>} */
const open = () => new Promise((done, failed) => {
  const asked = indexedDB.open(NAME, 1);
  asked.onupgradeneeded = () => asked.result.createObjectStore("kept");
  asked.onsuccess = () => done(asked.result);
  asked.onerror = () => failed(asked.error);
});

/** @template T @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest<T>} act @returns {Promise<T>} */
async function within(mode, act) {
  const db = await open();
  try {
    return await new Promise((done, failed) => {
      const work = db.transaction("kept", mode, { durability: "strict" });
      const asked = act(work.objectStore("kept"));
      work.oncomplete = () => done(asked.result);
      work.onabort = work.onerror = () => failed(work.error);
    });
  } finally { db.close(); }
}

/** @type {Kept} */
const NOTHING = { kit: null, offer: null, next: {}, given: {}, lost_at: null };

/** @returns {Promise<Kept>} */
export async function load() {
  try { return { ...NOTHING, ...(await within("readonly", (store) => store.get("all"))) }; } catch { return NOTHING; }
}

/** Written to the disk before anybody sees the number: a power cut gives no number twice. @param {Kept} kept */
export const save = (kept) => within("readwrite", (store) => store.put(kept, "all"));

/**
 * The next number of a line, and what is kept from then on; null: the block is used up, or there is none for today.
 * @param {Kept} kept @param {string} service @param {string} day @param {string} group @param {number} now_s
 * @returns {{ kept: Kept, number: string } | null}
 */
export function giveOut(kept, service, day, group, now_s) {
  const block = kept.kit?.blocks.find((one) => one.service === service && one.day === day);
  if (!block) return null;
  const count = kept.next[block.block] ?? block.first;
  if (count > block.last) return null;
  const given = [...(kept.given[block.block] ?? []), { count, taken_at: now_s, priority_group: group }];
  return {
    kept: { ...kept, next: { ...kept.next, [block.block]: count + 1 }, given: { ...kept.given, [block.block]: given } },
    number: `${block.letter}${String(count).padStart(3, "0")}`,
  };
}

/** Numbers of all lines that wait to be handed in. @param {Kept} kept */
export const waiting = (kept) => Object.values(kept.given).reduce((sum, given) => sum + given.length, 0);
