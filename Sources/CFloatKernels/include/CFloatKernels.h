/* Float32 kernels over caller-owned buffers: no allocation, no threads, no state.
   Every kernel exists for several instruction sets, chosen at run time. */
#ifndef CFLOATKERNELS_H
#define CFLOATKERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "error_feedback.h"
#include "histogram.h"
#include "quantization_error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Floats that kernels may read past the end of a buffer documented as padded. */
#define FK_SLACK 64

/* The right-hand side of a product, described by addresses so that a convolution needs no
   unfolded copy of its input. Column c = (d * height + h) * width + w of row k is
   base[depth_offsets[k] + d * plane_pitch + h * row_pitch + w]. */
typedef struct fk_columns {
  const float *base;
  const ptrdiff_t *depth_offsets;
  ptrdiff_t count;
  ptrdiff_t height, width;
  ptrdiff_t plane_pitch, row_pitch;
  /* Whether FK_SLACK floats past the last element may be read. */
  int padded;
} fk_columns;

/* output[r * row_stride + c * column_stride] =
     clamp(sum_k rows[r][k] * columns[k][c] + bias[r] + residual[same place], low, high) */
typedef struct fk_product {
  const float *rows; /* packed by fk_pack_rows */
  ptrdiff_t row_count, depth;
  const float *bias;     /* row_count values, or NULL */
  const float *residual; /* laid out as output, or NULL */
  float *output;
  ptrdiff_t row_stride;
  ptrdiff_t column_stride; /* other than 1 only where fk_panel_vectors is 0 */
  float low, high;
} fk_product;

/* One plane of a sliding window: output(d, h, w) is the sum (or maximum) over the taps t of
   weights[t] * source[offsets[t] + d * plane_pitch + h * row_pitch + w], plus bias, clamped. */
typedef struct fk_window {
  const float *source; /* padded */
  const ptrdiff_t *offsets;
  const float *weights; /* not read by the maximum */
  ptrdiff_t taps;
  ptrdiff_t depth, height, width;
  ptrdiff_t plane_pitch, row_pitch;
  float bias, low, high;
  float *output;
} fk_window;

/* A 3 x 3 window over one plane as it lies in memory, row-major and without padding: output(h, w)
   is the sum of weights[3 * i + j] * source(h * stride + i - pad_top, w * stride + j - pad_left),
   what lies outside being 0, plus bias, clamped. */
typedef struct fk_plane {
  const float *source;
  ptrdiff_t height, width;
  ptrdiff_t pad_top, pad_left; /* not negative */
  ptrdiff_t stride;            /* 1 or 2 */
  const float *weights;
  float bias, low, high;
  float *output;
  ptrdiff_t output_height, output_width;
} fk_plane;

/* Geometry of a copy of one plane into stride phases. Axes are depth, height, width.
   Position e of phase f holds input coordinate e * stride + f - pad, or `fill` outside. */
typedef struct fk_phases {
  ptrdiff_t input[3], extent[3], stride[3], pad[3], phases[3];
  float fill;
} fk_phases;

