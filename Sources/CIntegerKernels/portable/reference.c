/* The arithmetic, in the smallest scalar code. All other kernels are compared with it. */
#include <math.h>

#include "../instruction_sets.h"
#include "../planes.h"
#include "../requantize.h"
#include "CIntegerKernels.h"

#pragma STDC FP_CONTRACT OFF

#define PANEL 16

static ptrdiff_t place(ptrdiff_t column, ptrdiff_t width) {
  (void)width;
  return column;
}

/* Planes from the highest on; place p of a plane of w bits begins at bit p * w of its bytes. */
static void pack_step(const int8_t *weights, ptrdiff_t panel, int bits, uint8_t *packed) {
  (void)panel;
  if (bits == 8) {
    for (ptrdiff_t p = 0; p < PANEL * 4; p++) packed[p] = (uint8_t)weights[p];
    return;
  }
  for (int width = 4, shift = 0; width > 0; width /= 2) {
    if (!(bits & width)) continue;
    for (ptrdiff_t i = 0; i < PANEL * 4 * width / 8; i++) packed[i] = 0;
    for (ptrdiff_t p = 0; p < PANEL * 4; p++) {
      packed[p * width / 8] |=
          (uint8_t)(ik_plane_of(weights[p], bits, shift, width) << p * width % 8);
    }
    packed += PANEL * 4 * width / 8;
    shift += width;
  }
}

/* The weight at a place of a step, times 2^(8 - bits). */
static int32_t widened(const uint8_t *packed, int bits, ptrdiff_t p) {
  if (bits == 8) return (int8_t)packed[p];
  unsigned value = 0;
  for (int width = 4, shift = 0; width > 0; width /= 2) {
    if (!(bits & width)) continue;
    unsigned plane = packed[p * width / 8] >> p * width % 8 & ((1u << width) - 1);
    packed += PANEL * 4 * width / 8;
    shift += width;
    value |= plane << (8 - shift);
  }
  return (int8_t)value;
}

static int32_t sum_of(const ik_product *p, ptrdiff_t row, ptrdiff_t column) {
  const ik_rows *rows = &p->rows;
  const uint8_t *source = rows->base + row / rows->width * rows->row_pitch +
                          row % rows->width * rows->column_pitch;
  ptrdiff_t steps = (rows->run_bytes + 3) / 4;
  const uint8_t *packed = p->weights + column / PANEL * (rows->run_count * steps) *
                                           ik_step_bytes(PANEL, p->bits);
  uint32_t sum = (uint32_t)p->bias[column];
  for (ptrdiff_t run = 0; run < rows->run_count; run++) {
    for (ptrdiff_t k = 0; k < rows->run_bytes; k++) {
      const uint8_t *step = packed + (run * steps + k / 4) * ik_step_bytes(PANEL, p->bits);
      int32_t weight = widened(step, p->bits, column % PANEL * 4 + k % 4);
      sum += (uint32_t)(source[rows->runs[run] + k] * weight);
    }
  }
  return (int32_t)sum;
}

static void product(const ik_product *p, ptrdiff_t first_row, ptrdiff_t last_row,
                    ptrdiff_t first_panel, ptrdiff_t last_panel) {
  ptrdiff_t last_column = last_panel * PANEL < p->columns ? last_panel * PANEL : p->columns;
  for (ptrdiff_t r = first_row; r < last_row; r++) {
    ptrdiff_t target = r / p->rows.width * p->places.row_pitch +
                       r % p->rows.width * p->places.column_pitch;
    for (ptrdiff_t c = first_panel * PANEL; c < last_column; c++) {
      float scaled = (float)sum_of(p, r, c) * p->multipliers[c];
      if (p->is_float) {
        ((float *)p->places.base)[target + c] = scaled + p->offsets[c];
      } else {
        ((uint8_t *)p->places.base)[target + c] = ik_saturate(scaled, p->zero, p->low, p->high);
      }
    }
  }
}

#include "blocked.h"

/* The layout of ik_pack_values. */
static void widen_values(const uint8_t *packed, ptrdiff_t groups, int bits, int8_t *values) {
  for (ptrdiff_t g = 0; g < groups; g++) {
    for (ptrdiff_t p = 0; p < IK_GROUP; p++) {
      const uint8_t *plane = packed + g * IK_GROUP / 8 * bits;
      unsigned value = bits == 8 ? plane[p] : 0;
      for (int width = 4, shift = 0; bits < 8 && width > 0; width /= 2) {
        if (!(bits & width)) continue;
        const ptrdiff_t bytes = IK_GROUP / 8 * width;
        shift += width;
        value |= (plane[p % bytes] >> p / bytes * width & ((1u << width) - 1)) << (8 - shift);
        plane += bytes;
      }
      values[g * IK_GROUP + p] = (int8_t)value;
    }
  }
}

