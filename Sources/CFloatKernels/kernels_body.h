/* All kernels for one instruction set. The including file defines FK_LANES, FK_ROWS, FK_VECTORS,
   FK_TAIL, FK_TABLE and FK_TITLE, and sets the target. */
#include <math.h>
#include <string.h>

#include "CFloatKernels.h"
#include "instruction_sets.h"
#include "panels.h"
#include "vector_body.h"
#include "tile_body.h"
#include "packing_body.h"
#include "product_body.h"
#include "window_body.h"
#include "phases_body.h"
#if FK_LANES == 16
#include "depthwise_body.h"
#define FK_WINDOW_3X3 window_3x3
#else
#define FK_WINDOW_3X3 NULL
#endif
#include "integer_body.h"
#include "functions_body.h"

const fk_kernels FK_TABLE = {
    .name = FK_TITLE,
    .rows = FK_ROWS,
    .lanes = FK_LANES,
    .vectors = FK_VECTORS,
    .tail = FK_TAIL,
    .product = product,
    .pack_block = pack_block,
    .transpose = transpose,
    .window_sum = window_sum,
    .window_max = window_max,
    .window_3x3 = FK_WINDOW_3X3,
    .split_phases = split_phases,
    .sum = sum_of,
    .exponential = exponential,
    .error_function = error_function,
    .gelu = gelu,
    .normalize = normalize,
    .masked_softmax = masked_softmax,
    .softmax = softmax,
    .widen_u8 = widen_u8,
    .add_scaled = add_scaled,
    .widen_s8 = widen_s8,
    .requantize = requantize,
};
