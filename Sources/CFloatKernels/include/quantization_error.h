/* Rounding of one weight row to a symmetric integer grid: the inner loop of the scale search.
   All functions sum in the same order on every instruction set, so scales do not depend on the
   machine. Values must be finite. */
#ifndef CFLOATKERNELS_QUANTIZATION_ERROR_H
#define CFLOATKERNELS_QUANTIZATION_ERROR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* With q_i = clamp(round_half_even(w_i / scale), low, high) and importance h_i:
   error = sum h_i (w_i - scale q_i)^2, cross = sum h_i w_i q_i, power = sum h_i q_i^2.
   For these integers the least-squares scale is cross / power. */
typedef struct {
  float error;
  float cross;
  float power;
} fk_rounding_sums;

/* `importance` may be NULL: every h_i is 1. */
fk_rounding_sums fk_rounding_sums_of(const float *weights, const float *importance, size_t count,
                                     float scale, int low, int high);

/* Writes the integers that the sums above are of. */
void fk_round_to_int8(const float *weights, size_t count, float scale, int low, int high,
                      int8_t *integers);

/* residual_i = integers_i * scale - weights_i. */
void fk_rounding_residual(const float *weights, const int8_t *integers, size_t count, float scale,
                          float *residual);

/* Largest magnitude; NaN or infinity where a value is not finite. */
float fk_largest_magnitude(const float *values, size_t count);

#ifdef __cplusplus
}
#endif
#endif
