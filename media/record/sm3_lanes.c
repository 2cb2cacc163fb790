/* SM3 (GB/T 32905-2016) of several messages at once.
 *
 * An SM3 is a chain in which each step waits for the one before, while most of a core stands idle. A block of a journal has a chunk for
 * each stream, and each chunk its own digest; so eight of them go through the steps side by side, one in each lane of a vector, in
 * hardly more time than one. The vectors are the compiler's (gcc 12 or clang); what a machine has is asked for when it runs.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { LANES = 8, BLOCK = 64, WORDS = 68, STEPS = 64, DIGEST = 32 };

typedef uint8_t octets __attribute__((vector_size(16)));
typedef uint8_t row __attribute__((vector_size(32)));
typedef uint32_t words __attribute__((vector_size(32)));

/* One message on its way: whole blocks at `at`, then those of `tail`. */
typedef struct {
  const uint8_t *at;
  uint64_t blocks; /* left at `at` */
  uint32_t tails;  /* in `tail`; 0 when it has its turn */
  uint8_t tail[2 * BLOCK];
  uint8_t *out; /* NULL: this lane is idle */
} message;

typedef union {
  words whole[8];
  uint32_t of[8][LANES];
} state;

static const uint32_t BEGIN[8] = {0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600,
                                  0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e};

/* T_j, turned by j. */
static const uint32_t TURNED[STEPS] = {
    0x79cc4519, 0xf3988a32, 0xe7311465, 0xce6228cb, 0x9cc45197, 0x3988a32f, 0x7311465e, 0xe6228cbc,
    0xcc451979, 0x988a32f3, 0x311465e7, 0x6228cbce, 0xc451979c, 0x88a32f39, 0x11465e73, 0x228cbce6,
    0x9d8a7a87, 0x3b14f50f, 0x7629ea1e, 0xec53d43c, 0xd8a7a879, 0xb14f50f3, 0x629ea1e7, 0xc53d43ce,
    0x8a7a879d, 0x14f50f3b, 0x29ea1e76, 0x53d43cec, 0xa7a879d8, 0x4f50f3b1, 0x9ea1e762, 0x3d43cec5,
    0x7a879d8a, 0xf50f3b14, 0xea1e7629, 0xd43cec53, 0xa879d8a7, 0x50f3b14f, 0xa1e7629e, 0x43cec53d,
    0x879d8a7a, 0x0f3b14f5, 0x1e7629ea, 0x3cec53d4, 0x79d8a7a8, 0xf3b14f50, 0xe7629ea1, 0xcec53d43,
    0x9d8a7a87, 0x3b14f50f, 0x7629ea1e, 0xec53d43c, 0xd8a7a879, 0xb14f50f3, 0x629ea1e7, 0xc53d43ce,
    0x8a7a879d, 0x14f50f3b, 0x29ea1e76, 0x53d43cec, 0xa7a879d8, 0x4f50f3b1, 0x9ea1e762, 0x3d43cec5,
};

/* --- the steps -------------------------------------------------------------------------------------------------- */

/* Sixteen octets at `at + from` of two lanes, in the order of this machine. */
static inline __attribute__((always_inline)) void load_two(words *to, const uint8_t *low, const uint8_t *high) {
  octets l, h;
  memcpy(&l, low, sizeof l);
  memcpy(&h, high, sizeof h);
  row both = __builtin_shufflevector(l, h, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12, 19, 18, 17, 16, 23, 22, 21,
                                     20, 27, 26, 25, 24, 31, 30, 29, 28);
  memcpy(to, &both, sizeof both);
}

/* Four words of every lane, from row order into word order: each half of a vector is a square of four by four. */
static inline __attribute__((always_inline)) void load_words(words *w, const uint8_t *const *at, uint64_t from) {
  words x[4];
  for (int i = 0; i < 4; i++) load_two(&x[i], at[i] + from, at[i + 4] + from);
  words a = __builtin_shufflevector(x[0], x[1], 0, 8, 1, 9, 4, 12, 5, 13);
  words b = __builtin_shufflevector(x[0], x[1], 2, 10, 3, 11, 6, 14, 7, 15);
  words c = __builtin_shufflevector(x[2], x[3], 0, 8, 1, 9, 4, 12, 5, 13);
  words d = __builtin_shufflevector(x[2], x[3], 2, 10, 3, 11, 6, 14, 7, 15);
  w[0] = __builtin_shufflevector(a, c, 0, 1, 8, 9, 4, 5, 12, 13);
  w[1] = __builtin_shufflevector(a, c, 2, 3, 10, 11, 6, 7, 14, 15);
  w[2] = __builtin_shufflevector(b, d, 0, 1, 8, 9, 4, 5, 12, 13);
  w[3] = __builtin_shufflevector(b, d, 2, 3, 10, 11, 6, 7, 14, 15);
}

