#if defined(__aarch64__)
#include <arm_neon.h>
#include <string.h>

#include "../compilers.h"
#include "../instruction_sets.h"
#include "../planes.h"
#include "CIntegerKernels.h"

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#pragma clang attribute push(__attribute__((target("arch=armv8.2-a+dotprod"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("arch=armv8.2-a+dotprod")
#endif

#define KERNELS ik_kernels_neon_dotprod
#define NAME "neon-dotprod"

#include "neon_shape.h"

/* Products of signed bytes: those of unsigned ones less 128 miss 128 times the weights. */
#define DOT_LANE(sum, weights, bytes, lane) \
  vdotq_laneq_s32(sum, weights, vreinterpretq_s8_u8(bytes), lane)

INLINE uint8x16_t prepared(uint8x16_t bytes) { return veorq_u8(bytes, vdupq_n_u8(0x80)); }

INLINE int32x4_t excess(int32x4_t sum, int8x16_t weights) {
  return vdotq_s32(sum, weights, vdupq_n_s8(-128));
}

#include "neon_body.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
