/* The memory that native_memory.py (ctypes) and fastpath.c share.
 *
 * Every byte belongs to Python, which keeps an object alive for as long as something here points to it; C allocates nothing and
 * frees nothing. C runs only inside a call from the worker's loop, so nothing here changes while the other side looks.
 * fast_layout() gives the sizes; native_path.py compares them with its own before the first packet.
 */
#ifndef LAIZUO_FASTPATH_H
#define LAIZUO_FASTPATH_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
  LONGEST = 1500,      /* a datagram that may be SRTP (media/net/srtp.py MAX_PACKET) */
  LONGEST_PLAIN = 1462, /* the same in the clear, so that every answer to it fits again (python_path.py MAX_PLAIN) */
  FIXED_HEADER = 12,
  ABS_HEADER = 20,
  IN_SLOT = 2048,
  IN_SLOTS = 64,   /* read by one recvmmsg */
  BATCHES = 2,     /* then the loop gets a turn: timers and the control socket must not starve under a flood */
  TICKS = 3,       /* of the timer in one call, where Python's own timers are not known: they are late by two at most */
  MOST_TICKS = 50, /* where they are: by one at most */
  LONGEST_MS = 50, /* that a call waits for more packets, woken by the socket */
  OUT_SLOT = 1664, /* ABS_HEADER + LONGEST_PLAIN + what SRTP may append (148), and then some */
  OUT_SLOTS = 512,
  ARRIVALS = 512,  /* of one lane between two feedbacks: 5,000 packets a second */
  SEGMENTS = 60,      /* in one datagram for the kernel to cut (UDP_MAX_SEGMENTS was 64) */
  LONGEST_SUPER = 60000,
  NO_SLOT = -1,
  RECORD_HEAD = 11, /* of a record in the journal */
};

/* What Python must see, in the order of coming. `length` bytes follow, padded to eight. */
enum kind {
  DATAGRAM = 1, /* STUN or DTLS, from `address` */
  RTCP = 2,     /* in the clear; id: of the lane */
  RTP = 3,      /* in the clear, not accounted: anything that is not the common case; id: of the lane */
  GAP = 4,      /* int64 first, end: numbers that did not come before the packet that was taken; id: of the up stream */
  TAPPED = 5,   /* in the clear, accounted, for the recorder; id: of the up stream */
};

typedef struct {
  uint32_t kind, id, length, address_size;
  double now;
  uint8_t address[32];
} record;

/* What fast_receive asks for; mostly nothing. */
enum wish {
  EMPTY_TRAY = 1,
  LOOK_AFTER = 2, /* something was dropped, or the socket was full */
  CHOOSE_PACE = 4, /* `window` seconds have passed: `woken` and `read` say how it went */
  READ_ON = 8,    /* there may be more */
};

enum reason {
  TOO_LONG, EMPTY, UNKNOWN_KIND, UNKNOWN_SOURCE, NO_KEYS, BAD_AUTH, FLOOD, RTP_MALFORMED,
  PROTECT_FAILED, SEND_FULL, SEND_FAILED, RECEIVE_FAILED, TRAY_FULL, REASONS
};

/* One place of a packet cache. Its bytes stand at `at % arena_size`, and are whole while at + arena_size >= written. */
typedef struct {
  int64_t ext; /* -1: empty */
  uint64_t at;
  double stored;
  uint32_t length, unused;
} cached;

/* A packet that came, by the number that counts over all streams of a browser, extended (core/transport_cc.py). */
typedef struct {
  double at;
  int64_t number;
} arrival;

/* What a recording gets of one stream: its packets in order, as records of the journal (record/layout.py), and the numbers of its
 * ledger (core/ledger.py). */
typedef struct {
  uint8_t *bytes;
  uint32_t size, used, count; /* count: records in `used` bytes */
  int32_t next;               /* 16 bit; -1 before the first packet */
  int64_t highest, received;
} roll;

typedef struct up up;
typedef struct down down;
typedef struct secured secured; /* sealing.h */

