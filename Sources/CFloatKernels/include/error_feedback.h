/* Rounding of weight rows under a quadratic objective: with e = w - scales q, a scale for each weight,
   and H symmetric positive definite, small e' H e. Sums run in one order on every instruction set, so integers do not depend
   on the machine. */
#ifndef CFLOATKERNELS_ERROR_FEEDBACK_H
#define CFLOATKERNELS_ERROR_FEEDBACK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Rounds `count` consecutive weights of each of `rows` rows, which lie `row_stride` apart in every array:
   last to first, each after taking over the error of those behind it. With H = R' R and R upper
   triangular, `columns[i * stride + k]` is R[k][i] for k <= i. `products[i]` of a row comes in as the
   sum of R[i][j] e[j] over all j behind the block, and goes out as that over all j. Writes integers and
   errors e; adds the block's part of e' H e to the row's of `costs`. */
void fk_feedback_block(size_t rows, size_t row_stride, const float *weights, size_t count,
                       const float *columns, size_t stride, const float *scales, int low,
                       int high, float *products, int8_t *integers, float *errors,
                       float *costs);

/* Coordinate descent: moves each integer to its best value given the others, up to `sweeps` times
   over the row. `gradient` is H e; it, the errors and the integers are kept up to date. Returns the
   number of moves. */
size_t fk_descend_row(const float *hessian, size_t count, const float *scales, int low, int high,
                      size_t sweeps, int8_t *integers, float *errors, float *gradient);

#ifdef __cplusplus
}
#endif
#endif