typedef void (*compressor)(state *s, const uint8_t *const *at, uint64_t blocks);

#if defined(__x86_64__)
#include <immintrin.h>

/* Turns and any logic of three in one instruction each. */
#define AS(x) ((__m256i)(x))
#define NAME with_avx512
#define TARGET __attribute__((target("avx2,avx512f,avx512vl,avx512bw")))
#define ROL(x, n) ((words)_mm256_rol_epi32(AS(x), n))
#define XOR3(x, y, z) ((words)_mm256_ternarylogic_epi32(AS(x), AS(y), AS(z), 0x96))
#define MAJORITY(x, y, z) ((words)_mm256_ternarylogic_epi32(AS(x), AS(y), AS(z), 0xE8))
#define CHOICE(x, y, z) ((words)_mm256_ternarylogic_epi32(AS(x), AS(y), AS(z), 0xCA))
#include "sm3_steps.h"

#define NAME with_avx2
#define TARGET __attribute__((target("avx2")))
#else
#define NAME as_compiled
#define TARGET
#endif
#define ROL(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define XOR3(x, y, z) ((x) ^ (y) ^ (z))
#define MAJORITY(x, y, z) (((x) & (y)) | (((x) | (y)) & (z)))
#define CHOICE(x, y, z) ((((y) ^ (z)) & (x)) ^ (z))
#include "sm3_steps.h"

/* Fastest first; NULL behind the last that this machine has. */
static compressor compressor_of(uint32_t number) {
  compressor found[2] = {NULL, NULL};
  uint32_t count = 0;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")) found[count++] = with_avx512;
  if (__builtin_cpu_supports("avx2")) found[count++] = with_avx2;
#else
  found[count++] = as_compiled;
#endif
  return number < count ? found[number] : NULL;
}

/* --- messages ---------------------------------------------------------------------------------------------------- */

/* The end of a message and its length in bits (section 5.2). */
static void begin(message *m, state *s, uint32_t lane, const uint8_t *data, uint64_t size, uint8_t *out) {
  uint32_t rest = (uint32_t)(size % BLOCK);
  *m = (message){.at = data, .blocks = size / BLOCK, .tails = rest < BLOCK - 8 ? 1 : 2, .out = out};
  if (rest) memcpy(m->tail, data + size - rest, rest);
  m->tail[rest] = 0x80;
  for (uint32_t i = 0; i < 8; i++) m->tail[m->tails * BLOCK - 1 - i] = (uint8_t)(size * 8 >> 8 * i);
  for (uint32_t i = 0; i < 8; i++) s->of[i][lane] = BEGIN[i];
}

static void finish(message *m, const state *s, uint32_t lane) {
  for (uint32_t i = 0; i < DIGEST; i++) m->out[i] = (uint8_t)(s->of[i / 4][lane] >> (24 - 8 * (i % 4)));
  m->out = NULL;
}

/* Go over to the tail when the blocks are through. Returns whether there is anything left. */
static bool has_more(message *m) {
  if (m->blocks == 0 && m->tails) {
    m->at = m->tail;
    m->blocks = m->tails;
    m->tails = 0;
  }
  return m->blocks != 0;
}

/* How many ways there are to compute it on this machine; 0: no faster one than elsewhere. */
uint32_t sm3_ways(void) {
  uint32_t count = 0;
  while (compressor_of(count) != NULL) count++;
  return count;
}

/* The digests of `count` messages, 32 octets each, into `out`. Returns 0, or -1 when there is no such way. */
int sm3_all(uint32_t way, const uint8_t *const *data, const uint64_t *sizes, uint32_t count, uint8_t *out) {
  compressor go = compressor_of(way);
  message lanes[LANES] = {{.out = NULL}};
  state s = {.of = {{0}}};
  uint32_t begun = 0;
  if (go == NULL) return -1;
  for (;;) {
    const uint8_t *at[LANES], *somewhere = NULL;
    uint64_t blocks = UINT64_MAX;
    for (uint32_t i = 0; i < LANES; i++) {
      message *m = &lanes[i];
      if (m->out != NULL && !has_more(m)) finish(m, &s, i);
      if (m->out == NULL && begun < count) {
        begin(m, &s, i, data[begun], sizes[begun], out + begun * (uint64_t)DIGEST);
        has_more(m);
        begun++;
      }
      if (m->out == NULL) continue;
      somewhere = m->at;
      if (m->blocks < blocks) blocks = m->blocks;
    }
    if (somewhere == NULL) return 0;
    for (uint32_t i = 0; i < LANES; i++) at[i] = lanes[i].out != NULL ? lanes[i].at : somewhere; /* idle: reads along */
    go(&s, at, blocks);
    for (uint32_t i = 0; i < LANES; i++) {
      if (lanes[i].out == NULL) continue;
      lanes[i].at += blocks * BLOCK;
      lanes[i].blocks -= blocks;
    }
  }
}
