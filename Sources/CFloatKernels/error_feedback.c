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

INLINE float feedback_body(const float *weights, size_t count, const float *columns,
                           size_t stride, const float *scales, int low, int high,
                           float *products, int8_t *integers, float *errors) {
  float cost = 0;
  for (size_t i = count; i-- > 0;) {
    const float pivot = columns[i * stride + i];
    const float wanted = weights[i] + products[i] / pivot;
    const float rounded = clamped(rintf(wanted / scales[i]), (float)low, (float)high);
    const float missed = pivot * (wanted - rounded * scales[i]);
    integers[i] = (int8_t)rounded;
    errors[i] = weights[i] - rounded * scales[i];
    products[i] = missed;
    cost += missed * missed;
    add_scaled(products, columns + i * stride, errors[i], i);
  }
  return cost;
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
  attributes static float feedback_##suffix(                                                    \
      const float *w, size_t n, const float *c, size_t stride, const float *scales, int low,     \
      int high, float *products, int8_t *q, float *e) {                                          \
    return feedback_body(w, n, c, stride, scales, low, high, products, q, e);                    \
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

float fk_feedback_block(const float *weights, size_t count, const float *columns, size_t stride,
                        const float *scales, int low, int high, float *products,
                        int8_t *integers, float *errors) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f"))
    return feedback_avx512(weights, count, columns, stride, scales, low, high, products, integers,
                           errors);
  if (__builtin_cpu_supports("avx2"))
    return feedback_avx2(weights, count, columns, stride, scales, low, high, products, integers,
                         errors);
#endif
  return feedback_portable(weights, count, columns, stride, scales, low, high, products, integers,
                           errors);
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
