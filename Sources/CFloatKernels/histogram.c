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

/* Equal values in a row would wait for each other's count: neighbours count in tables of their own. */
#define HISTOGRAM(suffix, attributes)                                                       \
  attributes static void histogram_##suffix(const float *values, size_t count,              \
                                            float reciprocal, uint32_t *tables,             \
                                            int32_t half) {                                 \
    uint32_t *const table[FK_HISTOGRAM_TABLES] = {                                          \
        tables + half, tables + 3 * half, tables + 5 * half, tables + 7 * half};            \
    size_t i = 0;                                                                           \
    for (; i + 16 <= count; i += 16) {                                                      \
      lanes x;                                                                              \
      memcpy(&x, values + i, sizeof(x));                                                    \
      x *= reciprocal;                                                                      \
      const integers truncated = __builtin_convertvector(x, integers);                      \
      const integers floor = truncated + (x < __builtin_convertvector(truncated, lanes));   \
      int32_t bins[16];                                                                     \
      memcpy(bins, &floor, sizeof(bins));                                                   \
      for (int lane = 0; lane < 16; lane += FK_HISTOGRAM_TABLES) {                          \
        table[0][bins[lane]]++;                                                             \
        table[1][bins[lane + 1]]++;                                                         \
        table[2][bins[lane + 2]]++;                                                         \
        table[3][bins[lane + 3]]++;                                                         \
      }                                                                                     \
    }                                                                                       \
    for (; i < count; i++) {                                                                \
      const float position = values[i] * reciprocal;                                        \
      const int32_t truncated = (int32_t)position;                                          \
      table[0][truncated - (position < (float)truncated)]++;                                \
    }                                                                                       \
  }

HISTOGRAM(portable, )
#if defined(__x86_64__)
HISTOGRAM(avx2, __attribute__((target("avx2"))))
HISTOGRAM(avx512, __attribute__((target("avx512f,avx512bw,avx512vl"))))
#endif

void fk_histogram(const float *values, size_t count, float reciprocal, uint32_t *tables,
                  int32_t half) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    return histogram_avx512(values, count, reciprocal, tables, half);
  if (__builtin_cpu_supports("avx2"))
    return histogram_avx2(values, count, reciprocal, tables, half);
#endif
  histogram_portable(values, count, reciprocal, tables, half);
}
