/* Between 8-bit integers and the floats that hold them exactly. */

static void add_scaled(const float *x, ptrdiff_t count, float factor, float *y) {
  for (ptrdiff_t i = 0; i < count; i++) y[i] = __builtin_fmaf(factor, x[i], y[i]);
}

static void widen_u8(const uint8_t *source, ptrdiff_t count, int32_t zero, float *target) {
  for (ptrdiff_t i = 0; i < count; i++) target[i] = (float)((int32_t)source[i] - zero);
}

static void widen_s8(const int8_t *source, ptrdiff_t count, int32_t zero, float *target) {
  for (ptrdiff_t i = 0; i < count; i++) target[i] = (float)((int32_t)source[i] - zero);
}

/* Adding and subtracting 1.5 * 2^23 rounds to the nearest even integer below 2^22. Clamping to
   integers first gives what clamping after rounding would. */
INLINE uint8_t requantize_one(float sum, float multiplier, float low, float high, int32_t zero) {
  float scaled = sum * multiplier;
  scaled = scaled > low ? scaled : low;
  scaled = scaled < high ? scaled : high;
  float rounded = (scaled + 12582912.0f) - 12582912.0f;
  return (uint8_t)((int32_t)rounded + zero);
}

static void requantize(const float *sums, ptrdiff_t count, const float *multipliers,
                       ptrdiff_t step, int32_t zero, int32_t least, int32_t most,
                       uint8_t *target) {
  float low = (float)(least - zero), high = (float)(most - zero);
  if (step == 0) {
    float multiplier = multipliers[0];
    for (ptrdiff_t i = 0; i < count; i++) {
      target[i] = requantize_one(sums[i], multiplier, low, high, zero);
    }
  } else {
    for (ptrdiff_t i = 0; i < count; i++) {
      target[i] = requantize_one(sums[i], multipliers[i], low, high, zero);
    }
  }
}
