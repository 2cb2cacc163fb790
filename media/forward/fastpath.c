/* The common case of the packet path in C: from the socket into all subscribers in one call, with the GIL released.
 *
 * What is not the common case is not decided here: it goes to python_path.py as it came, decrypted but not accounted, through the
 * tray. So there is one policy, written once, in Python (PACKETS.md). The common case is:
 *
 *   - from the address of a lane that has keys, with a right tag, within the lane's budget;
 *   - of a known SSRC, newer than all before it (a gap is told, and passed over);
 *   - nobody waits for a key frame of it, and all who get it have an open segment of numbers and are reached by this socket.
 *
 * libsrtp and OpenSSL are reached through the addresses of pylibsrtp's own functions; there is nothing to link with but libc.
 */
#define _GNU_SOURCE
#include "fastpath.h"

#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

typedef struct {
  down *to;
  uint32_t size, body;
  int32_t next; /* of the same lane */
} leaving;

typedef union {
  uint8_t room[CMSG_SPACE(sizeof(uint16_t))];
  struct cmsghdr aligned;
} control;

typedef union {
  uint8_t room[CMSG_SPACE(sizeof(struct timespec))];
  struct cmsghdr aligned;
} stamp;

/* What no one outside needs to see. */
typedef struct {
  struct mmsghdr in[IN_SLOTS];
  struct iovec in_at[IN_SLOTS];
  struct sockaddr_storage from[IN_SLOTS];
  stamp stamps[IN_SLOTS];
  uint8_t in_data[IN_SLOTS][IN_SLOT];
  lane *lanes[IN_SLOTS]; /* whom each is from; NULL: nobody, or it was not asked */
  up *ups[IN_SLOTS];

  struct mmsghdr message[OUT_SLOTS];
  struct iovec vector[OUT_SLOTS];
  control extra[OUT_SLOTS];
  int32_t first[OUT_SLOTS]; /* slot of each message */
  lane *pending[OUT_SLOTS];
  leaving out[OUT_SLOTS];
  uint32_t out_count, pending_count;
  double now; /* of this batch: when things leave. When they came, the kernel noted. */
  uint8_t out_data[OUT_SLOTS][OUT_SLOT];
} workspace;

static double seconds(const struct timespec *t) { return (double)t->tv_sec + (double)t->tv_nsec * 1e-9; }

static double clock_now(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return seconds(&t);
}

static void drop(fast *f, enum reason why) {
  f->dropped[why]++;
  f->dropped_any = true;
}

/* --- the gate: which lane an address belongs to ------------------------------------------------------------------ */

typedef struct {
  uint64_t word[3]; /* family, port and scope; host */
} place;

static bool place_of(place *p, const void *address, size_t size) {
  memset(p, 0, sizeof *p);
  sa_family_t family;
  if (size < sizeof family) return false;
  memcpy(&family, address, sizeof family);
  if (family == AF_INET && size >= sizeof(struct sockaddr_in)) {
    struct sockaddr_in four;
    memcpy(&four, address, sizeof four);
    p->word[0] = (uint64_t)AF_INET << 48 | (uint64_t)four.sin_port << 32;
    p->word[1] = four.sin_addr.s_addr;
    return true;
  }
  if (family == AF_INET6 && size >= sizeof(struct sockaddr_in6)) {
    struct sockaddr_in6 six;
    memcpy(&six, address, sizeof six);
    p->word[0] = (uint64_t)AF_INET6 << 48 | (uint64_t)six.sin6_port << 32 | six.sin6_scope_id;
    memcpy(&p->word[1], &six.sin6_addr, sizeof six.sin6_addr);
    return true;
  }
  return false;
}

static bool same_place(const place *a, const place *b) {
  return a->word[0] == b->word[0] && a->word[1] == b->word[1] && a->word[2] == b->word[2];
}

static uint32_t spread(uint64_t seed, const place *p) {
  for (int i = 0; i < 3; i++) {
    seed = (seed ^ p->word[i]) * 0x9E3779B97F4A7C15u;
    seed ^= seed >> 29;
  }
  return (uint32_t)(seed >> 32);
}

/* Where it is, or the free place where it would be. The table is at most half full, so the walk ends. */
static uint32_t gate_place(const fast *f, const place *wanted) {
  uint32_t at = spread(f->gate_seed, wanted) & f->gate_mask;
  for (place here; f->gate[at] != NULL; at = (at + 1) & f->gate_mask) {
    place_of(&here, f->gate[at]->address, f->gate[at]->address_size);
    if (same_place(&here, wanted)) break;
  }
  return at;
}

static lane *lane_at(const fast *f, const void *address, size_t size) {
  place wanted;
  if (f->gate == NULL || !place_of(&wanted, address, size)) return NULL;
  return f->gate[gate_place(f, &wanted)];
}

/* Fill the gate anew. Returns how many lanes have a place in it, -1 if it is too small. */
int fast_gate(fast *f, lane **lanes, uint32_t count) {
  int placed = 0;
  if (f->gate == NULL || count > (f->gate_mask + 1) / 2) return -1;
  memset(f->gate, 0, (f->gate_mask + 1) * sizeof *f->gate);
  for (uint32_t i = 0; i < count; i++) {
    place p;
    if (!place_of(&p, lanes[i]->address, lanes[i]->address_size)) continue;
    f->gate[gate_place(f, &p)] = lanes[i];
    placed++;
  }
  return placed;
}

