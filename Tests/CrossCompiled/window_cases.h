/* Depthwise convolutions and pooling: kernels up to 7, strides up to 3, dilation up to 2. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"

#define RESULT_ROWS 5

static void run_depthwise(const ik_kernels *kernels, const void *inputs, uint8_t *target) {
  ik_depthwise d = *(const ik_depthwise *)inputs;
  d.window.target = target;
  kernels->depthwise(&d, 0, 2);
  kernels->depthwise(&d, 2, RESULT_ROWS);
}

static void run_window_max(const ik_kernels *kernels, const void *inputs, uint8_t *target) {
  ik_window w = *(const ik_window *)inputs;
  w.target = target;
  kernels->window_max(&w, 0, 1);
  kernels->window_max(&w, 1, RESULT_ROWS);
}

static void window_case(void) {
  ik_depthwise d;
  memset(&d, 0, sizeof(d));
  ik_window *w = &d.window;
  const int is_3x3 = once_in(2), is_extreme = once_in(4);
  w->kernel_rows = is_3x3 ? 3 : between(1, 7);
  w->kernel_columns = is_3x3 ? 3 : between(1, 7);
  w->stride_rows = between(1, 3);
  w->stride_columns = between(1, 3);
  w->dilation_rows = once_in(3) ? 2 : 1;
  w->dilation_columns = once_in(3) ? 2 : 1;
  w->width = between(1, 7);
  w->channels = between(1, 150);
  const ptrdiff_t columns =
      (w->width - 1) * w->stride_columns + (w->kernel_columns - 1) * w->dilation_columns + 1;
  const ptrdiff_t lines =
      (RESULT_ROWS - 1) * w->stride_rows + (w->kernel_rows - 1) * w->dilation_rows + 1;
  w->column_pitch = w->channels + (once_in(2) ? 0 : between(1, 9));
  w->row_pitch = columns * w->column_pitch;
  const size_t extent = (size_t)(lines * w->row_pitch);
  uint8_t *source = room(extent + IK_SLACK);
  for (size_t i = 0; i < extent; i++) source[i] = is_extreme ? 255 : random_byte();
  w->source = source;
  w->target_column_pitch = w->channels + (once_in(2) ? 0 : between(1, 9));
  w->target_row_pitch = w->width * w->target_column_pitch;

  const ptrdiff_t taps = w->kernel_rows * w->kernel_columns;
  d.weight_pitch = (w->channels + 63) / 64 * 64;
  int8_t *weights = room((size_t)(taps * d.weight_pitch));
  int32_t *bias = room((size_t)d.weight_pitch * 4);
  float *multipliers = room((size_t)d.weight_pitch * 4);
  for (ptrdiff_t c = 0; c < w->channels; c++) {
    for (ptrdiff_t t = 0; t < taps; t++) {
      weights[t * d.weight_pitch + c] = (int8_t)(is_extreme ? -128 : random_byte());
    }
    bias[c] = once_in(20) ? (once_in(2) ? INT32_MIN : INT32_MAX) : between(-20000, 20000);
    multipliers[c] = once_in(20) ? (once_in(2) ? 1e30f : 0.5f) : (float)between(-9, 99) * 1e-4f;
  }
  d.weights = weights;
  d.bias = bias;
  d.multipliers = multipliers;
  d.zero = random_byte();
  d.low = (uint8_t)(once_in(2) ? 0 : between(0, 100));
  d.high = (uint8_t)(once_in(2) ? 255 : between(d.low, 255));

  char name[160];
  snprintf(name, sizeof(name), "%td x %td taps, strides %td %td, dilation %td %td, %td channels",
           w->kernel_rows, w->kernel_columns, w->stride_rows, w->stride_columns, w->dilation_rows,
           w->dilation_columns, w->channels);
  compare(name, run_depthwise, &d, (size_t)(RESULT_ROWS * w->target_row_pitch));
  compare(name, run_window_max, w, (size_t)(RESULT_ROWS * w->target_row_pitch));
  free(source);
  free(weights);
  free(bias);
  free(multipliers);
}

static void window_cases(void) {
  for (int i = 0; i < 500; i++) window_case();
}
