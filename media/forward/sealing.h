/* SRTP of a lane in C, AES-GCM by OpenSSL itself: RFC 3711 with RFC 7714. The end of fastpath.h.
 *
 * libsrtp finds a packet's stream in a list, and everything about it behind pointers of pointers; after a sleep each of them is a wait
 * for memory. Here the numbers of all streams of a lane stand side by side, and one context holds the key. What is not AES-GCM, all of
 * SRTCP, and streams beyond STREAMS are left to libsrtp: who has a stream once, has it to the end, so its numbers are in one place.
 * Everybody who seals or opens RTP of a lane comes through here, python_path.py too.
 */
#ifndef LAIZUO_SEALING_H
#define LAIZUO_SEALING_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
  STREAMS = 64,
  WINDOW = 128, /* numbers that are remembered (media/net/srtp.py REPLAY_WINDOW) */
  TAG = 16,
  HALF = 0x8000, /* of the 16-bit circle */
  LINE = 64,
  NEAR_BYTES = 128,    /* of `secured`: up to the twentieth stream */
  CONTEXT_BYTES = 256, /* EVP_CIPHER_CTX, and then some */
  INSIDE_BYTES = 1024, /* round keys and powers of the hash key, and then some */
};

#define INDEX_END ((int64_t)1 << 48) /* RFC 3711 9.2: then the key is used up */

/* openssl/core.h OSSL_PARAM, which OpenSSL does not change. */
typedef struct {
  const char *key;
  unsigned type;
  void *data;
  size_t size, returned;
} parameter;

enum { OCTETS = 5 };

typedef int (*srtp_call)(void *session, void *packet, int *length);

/* What does the work: pylibsrtp's functions, and of the OpenSSL inside it EVP_CipherInit_ex, EVP_Cipher, EVP_CIPHER_CTX_get_params and
 * EVP_CIPHER_CTX_set_params. */
typedef struct {
  srtp_call protect, unprotect, protect_rtcp, unprotect_rtcp;
  int (*init)(void *context, const void *cipher, void *engine, const uint8_t *key, const uint8_t *iv, int seals);
  int (*run)(void *context, uint8_t *out, const uint8_t *in, unsigned size);
  int (*get)(void *context, parameter *wanted);
  int (*set)(void *context, const parameter *given);
} ciphers;

/* One stream: the highest number, and which of it and the WINDOW - 1 before were seen, that one in the lowest bit. */
typedef struct {
  int64_t index; /* 48 bit: rollover counter and number */
  uint64_t seen[2];
} numbers;

/* One direction of a lane. */
struct secured {
  const ciphers *by;
  void *session; /* of libsrtp */
  void *context; /* EVP_CIPHER_CTX with the key; NULL: libsrtp does everything */
  const uint8_t *inside; /* near the beginning of what OpenSSL keeps of the context; NULL: it does not say */
  uint8_t salt[12];
  uint32_t count;
  uint32_t ssrcs[STREAMS];
  numbers streams[STREAMS];
};

typedef struct {
  uint32_t at; /* of the stream in `streams`; `count` for a new one */
  uint32_t start; /* of the payload */
  int64_t ahead;  /* of the highest number; negative behind it */
  uint8_t iv[12];
} placed;

/* RFC 3711 3.3.1 and appendix A: how far ahead a number is. In the first half circle nothing was before it. */
static int64_t ahead_of(const numbers *n, uint16_t number) {
  int64_t last = n->index & 0xFFFF, ahead = (int64_t)number - last;
  if (n->index <= HALF) return ahead;
  if (last < HALF) return ahead > HALF ? ahead - 2 * HALF : ahead;
  return ahead < -HALF ? ahead + 2 * HALF : ahead;
}

/* RFC 3711 3.3.2: whether it is new, and not too old to be known. */
static bool is_new(const numbers *n, int64_t ahead) {
  if (ahead > 0) return n->index + ahead < INDEX_END;
  if (-ahead >= WINDOW || n->index + ahead < 0) return false;
  return !(n->seen[-ahead / 64] >> (-ahead % 64) & 1);
}

static void note_seen(numbers *n, int64_t ahead) {
  if (ahead <= 0) {
    n->seen[-ahead / 64] |= (uint64_t)1 << (-ahead % 64);
    return;
  }
  n->index += ahead;
  uint64_t low = n->seen[0], high = n->seen[1];
  if (ahead >= 64) {
    high = ahead < WINDOW ? low << (ahead - 64) : 0;
    low = 0;
  } else {
    high = high << ahead | low >> (64 - ahead);
    low <<= ahead;
  }
  n->seen[0] = low | 1;
  n->seen[1] = high;
}

/* RFC 7714 8.1: SSRC, rollover counter and number, salted. */
static void make_iv(uint8_t iv[12], const secured *s, uint32_t ssrc, int64_t index) {
  iv[0] = iv[1] = 0;
  put32(iv + 2, ssrc);
  put32(iv + 6, (uint32_t)(index >> 16));
  put16(iv + 10, (uint16_t)index);
  for (int i = 0; i < 12; i++) iv[i] ^= s->salt[i];
}