/* --- the tray: what Python must see ------------------------------------------------------------------------------ */

static size_t padded(size_t length) { return (length + 7) & ~(size_t)7; }

static void tell(fast *f, enum kind kind, uint32_t id, double now, const void *data, uint32_t length) {
  size_t size = sizeof(record) + padded(length);
  if (f->tray_used > f->tray_size || f->tray_size - f->tray_used < size) {
    drop(f, TRAY_FULL);
    return;
  }
  record head = {.kind = kind, .id = id, .length = length, .now = now};
  memcpy(f->tray + f->tray_used, &head, sizeof head);
  memcpy(f->tray + f->tray_used + sizeof head, data, length);
  f->tray_used += (uint32_t)size;
  f->urgent = true;
}

/* Whether a compound has only reports, names and estimates: what they say has its time written to it, and they come all the time. */
static bool only_reports(const uint8_t *d, uint32_t size) {
  uint32_t at = 0;
  for (; at + 4 <= size; at += 4 * (get16(d + at + 2) + 1u)) {
    bool report = d[at + 1] >= 200 && d[at + 1] <= 202, estimate = d[at + 1] == 206 && (d[at] & 0x1F) == 15;
    if (!report && !estimate) return false;
  }
  return at == size;
}

static void tell_rtcp(fast *f, uint32_t id, double now, const uint8_t *d, uint32_t size) {
  bool urgent = f->urgent || !only_reports(d, size);
  tell(f, RTCP, id, now, d, size);
  f->urgent = urgent;
}

/* A packet and the gap before it, for each slot of one more batch. */
static bool tray_has_room(const fast *f) {
  size_t most = IN_SLOTS * (2 * sizeof(record) + padded(LONGEST) + 16);
  return f->tray_used <= f->tray_size && f->tray_size - f->tray_used >= most;
}

static void tell_datagram(fast *f, double now, const uint8_t *data, uint32_t size, const void *from, uint32_t from_size) {
  uint32_t at = f->tray_used;
  if (from_size > sizeof((record){0}.address)) return;
  tell(f, DATAGRAM, 0, now, data, size);
  if (f->tray_used == at) return;
  record head;
  memcpy(&head, f->tray + at, sizeof head);
  head.address_size = from_size;
  memcpy(head.address, from, from_size);
  memcpy(f->tray + at, &head, sizeof head);
}

/* --- the cache --------------------------------------------------------------------------------------------------- */

/* PacketCache.store: one packet under its extended number; one that lies a whole ring behind the newest is ignored. */
void fast_store(up *u, int64_t ext, const uint8_t *data, uint32_t length, double now) {
  if (u->index == NULL || u->arena == NULL || ext < 0 || length > u->arena_size) return;
  cached *entry = &u->index[(uint64_t)ext & u->index_mask];
  if (entry->ext > ext) return;
  uint64_t at = u->written, left = u->arena_size - at % u->arena_size;
  if (left < length) at += left;
  memcpy(u->arena + at % u->arena_size, data, length);
  u->written = at + length;
  *entry = (cached){.ext = ext, .at = at, .stored = now, .length = length};
}

/* PacketCache.get: copies the packet into `out`. Returns its length, 0 if it is not there, too old or longer than `room`. */
uint32_t fast_load(const up *u, int64_t ext, double now, double max_age, uint8_t *out, uint32_t room) {
  if (u->index == NULL || u->arena == NULL || ext < 0) return 0;
  const cached *entry = &u->index[(uint64_t)ext & u->index_mask];
  if (entry->ext != ext || entry->length > room || now - entry->stored > max_age) return 0;
  if (entry->at + u->arena_size < u->written) return 0;
  memcpy(out, u->arena + entry->at % u->arena_size, entry->length);
  return entry->length;
}

/* --- the roll: what the recorder gets ---------------------------------------------------------------------------- */

/* Ledger.receive for the number that follows, and the record of it. False: Python must see the packet, and with it all that follow,
 * because `next` stays until then; it takes what is on the roll first, so nothing changes places. */
static bool put_on_roll(roll *r, const uint8_t *data, uint32_t size, double now) {
  if (r == NULL || r->next != get16(data + 2) || r->size - r->used < RECORD_HEAD + size) return false;
  uint8_t *at = r->bytes + r->used;
  uint64_t arrival_us = (uint64_t)(now * 1e6);
  put16(at, (uint16_t)(RECORD_HEAD - 2 + size));
  at[2] = 1; /* layout.py RTP */
  put32(at + 3, (uint32_t)(arrival_us >> 32));
  put32(at + 7, (uint32_t)arrival_us);
  memcpy(at + RECORD_HEAD, data, size);
  r->used += RECORD_HEAD + size;
  r->count++;
  r->next = (uint16_t)(r->next + 1);
  r->highest++;
  r->received++;
  return true;
}

