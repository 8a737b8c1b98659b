/* Products of all widths, shapes with odd edges, and values at the ends of their ranges. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"

enum { MOST_COLUMNS = 150, MOST_RUNS = 4, CALM, LEAST_WEIGHTS, MOST_WEIGHTS, ENDS, KINDS_END };

typedef struct {
  ik_product product; /* but for what is packed, and the base of the places */
  const int8_t *weights;
  int32_t bias[MOST_COLUMNS];
  float multipliers[MOST_COLUMNS], offsets[MOST_COLUMNS];
  ptrdiff_t first_row, middle_row, last_row;
} product_inputs;

static void run_product(const ik_kernels *kernels, const void *inputs, uint8_t *target) {
  const product_inputs *in = inputs;
  ik_product p = in->product;
  const ptrdiff_t runs = p.rows.run_count, run_bytes = p.rows.run_bytes, columns = p.columns;
  const size_t padded = (size_t)ik_padded_columns(kernels, columns) * 4;
  uint8_t *weights = room((size_t)ik_packed_bytes(
      kernels, columns, ik_padded_depth(runs, run_bytes), p.bits));
  int32_t *bias = room(padded);
  float *multipliers = room(padded), *offsets = room(padded);
  ik_pack_weights(kernels, in->weights, columns, runs, run_bytes, p.bits, weights);
  ik_pack_bias(kernels, in->bias, columns, p.bits, bias);
  ik_pack_multipliers(kernels, in->multipliers, columns, p.bits, multipliers);
  ik_pack_multipliers(kernels, in->offsets, columns, 8, offsets);
  p.weights = weights;
  p.bias = bias;
  p.multipliers = multipliers;
  p.offsets = offsets;
  p.places.base = target;
  const ptrdiff_t panels = (columns + kernels->panel - 1) / kernels->panel;
  kernels->product(&p, in->first_row, in->middle_row, 0, panels);
  kernels->product(&p, in->middle_row, in->last_row, 0, panels / 2);
  kernels->product(&p, in->middle_row, in->last_row, panels / 2, panels);
  free(weights);
  free(bias);
  free(multipliers);
  free(offsets);
}

static int8_t weight_of(int kind, int bits) {
  const int least = -(1 << (bits - 1)), most = -least - 1;
  switch (kind) {
  case LEAST_WEIGHTS: return (int8_t)least;
  case MOST_WEIGHTS: return (int8_t)most;
  case ENDS: return (int8_t)(once_in(2) ? least : most);
  default: return (int8_t)between(least, most);
  }
}

static float multiplier_of(ptrdiff_t depth, int bits) {
  switch (between(0, 19)) {
  case 0: return 1e30f;
  case 1: return -1e30f;
  case 2: return 1e-30f;
  case 3: return 0.0f;
  case 4: return 0.5f; /* ties */
  default:
    return (float)between(-200, 2000) * 1e-3f / (sqrtf((float)depth) * (float)(1 << (bits - 1)));
  }
}

static void product_case(int bits) {
  product_inputs in;
  memset(&in, 0, sizeof(in));
  ik_product *p = &in.product;
  const int kind = between(CALM, KINDS_END - 1);
  p->bits = bits;
  p->columns = once_in(3) ? between(1, 20) : between(1, MOST_COLUMNS);
  p->is_float = once_in(3);
  p->zero = random_byte();
  p->low = (uint8_t)(once_in(2) ? 0 : between(0, 100));
  p->high = (uint8_t)(once_in(2) ? 255 : between(p->low, 255));
  ptrdiff_t runs[MOST_RUNS];
  ik_rows *rows = &p->rows;
  rows->runs = runs;
  rows->run_count = between(1, MOST_RUNS);
  rows->run_bytes = once_in(4) ? between(60, 150) : between(1, 40);
  rows->width = between(1, 9);
  rows->column_pitch = between(0, 50);
  rows->row_pitch = between(0, 300);
  in.last_row = between(0, 40);
  in.first_row = once_in(4) ? between(0, (int)in.last_row) : 0;
  in.middle_row = between((int)in.first_row, (int)in.last_row);
  for (ptrdiff_t i = 0; i < rows->run_count; i++) runs[i] = between(0, 500);
  const ptrdiff_t lines = in.last_row / rows->width + 1;
  const size_t extent =
      (size_t)(lines * rows->row_pitch + rows->width * rows->column_pitch + 500 + rows->run_bytes);
  uint8_t *source = room(extent + IK_SLACK);
  for (size_t i = 0; i < extent; i++) {
    source[i] = kind == CALM ? random_byte() : (uint8_t)(kind == ENDS && once_in(8) ? 0 : 255);
  }
  rows->base = source;
  const ptrdiff_t depth = rows->run_count * rows->run_bytes;
  int8_t *weights = room((size_t)(p->columns * depth));
  for (ptrdiff_t i = 0; i < p->columns * depth; i++) weights[i] = weight_of(kind, bits);
  in.weights = weights;
  for (ptrdiff_t c = 0; c < p->columns; c++) {
    in.bias[c] = between(-20000, 20000);
    if (once_in(20)) in.bias[c] = once_in(2) ? INT32_MAX : INT32_MIN;
    in.multipliers[c] = multiplier_of(depth, bits);
    in.offsets[c] = (float)between(-1000, 1000) * 0.37f;
  }
  p->places.column_pitch = p->columns + (once_in(2) ? 0 : between(1, 5));
  p->places.row_pitch = rows->width * p->places.column_pitch + (once_in(2) ? 0 : between(1, 9));
  char name[160];
  snprintf(name, sizeof(name), "product, %d bits, rows %td to %td, %td columns, %td runs of %td%s",
           bits, in.first_row, in.last_row, p->columns, rows->run_count, rows->run_bytes,
           p->is_float ? ", float" : "");
  compare(name, run_product, &in,
          (size_t)(lines * p->places.row_pitch + MOST_COLUMNS) * (p->is_float ? 4 : 1));
  free(source);
  free(weights);
}

static void product_cases(void) {
  for (int bits = 2; bits <= 8; bits++) {
    for (int i = 0; i < 200; i++) product_case(bits);
  }
}