/* 0 for a header that does not fit. */
static uint32_t start_of_payload(const uint8_t *d, uint32_t size) {
  uint32_t at = 12 + (d[0] & 0x0Fu) * 4;
  if (d[0] & 0x10) {
    if (at + 4 > size) return 0;
    at += 4 + get16(d + at + 2) * 4u;
  }
  return at > size ? 0 : at;
}

/* Whether it is ours; a new stream is, while there is a place. */
static bool find_stream(const secured *s, uint32_t ssrc, uint32_t *at) {
  if (s->context == NULL) return false;
  for (*at = 0; *at < s->count; ++*at)
    if (s->ssrcs[*at] == ssrc) return true;
  return s->count < STREAMS;
}

/* Where a packet of `size` bytes, tag not counted, belongs. False: it must not be sealed or opened. */
static bool place_packet(const secured *s, const uint8_t *d, uint32_t size, placed *p) {
  static const numbers none;
  const numbers *n = p->at < s->count ? &s->streams[p->at] : &none;
  p->start = start_of_payload(d, size);
  p->ahead = ahead_of(n, get16(d + 2));
  if (p->start == 0 || !is_new(n, p->ahead)) return false;
  make_iv(p->iv, s, get32(d + 8), n->index + p->ahead);
  return true;
}

static void note_placed(secured *s, uint32_t ssrc, const placed *p) {
  if (p->at == s->count) {
    s->ssrcs[p->at] = ssrc;
    s->streams[p->at] = (numbers){0};
    s->count++;
  }
  note_seen(&s->streams[p->at], p->ahead);
}

static bool run_cipher(const secured *s, uint8_t *d, const placed *p, uint32_t size, int seals) {
  const ciphers *by = s->by;
  uint32_t body = size - p->start;
  return by->init(s->context, NULL, NULL, NULL, p->iv, seals) && by->run(s->context, NULL, d, p->start) >= 0 &&
         (body == 0 || by->run(s->context, d + p->start, d + p->start, body) >= 0);
}

/* srtp_protect; 0 when done. The number is taken whatever comes of it: no nonce serves twice. */
int fast_seal(secured *s, uint8_t *d, int *length) {
  placed p;
  if (*length < 12 || !find_stream(s, get32(d + 8), &p.at)) return s->by->protect(s->session, d, length);
  uint32_t size = (uint32_t)*length;
  if (!place_packet(s, d, size, &p)) return 1;
  note_placed(s, get32(d + 8), &p);
  parameter tag[2] = {{.key = "tag", .type = OCTETS, .data = d + size, .size = TAG}};
  if (!run_cipher(s, d, &p, size, 1) || s->by->run(s->context, NULL, NULL, 0) < 0 || !s->by->get(s->context, tag)) return 1;
  *length += TAG;
  return 0;
}

/* srtp_unprotect; 0 when done. Only a right tag changes anything. */
int fast_unseal(secured *s, uint8_t *d, int *length) {
  placed p;
  if (*length < 12 + TAG || !find_stream(s, get32(d + 8), &p.at)) return s->by->unprotect(s->session, d, length);
  uint32_t size = (uint32_t)*length - TAG;
  if (!place_packet(s, d, size, &p)) return 1;
  const parameter tag[2] = {{.key = "tag", .type = OCTETS, .data = d + size, .size = TAG}};
  if (!run_cipher(s, d, &p, size, 0) || !s->by->set(s->context, tag) || s->by->run(s->context, NULL, NULL, 0) < 0) return 1;
  note_placed(s, get32(d + 8), &p);
  *length = (int)size;
  return 0;
}

int fast_seal_rtcp(secured *s, uint8_t *d, int *length) { return s->by->protect_rtcp(s->session, d, length); }

int fast_unseal_rtcp(secured *s, uint8_t *d, int *length) { return s->by->unprotect_rtcp(s->session, d, length); }

/* What belongs to a session is spread over memory, and after a sleep none of it is near: half of what sealing a packet takes is waiting
 * for it. So it is asked for ahead, in two steps, as the second needs what the first brought. Decides nothing, and an address named in
 * vain does no harm. */
static void ask_for(const void *from, uint32_t size) {
  for (uint32_t at = 0; at < size; at += LINE) __builtin_prefetch((const uint8_t *)from + at);
}

static void ask_for_numbers(const secured *s) {
  if (s == NULL) return;
  ask_for(s, NEAR_BYTES);
  ask_for(s->streams, LINE);
}

static void ask_for_key(const secured *s) {
  if (s == NULL || s->context == NULL) return;
  ask_for(s->context, CONTEXT_BYTES);
  if (s->inside != NULL) ask_for(s->inside - LINE, INSIDE_BYTES);
}

#endif