/* From now on keep the bytes in `arena`. What is here goes along in the order of its numbers, unless it is older than `max_age`; the
 * newest in any case, as in PacketCache. */
void fast_move(up *u, uint8_t *arena, uint32_t size, double now, double max_age) {
  const uint8_t *before = u->arena;
  uint64_t size_before = u->arena_size, written = u->written;
  int64_t newest = -1;
  for (uint32_t i = 0; i <= u->index_mask; i++)
    if (u->index[i].ext > newest) newest = u->index[i].ext;
  u->arena = arena;
  u->arena_size = size;
  u->written = 0;
  for (uint32_t i = 1; i <= u->index_mask + 1; i++) {
    cached *entry = &u->index[((uint64_t)newest + i) & u->index_mask], was = *entry;
    entry->ext = -1;
    if (was.ext < 0 || was.at + size_before < written || (was.ext != newest && now - was.stored > max_age)) continue;
    fast_store(u, was.ext, before + was.at % size_before, was.length, was.stored);
  }
}

/* --- out --------------------------------------------------------------------------------------------------------- */

static void note_failure(fast *f, workspace *w, int32_t slot, int error) {
  bool full = error == EAGAIN || error == EWOULDBLOCK;
  down *d = w->out[slot].to;
  drop(f, full ? SEND_FULL : SEND_FAILED);
  d->packets--;
  d->octets -= w->out[slot].body;
  if (full && d->video) d->stalled = f->stalled_any = true;
}

static void send_singly(fast *f, workspace *w, uint32_t m) {
  struct msghdr *whole = &w->message[m].msg_hdr;
  int32_t slot = w->first[m];
  for (size_t i = 0; i < whole->msg_iovlen; i++, slot = w->out[slot].next) {
    struct mmsghdr one = {.msg_hdr = {.msg_name = whole->msg_name, .msg_namelen = whole->msg_namelen,
                                      .msg_iov = &whole->msg_iov[i], .msg_iovlen = 1}};
    errno = 0;
    if (f->send(f->fd, &one, 1, MSG_DONTWAIT) == 1) {
      f->packets_out++;
    } else {
      note_failure(f, w, slot, errno);
    }
  }
}

/* One message was refused with `error`. A way that does not take segmentation gets single packets from now on. */
static void settle_refused(fast *f, workspace *w, uint32_t m, int error) {
  struct msghdr *message = &w->message[m].msg_hdr;
  int32_t slot = w->first[m];
  if (message->msg_iovlen > 1 && (error == EINVAL || error == EIO || error == EMSGSIZE || error == EOPNOTSUPP)) {
    w->out[slot].to->to->no_gso = true;
    send_singly(f, w, m);
    return;
  }
  for (size_t i = 0; i < message->msg_iovlen; i++, slot = w->out[slot].next) note_failure(f, w, slot, error);
}

static void send_messages(fast *f, workspace *w, uint32_t count) {
  for (uint32_t done = 0; done < count;) {
    errno = 0;
    int sent = f->send(f->fd, w->message + done, count - done, MSG_DONTWAIT);
    if (sent <= 0) {
      settle_refused(f, w, done++, errno);
      continue;
    }
    f->messages_out += (uint64_t)sent;
    for (; sent > 0 && done < count; sent--) f->packets_out += w->message[done++].msg_hdr.msg_iovlen;
  }
}

/* One message from `slot` on: packets of equal size, the last of which may be shorter. Returns the slot after it. */
static int32_t fill_message(const fast *f, workspace *w, lane *l, int32_t slot, uint32_t m, uint32_t *vectors) {
  uint32_t size = w->out[slot].size, total = 0, last = size;
  struct iovec *from = &w->vector[*vectors];
  size_t count = 0;
  w->first[m] = slot;
  do {
    last = w->out[slot].size;
    from[count++] = (struct iovec){.iov_base = w->out_data[slot], .iov_len = last};
    total += last;
    slot = w->out[slot].next;
  } while (slot != NO_SLOT && f->gso && !l->no_gso && count < SEGMENTS && last == size && w->out[slot].size <= size &&
           total + w->out[slot].size <= LONGEST_SUPER);
  *vectors += (uint32_t)count;
  struct msghdr *h = &w->message[m].msg_hdr;
  *h = (struct msghdr){.msg_name = l->address, .msg_namelen = l->address_size, .msg_iov = from, .msg_iovlen = count};
  if (count > 1) {
    control *extra = &w->extra[m];
    uint16_t segment = (uint16_t)size;
    memset(extra, 0, sizeof *extra);
    extra->aligned.cmsg_level = IPPROTO_UDP;
    extra->aligned.cmsg_type = UDP_SEGMENT;
    extra->aligned.cmsg_len = CMSG_LEN(sizeof segment);
    memcpy(CMSG_DATA(&extra->aligned), &segment, sizeof segment);
    h->msg_control = extra->room;
    h->msg_controllen = sizeof extra->room;
  }
  return slot;
}

