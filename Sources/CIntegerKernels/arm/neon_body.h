/* All kernels of a set for aarch64, but for what neon_steps.h asks for, KERNELS and NAME. */
#include "../tiled_packing.h"
#include "neon_planes.h"
#include "neon_results.h"
#include "neon_steps.h"
#include "../tiled_product.h"
#include "neon_blocked.h"
#include "../tiled_blocked.h"
#include "../widened_values.h"
#include "neon_window.h"
#include "neon_elementwise.h"

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
    .interleave = ik_interleave,
};
