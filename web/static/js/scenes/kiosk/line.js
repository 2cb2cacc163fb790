// @ts-check
// Whether the kiosk reaches the service, what it offers, and what happens to numbers given out while it did not.
import { ApiError, get, post } from "../../api.js";
import { useEffect, useRef, useState } from "../../html.js";
import { lang } from "../../i18n.js";
import * as keeper from "./kept.js";

const REFRESH_MS = 20_000;
const LOOK_AGAIN_MS = 4000;
const DOWN_AFTER_MS = 20_000; // a restart of the service takes less; nobody is sent onto paper for that
const KIT_MS = 3_600_000;

/** The city's day, which the numbers belong to. @param {number} now_ms */
const dayOf = (now_ms) => new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai", dateStyle: "short" }).format(now_ms);

/** @param {unknown} error */
const isAway = (error) => error instanceof ApiError && (error.status === 0 || error.status >= 502);

/**
 * Hand in what was given out, block by block in the order of their numbers; what the service has taken is forgotten here.
 * @param {string} api @param {keeper.Kept} kept
 * @returns {Promise<{ kept: keeper.Kept, merged: string[], gap_s: number, refused: number }>}
 */
async function handIn(api, kept) {
  /** @type {string[]} */
  const merged = [];
  let [gap_s, refused, now] = [0, 0, kept];
  for (const [block, tickets] of Object.entries(kept.given)) {
    if (!tickets.length) continue;
    try {
      const body = { block, lost_at: kept.lost_at ?? tickets[0]?.taken_at ?? 0, device_now: Date.now() / 1000, tickets };
      const reply = await post(`${api}/offline-tickets`, body);
      merged.push(...reply.tickets.map((/** @type {any} */ one) => one.number));
      gap_s = Math.max(gap_s, reply.gap_s);
      now = { ...now, given: { ...now.given, [block]: [] } };
    } catch (error) {
      if (isAway(error)) throw error;
      refused += tickets.length; // kept: staff look at it, nobody's number is thrown away
    }
  }
  return { kept: now, merged, gap_s, refused };
}

/**
 * @param {string} api @param {(ticket: any) => void} onTicket
 * @returns {{ offer: any, lost_ms: number | null, down: boolean, unmerged: number, merged: { numbers: string[], gap_s: number, refused: number } | null,
 *             shutOut: boolean, look: () => void, take: (service: string, group: string) => Promise<string | null>, seen: () => void, roster: any }}
 */
export function useLine(api, onTicket) {
  const [offer, setOffer] = useState(/** @type {any} */ (null));
  const [lost_ms, setLost] = useState(/** @type {number | null} */ (null));
  const [down, setDown] = useState(false);
  const [merged, setMerged] = useState(/** @type {any} */ (null));
  const [shutOut, setShutOut] = useState(false);
  const [, draw] = useState(0);
  const kept = useRef(/** @type {keeper.Kept | null} */ (null));
  const told = useRef(onTicket);
  told.current = onTicket;
  const look = useRef(() => {});

  useEffect(() => {
    let ended = false;
    let asking = false;
    let kit_ms = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const keep = async (/** @type {keeper.Kept} */ next) => { kept.current = next; await keeper.save(next).catch((error) => console.warn("not kept", error)); draw((count) => count + 1); };

    async function reached(/** @type {any} */ reply) {
      const now = kept.current ?? (await keeper.load());
      if (keeper.waiting(now)) {
        const done = await handIn(api, now);
        await keep({ ...done.kept, lost_at: null });
        if (done.merged.length || done.refused) setMerged({ numbers: done.merged, gap_s: done.gap_s, refused: done.refused });
        reply = await get(api);
      } else if (now.lost_at !== null) await keep({ ...now, lost_at: null });
      setLost(null);
      setDown(false);
      setOffer(reply);
      if (reply.ticket) told.current(reply.ticket);
      const day = dayOf(Date.now());
      if (Date.now() - kit_ms > KIT_MS || kept.current?.kit?.blocks[0]?.day !== day) {
        const kit = await get(`${api}/offline`);
        kit_ms = Date.now();
        const { ticket, ...menu } = reply;
        await keep({ ...(kept.current ?? now), kit, offer: { ...menu, ticket: null, called_here: [] } });
      }
    }

    async function lost() {
      const now = kept.current ?? (await keeper.load());
      const since = now.lost_at ?? Date.now() / 1000;
      if (now.lost_at === null) await keep({ ...now, lost_at: since }); else { kept.current = now; }
      setLost(since * 1000);
      setDown(Date.now() - since * 1000 >= DOWN_AFTER_MS && Boolean(now.kit));
      setOffer((/** @type {any} */ before) => before ?? now.offer);
    }

    /** The device was shut out: it gives out nothing more and keeps nothing but numbers that somebody still holds. */
    async function refused() {
      ended = true;
      const now = kept.current ?? (await keeper.load());
      await keep({ ...now, kit: null, offer: null });
      setShutOut(true);
    }

    async function ask() {
      if (asking || ended) return;
      asking = true;
      clearTimeout(timer);
      let again = REFRESH_MS;
      try { await reached(await get(api)); } catch (error) {
        if (error instanceof ApiError && error.status === 401) { await refused(); return; }
        if (!isAway(error)) console.warn("the service refuses this kiosk", error);
        await lost();
        again = LOOK_AGAIN_MS;
      }
      asking = false;
      if (!ended) timer = setTimeout(ask, again);
    }
    look.current = ask;
    ask();
    addEventListener("online", ask);
    return () => { ended = true; clearTimeout(timer); removeEventListener("online", ask); };
  }, [lang()]);

  const take = async (/** @type {string} */ service, /** @type {string} */ group) => {
    const given = keeper.giveOut(kept.current ?? (await keeper.load()), service, dayOf(Date.now()), group, Date.now() / 1000);
    if (!given) return null;
    await keeper.save(given.kept);
    kept.current = given.kept;
    return given.number;
  };
  return {
    offer, lost_ms, down, merged, shutOut, look: () => look.current(), take, seen: () => setMerged(null),
    unmerged: kept.current ? keeper.waiting(kept.current) : 0, roster: kept.current?.kit ?? null,
  };
}