/* Send all that waits, subscriber by subscriber, so that his packets can leave as one. */
static void flush(fast *f, workspace *w) {
  uint32_t messages = 0, vectors = 0;
  for (uint32_t i = 0; i < w->pending_count; i++) {
    lane *l = w->pending[i];
    for (int32_t slot = l->first_out; slot != NO_SLOT;) slot = fill_message(f, w, l, slot, messages++, &vectors);
    l->first_out = l->last_out = NO_SLOT;
  }
  w->pending_count = 0;
  if (messages) send_messages(f, w, messages);
  w->out_count = 0;
}

static void queue(workspace *w, down *d, uint32_t size, uint32_t body) {
  lane *l = d->to;
  int32_t slot = (int32_t)w->out_count++;
  w->out[slot] = (leaving){.to = d, .size = size, .body = body, .next = NO_SLOT};
  if (l->first_out == NO_SLOT) {
    l->first_out = slot;
    w->pending[w->pending_count++] = l;
  } else {
    w->out[l->last_out].next = slot;
  }
  l->last_out = slot;
  d->packets++;
  d->octets += body;
}

typedef struct {
  int64_t ext;
  const uint8_t *body;
  uint32_t size;
  uint32_t ts;
  uint32_t red; /* bytes of RED before its last block; 0: no RED, more than `size`: a bad one */
  uint8_t first, marker_pt;
} taken;

/* core/picture_ids.py shift_numbers: RFC 7741 4.2. */
static void shift_numbers(uint8_t *d, uint32_t size, uint32_t shift) {
  uint32_t at = 2;
  if (size < 2 || !(d[0] & 0x80)) return;
  if (d[1] & 0x80) {
    if (at >= size) return;
    if (d[at] & 0x80) {
      if (at + 1 >= size) return;
      uint32_t picture = (get16(d + at) & 0x7FFFu) + (shift >> 8);
      put16(d + at, (uint16_t)(0x8000u | (picture & 0x7FFFu)));
      at += 2;
    } else {
      d[at] = (uint8_t)((d[at] + (shift >> 8)) & 0x7F);
      at++;
    }
  }
  if (d[1] & 0x40 && at < size) d[at] = (uint8_t)(d[at] + shift);
}

/* core/red.py primary_offset. Always more than 0; more than `size` for what is no RED. */
static uint32_t red_before_last(const uint8_t *d, uint32_t size) {
  uint32_t at = 0, behind = 0;
  for (; at < size && d[at] & 0x80; at += 4) {
    if (at + 4 > size) return size + 1;
    behind += get16(d + at + 2) & 0x3FFu;
  }
  return at + 1 + behind;
}

static void send_one(fast *f, workspace *w, down *d, const taken *p, uint8_t pt) {
  const uint8_t *body = p->body;
  uint32_t size = p->size;
  d->highest = p->ext;
  d->last_ts = p->ts;
  d->last_now = w->now;
  if (d->to->tx == NULL || d->to->address_size == 0) {
    drop(f, d->to->tx == NULL ? NO_KEYS : SEND_FAILED);
    return;
  }
  if (p->red && (pt & 0x7F) != d->red_pt) {
    if (p->red > size) {
      drop(f, RTP_MALFORMED);
      return;
    }
    body += p->red;
    size -= p->red;
  }
  if (w->out_count == OUT_SLOTS) flush(f, w);
  uint8_t *out = w->out_data[w->out_count];
  uint32_t head = d->abs_base ? ABS_HEADER : FIXED_HEADER;
  out[0] = d->abs_base ? p->first | 0x10 : p->first;
  out[1] = pt;
  put16(out + 2, (uint16_t)((uint64_t)p->ext + (uint64_t)d->seq_delta));
  put32(out + 4, p->ts + d->ts_delta);
  put32(out + 8, d->ssrc);
  if (d->abs_base) {
    put32(out + 12, 0xBEDE0001u);
    put32(out + 16, d->abs_base | ((uint32_t)(uint64_t)(w->now * 262144.0) & 0xFFFFFFu));
  }
  memcpy(out + head, body, size);
  if (d->shift) shift_numbers(out + head, size, d->shift);
  int length = (int)(head + size);
  if (fast_seal(d->to->tx, out, &length) != 0 || length <= 0 || length > OUT_SLOT) {
    drop(f, PROTECT_FAILED);
    return;
  }
  queue(w, d, (uint32_t)length, size);
}

/* --- in ---------------------------------------------------------------------------------------------------------- */

/* Reception.receive, RFC 3550 A.8. */
static void account(up *u, int64_t ext, uint32_t ts, double now) {
  int64_t transit = (int64_t)(now * u->clock_rate) - (int64_t)ts;
  if (u->received) {
    int64_t off = (int64_t)(uint32_t)((uint64_t)(transit - u->transit) + 0x80000000u) - 0x80000000ll;
    u->jitter += ((double)(off >= 0 ? off : -off) - u->jitter) / 16;
  } else {
    u->base = ext;
  }
  u->transit = transit;
  u->received++;
  if (ext > u->top) u->top = ext;
}

