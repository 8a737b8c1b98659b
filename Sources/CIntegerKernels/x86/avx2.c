#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#include "../compilers.h"
#include "../instruction_sets.h"
#include "../planes.h"
#include "CIntegerKernels.h"

#pragma STDC FP_CONTRACT OFF
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

#define KERNELS ik_kernels_avx2
#define NAME "avx2"

#include "ymm_shape.h"
#include "avx2_products.h"
#include "ymm_body.h"

#pragma clang attribute pop
#endif
