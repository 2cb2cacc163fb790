/* One way of sm3_lanes.c through the steps of section 5.3: NAME, by the instructions of TARGET. ROL, XOR3, MAJORITY and CHOICE
 * are theirs. */
#define P0(x) XOR3(x, ROL(x, 9), ROL(x, 17))
#define P1(x) XOR3(x, ROL(x, 15), ROL(x, 23))

/* The new A stands where D was, the new E where H was; the next step takes its names one further. The brackets put what is ready early
 * together: of the rest, each operation waits for the one before. */
#define STEP(FF, GG, a, b, c, d, e, f, g, h, j)            \
  do {                                                     \
    words turned = ROL(a, 12);                             \
    words one = ROL(turned + (e + TURNED[j]), 7);          \
    h = (GG(e, f, g) + (h + w[j])) + one;                  \
    d = (FF(a, b, c) + (d + (w[j] ^ w[(j) + 4]))) + (one ^ turned); \
    b = ROL(b, 9);                                         \
    f = ROL(f, 19);                                        \
    h = P0(h);                                             \
  } while (0)

/* Section 5.3.2, while the steps wait for each other. */
#define EXPAND(j)                                                             \
  do {                                                                        \
    words x = XOR3(w[(j) - 16], w[(j) - 9], ROL(w[(j) - 3], 15));             \
    w[j] = XOR3(P1(x), ROL(w[(j) - 13], 7), w[(j) - 6]);                      \
  } while (0)

#define FOUR_STEPS(FF, GG, j)                      \
  do {                                             \
    STEP(FF, GG, a, b, c, d, e, f, g, h, (j));     \
    STEP(FF, GG, d, a, b, c, h, e, f, g, (j) + 1); \
    STEP(FF, GG, c, d, a, b, g, h, e, f, (j) + 2); \
    STEP(FF, GG, b, c, d, a, f, g, h, e, (j) + 3); \
  } while (0)

/* `blocks` blocks of every lane. */
TARGET static void NAME(state *s, const uint8_t *const *at, uint64_t blocks) {
  words w[WORDS];
  for (uint64_t from = 0; from < blocks * BLOCK; from += BLOCK) {
    for (uint32_t i = 0; i < 4; i++) load_words(w + 4 * i, at, from + 16 * i);
    words a = s->whole[0], b = s->whole[1], c = s->whole[2], d = s->whole[3];
    words e = s->whole[4], f = s->whole[5], g = s->whole[6], h = s->whole[7];
    for (uint32_t j = 16; j < 20; j++) EXPAND(j);
#pragma GCC unroll 4
    for (uint32_t j = 0; j < 16; j += 4) {
      for (uint32_t i = j + 20; i < j + 24; i++) EXPAND(i);
      FOUR_STEPS(XOR3, XOR3, j);
    }
#pragma GCC unroll 8
    for (uint32_t j = 16; j < STEPS - 16; j += 4) {
      for (uint32_t i = j + 20; i < j + 24; i++) EXPAND(i);
      FOUR_STEPS(MAJORITY, CHOICE, j);
    }
#pragma GCC unroll 4
    for (uint32_t j = STEPS - 16; j < STEPS; j += 4) FOUR_STEPS(MAJORITY, CHOICE, j);
    s->whole[0] ^= a;
    s->whole[1] ^= b;
    s->whole[2] ^= c;
    s->whole[3] ^= d;
    s->whole[4] ^= e;
    s->whole[5] ^= f;
    s->whole[6] ^= g;
    s->whole[7] ^= h;
  }
}

#undef P0
#undef P1
#undef STEP
#undef EXPAND
#undef FOUR_STEPS
#undef NAME
#undef TARGET
#undef ROL
#undef XOR3
#undef MAJORITY
#undef CHOICE
