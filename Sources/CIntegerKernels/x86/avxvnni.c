#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#include "../compilers.h"
#include "../instruction_sets.h"
#include "../planes.h"
#include "CIntegerKernels.h"

#pragma STDC FP_CONTRACT OFF
#pragma clang attribute push(__attribute__((target("avx2,fma,avxvnni"))), apply_to = function)

#define KERNELS ik_kernels_avxvnni
#define NAME "avxvnni"

#include "ymm_shape.h"
#include "avxvnni_products.h"
#include "ymm_body.h"

#pragma clang attribute pop
#endif