/* core/rtp.py payload_start; 0 for a header that does not fit. */
static uint32_t payload_start(const uint8_t *d, uint32_t size) {
  uint32_t at = FIXED_HEADER + (d[0] & 0x0Fu) * 4;
  if (d[0] & 0x10) {
    if (at + 4 > size) return 0;
    at += 4 + get16(d + at + 2) * 4u;
  }
  return at > size ? 0 : at;
}

/* core/rtp.py find_extension, RFC 8285 4.2 and, `wide`, 4.3: where the element stands, and its length; 0 when it is not there. */
static uint32_t find_element(const uint8_t *d, uint32_t size, uint8_t wanted, uint32_t *length) {
  uint32_t at = FIXED_HEADER + (d[0] & 0x0Fu) * 4;
  if (!(d[0] & 0x10) || at + 4 > size) return 0;
  bool wide = (get16(d + at) & 0xFFF0) == 0x1000;
  uint32_t end = at + 4 + get16(d + at + 2) * 4u;
  if (end > size || (!wide && get16(d + at) != 0xBEDE)) return 0;
  for (at += 4; at < end; at += *length) {
    uint8_t head = d[at++];
    *length = 0;
    if (head == 0) continue;
    if (wide ? at == end : head >> 4 == 15) return 0;
    uint32_t ident = wide ? head : head >> 4u;
    *length = wide ? d[at++] : (head & 0x0Fu) + 1;
    if (at + *length > end) return 0;
    if (ident == wanted) return at;
  }
  return 0;
}

/* core/transport_cc.py note_packet. */
static void note_arrival(lane *l, const uint8_t *d, uint32_t size, double now) {
  uint32_t length = 0, at = find_element(d, size, l->count_ident, &length);
  if (at && length == 2) fast_note(l, get16(d + at), now);
}

/* core/rtp.py loudest, RFC 6464 3. */
static void note_level(up *u, const uint8_t *d, uint32_t size) {
  uint32_t length = 0, at = find_element(d, size, u->level_ident, &length);
  if (at && length && (d[at] & 0x7F) < u->loudest) u->loudest = d[at] & 0x7F;
}

static up *up_of(const lane *l, uint32_t ssrc) {
  for (uint32_t i = 0; i < l->up_count; i++)
    if (l->ups[i]->ssrc == ssrc) return l->ups[i];
  return NULL;
}

/* Whether everything about it is decided already (the head of this file). */
static bool is_common(const up *u, int64_t ext, uint8_t marker_pt) {
  if (u->paused) return true;
  if (u->key_wanted) return false;
  for (uint32_t i = 0; i < u->down_count; i++) {
    const down *d = u->downs[i];
    if (d->pt[marker_pt] && !d->stalled && (ext <= d->highest || d->depth || d->to->by_python)) return false;
  }
  return true;
}

static void take_common(fast *f, workspace *w, up *u, const uint8_t *d, uint32_t size, int64_t ext, double now) {
  uint16_t seq = get16(d + 2);
  uint32_t ts = get32(d + 4);
  if (ext > u->highest + 1) {
    int64_t gap[2] = {u->highest + 1, ext};
    tell(f, GAP, u->id, now, gap, sizeof gap);
  }
  f->packets_in++;
  u->highest = ext;
  u->next = (uint16_t)(seq + 1);
  u->last_seq = seq;
  account(u, ext, ts, now);
  u->last_at = now;
  u->octets += size;
  if (u->level_ident) note_level(u, d, size);
  if (u->paused) return;
  uint32_t start = payload_start(d, size);
  if (size > LONGEST_PLAIN || start == 0) {
    drop(f, size > LONGEST_PLAIN ? TOO_LONG : RTP_MALFORMED);
    return;
  }
  fast_store(u, ext, d, size, now);
  if (u->tapped && !put_on_roll(u->roll, d, size, now)) tell(f, TAPPED, u->id, now, d, size);
  uint32_t red = (d[1] & 0x7F) == u->red_pt ? red_before_last(d + start, size - start) : 0;
  taken packet = {.ext = ext, .body = d + start, .size = size - start, .ts = ts, .red = red,
                  .first = (uint8_t)(0x80 | (d[0] & 0x20)), .marker_pt = d[1]};
  for (uint32_t i = 0; i < u->down_count; i++) {
    down *to = u->downs[i];
    uint8_t pt = to->pt[packet.marker_pt];
    if (pt && !to->stalled) send_one(f, w, to, &packet, pt);
  }
}

static void take_rtp(fast *f, workspace *w, lane *l, const uint8_t *d, uint32_t size, double now) {
  up *u = up_of(l, get32(d + 8));
  if (u != NULL && u->next >= 0 && ((d[1] & 0x7F) == u->pt || (d[1] & 0x7F) == u->red_pt)) {
    uint16_t ahead = (uint16_t)(get16(d + 2) - (uint16_t)u->next);
    int64_t ext = u->highest + 1 + ahead;
    /* Half the circle and more is behind us, not before us. */
    if (ahead < 0x7FFF && is_common(u, ext, d[1])) {
      take_common(f, w, u, d, size, ext, now);
      return;
    }
  }
  tell(f, RTP, l->id, now, d, size);
}

