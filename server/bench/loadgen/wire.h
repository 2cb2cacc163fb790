/*
 * What the load generator knows of peers and streams, and how the bytes of one packet are written. Only dataplane.c includes this.
 */
#ifndef WIRE_H
#define WIRE_H
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#define FLOWS 512 /* streams one peer receives; a power of two */
#define BURST 16  /* packets of one frame */
#define DATAGRAM 2048
#define MID_PACKETS 100 /* browsers send the mid until the first receiver report, about a second */
#define SECOND_NS 1000000000LL

static const char MAGIC[8] = "laizuo-b";

typedef struct {
  uint32_t ssrc;
  int seen;
  int64_t base, highest;
  uint64_t received;
  uint32_t last_report;
  int64_t last_report_at;
} flow;

typedef struct {
  int fd;
  struct sockaddr_in to;
  void *tx, *rx;
  uint8_t repair_type;
  uint16_t transport_seq;
  uint32_t own_ssrc;
  int64_t next_report;
  flow *flows;
} peer;

typedef struct {
  int peer;
  uint32_t ssrc, ts, ts_step;
  uint16_t seq, picture;
  uint8_t type, mid;
  int size, burst, video, key, mid_left;
  int64_t next, interval;
  uint64_t sent;
} stream;

static int64_t clock_ns(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * SECOND_NS + t.tv_nsec;
}

static int64_t now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

static void put16(uint8_t *at, uint16_t value) {
  at[0] = value >> 8;
  at[1] = value;
}

static void put32(uint8_t *at, uint32_t value) {
  put16(at, value >> 16);
  put16(at + 2, value);
}

static uint32_t get32(const uint8_t *at) { return (uint32_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3]; }

/* Middle 32 bits of the NTP time, which is all that reports need here; the epoch may be any. */
static uint64_t ntp(int64_t ns) { return (uint64_t)(ns / SECOND_NS) << 32 | (uint64_t)((ns % SECOND_NS) * 4.294967296); }

/* The one-byte header extensions (RFC 8285) Chromium sends: 1 audio level, 2 abs-send-time, 3 transport-wide sequence, 4 mid. */
static int write_extensions(uint8_t *at, stream *s, peer *p, int64_t t) {
  int n = 4;
  uint32_t abs = (uint32_t)(ntp(t) >> 14) & 0xffffff;
  at[0] = 0xBE;
  at[1] = 0xDE;
  if (!s->video) {
    at[n++] = 1 << 4;
    at[n++] = 0x80 | 30;
  }
  at[n++] = 2 << 4 | 2;
  at[n++] = abs >> 16;
  at[n++] = abs >> 8;
  at[n++] = abs;
  at[n++] = 3 << 4 | 1;
  put16(at + n, p->transport_seq++);
  n += 2;
  if (s->mid_left > 0) {
    s->mid_left--;
    at[n++] = 4 << 4;
    at[n++] = s->mid;
  }
  while (n % 4) at[n++] = 0;
  put16(at + 2, n / 4 - 1);
  return n;
}

/* VP8 payload descriptor with a 15-bit picture id (RFC 7741 4.2) and the first bytes of a frame (RFC 6386 9.1). */
static void write_vp8(uint8_t *at, stream *s, int first) {
  at[0] = 0x80 | (first ? 0x10 : 0);
  at[1] = 0x80;
  put16(at + 2, 0x8000 | s->picture);
  if (!first) return;
  at[4] = s->key ? 0x10 : 0x11; /* lowest bit 0: a key frame */
  static const uint8_t start[] = {0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01}; /* 640 x 360 */
  if (s->key) memcpy(at + 7, start, sizeof start);
}

static int write_packet(uint8_t *out, stream *s, peer *p, int k) {
  int64_t t = now_ns();
  out[0] = 0x90;
  out[1] = s->type | (s->video && k == s->burst - 1 ? 0x80 : 0);
  put16(out + 2, s->seq++);
  put32(out + 4, s->ts);
  put32(out + 8, s->ssrc);
  int n = 12 + write_extensions(out + 12, s, p, t);
  memset(out + n, 0, 16);
  if (s->video) write_vp8(out + n, s, k == 0);
  memcpy(out + s->size - 16, MAGIC, 8);
  memcpy(out + s->size - 8, &t, 8);
  return s->size;
}

#endif
