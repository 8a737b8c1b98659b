/* Products of two operands that are both known only when they run, whatever their steps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"

typedef struct {
  const uint8_t *left;
  ik_operand right;
  ptrdiff_t rows;
  uint8_t zero;
} operand_inputs;

static void run_operand(const ik_kernels *kernels, const void *inputs, uint8_t *target) {
  const operand_inputs *in = inputs;
  const ptrdiff_t columns = in->right.columns, depth = in->right.depth, run = 0;
  const size_t padded = (size_t)ik_padded_columns(kernels, columns);
  uint8_t *packed =
      room((size_t)ik_packed_bytes(kernels, columns, ik_padded_depth(1, depth), 8));
  int32_t *bias = room(padded * 4);
  float *multipliers = room(padded * 4), *offsets = room(padded * 4);
  for (size_t c = 0; c < padded; c++) multipliers[c] = 1;
  ik_pack_operand(kernels, &in->right, packed);
  ik_pack_operand_bias(kernels, &in->right, in->zero, bias);
  ik_product p = {
      .rows = {.base = in->left, .runs = &run, .run_count = 1, .run_bytes = depth,
               .width = in->rows, .column_pitch = depth},
      .columns = columns, .bits = 8, .weights = packed, .bias = bias, .multipliers = multipliers,
      .places = {.base = target, .column_pitch = columns}, .is_float = 1, .offsets = offsets,
      .high = 255};
  kernels->product(&p, 0, in->rows, 0, (columns + kernels->panel - 1) / kernels->panel);
  free(packed);
  free(bias);
  free(multipliers);
  free(offsets);
}

static void operand_case(void) {
  const ptrdiff_t depth = between(1, 90), columns = between(1, 150);
  operand_inputs in = {.rows = between(1, 20), .zero = once_in(3) ? 0 : random_byte()};
  const ptrdiff_t gap = between(0, 5);
  in.right = once_in(2)
                 ? (ik_operand){.depth_step = 1, .column_step = depth + gap}
                 : (ik_operand){.depth_step = columns + gap, .column_step = 1};
  if (once_in(4)) {
    in.right.depth_step *= 2;
    in.right.column_step *= 2;
  }
  in.right.depth = depth;
  in.right.columns = columns;
  const size_t extent =
      (size_t)((depth - 1) * in.right.depth_step + (columns - 1) * in.right.column_step + 1);
  uint8_t *left = room((size_t)(in.rows * depth) + IK_SLACK), *right = room(extent);
  for (ptrdiff_t i = 0; i < in.rows * depth; i++) left[i] = random_byte();
  for (size_t i = 0; i < extent; i++) right[i] = random_byte();
  in.left = left;
  in.right.values = right;
  float *expected = room((size_t)(in.rows * columns) * 4);
  for (ptrdiff_t r = 0; r < in.rows; r++) {
    for (ptrdiff_t c = 0; c < columns; c++) {
      int32_t sum = 0;
      for (ptrdiff_t k = 0; k < depth; k++) {
        sum += (left[r * depth + k] - in.zero) *
               (right[k * in.right.depth_step + c * in.right.column_step] - 128);
      }
      expected[r * columns + c] = (float)sum;
    }
  }
  char name[160];
  snprintf(name, sizeof(name), "operand, %td rows, %td columns in steps of %td, depth %td", in.rows,
           columns, in.right.column_step, depth);
  expect(name, run_operand, &in, expected, (size_t)(in.rows * columns) * 4);
  compare(name, run_operand, &in, (size_t)(in.rows * columns) * 4);
  free(left);
  free(right);
  free(expected);
}

static void operand_cases(void) {
  for (int i = 0; i < 300; i++) operand_case();
}
