/* What tiled_blocked.h asks for. */

#define VECTORS (PANEL / LANES)
#define STRIP 2
#define FEW_BYTE_ROWS 1
#define FEW_FLOAT_ROWS 4
#define ALL_VECTORS(use, kind) use(1, kind) use(2, kind)

typedef int8x16_t step_vector;
typedef float32x4_t floats;

INLINE int32x4_t no_sums(void) { return vdupq_n_s32(0); }
INLINE int32x4_t minus(int32x4_t a, int32x4_t b) { return vsubq_s32(a, b); }
INLINE float32x4_t no_floats(void) { return vdupq_n_f32(0); }
INLINE float32x4_t load_floats(const float *p) { return vld1q_f32(p); }
INLINE void save_floats(float *p, float32x4_t x) { vst1q_f32(p, x); }
INLINE float32x4_t repeated_float(const float *p) { return vld1q_dup_f32(p); }
INLINE float32x4_t plus(float32x4_t a, float32x4_t b) { return vaddq_f32(a, b); }
INLINE float32x4_t fused(float32x4_t a, float32x4_t b, float32x4_t c) {
  return vfmaq_f32(c, a, b);
}

INLINE void multiply_block(int32x4_t (*sums)[VECTORS], const uint8_t *const *sources,
                           ptrdiff_t steps, const uint8_t *weights, ptrdiff_t step_bytes,
                           const int rows, const int vectors, const int kind) {
  (void)step_bytes; /* of all vectors of a panel */
  multiply_steps(sums, sources, steps, weights, rows, vectors, kind);
}

INLINE int8x16_t widened_step(const uint8_t *step, int v, int vectors, int bits) {
  return (void)vectors, (void)bits, vld1q_s8((const int8_t *)step + v * 16);
}

INLINE int8x16_t packed_step(const uint8_t *step, int v, const int vectors, const int bits) {
  if (bits == 8) return widened_step(step, v, vectors, bits);
  return vreinterpretq_s8_u8(widened(step, v, vectors, bits));
}

/* Without the excess, which differences of sums do not hold. */
INLINE int32x4_t dot(int32x4_t sum, const uint8_t *four, int8x16_t weights, int bits) {
  (void)bits;
  return DOT_LANE(sum, weights, prepared(repeated(four, 4)), 0);
}

INLINE float32x4_t float_weights(int8x16_t step, const int k, int bits) {
  (void)bits;
  int32x4_t words = vreinterpretq_s32_s8(step);
  return vcvtq_f32_s32(vshrq_n_s32(k < 3 ? vshlq_s32(words, vdupq_n_s32(24 - 8 * k)) : words, 24));
}

INLINE float32x4_t sum_scales(const float *scales, int bits) {
  return (void)bits, load_floats(scales);
}

INLINE float32x4_t scaled(int32x4_t sum, float32x4_t scale, float32x4_t y) {
  return vfmaq_f32(y, vcvtq_f32_s32(sum), scale);
}