static void take_secured(fast *f, workspace *w, lane *l, uint8_t *d, uint32_t size, double now) {
  bool rtcp = d[1] >= 192 && d[1] <= 223;
  int length = (int)size;
  if (l->rx == NULL) {
    drop(f, NO_KEYS);
  } else if ((rtcp ? fast_unseal_rtcp : fast_unseal)(l->rx, d, &length) != 0 || length < 8 || length > (int)size) {
    drop(f, BAD_AUTH);
  } else if (--l->budget < 0) {
    l->budget = -1;
    if (rtcp) l->heard = now;
    drop(f, FLOOD);
  } else {
    l->heard = now;
    if (rtcp) {
      tell_rtcp(f, l->id, now, d, (uint32_t)length);
    } else if (length >= FIXED_HEADER) {
      if (l->count_ident) note_arrival(l, d, (uint32_t)length, now);
      take_rtp(f, w, l, d, (uint32_t)length, now);
    }
  }
}

/* What a batch needs is spread over memory, and most of it is not near: it is asked for ahead, for all of a batch at once (sealing.h). */
static void ask_for_stream(const up *u, uint8_t marker_pt) {
  ask_for(u, sizeof *u);
  if (u->index != NULL) ask_for(&u->index[(uint64_t)(u->highest + 1) & u->index_mask], LINE);
  if (u->arena != NULL) ask_for(u->arena + u->written % u->arena_size, 2 * LINE);
  for (uint32_t n = 0; n < u->down_count; n++) {
    ask_for(u->downs[n], offsetof(down, pt));
    ask_for(&u->downs[n]->pt[marker_pt], 1);
  }
}

static void look_ahead(fast *f, workspace *w, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    const uint8_t *d = w->in_data[i];
    bool secured = d[0] >= 128 && d[0] <= 191, dtls = d[0] >= 20 && d[0] <= 63;
    w->lanes[i] = secured || dtls ? lane_at(f, &w->from[i], w->in[i].msg_hdr.msg_namelen) : NULL;
    if (w->lanes[i] != NULL) ask_for_numbers(w->lanes[i]->rx);
  }
  for (uint32_t i = 0; i < count; i++) {
    w->ups[i] = w->lanes[i] == NULL ? NULL : up_of(w->lanes[i], get32(w->in_data[i] + 8));
    if (w->ups[i] == NULL) continue;
    ask_for_key(w->lanes[i]->rx);
    ask_for_stream(w->ups[i], w->in_data[i][1]);
  }
  for (uint32_t i = 0; i < count; i++)
    for (uint32_t n = 0; w->ups[i] != NULL && n < w->ups[i]->down_count; n++) ask_for(w->ups[i]->downs[n]->to, sizeof(lane));
  for (uint32_t i = 0; i < count; i++)
    for (uint32_t n = 0; w->ups[i] != NULL && n < w->ups[i]->down_count; n++) ask_for_numbers(w->ups[i]->downs[n]->to->tx);
  for (uint32_t i = 0; i < count; i++)
    for (uint32_t n = 0; w->ups[i] != NULL && n < w->ups[i]->down_count; n++) ask_for_key(w->ups[i]->downs[n]->to->tx);
}

/* The datagram gate of net/udp.py. */
static void take(fast *f, workspace *w, uint32_t i, double now) {
  uint8_t *d = w->in_data[i];
  uint32_t size = w->in[i].msg_len, from_size = w->in[i].msg_hdr.msg_namelen;
  if (size > LONGEST || size == 0) {
    drop(f, size ? TOO_LONG : EMPTY);
    return;
  }
  bool secured = d[0] >= 128 && d[0] <= 191 && size >= FIXED_HEADER, dtls = d[0] >= 20 && d[0] <= 63;
  if (!secured && !dtls && d[0] > 3) {
    drop(f, UNKNOWN_KIND);
    return;
  }
  lane *l = w->lanes[i];
  if (l == NULL && (secured || dtls)) {
    drop(f, UNKNOWN_SOURCE);
  } else if (secured) {
    take_secured(f, w, l, d, size, now);
  } else {
    tell_datagram(f, now, d, size, &w->from[i], from_size);
  }
}

static void reset_slots(workspace *w, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    w->in[i].msg_hdr.msg_namelen = sizeof w->from[i];
    w->in[i].msg_hdr.msg_controllen = sizeof w->stamps[i].room;
  }
}

/* When a datagram came, on the monotonic clock, whether we looked at once or a millisecond later: jitter and what is told to the
 * sender about his line are measured by it. `wall` is the other clock at w->now; a stamp that makes no sense is not used. */
static double came_at(workspace *w, uint32_t i, double wall) {
  struct msghdr *h = &w->in[i].msg_hdr;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c != NULL; c = CMSG_NXTHDR(h, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS) continue;
    if (c->cmsg_len < CMSG_LEN(sizeof(struct timespec))) continue;
    struct timespec t;
    memcpy(&t, CMSG_DATA(c), sizeof t);
    double age = wall - seconds(&t);
    if (age > 0 && age < 1) return w->now - age;
  }
  return w->now;
}

