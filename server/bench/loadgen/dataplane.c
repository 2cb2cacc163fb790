/*
 * The load generator's packets: send what browsers would send, count what comes back.
 *
 * One thread, one call at a time. Python makes the sockets, does ICE and DTLS, and hands over the two libsrtp sessions of each peer;
 * plane_run() then sends the streams that are due, receives, and keeps datagrams that are not SRTP for Python. libsrtp is not linked:
 * the addresses of its functions inside pylibsrtp are passed to plane_init(), so both sides use the same build.
 *
 * Every media payload ends with 16 bytes: MAGIC and the sender's CLOCK_MONOTONIC in nanoseconds. A server that forwards leaves payloads
 * alone, so the receiver knows how long the packet was under way: until the kernel had it at the receiver's socket (SO_TIMESTAMPNS), and
 * until it was read here, which is later by what this process was busy or asleep.
 */
#define _GNU_SOURCE
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "wire.h"

#define MAX_PEERS 2048
#define MAX_STREAMS 4096
#define BATCH 64           /* datagrams per recvmmsg */
#define KEPT 256           /* datagrams for Python per call */
#define LATE_NS 50000000LL /* a frame this late is skipped, not sent in a bunch */
#define STEPS_PER_OCTAVE 20
#define HISTOGRAM 400
#define REPORT_BLOCKS 31 /* RFC 3550 6.4.2: a 5-bit count */

typedef int (*srtp_call)(void *session, void *packet, int *length);

typedef struct {
  int peer, length;
  struct sockaddr_in from;
  uint8_t bytes[DATAGRAM];
} kept_datagram;

/* What plane_counters() shows; the order is that of native.py. */
enum { SENT, RECEIVED, REPORTS, REJECTED, UNSENT, LATE, KEY_REQUESTS, NACKS, REPAIRS, COUNTERS };

static srtp_call protect, unprotect, protect_rtcp, unprotect_rtcp;
static peer peers[MAX_PEERS];
static stream streams[MAX_STREAMS];
static int peer_count, stream_count, ep = -1, active;
static uint64_t counters[COUNTERS], histogram[HISTOGRAM], arrivals[HISTOGRAM];
static kept_datagram kept[KEPT];
static int kept_count;

void plane_init(void *rtp_out, void *rtp_in, void *rtcp_out, void *rtcp_in) {
  protect = rtp_out;
  unprotect = rtp_in;
  protect_rtcp = rtcp_out;
  unprotect_rtcp = rtcp_in;
  ep = epoll_create1(EPOLL_CLOEXEC);
}

int plane_add_peer(int fd, uint32_t ip, uint16_t port, void *tx, void *rx, int repair_type) {
  if (peer_count == MAX_PEERS) return -1;
  peer *p = &peers[peer_count];
  memset(p, 0, sizeof *p);
  p->flows = calloc(FLOWS, sizeof(flow));
  if (!p->flows) return -1;
  p->fd = fd;
  p->to.sin_family = AF_INET;
  p->to.sin_addr.s_addr = ip;
  p->to.sin_port = port;
  p->tx = tx;
  p->rx = rx;
  p->repair_type = repair_type;
  p->own_ssrc = 1 + peer_count;
  struct epoll_event e = {.events = EPOLLIN, .data.u32 = peer_count};
  if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &(int){1}, sizeof(int))) return -1;
  if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e)) return -1;
  return peer_count++;
}

int plane_add_stream(int of, uint32_t ssrc, int type, int mid, int size, int burst, int64_t interval_ns, uint32_t ts_step, int video) {
  if (stream_count == MAX_STREAMS) return -1;
  stream *s = &streams[stream_count];
  memset(s, 0, sizeof *s);
  s->peer = of;
  s->ssrc = ssrc;
  s->type = type;
  s->mid = mid;
  s->size = size;
  s->burst = burst < BURST ? burst : BURST;
  s->interval = interval_ns;
  s->ts_step = ts_step;
  s->video = video;
  s->key = video;
  s->mid_left = MID_PACKETS;
  s->seq = ssrc & 0x3fff; /* low, so that the roll-over stays out of a short run */
  s->ts = ssrc * 7;
  peers[of].own_ssrc = ssrc;
  return stream_count++;
}

