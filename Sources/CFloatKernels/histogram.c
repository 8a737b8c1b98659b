#include "histogram.h"

#include <string.h>

typedef float lanes __attribute__((vector_size(64)));
typedef int32_t integers __attribute__((vector_size(64)));

#define EXTENT(suffix, attributes)                                                   \
  attributes static fk_extent extent_##suffix(const float *values, size_t count) {   \
    lanes low = (lanes){} + values[0], high = low, poison = {};                      \
    integers zeros = {};                                                             \
    size_t i = 0;                                                                    \
    for (; i + 16 <= count; i += 16) {                                               \
      lanes x;                                                                       \
      memcpy(&x, values + i, sizeof(x));                                             \
      low = __builtin_elementwise_min(low, x);                                       \
      high = __builtin_elementwise_max(high, x);                                     \
      poison += x * 0.0f;                                                            \
      zeros -= x == 0.0f;                                                            \
    }                                                                                \
    fk_extent result = {values[0], values[0], 0, 1};                                 \
    float tainted = 0;                                                               \
    for (int lane = 0; lane < 16; lane++) {                                          \
      if (low[lane] < result.minimum) result.minimum = low[lane];                    \
      if (high[lane] > result.maximum) result.maximum = high[lane];                  \
      result.zeros += (size_t)zeros[lane];                                           \
      tainted += poison[lane];                                                       \
    }                                                                                \
    for (; i < count; i++) {                                                         \
      if (values[i] < result.minimum) result.minimum = values[i];                    \
      if (values[i] > result.maximum) result.maximum = values[i];                    \
      result.zeros += values[i] == 0;                                                \
      tainted += values[i] * 0.0f;                                                   \
    }                                                                                \
    result.finite = tainted == 0;                                                    \
    return result;                                                                   \
  }

EXTENT(portable, )
#if defined(__x86_64__)
EXTENT(avx2, __attribute__((target("avx2"))))
EXTENT(avx512, __attribute__((target("avx512f,avx512bw,avx512vl"))))
#endif

fk_extent fk_extent_of(const float *values, size_t count) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    return extent_avx512(values, count);
  if (__builtin_cpu_supports("avx2")) return extent_avx2(values, count);
#endif
  return extent_portable(values, count);
}

void fk_histogram(const float *values, size_t count, float reciprocal, uint32_t *counts,
                  int32_t half) {
  for (size_t i = 0; i < count; i++) {
    const float position = values[i] * reciprocal;
    const int32_t truncated = (int32_t)position;
    counts[half + truncated - (position < (float)truncated)]++;
  }
}