static int wishes(fast *f, const workspace *w, uint32_t got) {
  int wished = f->tray_used ? EMPTY_TRAY : 0;
  f->woken++;
  f->read += got;
  if (f->dropped_any || f->stalled_any) wished |= LOOK_AFTER;
  if (w->now - f->looked_at >= f->window) wished |= CHOOSE_PACE;
  if (got == BATCHES * IN_SLOTS) wished |= READ_ON;
  return wished;
}

/* Take what the socket has and forward it. Returns wishes. */
static int take_all(fast *f) {
  workspace *w = f->work;
  uint32_t total = 0;
  w->now = clock_now(CLOCK_MONOTONIC);
  for (int batch = 0; batch < BATCHES && tray_has_room(f); batch++) {
    int got = recvmmsg(f->fd, w->in, IN_SLOTS, MSG_DONTWAIT, NULL);
    if (got <= 0) {
      if (got < 0 && errno != EAGAIN && errno != EINTR) drop(f, RECEIVE_FAILED);
      break;
    }
    double wall = clock_now(CLOCK_REALTIME);
    if (batch) w->now = clock_now(CLOCK_MONOTONIC);
    look_ahead(f, w, (uint32_t)got);
    for (uint32_t i = 0; i < (uint32_t)got; i++) take(f, w, i, came_at(w, i, wall));
    reset_slots(w, (uint32_t)got);
    total += (uint32_t)got;
    if (got < IN_SLOTS) break;
  }
  flush(f, w);
  return wishes(f, w, total);
}

static void set_timer_at(fast *f, double when) {
  struct itimerspec once = {.it_value.tv_sec = (time_t)when};
  once.it_value.tv_nsec = (long)((when - (double)once.it_value.tv_sec) * 1e9);
  if (timerfd_settime(f->timer, TFD_TIMER_ABSTIME, &once, NULL) != 0) drop(f, RECEIVE_FAILED);
}

/* Whether something happens within so many seconds that the loop waits for, or a signal. */
static bool is_wanted(const fast *f, double within) {
  struct pollfd loop = {.fd = f->loop_fd, .events = POLLIN};
  struct timespec wait = {.tv_nsec = within > 0 ? (long)(within * 1e9) : 0};
  return ppoll(&loop, 1, &wait, NULL) != 0;
}

/* How many ticks one call may take. By `due` the loop's next timer comes in so many whole milliseconds, counted from when it last looked at
 * its clock, a little while ago. */
static int ticks_at_once(const fast *f) {
  if (f->loop_fd < 0 || f->called_away) return 1;
  if (f->due == NULL) return TICKS;
  int ms = f->due(f->loop);
  if (ms < 0 || ms >= MOST_TICKS * f->every * 1e3) return MOST_TICKS;
  int ticks = (int)(ms * 1e-3 / f->every);
  return ticks > 1 ? ticks : 1;
}

static bool may_go_on(const fast *f, int wished) {
  return !f->urgent && !(wished & (LOOK_AFTER | READ_ON)) && tray_has_room(f);
}

/* By the timer: this tick and some more, as long as there is nothing urgent for Python, neither from us nor from anything else that its
 * loop waits for. Then the timer stands at the tick after. Waking Python costs as much as forwarding three packets. */
static int take_ticks(fast *f) {
  const workspace *w = f->work;
  int tick = 1, ticks = ticks_at_once(f);
  f->called_away = false;
  set_timer_at(f, clock_now(CLOCK_MONOTONIC) + ticks * f->every); /* also: it is no longer what the loop waits for */
  int wished = take_all(f);
  for (; tick < ticks && may_go_on(f, wished); tick++) {
    double left = w->now + f->every - WAKING_S - clock_now(CLOCK_MONOTONIC);
    f->called_away = is_wanted(f, left);
    if (f->called_away) break;
    wished |= take_all(f);
  }
  if (tick < ticks) set_timer_at(f, w->now + f->every);
  return wished;
}

/* By the socket: what it has, and what comes to it while the loop has nothing else to do and no timer due. The socket is one of the things
 * that the loop waits for: if something is still there when it is empty, it is something else. */
static int take_waiting(fast *f) {
  const workspace *w = f->work;
  bool stays = f->loop_fd >= 0 && f->due != NULL && !f->called_away;
  int wished = take_all(f), ms = stays ? f->due(f->loop) : 0;
  double until = w->now + (ms < 0 || ms > LONGEST_MS ? LONGEST_MS : ms) * 1e-3;
  f->called_away = false;
  while (ms != 0 && may_go_on(f, wished)) {
    f->called_away = is_wanted(f, 0);
    if (f->called_away || !is_wanted(f, until - clock_now(CLOCK_MONOTONIC))) break;
    wished |= take_all(f);
  }
  return wished;
}

/* The tray is emptied first. Returns wishes. */
int fast_receive(fast *f) {
  f->tray_used = 0;
  f->urgent = false;
  return f->timer < 0 ? take_waiting(f) : take_ticks(f);
}

