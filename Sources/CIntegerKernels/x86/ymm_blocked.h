/* What tiled_blocked.h asks for, but for what depends on how products are made: byte_step, the
   step of a vector of 8 bits in order, and dot. */

#define VECTORS (PANEL / LANES)
#define STRIP 2
#define FEW_BYTE_ROWS 1
#define FEW_FLOAT_ROWS 4
#define ALL_VECTORS(use, kind) use(1, kind) use(2, kind)

typedef __m256i step_vector;
typedef __m256 floats;

INLINE __m256i no_sums(void) { return _mm256_setzero_si256(); }
INLINE __m256i minus(__m256i a, __m256i b) { return _mm256_sub_epi32(a, b); }
INLINE __m256 no_floats(void) { return _mm256_setzero_ps(); }
INLINE __m256 load_floats(const float *p) { return _mm256_loadu_ps(p); }
INLINE void save_floats(float *p, __m256 x) { _mm256_storeu_ps(p, x); }
INLINE __m256 repeated_float(const float *p) { return _mm256_broadcast_ss(p); }
INLINE __m256 plus(__m256 a, __m256 b) { return _mm256_add_ps(a, b); }
INLINE __m256 fused(__m256 a, __m256 b, __m256 c) { return _mm256_fmadd_ps(a, b, c); }

INLINE void multiply_block(__m256i (*sums)[VECTORS], const uint8_t *const *sources,
                           ptrdiff_t steps, const uint8_t *weights, ptrdiff_t step_bytes,
                           const int rows, const int vectors, const int kind) {
  (void)step_bytes; /* of all vectors of a panel */
  multiply_steps(sums, sources, steps, weights, rows, vectors, kind);
}

INLINE __m256i widened_step(const uint8_t *step, int v, int vectors, int bits) {
  if (bits == 8) return byte_step(step, v, vectors);
  return _mm256_loadu_si256((const __m256i *)(step + v * 32));
}

INLINE __m256i packed_step(const uint8_t *step, int v, const int vectors, const int bits) {
  return bits == 8 ? byte_step(step, v, vectors) : widened(step, v, vectors, bits);
}

INLINE __m256 float_weights(__m256i step, const int k, int bits) {
  __m256i top = k < 3 ? _mm256_slli_epi32(step, 24 - 8 * k) : step;
  if (k > 0) top = _mm256_and_si256(top, _mm256_set1_epi32((int)0xff000000));
  return _mm256_cvtepi32_ps(_mm256_sra_epi32(top, _mm_cvtsi32_si128(16 + bits)));
}

/* Weights of sums were not scaled. */
INLINE __m256 sum_scales(const float *scales, int bits) {
  return _mm256_mul_ps(load_floats(scales), _mm256_set1_ps((float)(1 << (8 - bits))));
}

INLINE __m256 scaled(__m256i sum, __m256 scale, __m256 y) {
  return _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), scale, y);
}
