/* Products of rows and packed weight columns that have a scale for each block of values along the
   depth: Gemm and MatMul of block-wise quantized weights. All float arithmetic is float32; fmaf
   rounds once. */
#ifndef CINTEGERKERNELS_BLOCKED_H
#define CINTEGERKERNELS_BLOCKED_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ik_kernels;

/* Values of a block, at most: sums of a block are exact in float32. */
#define IK_MOST_BLOCK 256

/* Block b holds the places k of the depth from b * block on, the last block those that are left.
   With w[c][k] the weights times 2^(8 - bits) and scales[b][c] as packed, block by block in order:
     8-bit rows:  sum = sum_k (rows[r][k] - zero) * w[c][k] in int32, which is exact
                  y = fmaf((float)sum, scales[b][c], y)
     float rows:  t = fmaf(rows[r][k], (float)w[c][k], t) for each k in order, from 0 on
                  y = fmaf(t, scales[b][c], y)
   from y = 0 on; result[r][c] = y + offsets[c]. */
typedef struct ik_blocked {
  const void *rows;    /* row r at element r * row_pitch, uint8_t or float. Bytes are read as those
                          of ik_rows; of floats, nothing is read behind the depth */
  ptrdiff_t row_pitch; /* elements */
  ptrdiff_t depth;
  ptrdiff_t block; /* a multiple of 4, at most IK_MOST_BLOCK */
  ptrdiff_t columns;
  int bits;
  const uint8_t *weights; /* packed by ik_pack_weights as one run of `depth` bytes */
  const float *scales;    /* packed by ik_pack_scales */
  const float *offsets;   /* packed as those of ik_product: by ik_pack_multipliers for 8 bits */
  uint8_t zero;           /* of 8-bit rows */
  float *result;          /* column c of row r at result[r * result_pitch + c] */
  ptrdiff_t result_pitch;
} ik_blocked;

typedef void ik_blocked_kernel(const ik_blocked *, ptrdiff_t first_row, ptrdiff_t last_row,
                               ptrdiff_t first_panel, ptrdiff_t last_panel);

/* Blocks of `block` places along a depth. */
ptrdiff_t ik_block_count(ptrdiff_t depth, ptrdiff_t block);

/* Packs scales[c * blocks + b] divided by 2^(8 - bits), which is exact but for subnormal results:
   panel by panel, in each block by block. The packed length is
   blocks * ik_padded_columns(kernels, columns). */
void ik_pack_scales(const struct ik_kernels *kernels, const float *scales, ptrdiff_t columns,
                    ptrdiff_t blocks, int bits, float *packed);

#ifdef __cplusplus
}
#endif
#endif