/* The same for one datagram that is not on the socket (self-test and tests), at a time of the caller's. */
int fast_take(fast *f, const void *data, uint32_t size, const void *from, uint32_t from_size, double now) {
  workspace *w = f->work;
  if (size > IN_SLOT || from_size > sizeof w->from[0]) return -1;
  f->tray_used = 0;
  memcpy(w->in_data[0], data, size);
  memcpy(&w->from[0], from, from_size);
  w->in[0].msg_len = size;
  w->in[0].msg_hdr.msg_namelen = from_size;
  w->now = now;
  look_ahead(f, w, 1);
  take(f, w, 0, now);
  reset_slots(w, 1);
  flush(f, w);
  return 1;
}

/* --- what came, told to who sent it ------------------------------------------------------------------------------ */

/* write_compound([TransportFeedback]) in front of a body; returns the size of both. */
static int write_feedback(uint8_t *out, const lane *l, uint32_t body) {
  out[0] = 0x80 | 15;
  out[1] = 205;
  put16(out + 2, (uint16_t)((8 + body) / 4));
  put32(out + 4, l->rtcp_ssrc);
  put32(out + 8, l->up_count ? l->ups[0]->ssrc : 0);
  return (int)(12 + body);
}

static void send_feedback(fast *f, workspace *w) {
  for (uint32_t done = 0; done < w->out_count;) {
    int sent = f->send(f->fd, w->message + done, w->out_count - done, MSG_DONTWAIT);
    if (sent <= 0) drop(f, SEND_FULL);
    done += sent > 0 ? (uint32_t)sent : 1;
  }
  w->out_count = 0;
}

static void tell_sender(fast *f, workspace *w, lane *l) {
  telling t = begin_telling(l);
  for (;;) {
    if (w->out_count == OUT_SLOTS) send_feedback(f, w);
    uint8_t *out = w->out_data[w->out_count];
    uint32_t body = tell_next(l, &t, out + 12);
    if (body == 0) break;
    int length = write_feedback(out, l, body);
    if (fast_seal_rtcp(l->tx, out, &length) != 0 || length <= 0 || length > OUT_SLOT) {
      drop(f, PROTECT_FAILED);
      continue;
    }
    struct iovec *from = &w->vector[w->out_count];
    *from = (struct iovec){.iov_base = out, .iov_len = (size_t)length};
    w->message[w->out_count++].msg_hdr =
        (struct msghdr){.msg_name = l->address, .msg_namelen = l->address_size, .msg_iov = from, .msg_iovlen = 1};
  }
  end_telling(l);
}

/* Every lane whose packets carry a number hears which of them came: part `step` of `steps` of them, by where they stand in the gate.
 * Returns whether something was dropped. */
int fast_tell(fast *f, uint32_t step, uint32_t steps) {
  workspace *w = f->work;
  uint64_t places = f->gate != NULL ? (uint64_t)f->gate_mask + 1 : 0;
  for (uint64_t i = places * step / steps; i < places * (step + 1) / steps; i++) {
    lane *l = f->gate[i];
    if (l != NULL && l->arrivals != NULL && l->arrival_count && l->tx != NULL) tell_sender(f, w, l);
  }
  send_feedback(f, w);
  return f->dropped_any;
}

/* --- beginning --------------------------------------------------------------------------------------------------- */

/* Once, before anything else; `work` is zeroed memory of the right size. */
void fast_open(fast *f) {
  workspace *w = f->work;
  for (uint32_t i = 0; i < IN_SLOTS; i++) {
    w->in_at[i] = (struct iovec){.iov_base = w->in_data[i], .iov_len = IN_SLOT};
    w->in[i].msg_hdr.msg_iov = &w->in_at[i];
    w->in[i].msg_hdr.msg_iovlen = 1;
    w->in[i].msg_hdr.msg_name = &w->from[i];
    w->in[i].msg_hdr.msg_control = w->stamps[i].room;
  }
  reset_slots(w, IN_SLOTS);
  if (f->send == NULL) f->send = sendmmsg;
}

/* From now on the kernel notes when each datagram came. */
int fast_stamp(int fd) { return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &(int){1}, sizeof(int)); }

/* A descriptor that becomes readable once, so long after it was set, or -1; 0 stops it. */
int fast_timer(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC); }

int fast_set_timer(int timer, long after_ns) {
  struct itimerspec once = {.it_value.tv_nsec = after_ns};
  return timerfd_settime(timer, 0, &once, NULL);
}

enum { LAYOUT_NUMBERS = 18 };

/* What both sides must agree on, in the order of native_memory.py LAYOUT. Returns how many numbers there are. */
int fast_layout(uint32_t *out, uint32_t room) {
  const uint32_t numbers[LAYOUT_NUMBERS] = {sizeof(fast),   sizeof(lane), sizeof(up),    sizeof(down),    sizeof(record),
                                            sizeof(cached), REASONS,      LONGEST,       LONGEST_PLAIN,   ABS_HEADER,
                                            IN_SLOTS,       sizeof(arrival), ARRIVALS,   sizeof(roll),    sizeof(ciphers),
                                            sizeof(secured), WINDOW,      sizeof(workspace)};
  memcpy(out, numbers, (room < LAYOUT_NUMBERS ? room : LAYOUT_NUMBERS) * sizeof *out);
  return LAYOUT_NUMBERS;
}
