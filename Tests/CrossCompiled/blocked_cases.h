/* Products with block-wise scales: all widths and lengths of blocks, and values of any size. Floats
   behind the depth of a row are none. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"

typedef struct {
  ik_blocked blocked; /* but for what is packed, and the result */
  const int8_t *weights;
  const float *scales, *offsets;
  ptrdiff_t first_row, middle_row, last_row;
  int is_float;
} blocked_inputs;

static void run_blocked(const ik_kernels *kernels, const void *inputs, uint8_t *target) {
  const blocked_inputs *in = inputs;
  ik_blocked p = in->blocked;
  const size_t columns = (size_t)ik_padded_columns(kernels, p.columns);
  const ptrdiff_t count = ik_block_count(p.depth, p.block);
  uint8_t *weights = room((size_t)ik_packed_bytes(kernels, p.columns,
                                                  ik_padded_depth(1, p.depth), p.bits));
  float *scales = room(columns * (size_t)count * sizeof(float));
  float *offsets = room(columns * sizeof(float));
  ik_pack_weights(kernels, in->weights, p.columns, 1, p.depth, p.bits, weights);
  ik_pack_scales(kernels, in->scales, p.columns, count, p.bits, scales);
  ik_pack_multipliers(kernels, in->offsets, p.columns, 8, offsets);
  p.weights = weights;
  p.scales = scales;
  p.offsets = offsets;
  p.result = (float *)(void *)target;
  const ptrdiff_t panels = (p.columns + kernels->panel - 1) / kernels->panel;
  ik_blocked_kernel *kernel = in->is_float ? kernels->float_blocked : kernels->blocked;
  kernel(&p, in->first_row, in->middle_row, 0, panels);
  kernel(&p, in->middle_row, in->last_row, 0, panels / 2);
  kernel(&p, in->middle_row, in->last_row, panels / 2, panels);
  free(weights);
  free(scales);
  free(offsets);
}

/* The definition, of weights and scales that nothing has packed. */
static float expected_result(const blocked_inputs *in, ptrdiff_t r, ptrdiff_t c) {
  const ik_blocked *p = &in->blocked;
  const ptrdiff_t count = ik_block_count(p->depth, p->block);
  float y = 0;
  for (ptrdiff_t b = 0; b < count; b++) {
    int32_t sum = 0;
    float t = 0;
    for (ptrdiff_t k = b * p->block; k < p->depth && k < (b + 1) * p->block; k++) {
      const ptrdiff_t place = r * p->row_pitch + k;
      const int weight = in->weights[c * p->depth + k];
      if (in->is_float) {
        t = fmaf(((const float *)p->rows)[place], (float)weight, t);
      } else {
        sum += (((const uint8_t *)p->rows)[place] - p->zero) * weight;
      }
    }
    y = fmaf(in->is_float ? t : (float)sum, in->scales[c * count + b], y);
  }
  return y + in->offsets[c];
}

static void expect_blocked(const char *name, const blocked_inputs *in, size_t bytes) {
  const ik_blocked *p = &in->blocked;
  float *expected = room(bytes);
  memset(expected, UNTOUCHED, bytes);
  for (ptrdiff_t r = in->first_row; r < in->last_row; r++) {
    for (ptrdiff_t c = 0; c < p->columns; c++) {
      expected[r * p->result_pitch + c] = expected_result(in, r, c);
    }
  }
  expect(name, run_blocked, in, expected, bytes);
  free(expected);
}

/* Of any exponent between `least` and `most`. */
static float wide_float(int least, int most) {
  if (once_in(16)) return once_in(2) ? 0.0f : -0.0f;
  return ldexpf((float)between(-0xffffff, 0xffffff), between(least, most) - 24);
}

static void blocked_case(int bits) {
  static const ptrdiff_t blocks[] = {4, 16, 32, 100, 128, 256};
  static const uint8_t zeros[] = {0, 128, 255};
  blocked_inputs in;
  memset(&in, 0, sizeof(in));
  ik_blocked *p = &in.blocked;
  const int kind = between(CALM, KINDS_END - 1);
  p->bits = bits;
  p->columns = once_in(3) ? between(0, 20) : between(1, 200);
  p->block = once_in(4) ? 4 * between(1, 64) : blocks[between(0, 5)];
  p->depth = once_in(3) ? between(0, 40) : between(1, 600);
  if (once_in(4)) p->depth = p->block * between(1, 3);
  p->zero = once_in(4) ? random_byte() : zeros[between(0, 2)];
  in.is_float = once_in(2);
  in.last_row = once_in(3) ? 1 : between(0, once_in(4) ? 60 : 15);
  in.first_row = once_in(4) ? between(0, (int)in.last_row) : 0;
  in.middle_row = between((int)in.first_row, (int)in.last_row);
  const size_t element = in.is_float ? sizeof(float) : 1;
  p->row_pitch = p->depth + between(0, 9);
  const ptrdiff_t extent = in.last_row * p->row_pitch;
  /* The last row of floats ends with its room. */
  const size_t slack = in.is_float ? 0 : IK_SLACK;
  void *rows = room((size_t)extent * element + slack);
  for (ptrdiff_t i = 0; i < extent; i++) {
    if (in.is_float) {
      ((float *)rows)[i] = i % p->row_pitch < p->depth ? wide_float(-30, 30) : NAN;
    } else {
      ((uint8_t *)rows)[i] = kind == CALM ? random_byte() : once_in(8) ? 0 : 255;
    }
  }
  p->rows = rows;
  const ptrdiff_t count = ik_block_count(p->depth, p->block);
  int8_t *weights = room((size_t)(p->columns * p->depth));
  float *scales = room((size_t)(p->columns * count) * sizeof(float));
  float *offsets = room((size_t)p->columns * sizeof(float));
  for (ptrdiff_t i = 0; i < p->columns * p->depth; i++) weights[i] = weight_of(kind, bits);
  const int is_wide = once_in(2);
  for (ptrdiff_t i = 0; i < p->columns * count; i++) {
    scales[i] = is_wide ? wide_float(-40, 40) : (float)between(1, 1000) * 1e-4f;
  }
  for (ptrdiff_t c = 0; c < p->columns; c++) offsets[c] = is_wide ? wide_float(-20, 20) : 0.37f;
  in.weights = weights;
  in.scales = scales;
  in.offsets = offsets;
  p->result_pitch = p->columns + (once_in(2) ? 0 : between(1, 9));
  char name[160];
  snprintf(name, sizeof(name), "%s blocks of %td, %d bits, rows %td to %td, depth %td, %td columns",
           in.is_float ? "float" : "byte", p->block, bits, in.first_row, in.last_row, p->depth,
           p->columns);
  const size_t bytes = (size_t)(in.last_row * p->result_pitch) * sizeof(float);
  expect_blocked(name, &in, bytes);
  compare(name, run_blocked, &in, bytes);
  free(rows);
  free(weights);
  free(scales);
  free(offsets);
}

static void blocked_cases(void) {
  for (int bits = 2; bits <= 8; bits++) {
    for (int i = 0; i < 150; i++) blocked_case(bits);
  }
}