typedef struct fk_kernels {
  const char *name;
  ptrdiff_t rows;    /* rows of a packed block */
  ptrdiff_t lanes;   /* columns of a vector */
  ptrdiff_t vectors; /* vectors of a panel, at most */
  ptrdiff_t tail;    /* columns past the last whole vector that are computed one by one */
  /* Rows [first_row, last_row) must start at a multiple of `rows`. */
  void (*product)(const fk_product *, const fk_columns *, ptrdiff_t first_panel,
                  ptrdiff_t last_panel, ptrdiff_t first_row, ptrdiff_t last_row);
  /* packed[k * rows + r] = matrix[r * row_stride + k] for a whole block of rows. */
  void (*pack_block)(float *packed, const float *matrix, ptrdiff_t depth, ptrdiff_t row_stride);
  /* target[c * target_pitch + r] = source[r * source_pitch + c], of any 4-byte cells. */
  void (*transpose)(const float *source, ptrdiff_t source_pitch, ptrdiff_t rows, ptrdiff_t columns,
                    float *target, ptrdiff_t target_pitch);
  void (*window_sum)(const fk_window *);
  void (*window_max)(const fk_window *);
  /* NULL where the instruction set has no masked loads. */
  void (*window_3x3)(const fk_plane *);
  void (*split_phases)(const fk_phases *, const float *plane, float *phases);
  float (*sum)(const float *values, ptrdiff_t count);
  /* y = exp(x) and erf(x), element by element. */
  void (*exponential)(const float *x, ptrdiff_t count, float *y);
  void (*error_function)(const float *x, ptrdiff_t count, float *y);
  /* y = x * (erf(x * (1 / divisor)) + 1) * 0.5, rounded at each step. */
  void (*gelu)(const float *x, ptrdiff_t count, float divisor, float *y);
  /* With s = x + addend, s = x where it is NULL:
     y = (s - mean) / sqrt(variance + epsilon) * scale + bias over the row; scale and bias may be
     NULL. `mean` and `inverse` receive the mean and the reciprocal of the root. */
  void (*normalize)(const float *x, const float *addend, ptrdiff_t count, float epsilon,
                    const float *scale, const float *bias, float *y, float *mean, float *inverse);
  /* y = softmax(x * (1 / divisor) + mask), the mask NULL for none; y may be x. */
  void (*masked_softmax)(const float *x, ptrdiff_t count, float divisor, const float *mask,
                         float *y);
  /* y = exp(x - max) / sum of these over each row of `count`. */
  void (*softmax)(const float *x, ptrdiff_t rows, ptrdiff_t count, float *y);
  /* y = fma(factor, x, y), element by element. */
  void (*add_scaled)(const float *x, ptrdiff_t count, float factor, float *y);
  /* target = source - zero, exactly. */
  void (*widen_u8)(const uint8_t *source, ptrdiff_t count, int32_t zero, float *target);
  void (*widen_s8)(const int8_t *source, ptrdiff_t count, int32_t zero, float *target);
  /* target = saturate(round_half_even(sums * multiplier) + zero) to [least, most], an 8-bit range
     of either sign. Element i takes multipliers[i * step], step 0 or 1. */
  void (*requantize)(const float *sums, ptrdiff_t count, const float *multipliers, ptrdiff_t step,
                     int32_t zero, int32_t least, int32_t most, uint8_t *target);
} fk_kernels;

/* The instruction set that the kernels use on this machine: "avx512", "avx2" or "portable". */
const char *fk_instruction_set(void);

/* The fastest kernels that this machine runs. */
const fk_kernels *fk_best_kernels(void);

/* Kernels by instruction set; NULL where this machine or build lacks it. */
const fk_kernels *fk_kernels_named(const char *name);

/* Panels that a product over `columns` columns is cut into. */
ptrdiff_t fk_panel_count(const fk_kernels *kernels, ptrdiff_t columns);

/* Whole or partial vectors that `columns` columns take; 0 where all are computed one by one. */
ptrdiff_t fk_panel_vectors(const fk_kernels *kernels, ptrdiff_t columns);

/* Floats of the packed form of a rows x depth matrix. */
ptrdiff_t fk_packed_count(const fk_kernels *kernels, ptrdiff_t rows, ptrdiff_t depth);

/* Packs element (r, k) = matrix[r * row_stride + k * depth_stride] in the order in which a product
   reads it: piece of the depth by piece, in each the blocks of `kernels->rows` rows, the last
   padded with zeros. */
void fk_pack_rows(const fk_kernels *kernels, float *packed, const float *matrix, ptrdiff_t rows,
                  ptrdiff_t depth, ptrdiff_t row_stride, ptrdiff_t depth_stride);

#ifdef __cplusplus
}
#endif
#endif
