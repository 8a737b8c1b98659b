/* Element by element on 8-bit values. All float arithmetic is float32, rounded at each step. */
#ifndef CINTEGERKERNELS_ELEMENTWISE_H
#define CINTEGERKERNELS_ELEMENTWISE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Real value = (q - zero) * scale. */
typedef struct ik_affine {
  float scale;
  int32_t zero;
} ik_affine;

/* y = min(max(saturate_u8(round_half_even(op(a', b') / result.scale) + result.zero), low), high),
   a' and b' dequantized, op addition or multiplication. */
typedef struct ik_sum {
  ik_affine a, b, result;
  uint8_t low, high;
} ik_sum;

typedef void ik_sum_kernel(const ik_sum *, const uint8_t *a, const uint8_t *b, ptrdiff_t count,
                           uint8_t *y);

/* y = table[x]. */
typedef void ik_lookup_kernel(const uint8_t table[256], const uint8_t *x, ptrdiff_t count,
                              uint8_t *y);

/* y = saturate_u8(round_half_even(x / scale) + zero); NaN becomes 0. Element i of x at
   x[i * x_step], of y at y[i]. */
typedef void ik_quantize_kernel(ik_affine, const float *x, ptrdiff_t x_step, ptrdiff_t count,
                                uint8_t *y);

/* y = (x - zero) * scale. Element i of x at x[i], of y at y[i * y_step]. */
typedef void ik_dequantize_kernel(ik_affine, const uint8_t *x, ptrdiff_t count, float *y,
                                  ptrdiff_t y_step);

#ifdef __cplusplus
}
#endif
#endif
