#include "quantization_error.h"

#include <string.h>

/* One body for every instruction set: 16 lanes and no contraction to fused multiply-add keep the
   result the same everywhere. */
#pragma STDC FP_CONTRACT OFF

typedef float lanes __attribute__((vector_size(64)));
typedef int8_t byte_lanes __attribute__((vector_size(16)));

#define INLINE static inline __attribute__((always_inline))

/* Adding and subtracting 1.5 * 2^23 rounds to the nearest integer, ties to even, below 2^22. */
static const float rounding_shift = 12582912.0f;

/* Macros, not functions: vectors wider than the baseline's registers have no stable calling
   convention, even between functions that end up inlined. */
#define LOAD(target, address) memcpy(&(target), (address), sizeof(target))
#define SPLAT(value) ((lanes){} + (value))
#define QUANTIZE(w)                                                                              \
  (__builtin_elementwise_max(                                                                    \
       __builtin_elementwise_min((w) * SPLAT(inverse), SPLAT((float)high)), SPLAT((float)low)) + \
   SPLAT(rounding_shift) - SPLAT(rounding_shift))

INLINE float sum_of(const lanes *vector) {
  float part[16];
  memcpy(part, vector, sizeof(part));
  for (int width = 8; width > 0; width /= 2)
    for (int i = 0; i < width; i++) part[i] += part[i + width];
  return part[0];
}

INLINE fk_rounding_sums sums_body(const float *weights, const float *importance, size_t count,
                                  float scale, int low, int high) {
  const float inverse = 1.0f / scale;
  lanes error = {}, cross = {}, power = {};
  for (size_t i = 0; i < count; i += 16) {
    lanes w = {}, h = {};
    if (count - i >= 16) {
      LOAD(w, weights + i);
      if (importance) LOAD(h, importance + i);
    } else {
      memcpy(&w, weights + i, (count - i) * sizeof(float));
      if (importance) memcpy(&h, importance + i, (count - i) * sizeof(float));
    }
    const lanes q = QUANTIZE(w);
    const lanes e = w - q * SPLAT(scale);
    if (importance) {
      error += h * e * e;
      cross += h * w * q;
      power += h * q * q;
    } else {
      error += e * e;
      cross += w * q;
      power += q * q;
    }
  }
  return (fk_rounding_sums){sum_of(&error), sum_of(&cross), sum_of(&power)};
}

INLINE void round_body(const float *weights, size_t count, float scale, int low, int high,
                       int8_t *integers) {
  const float inverse = 1.0f / scale;
  for (size_t i = 0; i < count; i += 16) {
    const size_t step = count - i < 16 ? count - i : 16;
    lanes w = {};
    if (step == 16) {
      LOAD(w, weights + i);
    } else {
      memcpy(&w, weights + i, step * sizeof(float));
    }
    const lanes q = QUANTIZE(w);
    const byte_lanes bytes = __builtin_convertvector(q, byte_lanes);
    if (step == 16) {
      memcpy(integers + i, &bytes, 16);
    } else {
      memcpy(integers + i, &bytes, step);
    }
  }
}

#define INSTANTIATE(suffix, attributes)                                                      \
  attributes static fk_rounding_sums sums_##suffix(const float *w, const float *h, size_t n, \
                                                   float scale, int low, int high) {         \
    return h ? sums_body(w, h, n, scale, low, high) : sums_body(w, NULL, n, scale, low, high); \
  }                                                                                          \
  attributes static void round_##suffix(const float *w, size_t n, float scale, int low,      \
                                        int high, int8_t *q) {                               \
    round_body(w, n, scale, low, high, q);                                                   \
  }

INSTANTIATE(portable, )
#if defined(__x86_64__)
INSTANTIATE(avx2, __attribute__((target("avx2"))))
INSTANTIATE(avx512, __attribute__((target("avx512f,avx512bw,avx512vl"))))
#define HAS_AVX512 \
  (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && \
   __builtin_cpu_supports("avx512vl"))
#endif

fk_rounding_sums fk_rounding_sums_of(const float *weights, const float *importance, size_t count,
                                     float scale, int low, int high) {
#if defined(__x86_64__)
  if (HAS_AVX512) return sums_avx512(weights, importance, count, scale, low, high);
  if (__builtin_cpu_supports("avx2"))
    return sums_avx2(weights, importance, count, scale, low, high);
#endif
  return sums_portable(weights, importance, count, scale, low, high);
}

void fk_round_to_int8(const float *weights, size_t count, float scale, int low, int high,
                      int8_t *integers) {
#if defined(__x86_64__)
  if (HAS_AVX512) return round_avx512(weights, count, scale, low, high, integers);
  if (__builtin_cpu_supports("avx2"))
    return round_avx2(weights, count, scale, low, high, integers);
#endif
  round_portable(weights, count, scale, low, high, integers);
}

void fk_rounding_residual(const float *weights, const int8_t *integers, size_t count, float scale,
                          float *residual) {
  for (size_t i = 0; i < count; i++) residual[i] = (float)integers[i] * scale - weights[i];
}

float fk_largest_magnitude(const float *values, size_t count) {
  /* x * 0 is NaN for NaN and infinity, and stays so in the sum. */
  lanes largest = {}, poison = {};
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    lanes x;
    LOAD(x, values + i);
    largest = __builtin_elementwise_max(largest, __builtin_elementwise_max(x, -x));
    poison += x * 0.0f;
  }
  float result = 0, tainted = sum_of(&poison);
  for (int lane = 0; lane < 16; lane++)
    if (largest[lane] > result) result = largest[lane];
  for (; i < count; i++) {
    const float magnitude = values[i] < 0 ? -values[i] : values[i];
    if (magnitude > result) result = magnitude;
    tainted += values[i] * 0.0f;
  }
  return tainted == 0 ? result : tainted;
}
