/* Products of unsigned and signed bytes without VNNI. Two products of weights up to 7 bits fit in
   the 16 bits of vpmaddubsw, which saturates: 2 * 255 * 64 < 2^15; up to 6 bits, twice as many
   do. Weights of 8 bits are widened to 16. */

/* The first two of each column of a step, then the others. */
INLINE int byte_place(int place, int places) {
  return place % 4 / 2 * (places / 2) + place / 4 * 2 + place % 2;
}

/* Bytes of which two products fit in 16 bits, or four; or none but in 32 bits. */
enum { TWO_FIT, FOUR_FIT, NONE_FITS, KINDS };
#define ALL_KINDS(use) use(TWO_FIT) use(FOUR_FIT) use(NONE_FITS)

INLINE int kind_of(int bits) { return bits == 8 ? NONE_FITS : bits == 7 ? TWO_FIT : FOUR_FIT; }

/* Two steps of weights and the sums of six rows need more than sixteen registers. */
INLINE int first_choice(int bits) { return bits < 8; }

#define WIDE_STEPS 16

INLINE void multiply_wide_steps(__m256i (*sums)[2], const uint8_t *const *sources,
                                ptrdiff_t steps, const uint8_t *weights, const int rows,
                                const int vectors) {
  for (ptrdiff_t first = 0; first < steps; first += WIDE_STEPS) {
    const ptrdiff_t count = steps - first < WIDE_STEPS ? steps - first : WIDE_STEPS;
    uint16_t wide[MOST_ROWS][WIDE_STEPS * 4];
    UNROLL
    for (int r = 0; r < rows; r++) {
      for (ptrdiff_t s = 0; s < count; s += 4) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(sources[r] + (first + s) * 4));
        _mm256_storeu_si256((__m256i *)(wide[r] + s * 4), _mm256_cvtepu8_epi16(bytes));
      }
    }
    for (ptrdiff_t pair = 0; pair < count * 2; pair++) {
      __m256i w[2];
      UNROLL
      for (int v = 0; v < vectors; v++) {
        w[v] = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(weights + v * 16)));
      }
      weights += vectors * 16;
      UNROLL
      for (int r = 0; r < rows; r++) {
        __m256i x = repeated_four((const uint8_t *)(wide[r] + pair * 2));
        UNROLL
        for (int v = 0; v < vectors; v++) {
          sums[r][v] = _mm256_add_epi32(sums[r][v], _mm256_madd_epi16(x, w[v]));
        }
      }
    }
  }
}

/* One step, or two together. */
INLINE void multiply_narrow_steps(__m256i (*sums)[2], const uint8_t *const *sources,
                                  ptrdiff_t offset, const uint8_t *weights, const int rows,
                                  const int vectors, const int steps) {
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i w[2][2];
  UNROLL
  for (int s = 0; s < steps; s++) {
    UNROLL
    for (int v = 0; v < vectors; v++) {
      w[s][v] = _mm256_loadu_si256((const __m256i *)(weights + (s * vectors + v) * 32));
    }
  }
  UNROLL
  for (int r = 0; r < rows; r++) {
    UNROLL
    for (int v = 0; v < vectors; v++) {
      __m256i sum = _mm256_maddubs_epi16(repeated_four(sources[r] + offset), w[0][v]);
      if (steps == 2) {
        __m256i x = repeated_four(sources[r] + offset + 4);
        sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(x, w[1][v]));
      }
      sums[r][v] = _mm256_add_epi32(sums[r][v], _mm256_madd_epi16(sum, ones));
    }
  }
}

INLINE void multiply_steps(__m256i (*sums)[2], const uint8_t *const *sources, ptrdiff_t steps,
                           const uint8_t *weights, const int rows, const int vectors,
                           const int kind) {
  if (kind == NONE_FITS) {
    multiply_wide_steps(sums, sources, steps, weights, rows, vectors);
    return;
  }
  ptrdiff_t s = 0;
  for (; kind == FOUR_FIT && s + 2 <= steps; s += 2) {
    multiply_narrow_steps(sums, sources, s * 4, weights, rows, vectors, 2);
    weights += vectors * 64;
  }
  for (; s < steps; s++) {
    multiply_narrow_steps(sums, sources, s * 4, weights, rows, vectors, 1);
    weights += vectors * 32;
  }
}

/* Taps in pairs of 16 bits: vectors v of the first two rows, and 4 + v of the others. */
#define TAP_VECTORS 2

INLINE void interleave_taps(const __m256i *rows, __m256i *out) {
  const __m256i zero = _mm256_setzero_si256();
  for (int pair = 0; pair < 2; pair++) {
    __m256i low = _mm256_unpacklo_epi8(rows[2 * pair], rows[2 * pair + 1]);
    __m256i high = _mm256_unpackhi_epi8(rows[2 * pair], rows[2 * pair + 1]);
    out[pair * 4] = _mm256_unpacklo_epi8(low, zero);
    out[pair * 4 + 1] = _mm256_unpackhi_epi8(low, zero);
    out[pair * 4 + 2] = _mm256_unpacklo_epi8(high, zero);
    out[pair * 4 + 3] = _mm256_unpackhi_epi8(high, zero);
  }
}

INLINE void interleave_weights(const __m256i *rows, __m256i *out) {
  interleave_taps(rows, out);
  for (int v = 0; v < 8; v++) out[v] = _mm256_srai_epi16(_mm256_slli_epi16(out[v], 8), 8);
}

INLINE void add_taps(__m256i *sums, const __m256i *x, const __m256i *weights) {
  for (int v = 0; v < 8; v++) {
    sums[v % 4] = _mm256_add_epi32(sums[v % 4], _mm256_madd_epi16(x[v], weights[v]));
  }
}

/* Vector `v` of a step of 8 bits in the order of its columns. */
INLINE __m256i byte_step(const uint8_t *step, int v, int vectors) {
  __m128i low = _mm_loadu_si128((const __m128i *)(step + v * 16));
  __m128i high = _mm_loadu_si128((const __m128i *)(step + (vectors + v) * 16));
  return _mm256_set_m128i(_mm_unpackhi_epi16(low, high), _mm_unpacklo_epi16(low, high));
}

INLINE __m256i dot(__m256i sum, const uint8_t *four, __m256i weights, const int bits) {
  __m256i x = repeated_four(four), pairs;
  if (bits < 8) {
    pairs = _mm256_madd_epi16(_mm256_maddubs_epi16(x, weights), _mm256_set1_epi16(1));
  } else {
    __m256i even = _mm256_srai_epi16(_mm256_slli_epi16(weights, 8), 8);
    pairs = _mm256_add_epi32(
        _mm256_madd_epi16(_mm256_and_si256(x, _mm256_set1_epi16(255)), even),
        _mm256_madd_epi16(_mm256_srli_epi16(x, 8), _mm256_srai_epi16(weights, 8)));
  }
  return _mm256_add_epi32(sum, pairs);
}
