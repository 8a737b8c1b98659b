#include <math.h>
#include <string.h>

#include "CIntegerKernels.h"
#include "planes.h"

static ptrdiff_t padded_run(ptrdiff_t run_bytes) { return (run_bytes + 3) / 4 * 4; }

ptrdiff_t ik_padded_depth(ptrdiff_t run_count, ptrdiff_t run_bytes) {
  return run_count * padded_run(run_bytes);
}

ptrdiff_t ik_padded_columns(const ik_kernels *kernels, ptrdiff_t columns) {
  return (columns + kernels->lanes - 1) / kernels->lanes * kernels->lanes;
}

ptrdiff_t ik_packed_bytes(const ik_kernels *kernels, ptrdiff_t columns, ptrdiff_t padded_depth,
                          int bits) {
  return padded_depth / 4 * ik_step_bytes(ik_padded_columns(kernels, columns), bits);
}

/* Columns of the panel that starts at `first`. */
static ptrdiff_t panel_width(const ik_kernels *kernels, ptrdiff_t columns, ptrdiff_t first) {
  ptrdiff_t left = ik_padded_columns(kernels, columns) - first;
  return left < kernels->panel ? left : kernels->panel;
}

/* Where column `c` lies in packed bias, multipliers and offsets. */
static ptrdiff_t packed_column(const ik_kernels *kernels, ptrdiff_t columns, ptrdiff_t c) {
  ptrdiff_t first = c / kernels->panel * kernels->panel;
  return first + kernels->panel_place(c - first, panel_width(kernels, columns, first));
}

void ik_pack_weights(const ik_kernels *kernels, const int8_t *weights, ptrdiff_t columns,
                     ptrdiff_t run_count, ptrdiff_t run_bytes, int bits, uint8_t *packed) {
  int8_t step[4 * IK_MOST_PANEL];
  ptrdiff_t depth = run_count * run_bytes;
  for (ptrdiff_t first = 0; first < columns; first += kernels->panel) {
    ptrdiff_t width = panel_width(kernels, columns, first);
    for (ptrdiff_t run = 0; run < run_count; run++) {
      for (ptrdiff_t k = 0; k < run_bytes; k += 4) {
        size_t present = (size_t)(run_bytes - k < 4 ? run_bytes - k : 4);
        memset(step, 0, sizeof(step));
        for (ptrdiff_t c = 0; c < width && first + c < columns; c++) {
          memcpy(step + kernels->panel_place(c, width) * 4,
                 weights + (first + c) * depth + run * run_bytes + k, present);
        }
        kernels->pack_step(step, width, bits, packed);
        packed += ik_step_bytes(width, bits);
      }
    }
  }
}

void ik_pack_bias(const ik_kernels *kernels, const int32_t *bias, ptrdiff_t columns, int bits,
                  int32_t *packed) {
  memset(packed, 0, sizeof(int32_t) * (size_t)ik_padded_columns(kernels, columns));
  for (ptrdiff_t c = 0; c < columns; c++) {
    packed[packed_column(kernels, columns, c)] =
        (int32_t)((uint32_t)bias[c] << (8 - bits));
  }
}

void ik_pack_multipliers(const ik_kernels *kernels, const float *multipliers, ptrdiff_t columns,
                         int bits, float *packed) {
  memset(packed, 0, sizeof(float) * (size_t)ik_padded_columns(kernels, columns));
  for (ptrdiff_t c = 0; c < columns; c++) {
    packed[packed_column(kernels, columns, c)] =
        ldexpf(multipliers[c], bits - 8);
  }
}

ptrdiff_t ik_block_count(ptrdiff_t depth, ptrdiff_t block) { return (depth + block - 1) / block; }

void ik_pack_scales(const ik_kernels *kernels, const float *scales, ptrdiff_t columns,
                    ptrdiff_t blocks, int bits, float *packed) {
  for (ptrdiff_t first = 0; first < columns; first += kernels->panel) {
    ptrdiff_t width = panel_width(kernels, columns, first);
    memset(packed, 0, sizeof(float) * (size_t)(blocks * width));
    for (ptrdiff_t c = 0; c < width && first + c < columns; c++) {
      const float *source = scales + (first + c) * blocks;
      float *target = packed + kernels->panel_place(c, width);
      for (ptrdiff_t b = 0; b < blocks; b++) target[b * width] = ldexpf(source[b], bits - 8);
    }
    packed += blocks * width;
  }
}

ptrdiff_t ik_packed_value_bytes(ptrdiff_t count, int bits) {
  return (count + IK_GROUP - 1) / IK_GROUP * (IK_GROUP / 8) * bits;
}

/* Byte p % b of the b bytes of a plane of w bits keeps those of value p from w * (p / b) on. */
void ik_pack_values(const int8_t *values, ptrdiff_t count, int bits, uint8_t *packed) {
  memset(packed, 0, (size_t)ik_packed_value_bytes(count, bits));
  if (bits == 8) {
    memcpy(packed, values, (size_t)count);
    return;
  }
  for (ptrdiff_t i = 0; i < count; i++) {
    uint8_t *plane = packed + i / IK_GROUP * (IK_GROUP / 8) * bits;
    ptrdiff_t p = i % IK_GROUP;
    for (int w = 4, shift = 0; w > 0; w /= 2) {
      if (!(bits & w)) continue;
      const ptrdiff_t bytes = IK_GROUP / 8 * w;
      plane[p % bytes] |= (uint8_t)(ik_plane_of(values[i], bits, shift, w) << p / bytes * w);
      plane += bytes;
      shift += w;
    }
  }
}