static const uint8_t *tap(const ik_window *w, ptrdiff_t y, ptrdiff_t x, ptrdiff_t i,
                          ptrdiff_t j) {
  return w->source + (y * w->stride_rows + i * w->dilation_rows) * w->row_pitch +
         (x * w->stride_columns + j * w->dilation_columns) * w->column_pitch;
}

static void depthwise(const ik_depthwise *d, ptrdiff_t first_row, ptrdiff_t last_row) {
  const ik_window *w = &d->window;
  for (ptrdiff_t y = first_row; y < last_row; y++) {
    for (ptrdiff_t x = 0; x < w->width; x++) {
      uint8_t *target = w->target + y * w->target_row_pitch + x * w->target_column_pitch;
      for (ptrdiff_t c = 0; c < w->channels; c++) {
        uint32_t sum = (uint32_t)d->bias[c];
        for (ptrdiff_t i = 0; i < w->kernel_rows; i++) {
          for (ptrdiff_t j = 0; j < w->kernel_columns; j++) {
            int32_t weight = d->weights[(i * w->kernel_columns + j) * d->weight_pitch + c];
            sum += (uint32_t)(tap(w, y, x, i, j)[c] * weight);
          }
        }
        target[c] = ik_saturate((float)(int32_t)sum * d->multipliers[c], d->zero, d->low, d->high);
      }
    }
  }
}

static void window_max(const ik_window *w, ptrdiff_t first_row, ptrdiff_t last_row) {
  for (ptrdiff_t y = first_row; y < last_row; y++) {
    for (ptrdiff_t x = 0; x < w->width; x++) {
      uint8_t *target = w->target + y * w->target_row_pitch + x * w->target_column_pitch;
      for (ptrdiff_t c = 0; c < w->channels; c++) {
        uint8_t most = 0;
        for (ptrdiff_t i = 0; i < w->kernel_rows; i++) {
          for (ptrdiff_t j = 0; j < w->kernel_columns; j++) {
            uint8_t value = tap(w, y, x, i, j)[c];
            most = value > most ? value : most;
          }
        }
        target[c] = most;
      }
    }
  }
}

static float dequantized(ik_affine affine, uint8_t q) {
  return (float)(q - affine.zero) * affine.scale;
}

static void add(const ik_sum *s, const uint8_t *a, const uint8_t *b, ptrdiff_t count, uint8_t *y) {
  for (ptrdiff_t i = 0; i < count; i++) {
    float sum = dequantized(s->a, a[i]) + dequantized(s->b, b[i]);
    y[i] = ik_saturate(sum / s->result.scale, s->result.zero, s->low, s->high);
  }
}

static void multiply(const ik_sum *s, const uint8_t *a, const uint8_t *b, ptrdiff_t count,
                     uint8_t *y) {
  for (ptrdiff_t i = 0; i < count; i++) {
    float product = dequantized(s->a, a[i]) * dequantized(s->b, b[i]);
    y[i] = ik_saturate(product / s->result.scale, s->result.zero, s->low, s->high);
  }
}

static void lookup(const uint8_t table[256], const uint8_t *x, ptrdiff_t count, uint8_t *y) {
  for (ptrdiff_t i = 0; i < count; i++) y[i] = table[x[i]];
}

static void quantize(ik_affine affine, const float *x, ptrdiff_t x_step, ptrdiff_t count,
                     uint8_t *y) {
  for (ptrdiff_t i = 0; i < count; i++) {
    y[i] = ik_saturate(x[i * x_step] / affine.scale, affine.zero, 0, 255);
  }
}

static void dequantize(ik_affine affine, const uint8_t *x, ptrdiff_t count, float *y,
                       ptrdiff_t y_step) {
  for (ptrdiff_t i = 0; i < count; i++) y[i * y_step] = dequantized(affine, x[i]);
}

const ik_kernels ik_kernels_portable = {
    .name = "portable",
    .panel = PANEL,
    .lanes = PANEL,
    .rows = 1,
    .panel_place = place,
    .pack_step = pack_step,
    .product = product,
    .blocked = blocked,
    .float_blocked = float_blocked,
    .widen = widen_values,
    .depthwise = depthwise,
    .window_max = window_max,
    .add = add,
    .multiply = multiply,
    .lookup = lookup,
    .quantize = quantize,
    .dequantize = dequantize,
    .interleave = ik_interleave,
};
