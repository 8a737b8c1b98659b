#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#include "../compilers.h"
#include "../instruction_sets.h"
#include "../planes.h"
#include "CIntegerKernels.h"

#pragma STDC FP_CONTRACT OFF
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,prfchw"))), \
    apply_to = function)

#define PANEL 64
#define LANES 16

#include "avx512_planes.h"
#include "avx512_results.h"
#include "avx512_product.h"
#include "avx512_blocked.h"
#include "../tiled_blocked.h"
#include "../widened_values.h"
#include "avx512_window.h"
#include "avx512_elementwise.h"
#include "interleave.h"

const ik_kernels ik_kernels_avx512vnni = {
    .name = "avx512vnni",
    .panel = PANEL,
    .lanes = LANES,
    .rows = 12,
    .panel_place = panel_place,
    .pack_step = pack_step,
    .product = product,
    .blocked = blocked,
    .float_blocked = float_blocked,
    .widen = widen_values,
    .peak = peak,
    .depthwise = depthwise,
    .window_max = window_max,
    .add = add,
    .multiply = multiply,
    .lookup = lookup,
    .quantize = quantize,
    .dequantize = dequantize,
    .interleave = interleave,
};

#pragma clang attribute pop
#endif
