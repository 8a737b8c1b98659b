/* All kernels of a set of 256-bit vectors, but for what a set defines after ymm_shape.h: KERNELS,
   NAME, and its products as tiled_packing.h, tiled_product.h and ymm_window.h describe them. */
#include "../tiled_packing.h"
#include "ymm_planes.h"
#include "ymm_results.h"
#include "../tiled_product.h"
#include "ymm_blocked.h"
#include "../tiled_blocked.h"
#include "../widened_values.h"
#include "ymm_window.h"
#include "ymm_elementwise.h"
#include "interleave.h"

const ik_kernels KERNELS = {
    .name = NAME,
    .panel = PANEL,
    .lanes = LANES,
    .rows = MOST_ROWS,
    .panel_place = panel_place,
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
    .interleave = interleave,
};
