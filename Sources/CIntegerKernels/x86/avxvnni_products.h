/* Products of unsigned and signed bytes, four in each multiply-add. */

INLINE int byte_place(int place, int places) { return (void)places, place; }

enum { BYTES, KINDS };
#define ALL_KINDS(use) use(BYTES)

INLINE int kind_of(int bits) { return (void)bits, BYTES; }

INLINE int first_choice(int bits) { return (void)bits, 0; }

INLINE void multiply_steps(__m256i (*sums)[2], const uint8_t *const *sources, ptrdiff_t steps,
                           const uint8_t *weights, const int rows, const int vectors,
                           const int kind) {
  (void)kind;
  for (ptrdiff_t s = 0; s < steps; s++) {
    __m256i w[2];
    UNROLL
    for (int v = 0; v < vectors; v++) {
      w[v] = _mm256_loadu_si256((const __m256i *)(weights + v * 32));
    }
    weights += vectors * 32;
    UNROLL
    for (int r = 0; r < rows; r++) {
      __m256i x = repeated_four(sources[r] + s * 4);
      UNROLL
      for (int v = 0; v < vectors; v++) {
        sums[r][v] = _mm256_dpbusd_avx_epi32(sums[r][v], x, w[v]);
      }
    }
  }
}

#define TAP_VECTORS 1

INLINE void interleave_taps(const __m256i *rows, __m256i *out) {
  __m256i a = _mm256_unpacklo_epi8(rows[0], rows[1]), b = _mm256_unpackhi_epi8(rows[0], rows[1]);
  __m256i c = _mm256_unpacklo_epi8(rows[2], rows[3]), d = _mm256_unpackhi_epi8(rows[2], rows[3]);
  out[0] = _mm256_unpacklo_epi16(a, c);
  out[1] = _mm256_unpackhi_epi16(a, c);
  out[2] = _mm256_unpacklo_epi16(b, d);
  out[3] = _mm256_unpackhi_epi16(b, d);
}

INLINE void interleave_weights(const __m256i *rows, __m256i *out) { interleave_taps(rows, out); }

INLINE void add_taps(__m256i *sums, const __m256i *x, const __m256i *weights) {
  for (int v = 0; v < 4; v++) sums[v] = _mm256_dpbusd_avx_epi32(sums[v], x[v], weights[v]);
}

/* Of steps of 8 bits. */
INLINE __m256i byte_step(const uint8_t *step, int v, int vectors) {
  return (void)vectors, _mm256_loadu_si256((const __m256i *)(step + v * 32));
}

INLINE __m256i dot(__m256i sum, const uint8_t *four, __m256i weights, int bits) {
  return (void)bits, _mm256_dpbusd_avx_epi32(sum, repeated_four(four), weights);
}