/* path.py Lane. */
typedef struct {
  secured *rx, *tx; /* NULL before the keys and after the end */
  up **ups;
  uint32_t up_count, id;
  double heard;
  int32_t budget;
  uint32_t address_size; /* 0: nowhere */
  uint8_t address[32];
  int32_t first_out, last_out; /* of this flush; NO_SLOT between flushes */
  arrival *arrivals;           /* NULL, or room for ARRIVALS; told ten times a second */
  int64_t newest, told_to;     /* the highest number noted; the first one not told. -1: none */
  uint32_t arrival_count, rtcp_ssrc;
  uint8_t told;         /* how many feedbacks, modulo 256 */
  uint8_t count_ident;  /* of the header extension that carries the number; 0: none */
  bool arrivals_missed; /* there was no room */
  bool no_gso;                 /* the way there does not take it */
  bool by_python;              /* reached by another way than this socket: what goes there is never the common case */
} lane;

/* path.py UpStream, with LossTracker's gate, Reception and PacketCache. */
struct up {
  down **downs; /* flowing */
  cached *index;
  uint8_t *arena;
  uint32_t down_count, id, ssrc, index_mask;
  uint32_t arena_size;
  int32_t next, last_seq; /* 16 bit; -1: none yet */
  bool paused, key_wanted, tapped;
  uint8_t pt; /* another codec under the same SSRC is another stream */
  uint8_t red_pt; /* the same frames, several in a packet (core/red.py); 255: none */
  uint8_t level_ident; /* of the header extension that says how loud it is; 0: none */
  uint8_t loudest;     /* since Python took it, core/rtp.py loudest */
  int64_t highest;                   /* LossTracker */
  int64_t base, top, transit, received; /* Reception */
  double jitter, clock_rate;
  double last_at;
  uint64_t octets, written;
  roll *roll; /* NULL: every tapped packet goes through the tray */
};

/* path.py DownStream, with the open segment of its SeqMap. */
struct down {
  lane *to;
  int64_t highest, seq_delta; /* highest is above every number while no segment is open */
  double last_now;
  uint32_t ts_delta, last_ts, ssrc, abs_base;
  uint32_t shift; /* core/picture_ids.py: VP8's own numbers; 0: nothing to do */
  uint64_t packets, octets;
  bool video;
  bool stalled; /* the socket was full: Python takes it out of the stream's list */
  uint8_t red_pt; /* 255: takes no RED, and gets its last block */
  uint8_t depth;  /* Python makes his RED */
  uint8_t pt[256];
};

typedef int (*send_call)(int fd, struct mmsghdr *messages, unsigned count, int flags);
typedef int (*due_call)(const void *loop);

typedef struct {
  send_call send; /* sendmmsg, unless a test stands there */
  due_call due;   /* milliseconds until the next timer of the loop, -1: it has none (event_loop.py); NULL: nobody knows */
  void *loop;
  void *work;     /* fast_layout()[WORK] bytes */
  lane **gate;    /* by address: open addressing, at most half full */
  uint8_t *tray;
  uint64_t gate_seed;
  uint32_t gate_mask, tray_size, tray_used;
  int32_t fd, timer; /* timer: -1, or set anew by each call */
  int32_t loop_fd;   /* readable when the loop has something to do; -1: it does not tell */
  bool gso;
  bool dropped_any, stalled_any; /* since Python looked */
  bool urgent; /* what is on the tray cannot wait for the end of the call */
  bool called_away; /* the last call ended because the loop had something else: what it writes then leaves only behind this one */
  uint32_t woken, read;          /* calls and datagrams since then */
  double window, looked_at, every; /* every: seconds between ticks of the timer */
  uint64_t packets_in, packets_out, messages_out;
  uint64_t dropped[REASONS];
} fast;

/* Numbers as they stand in a packet. */
static inline uint16_t get16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }

static inline uint32_t get32(const uint8_t *at) { return (uint32_t)get16(at) << 16 | get16(at + 2); }

static inline void put16(uint8_t *at, uint16_t value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

static inline void put32(uint8_t *at, uint32_t value) {
  put16(at, (uint16_t)(value >> 16));
  put16(at + 2, (uint16_t)value);
}

/* What the kernel takes to wake us from a poll, as it lets timers of a poll slip by 50 us to wake seldom. */
#define WAKING_S 0.00005

#include "sealing.h"

#include "arrivals.h"

#endif