uint64_t *plane_counters(void) { return counters; }
uint64_t *plane_histogram(void) { return histogram; }
uint64_t *plane_arrivals(void) { return arrivals; }

/* Starts a window: counters at zero, every known flow expected to go on from where it is. */
void plane_reset(void) {
  memset(counters, 0, sizeof counters);
  memset(histogram, 0, sizeof histogram);
  memset(arrivals, 0, sizeof arrivals);
  for (int i = 0; i < peer_count; i++)
    for (int k = 0; k < FLOWS; k++) {
      flow *f = &peers[i].flows[k];
      f->base = f->highest;
      f->received = 0;
    }
}

/* Spreads the streams over their interval, always the same way. */
void plane_set_active(int on) {
  int64_t t = now_ns();
  active = on;
  for (int i = 0; i < stream_count; i++) {
    double share = ((i * 2654435761u) & 0xffff) / 65536.0;
    streams[i].next = t + 5000000 + (int64_t)(streams[i].interval * share);
  }
  for (int i = 0; i < peer_count; i++) peers[i].next_report = t + (int64_t)(SECOND_NS * (i + 1.0) / peer_count);
}

/* Copies (expected, received) of each flow of which something was expected in the window; returns how many. */
int plane_flows(uint64_t *out, int room) {
  int n = 0;
  for (int i = 0; i < peer_count; i++)
    for (int k = 0; k < FLOWS && n < room; k++) {
      flow *f = &peers[i].flows[k];
      if (!f->seen || f->highest == f->base) continue;
      out[2 * n] = f->highest - f->base;
      out[2 * n + 1] = f->received;
      n++;
    }
  return n;
}

static flow *flow_of(peer *p, uint32_t ssrc) {
  for (uint32_t probe = 0, at = ssrc * 2654435761u >> 16; probe < FLOWS; probe++, at++) {
    flow *f = &p->flows[at & (FLOWS - 1)];
    if (f->seen && f->ssrc == ssrc) return f;
    if (!f->seen) {
      f->ssrc = ssrc;
      return f;
    }
  }
  return NULL;
}

static void count_packet(peer *p, uint32_t ssrc, uint16_t seq) {
  flow *f = flow_of(p, ssrc);
  if (!f) return;
  if (!f->seen) {
    f->seen = 1;
    f->highest = seq;
    f->base = (int64_t)seq - 1;
  } else {
    int16_t step = (int16_t)(seq - (uint16_t)f->highest);
    if (step > 0) f->highest += step;
  }
  f->received++;
}

static void count_latency(uint64_t *counts, int64_t ns) {
  double us = ns / 1000.0;
  int bucket = us <= 1 ? 0 : (int)ceil(STEPS_PER_OCTAVE * log2(us));
  counts[bucket < HISTOGRAM ? bucket : HISTOGRAM - 1]++;
}

static void send_frame(stream *s) {
  static uint8_t out[BURST][DATAGRAM];
  struct mmsghdr m[BURST];
  struct iovec v[BURST];
  peer *p = &peers[s->peer];
  memset(m, 0, sizeof m);
  int ready = 0;
  for (int k = 0; k < s->burst; k++) {
    int length = write_packet(out[k], s, p, k);
    if (protect(p->tx, out[k], &length)) {
      counters[REJECTED]++;
      continue;
    }
    v[ready] = (struct iovec){out[k], length};
    m[ready].msg_hdr = (struct msghdr){.msg_iov = &v[ready], .msg_iovlen = 1, .msg_name = &p->to, .msg_namelen = sizeof p->to};
    ready++;
  }
  int sent = sendmmsg(p->fd, m, ready, MSG_DONTWAIT);
  if (sent < 0) sent = 0;
  counters[SENT] += sent;
  counters[UNSENT] += ready - sent;
  s->sent += sent;
  s->ts += s->ts_step;
  s->key = 0;
  s->picture = (s->picture + 1) & 0x7fff;
}

