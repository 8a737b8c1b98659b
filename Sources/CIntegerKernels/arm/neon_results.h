/* From sums to results. */

static ptrdiff_t panel_place(ptrdiff_t column, ptrdiff_t width) {
  (void)width;
  return column;
}

INLINE int32x4_t completed(int32x4_t sum, const int32_t *bias, int bits) {
  (void)bits;
  return vaddq_s32(sum, vld1q_s32(bias));
}

typedef struct {
  int16x8_t zero;
  uint8x8_t low, high;
} result_range;

INLINE result_range range_of(uint8_t zero, uint8_t low, uint8_t high) {
  return (result_range){vdupq_n_s16(zero), vdup_n_u8(low), vdup_n_u8(high)};
}

/* round_half_even(sum * multiplier), right wherever it matters for 8 bits: conversion saturates,
   and the maximum turns NaN into what becomes 0. */
INLINE int32x4_t rescaled(int32x4_t sum, const float *multipliers) {
  float32x4_t x = vmulq_f32(vcvtq_f32_s32(sum), vld1q_f32(multipliers));
  return vcvtnq_s32_f32(vmaxnmq_f32(x, vdupq_n_f32(-1e9f)));
}

INLINE uint8x8_t two_quantized(int32x4_t a, int32x4_t b, const result_range *range) {
  int16x8_t x = vqaddq_s16(vcombine_s16(vqmovn_s32(a), vqmovn_s32(b)), range->zero);
  return vmin_u8(vmax_u8(vqmovun_s16(x), range->low), range->high);
}

INLINE void store_eight_bytes(uint8_t *target, uint8x8_t bytes, ptrdiff_t count) {
  if (count >= 8) {
    vst1_u8(target, bytes);
    return;
  }
  uint64_t rest = vget_lane_u64(vreinterpret_u64_u8(bytes), 0);
  for (int n = 4; n > 0; n /= 2) {
    if (!(count & n)) continue;
    memcpy(target, &rest, (size_t)n);
    rest >>= 8 * n;
    target += n;
  }
}

INLINE void store_bytes(uint8_t *target, uint8x16_t bytes, ptrdiff_t count) {
  if (count >= 16) {
    vst1q_u8(target, bytes);
    return;
  }
  store_eight_bytes(target, vget_low_u8(bytes), count);
  if (count > 8) store_eight_bytes(target + 8, vget_high_u8(bytes), count - 8);
}

/* `count` results of `vectors` vectors. */
INLINE void store_quantized(uint8_t *target, const int32x4_t *sums, const int vectors,
                            ptrdiff_t count, const float *multipliers,
                            const result_range *range) {
  int32x4_t first = rescaled(sums[0], multipliers);
  int32x4_t last = vectors == 2 ? rescaled(sums[1], multipliers + LANES) : first;
  const ptrdiff_t most = vectors * LANES;
  store_eight_bytes(target, two_quantized(first, last, range), count < most ? count : most);
}

INLINE void store_four_floats(float *target, float32x4_t x, ptrdiff_t count) {
  if (count >= 4) {
    vst1q_f32(target, x);
  } else if (count > 0) {
    float four[4];
    vst1q_f32(four, x);
    memcpy(target, four, (size_t)count * sizeof(float));
  }
}

/* Stores `count` floats of `vectors` vectors. */
INLINE void store_in_order(float *target, const float32x4_t *x, const int vectors,
                           ptrdiff_t count) {
  for (int v = 0; v < vectors; v++) {
    store_four_floats(target + v * LANES, x[v], count - v * LANES);
  }
}

/* Results as floats. */
INLINE void store_floats(float *target, const int32x4_t *sums, const int vectors, ptrdiff_t count,
                         const float *multipliers, const float *offsets) {
  float32x4_t x[2];
  for (int v = 0; v < vectors; v++) {
    x[v] = vmulq_f32(vcvtq_f32_s32(sums[v]), vld1q_f32(multipliers + v * LANES));
    x[v] = vaddq_f32(x[v], vld1q_f32(offsets + v * LANES));
  }
  store_in_order(target, x, vectors, count);
}
