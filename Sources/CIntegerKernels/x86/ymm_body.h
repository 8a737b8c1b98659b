/* All kernels of a set of 256-bit vectors, but for what a set defines after ymm_shape.h:
     ALL_KINDS, KINDS, kind_of, first_choice
                    kinds of widths that tiles differ by, and the first of `tile_rows` for a width
     byte_place     place in a step of the weight of 8 bits at a place
     multiply_steps adds the products of steps along a run to the sums of a tile
     TAP_VECTORS, interleave_taps, interleave_weights, add_taps
                    the same for four taps of a depthwise window; see ymm_window.h
   and KERNELS and NAME. */
#include "ymm_planes.h"
#include "ymm_results.h"
#include "ymm_product.h"
#include "ymm_window.h"
#include "ymm_elementwise.h"

const ik_kernels KERNELS = {
    .name = NAME,
    .panel = PANEL,
    .lanes = LANES,
    .rows = MOST_ROWS,
    .panel_place = panel_place,
    .pack_step = pack_step,
    .product = product,
    .depthwise = depthwise,
    .window_max = window_max,
    .add = add,
    .multiply = multiply,
    .lookup = lookup,
    .quantize = quantize,
    .dequantize = dequantize,
};
