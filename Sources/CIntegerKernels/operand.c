/* Packing of what products read on their right when they run. */
#include <string.h>

#include "CIntegerKernels.h"
#include "planes.h"

#define SIGNS 0x80808080u

/* Four values along the depth as signed bytes, zeros behind `present`. */
static uint32_t four(const uint8_t *values, ptrdiff_t depth_step, ptrdiff_t present) {
  uint8_t bytes[4] = {128, 128, 128, 128};
  for (ptrdiff_t i = 0; i < present; i++) bytes[i] = values[i * depth_step];
  uint32_t word;
  memcpy(&word, bytes, 4);
  return word ^ SIGNS;
}

/* One step of `columns` columns, whole and in their order. */
static void gather_step(const ik_operand *operand, ptrdiff_t k, ptrdiff_t first,
                        ptrdiff_t columns, uint32_t *words) {
  const ptrdiff_t present = operand->depth - k < 4 ? operand->depth - k : 4;
  const ptrdiff_t depth_step = operand->depth_step, column_step = operand->column_step;
  const uint8_t *values = operand->values + k * depth_step + first * column_step;
  if (present == 4 && depth_step == 1) {
    for (ptrdiff_t c = 0; c < columns; c++) {
      uint32_t word;
      memcpy(&word, values + c * column_step, 4);
      words[c] = word ^ SIGNS;
    }
  } else if (present == 4 && column_step == 1) {
    const uint8_t *second = values + depth_step, *third = second + depth_step,
                  *fourth = third + depth_step;
    for (ptrdiff_t c = 0; c < columns; c++) {
      words[c] = ((uint32_t)values[c] | (uint32_t)second[c] << 8 | (uint32_t)third[c] << 16 |
                  (uint32_t)fourth[c] << 24) ^
                 SIGNS;
    }
  } else {
    for (ptrdiff_t c = 0; c < columns; c++) {
      words[c] = four(values + c * column_step, depth_step, present);
    }
  }
}

void ik_pack_operand(const ik_kernels *kernels, const ik_operand *operand, uint8_t *packed) {
  uint32_t words[IK_MOST_PANEL], step[IK_MOST_PANEL];
  ptrdiff_t places[IK_MOST_PANEL];
  for (ptrdiff_t first = 0; first < operand->columns; first += kernels->panel) {
    const ptrdiff_t left = operand->columns - first;
    const ptrdiff_t columns = left < kernels->panel ? left : kernels->panel;
    const ptrdiff_t width = ik_padded_columns(kernels, columns);
    for (ptrdiff_t c = 0; c < columns; c++) places[c] = kernels->panel_place(c, width);
    memset(step, 0, sizeof(step));
    for (ptrdiff_t k = 0; k < operand->depth; k += 4) {
      gather_step(operand, k, first, columns, words);
      for (ptrdiff_t c = 0; c < columns; c++) step[places[c]] = words[c];
      kernels->pack_step((const int8_t *)step, width, 8, packed);
      packed += ik_step_bytes(width, 8);
    }
  }
}

void ik_pack_operand_bias(const ik_kernels *kernels, const ik_operand *operand, uint8_t zero,
                          int32_t *packed) {
  int32_t sums[IK_MOST_PANEL];
  memset(packed, 0, sizeof(int32_t) * (size_t)ik_padded_columns(kernels, operand->columns));
  if (zero == 0) return;
  for (ptrdiff_t first = 0; first < operand->columns; first += kernels->panel) {
    const ptrdiff_t left = operand->columns - first;
    const ptrdiff_t columns = left < kernels->panel ? left : kernels->panel;
    const ptrdiff_t width = ik_padded_columns(kernels, columns);
    const uint8_t *values = operand->values + first * operand->column_step;
    memset(sums, 0, sizeof(sums));
    if (operand->depth_step == 1) {
      for (ptrdiff_t c = 0; c < columns; c++) {
        const uint8_t *column = values + c * operand->column_step;
        int32_t sum = 0;
        for (ptrdiff_t k = 0; k < operand->depth; k++) sum += column[k];
        sums[c] = sum;
      }
    } else {
      for (ptrdiff_t k = 0; k < operand->depth; k++) {
        const uint8_t *row = values + k * operand->depth_step;
        for (ptrdiff_t c = 0; c < columns; c++) sums[c] += row[c * operand->column_step];
      }
    }
    for (ptrdiff_t c = 0; c < columns; c++) {
      const uint32_t sum = (uint32_t)sums[c] - 128u * (uint32_t)operand->depth;
      packed[first + kernels->panel_place(c, width)] = (int32_t)(0u - zero * sum);
    }
  }
}
