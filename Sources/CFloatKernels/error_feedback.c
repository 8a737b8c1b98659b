#include "error_feedback.h"

#include <math.h>

#pragma STDC FP_CONTRACT OFF

#define INLINE static inline __attribute__((always_inline))

INLINE float clamped(float value, float low, float high) {
  return value < low ? low : value > high ? high : value;
}

/* Element by element, so that any vector width gives the same values. */
INLINE void add_scaled(float *restrict target, const float *restrict source, float factor,
                       size_t count) {
  for (size_t k = 0; k < count; k++) target[k] += factor * source[k];
}

/* Rows side by side: each waits for its own last weight at every step. */
INLINE void feedback_rows(size_t rows, size_t row_stride, const float *weights, size_t count,
                          const float *columns, size_t stride, const float *scales, int low,
                          int high, float *products, int8_t *integers, float *errors,
                          float *costs) {
  for (size_t i = count; i-- > 0;) {
    const float pivot = columns[i * stride + i];
    for (size_t row = 0; row < rows; row++) {
      const size_t place = row * row_stride + i;
      const float wanted = weights[place] + products[place] / pivot;
      const float rounded = clamped(rintf(wanted / scales[place]), (float)low, (float)high);
      const float missed = pivot * (wanted - rounded * scales[place]);
      integers[place] = (int8_t)rounded;
      errors[place] = weights[place] - rounded * scales[place];
      products[place] = missed;
      costs[row] += missed * missed;
    }
    for (size_t row = 0; row < rows; row++)
      add_scaled(products + row * row_stride, columns + i * stride,
                 errors[row * row_stride + i], i);
  }
}

#define ROWS 4

INLINE void feedback_body(size_t rows, size_t row_stride, const float *weights, size_t count,
                          const float *columns, size_t stride, const float *scales, int low,
                          int high, float *products, int8_t *integers, float *errors,
                          float *costs) {
  size_t row = 0;
  for (; row + ROWS <= rows; row += ROWS) {
    const size_t first = row * row_stride;
    feedback_rows(ROWS, row_stride, weights + first, count, columns, stride, scales + first, low,
                  high, products + first, integers + first, errors + first, costs + row);
  }
  for (; row < rows; row++) {
    const size_t first = row * row_stride;
    feedback_rows(1, row_stride, weights + first, count, columns, stride, scales + first, low,
                  high, products + first, integers + first, errors + first, costs + row);
  }
}

INLINE size_t descend_body(const float *hessian, size_t count, const float *scales, int low,
                           int high, size_t sweeps, int8_t *integers, float *errors,
                           float *gradient) {
  size_t moves = 0;
  for (size_t sweep = 0; sweep < sweeps; sweep++) {
    const size_t before = moves;
    for (size_t i = 0; i < count; i++) {
      const float *row = hessian + i * count;
      /* Beyond half a step by a hair: a tie must not move back and forth. */
      const float steps = gradient[i] / (scales[i] * row[i]);
      if (!(fabsf(steps) > 0.5001f)) continue;
      const float old = integers[i];
      const float moved = clamped(rintf(old + steps), (float)low, (float)high);
      if (moved == old) continue;
      const float change = (moved - old) * scales[i];
      integers[i] = (int8_t)moved;
      errors[i] -= change;
      add_scaled(gradient, row, -change, count);
      moves++;
    }
    if (moves == before) break;
  }
  return moves;
}

#define INSTANTIATE(suffix, attributes)                                                         \
  attributes static void feedback_##suffix(                                                     \
      size_t rows, size_t row_stride, const float *w, size_t n, const float *c, size_t stride,   \
      const float *scales, int low, int high, float *products, int8_t *q, float *e,              \
      float *costs) {                                                                           \
    feedback_body(rows, row_stride, w, n, c, stride, scales, low, high, products, q, e, costs); \
  }                                                                                             \
  attributes static size_t descend_##suffix(const float *h, size_t n, const float *scales,      \
                                            int low, int high, size_t sweeps, int8_t *q,        \
                                            float *e, float *g) {                               \
    return descend_body(h, n, scales, low, high, sweeps, q, e, g);                              \
  }

INSTANTIATE(portable, )
#if defined(__x86_64__)
INSTANTIATE(avx2, __attribute__((target("avx2"))))
INSTANTIATE(avx512, __attribute__((target("avx512f"))))
#endif

void fk_feedback_block(size_t rows, size_t row_stride, const float *weights, size_t count,
                       const float *columns, size_t stride, const float *scales, int low,
                       int high, float *products, int8_t *integers, float *errors,
                       float *costs) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) {
    feedback_avx512(rows, row_stride, weights, count, columns, stride, scales, low, high,
                    products, integers, errors, costs);
    return;
  }
  if (__builtin_cpu_supports("avx2")) {
    feedback_avx2(rows, row_stride, weights, count, columns, stride, scales, low, high, products,
                  integers, errors, costs);
    return;
  }
#endif
  feedback_portable(rows, row_stride, weights, count, columns, stride, scales, low, high,
                    products, integers, errors, costs);
}

size_t fk_descend_row(const float *hessian, size_t count, const float *scales, int low, int high,
                      size_t sweeps, int8_t *integers, float *errors, float *gradient) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f"))
    return descend_avx512(hessian, count, scales, low, high, sweeps, integers, errors, gradient);
  if (__builtin_cpu_supports("avx2"))
    return descend_avx2(hessian, count, scales, low, high, sweeps, integers, errors, gradient);
#endif
  return descend_portable(hessian, count, scales, low, high, sweeps, integers, errors, gradient);
}
