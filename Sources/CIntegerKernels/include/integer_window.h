/* Windows that slide over images of 8-bit values, channels innermost. */
#ifndef CINTEGERKERNELS_WINDOW_H
#define CINTEGERKERNELS_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Tap (i, j) of the window at (y, x) reads channel c at
   source + (y * stride_rows + i * dilation_rows) * row_pitch
          + (x * stride_columns + j * dilation_columns) * column_pitch + c. */
typedef struct ik_window {
  const uint8_t *source;
  ptrdiff_t row_pitch, column_pitch; /* bytes */
  ptrdiff_t kernel_rows, kernel_columns;
  ptrdiff_t stride_rows, stride_columns;
  ptrdiff_t dilation_rows, dilation_columns;
  ptrdiff_t width;    /* of the result */
  ptrdiff_t channels;
  uint8_t *target;    /* channel c of (y, x) at target + y * target_row_pitch
                         + x * target_column_pitch + c */
  ptrdiff_t target_row_pitch, target_column_pitch;
} ik_window;

/* One kernel for each channel. Weights as int8: tap (i, j) of channel c at
   weights[(i * kernel_columns + j) * weight_pitch + c]; `weight_pitch`, and the lengths of bias
   and multipliers, are multiples of 64 with zeros behind the channels. Results as those of
   ik_product. */
typedef struct ik_depthwise {
  ik_window window;
  const int8_t *weights;
  ptrdiff_t weight_pitch;
  const int32_t *bias;
  const float *multipliers;
  uint8_t zero, low, high;
} ik_depthwise;

/* Rows [first_row, last_row) of the result. */
typedef void ik_depthwise_kernel(const ik_depthwise *, ptrdiff_t first_row, ptrdiff_t last_row);

/* The largest value under the window. */
typedef void ik_window_kernel(const ik_window *, ptrdiff_t first_row, ptrdiff_t last_row);

#ifdef __cplusplus
}
#endif
#endif
