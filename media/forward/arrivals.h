/* What came of a browser, and when, in the words of transport-cc: core/transport_cc.py Arrivals, step by step. The end of fastpath.h.
 *
 * Source: draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1.
 */
#ifndef LAIZUO_ARRIVALS_H
#define LAIZUO_ARRIVALS_H

#include <stdint.h>
#include <string.h>

enum {
  MOST_STATUSES = 256,
  LATEST = 1000,
  REFERENCE_TICKS = 256,
  PER_VECTOR = 7,
  NOT_RECEIVED = 0,
  SMALL = 1,
  LARGE = 2,
  LONGEST_BODY = 8 + 2 * (MOST_STATUSES / PER_VECTOR + 1) + 2 * MOST_STATUSES + 4,
};

#define TICK_S 0.00025
#define FIRST_CYCLE 0x10000

/* Arrivals.note. What finds no room is not told as lost either: see end_telling. */
void fast_note(lane *l, uint16_t number, double at) {
  int64_t ext = FIRST_CYCLE + number;
  if (l->newest >= 0) ext = l->newest + (uint16_t)(number - (uint16_t)l->newest + 0x8000) - 0x8000;
  if (l->newest - ext >= LATEST) return;
  if (l->arrivals == NULL || l->arrival_count >= ARRIVALS) {
    l->arrivals_missed = true;
    return;
  }
  if (ext > l->newest) l->newest = ext;
  l->arrivals[l->arrival_count++] = (arrival){.at = at, .number = ext};
}

/* _chunks: runs where they are at least as short as vectors of seven. Returns the bytes written. */
static uint32_t write_chunks(uint8_t *out, const uint8_t *symbols, uint32_t count) {
  uint32_t written = 0;
  for (uint32_t at = 0, run; at < count; at += run, written += 2) {
    for (run = 1; at + run < count && symbols[at + run] == symbols[at];) run++;
    if (run >= PER_VECTOR || at + run == count) {
      put16(out + written, (uint16_t)(symbols[at] << 13 | run));
      continue;
    }
    uint32_t chunk = 0xC000;
    run = PER_VECTOR;
    for (uint32_t place = 0; place < PER_VECTOR && at + place < count; place++)
      chunk |= (uint32_t)symbols[at + place] << (12 - 2 * place);
    put16(out + written, (uint16_t)chunk);
  }
  return written;
}

/* Arrivals._tell: one body about `count` numbers from `start` on. `came` are those of them that came, in order; at least one. */
static uint32_t tell_numbers(lane *l, uint8_t *out, int64_t start, uint32_t count, const arrival *came, uint32_t of_them) {
  uint8_t symbols[MOST_STATUSES] = {NOT_RECEIVED}, deltas[2 * MOST_STATUSES];
  int64_t reference = (int64_t)(came[0].at / TICK_S) / REFERENCE_TICKS, before = reference * REFERENCE_TICKS;
  uint32_t size = 0;
  for (uint32_t i = 0; i < of_them; i++) {
    uint8_t *symbol = &symbols[came[i].number - start];
    if (*symbol != NOT_RECEIVED) continue; /* twice: the first time counts */
    int64_t delta = (int64_t)(came[i].at / TICK_S) - before;
    delta = delta < -0x8000 ? -0x8000 : delta > 0x7FFF ? 0x7FFF : delta;
    before += delta;
    *symbol = delta >= 0 && delta <= 0xFF ? SMALL : LARGE;
    if (*symbol == LARGE) deltas[size++] = (uint8_t)(delta >> 8);
    deltas[size++] = (uint8_t)delta;
  }
  put16(out, (uint16_t)start);
  put16(out + 2, (uint16_t)count);
  put32(out + 4, (uint32_t)reference << 8 | l->told++);
  uint32_t at = 8 + write_chunks(out + 8, symbols, count);
  memcpy(out + at, deltas, size);
  for (at += size; at % 4;) out[at++] = 0;
  return at;
}

typedef struct {
  int64_t start; /* of the numbers not told yet */
  uint32_t at;   /* the first arrival not told yet */
} telling;

/* In order of their numbers; of equal ones the first that came stays in front. They come nearly so. */
static telling begin_telling(lane *l) {
  arrival *a = l->arrivals;
  for (uint32_t i = 1; i < l->arrival_count; i++) {
    arrival one = a[i];
    uint32_t at = i;
    for (; at > 0 && a[at - 1].number > one.number; at--) a[at] = a[at - 1];
    a[at] = one;
  }
  int64_t first = a[0].number, start = l->told_to < 0 || first < l->told_to ? first : l->told_to;
  return (telling){.start = l->newest - start > 4 * MOST_STATUSES ? first : start};
}

/* The next body, into LONGEST_BODY bytes; 0 when all is told. */
static uint32_t tell_next(lane *l, telling *t, uint8_t *out) {
  while (t->at < l->arrival_count) {
    int64_t start = t->start, left = l->newest + 1 - start;
    uint32_t first = t->at, count = left < MOST_STATUSES ? (uint32_t)left : MOST_STATUSES;
    while (t->at < l->arrival_count && l->arrivals[t->at].number < start + count) t->at++;
    t->start = start + count;
    if (t->at > first) return tell_numbers(l, out, start, count, l->arrivals + first, t->at - first);
  }
  return 0;
}

static void end_telling(lane *l) {
  l->told_to = l->arrivals_missed ? -1 : l->newest + 1;
  l->arrivals_missed = false;
  l->arrival_count = 0;
}

/* Arrivals.take: all bodies, each behind its size (32 bits of this machine). Returns the bytes written. */
uint32_t fast_arrivals(lane *l, uint8_t *out, uint32_t room) {
  uint32_t written = 0;
  if (l->arrivals == NULL || l->arrival_count == 0) return 0;
  telling t = begin_telling(l);
  while (room - written >= sizeof(uint32_t) + LONGEST_BODY) {
    uint32_t size = tell_next(l, &t, out + written + sizeof size);
    if (size == 0) break;
    memcpy(out + written, &size, sizeof size);
    written += (uint32_t)sizeof size + size;
  }
  end_telling(l);
  return written;
}

#endif
