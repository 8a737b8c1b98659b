#if defined(__aarch64__)
#include <arm_neon.h>
#include <string.h>

#include "../compilers.h"
#include "../instruction_sets.h"
#include "../planes.h"
#include "CIntegerKernels.h"

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#pragma clang attribute push(__attribute__((target("arch=armv8.2-a+i8mm"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("arch=armv8.2-a+i8mm")
#endif

#define KERNELS ik_kernels_neon_i8mm
#define NAME "neon-i8mm"

#include "neon_shape.h"

#define DOT_LANE(sum, weights, bytes, lane) vsudotq_laneq_s32(sum, weights, bytes, lane)

INLINE uint8x16_t prepared(uint8x16_t bytes) { return bytes; }

INLINE int32x4_t excess(int32x4_t sum, int8x16_t weights) { return (void)weights, sum; }

#include "neon_body.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
