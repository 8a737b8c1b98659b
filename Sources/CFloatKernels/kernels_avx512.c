#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma"))), apply_to = function)
#define FK_LANES 16
#define FK_ROWS 8
#define FK_VECTORS 3
#define FK_TAIL 4
#define FK_TABLE fk_kernels_avx512
#define FK_TITLE "avx512"
#include "kernels_body.h"
#pragma clang attribute pop
#endif