/* Receiver reports on what the peer gets and sender reports on what it sends, as browsers do each second. */
static void send_reports(int index, int64_t t) {
  peer *p = &peers[index];
  uint8_t out[DATAGRAM];
  int blocks = 0, n = 8;
  for (int k = 0; k < FLOWS && blocks < REPORT_BLOCKS; k++) {
    flow *f = &p->flows[k];
    if (!f->seen) continue;
    put32(out + n, f->ssrc);
    put32(out + n + 4, 0);
    put32(out + n + 8, (uint32_t)f->highest);
    put32(out + n + 12, 0);
    put32(out + n + 16, f->last_report);
    put32(out + n + 20, f->last_report ? (uint32_t)((t - f->last_report_at) / (double)SECOND_NS * 65536) : 0);
    n += 24;
    blocks++;
  }
  out[0] = 0x80 | blocks;
  out[1] = 201;
  put16(out + 2, n / 4 - 1);
  put32(out + 4, p->own_ssrc);
  for (int i = 0; i < stream_count; i++) {
    stream *s = &streams[i];
    if (s->peer != index || !s->sent) continue;
    uint64_t stamp = ntp(t);
    out[n] = 0x80;
    out[n + 1] = 200;
    put16(out + n + 2, 6);
    put32(out + n + 4, s->ssrc);
    put32(out + n + 8, stamp >> 32);
    put32(out + n + 12, (uint32_t)stamp);
    put32(out + n + 16, s->ts);
    put32(out + n + 20, (uint32_t)s->sent);
    put32(out + n + 24, (uint32_t)(s->sent * s->size));
    n += 28;
  }
  if (protect_rtcp(p->tx, out, &n)) counters[REJECTED]++;
  else sendto(p->fd, out, n, MSG_DONTWAIT, (struct sockaddr *)&p->to, sizeof p->to);
}

/* Sends what is due; returns when the next is. */
static int64_t send_due(int64_t t, int64_t until) {
  for (int i = 0; active && i < stream_count; i++) {
    stream *s = &streams[i];
    if (s->next <= t) {
      send_frame(s);
      s->next += s->interval;
      if (s->next < t - LATE_NS) {
        counters[LATE]++;
        s->next = t;
      }
    }
    if (s->next < until) until = s->next;
  }
  for (int i = 0; active && i < peer_count; i++) {
    if (peers[i].next_report <= t) {
      send_reports(i, t);
      peers[i].next_report = t + SECOND_NS;
    }
    if (peers[i].next_report < until) until = peers[i].next_report;
  }
  return until;
}

static void want_key_frame(int index, uint32_t ssrc) {
  for (int i = 0; i < stream_count; i++)
    if (streams[i].peer == index && streams[i].ssrc == ssrc) {
      streams[i].key = streams[i].video;
      counters[KEY_REQUESTS]++;
    }
}

static void receive_rtcp(int index, uint8_t *d, int length) {
  if (unprotect_rtcp(peers[index].rx, d, &length)) {
    counters[REJECTED]++;
    return;
  }
  counters[REPORTS]++;
  for (int at = 0, size; at + 12 <= length; at += size) {
    int type = d[at + 1], format = d[at] & 31;
    size = 4 * ((d[at + 2] << 8 | d[at + 3]) + 1);
    if (at + size > length) return;
    if (type == 200 && size >= 28) {
      flow *f = flow_of(&peers[index], get32(d + at + 4));
      if (f && f->seen) {
        f->last_report = get32(d + at + 8) << 16 | get32(d + at + 12) >> 16;
        f->last_report_at = now_ns();
      }
    }
    if (type == 205 && format == 1) counters[NACKS]++;
    if (type == 206 && format == 1) want_key_frame(index, get32(d + at + 8));
    if (type == 206 && format == 4 && size >= 20) want_key_frame(index, get32(d + at + 12));
  }
}

