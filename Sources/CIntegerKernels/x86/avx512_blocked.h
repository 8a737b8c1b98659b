/* What tiled_blocked.h asks for. */

#define VECTORS (PANEL / LANES)
#define VECTOR_BYTES 64
#define STRIP 2
#define FEW_BYTE_ROWS 4
#define FEW_FLOAT_ROWS 8
#define MOST_ROWS 6
#define ALL_VECTORS(use, kind) use(1, kind) use(2, kind) use(3, kind) use(4, kind)

typedef __m512i vector, step_vector;
typedef __m512 floats;

enum { BYTES, KINDS };
#define ALL_KINDS(use) use(BYTES)

INLINE int kind_of(int bits) { return (void)bits, BYTES; }

INLINE int first_choice(int bits) { return (void)bits, 0; }

INLINE __m512i repeated_four(const uint8_t *p) {
  int32_t four;
  memcpy(&four, p, 4);
  return _mm512_set1_epi32(four);
}

INLINE void multiply_block(__m512i (*sums)[VECTORS], const uint8_t *const *sources,
                           ptrdiff_t steps, const uint8_t *weights, ptrdiff_t step_bytes,
                           const int rows, const int vectors, const int kind) {
  (void)kind;
  for (ptrdiff_t s = 0; s < steps; s++, weights += step_bytes) {
    __m512i w[VECTORS];
    UNROLL
    for (int v = 0; v < vectors; v++) w[v] = _mm512_loadu_si512(weights + v * 64);
    UNROLL
    for (int r = 0; r < rows; r++) {
      const __m512i x = repeated_four(sources[r] + s * 4);
      UNROLL
      for (int v = 0; v < vectors; v++) sums[r][v] = _mm512_dpbusd_epi32(sums[r][v], x, w[v]);
    }
  }
}

INLINE void widen_as(const uint8_t *packed, ptrdiff_t steps, uint8_t *bytes, const int vectors,
                     const int bits) {
  for (ptrdiff_t s = 0; s < steps; s++) {
    UNROLL
    for (int v = 0; v < vectors; v++) {
      _mm512_storeu_si512(bytes + v * 64, widened(packed, v, vectors, bits));
    }
    bytes += vectors * 64;
    packed += vectors * 8 * bits;
  }
}

/* Weights of less than 8 bits as bytes. */
static void widen(const uint8_t *packed, ptrdiff_t steps, int vectors, int bits, uint8_t *bytes) {
  switch (bits * 4 + vectors - 1) {
#define CASE(vectors, bits) \
  case bits * 4 + vectors - 1: widen_as(packed, steps, bytes, vectors, bits); break;
#define CASES(bits) ALL_VECTORS(CASE, bits)
    CASES(2) CASES(3) CASES(4) CASES(5) CASES(6) CASES(7)
#undef CASES
#undef CASE
  }
}

INLINE __m512i no_sums(void) { return _mm512_setzero_si512(); }
INLINE __m512i minus(__m512i a, __m512i b) { return _mm512_sub_epi32(a, b); }
INLINE __m512 no_floats(void) { return _mm512_setzero_ps(); }
INLINE __m512 load_floats(const float *p) { return _mm512_loadu_ps(p); }
INLINE void save_floats(float *p, __m512 x) { _mm512_storeu_ps(p, x); }
INLINE __m512 repeated_float(const float *p) { return _mm512_set1_ps(*p); }
INLINE __m512 plus(__m512 a, __m512 b) { return _mm512_add_ps(a, b); }
INLINE __m512 fused(__m512 a, __m512 b, __m512 c) { return _mm512_fmadd_ps(a, b, c); }

INLINE __m512i widened_step(const uint8_t *step, int v, int vectors, int bits) {
  return (void)vectors, (void)bits, _mm512_loadu_si512(step + v * 64);
}

INLINE __m512i packed_step(const uint8_t *step, int v, const int vectors, const int bits) {
  return widened(step, v, vectors, bits);
}

INLINE __m512i dot(__m512i sum, const uint8_t *four, __m512i weights, int bits) {
  return (void)bits, _mm512_dpbusd_epi32(sum, repeated_four(four), weights);
}

/* Widths up to 4 are looked up, by the upper half of the byte. Others take one byte of four by a
   product with ones in its place alone. */
INLINE __m512 float_weights(__m512i step, const int k, const int bits) {
  if (bits <= 4) {
    const __m512 values = _mm512_setr_ps(0, 16, 32, 48, 64, 80, 96, 112, -128, -112, -96, -80, -64,
                                         -48, -32, -16);
    return _mm512_permutexvar_ps(_mm512_srli_epi32(step, 8 * k + 4), values);
  }
  const __m512i place = _mm512_set1_epi32(1 << 8 * k);
  return _mm512_cvtepi32_ps(_mm512_dpbusd_epi32(no_sums(), place, step));
}

INLINE __m512 sum_scales(const float *scales, int bits) { return (void)bits, load_floats(scales); }

INLINE __m512 scaled(__m512i sum, __m512 scale, __m512 y) {
  return _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), scale, y);
}
