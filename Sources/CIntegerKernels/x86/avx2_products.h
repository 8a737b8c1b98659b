/* Products of unsigned and signed bytes without VNNI. Two products of weights up to 7 bits fit in
   the 16 bits of vpmaddubsw, which saturates: 2 * 255 * 64 < 2^15; up to 6 bits, twice as many
   do. Weights of 8 bits are widened to 16. */

/* The first two of each column, then the others. */
INLINE int byte_place(int place) { return place % 4 / 2 * 16 + place / 4 * 2 + place % 2; }

#define WIDE_BYTES 64

INLINE void multiply_wide_run(__m256i (*sums)[2], const uint8_t *const *source,
                              ptrdiff_t run_bytes, const uint8_t *step, const int rows,
                              const int vectors) {
  for (ptrdiff_t first = 0; first < run_bytes; first += WIDE_BYTES) {
    const ptrdiff_t count = run_bytes - first < WIDE_BYTES ? run_bytes - first : WIDE_BYTES;
    uint16_t wide[MOST_ROWS][WIDE_BYTES];
    for (int r = 0; r < rows; r++) {
      for (ptrdiff_t k = 0; k < count; k += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(source[r] + first + k));
        _mm256_storeu_si256((__m256i *)(wide[r] + k), _mm256_cvtepu8_epi16(bytes));
      }
    }
    for (ptrdiff_t k = 0; k < count; k += 4) {
#pragma clang loop unroll(full)
      for (int pair = 0; pair < 2; pair++) {
        __m256i w[2];
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) {
          w[v] = _mm256_cvtepi8_epi16(
              _mm_loadu_si128((const __m128i *)(step + v * 32 + pair * 16)));
        }
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
          __m256i x = broadcast_four((const uint8_t *)(wide[r] + k + pair * 2));
#pragma clang loop unroll(full)
          for (int v = 0; v < vectors; v++) {
            sums[r][v] = _mm256_add_epi32(sums[r][v], _mm256_madd_epi16(x, w[v]));
          }
        }
      }
      step += vectors * 32;
    }
  }
}

/* One step, or two together. */
INLINE void multiply_narrow_steps(__m256i (*sums)[2], const uint8_t *const *source, ptrdiff_t k,
                                  const uint8_t *step, const int rows, const int vectors,
                                  const int bits, const int steps) {
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i w[2][2];
#pragma clang loop unroll(full)
  for (int s = 0; s < steps; s++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      w[s][v] = widened(step + s * vectors * 4 * bits, v, vectors, bits);
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      __m256i sum = _mm256_maddubs_epi16(broadcast_four(source[r] + k), w[0][v]);
      if (steps == 2) {
        __m256i x = broadcast_four(source[r] + k + 4);
        sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(x, w[1][v]));
      }
      sums[r][v] = _mm256_add_epi32(sums[r][v], _mm256_madd_epi16(sum, ones));
    }
  }
}

INLINE void multiply_run(__m256i (*sums)[2], const uint8_t *const *source, ptrdiff_t run_bytes,
                         const uint8_t *step, const int rows, const int vectors, const int bits) {
  if (bits == 8) {
    multiply_wide_run(sums, source, run_bytes, step, rows, vectors);
    return;
  }
  ptrdiff_t k = 0;
  for (; bits <= 6 && k + 4 < run_bytes; k += 8) {
    multiply_narrow_steps(sums, source, k, step, rows, vectors, bits, 2);
    step += 2 * vectors * 4 * bits;
  }
  for (; k < run_bytes; k += 4) {
    multiply_narrow_steps(sums, source, k, step, rows, vectors, bits, 1);
    step += vectors * 4 * bits;
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