static void receive_rtp(int index, uint8_t *d, int length, int64_t at, int64_t arrived) {
  peer *p = &peers[index];
  if (unprotect(p->rx, d, &length)) {
    counters[REJECTED]++;
    return;
  }
  if ((d[1] & 0x7f) == p->repair_type) {
    counters[REPAIRS]++;
    return;
  }
  if (length < 28 || memcmp(d + length - 16, MAGIC, 8)) return;
  int64_t sent;
  memcpy(&sent, d + length - 8, 8);
  counters[RECEIVED]++;
  count_packet(p, get32(d + 8), d[2] << 8 | d[3]);
  count_latency(histogram, at - sent);
  count_latency(arrivals, arrived - sent);
}

static void keep(int index, const uint8_t *d, int length, const struct sockaddr_in *from) {
  if (kept_count == KEPT) return;
  kept_datagram *k = &kept[kept_count++];
  k->peer = index;
  k->length = length;
  k->from = *from;
  memcpy(k->bytes, d, length);
}

typedef union {
  uint8_t room[CMSG_SPACE(sizeof(struct timespec))];
  struct cmsghdr aligned;
} stamp;

/* How long ago by the kernel's clock, at `wall` on that clock; 0 where it does not say. */
static int64_t age(struct msghdr *h, int64_t wall) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
    struct timespec t;
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS) continue;
    memcpy(&t, CMSG_DATA(c), sizeof t);
    int64_t ns = wall - (t.tv_sec * SECOND_NS + t.tv_nsec);
    return ns > 0 && ns < SECOND_NS ? ns : 0; /* more: the clock was set */
  }
  return 0;
}

static void receive(int index) {
  static uint8_t in[BATCH][DATAGRAM];
  static stamp stamps[BATCH];
  struct mmsghdr m[BATCH];
  struct iovec v[BATCH];
  struct sockaddr_in from[BATCH];
  memset(m, 0, sizeof m);
  for (int k = 0; k < BATCH; k++) {
    v[k] = (struct iovec){in[k], DATAGRAM};
    m[k].msg_hdr = (struct msghdr){.msg_iov = &v[k], .msg_iovlen = 1, .msg_name = &from[k], .msg_namelen = sizeof from[k],
                                  .msg_control = stamps[k].room, .msg_controllen = sizeof stamps[k].room};
  }
  int n = recvmmsg(peers[index].fd, m, BATCH, MSG_DONTWAIT, NULL);
  int64_t t = now_ns(), wall = clock_ns(CLOCK_REALTIME);
  for (int k = 0; k < n; k++) {
    uint8_t *d = in[k];
    int length = m[k].msg_len;
    if (length < 12) continue;
    if ((d[0] & 0xC0) != 0x80) keep(index, d, length, &from[k]);
    else if (d[1] >= 192 && d[1] <= 223) receive_rtcp(index, d, length);
    else receive_rtp(index, d, length, t, t - age(&m[k].msg_hdr, wall));
  }
}

/* Works for `ms` milliseconds, or until there is a datagram for Python. Returns how many of those there are. */
int plane_run(int ms) {
  int64_t end = now_ns() + ms * 1000000LL;
  kept_count = 0;
  while (1) {
    int64_t next = send_due(now_ns(), end);
    int64_t wait = next - now_ns();
    if (wait < 0) wait = 0;
    struct timespec timeout = {wait / SECOND_NS, wait % SECOND_NS};
    struct epoll_event ready[BATCH];
    int n = epoll_pwait2(ep, ready, BATCH, &timeout, NULL);
    for (int i = 0; i < n; i++) receive(ready[i].data.u32);
    if (kept_count || now_ns() >= end) return kept_count;
  }
}

int plane_kept(int i, uint8_t *out, uint32_t *ip, uint16_t *port, int *of) {
  memcpy(out, kept[i].bytes, kept[i].length);
  *ip = kept[i].from.sin_addr.s_addr;
  *port = kept[i].from.sin_port;
  *of = kept[i].peer;
  return kept[i].length;
}
