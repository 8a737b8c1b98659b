/* Products of 8-bit rows and packed weight columns: convolutions, Gemm, MatMul. */
#ifndef CINTEGERKERNELS_PRODUCT_H
#define CINTEGERKERNELS_PRODUCT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ik_kernels;

/* Where the operands of each row lie, so that a convolution needs no unfolded copy of its input.
   Row r belongs to place (y, x) = (r / width, r % width); its depth is the concatenation of
   `run_count` runs of `run_bytes` bytes, run i at
     base + y * row_pitch + x * column_pitch + runs[i].
   Each run is read up to the next multiple of 4 bytes. */
typedef struct ik_rows {
  const uint8_t *base;
  const ptrdiff_t *runs;
  ptrdiff_t run_count, run_bytes;
  ptrdiff_t width;
  ptrdiff_t row_pitch, column_pitch;
} ik_rows;

/* Where the results of each row go: column c of the row at (y, x) to
   base + y * row_pitch + x * column_pitch + c, in elements. */
typedef struct ik_places {
  void *base;
  ptrdiff_t row_pitch, column_pitch;
} ik_places;

/* With acc[r][c] = bias[c] + sum_k rows[r][k] * weights[c][k] in int32, modulo 2^32:
     quantized:  min(max(saturate_u8(round_half_even(float(acc) * multipliers[c]) + zero), low), high)
     float:      float(acc) * multipliers[c] + offsets[c] (two roundings)
   Weights, bias and multipliers are packed by ik_pack_weights. */
typedef struct ik_product {
  ik_rows rows;
  ptrdiff_t columns;
  int bits;
  const uint8_t *weights;
  const int32_t *bias;
  const float *multipliers;
  ik_places places;
  int is_float;
  const float *offsets; /* packed as the multipliers are; only for float results */
  uint8_t zero, low, high;
} ik_product;

typedef void ik_product_kernel(const ik_product *, ptrdiff_t first_row, ptrdiff_t last_row,
                               ptrdiff_t first_panel, ptrdiff_t last_panel);

/* The depth of a product of runs, each filled up to a multiple of 4. */
ptrdiff_t ik_padded_depth(ptrdiff_t run_count, ptrdiff_t run_bytes);

/* Packed weights: panel by panel of columns, in each step by step of 4 along the padded depth. A
   width of `bits` is stored as planes of 4, 2 and 1 bits, highest first (or as bytes for 8);
   products see every weight times 2^(8 - bits), and bias and multipliers are scaled to match.
   This packs one step of a panel of `width` columns: weights[place * 4 + i] for its places. */
typedef void ik_pack_step(const int8_t *weights, ptrdiff_t width, int bits, uint8_t *packed);

/* Bytes of the packed weights. */
ptrdiff_t ik_packed_bytes(const struct ik_kernels *kernels, ptrdiff_t columns,
                          ptrdiff_t padded_depth, int bits);

/* Columns filled up to whole lanes: the length of packed bias, multipliers and offsets. */
ptrdiff_t ik_padded_columns(const struct ik_kernels *kernels, ptrdiff_t columns);

/* Packs weights[c * run_count * run_bytes + k], which must fit `bits`. */
void ik_pack_weights(const struct ik_kernels *kernels, const int8_t *weights, ptrdiff_t columns,
                     ptrdiff_t run_count, ptrdiff_t run_bytes, int bits, uint8_t *packed);

/* Packs one value for each column times 2^(8 - bits), exactly. */
void ik_pack_bias(const struct ik_kernels *kernels, const int32_t *bias, ptrdiff_t columns,
                  int bits, int32_t *packed);

/* Packs one value for each column, divided by 2^(8 - bits). */
void ik_pack_multipliers(const struct ik_kernels *kernels, const float *multipliers,
                         ptrdiff_t columns, int bits, float *packed);

/* The right-hand side of a product that is known only when it runs: weight (k, c) is
   values[k * depth_step + c * column_step] - 128. */
typedef struct ik_operand {
  const uint8_t *values;
  ptrdiff_t depth_step, column_step;
  ptrdiff_t depth, columns;
} ik_operand;

/* Packs it as weights of 8 bits and one run of `depth` bytes. */
void ik_pack_operand(const struct ik_kernels *kernels, const ik_operand *operand, uint8_t *packed);

/* Packs the bias -zero * sum_k weight (k, c), which makes up for the zero point of the rows. */
void ik_pack_operand_bias(const struct ik_kernels *kernels, const ik_operand *operand,
                          uint8_t zero, int32_t *packed);

/* Multiplies and adds in registers alone, as fast as the core can: the ceiling of every product.
   Returns the number of multiply-accumulates done in `rounds` rounds. */
typedef ptrdiff_t ik_peak_kernel(ptrdiff_t rounds);

#ifdef __cplusplus
}
#endif
#endif
