#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define FK_LANES 8
#define FK_ROWS 4
#define FK_VECTORS 3
#define FK_TAIL 1
#define FK_TABLE fk_kernels_avx2
#define FK_TITLE "avx2"
#include "kernels_body.h"
#pragma clang attribute pop
#endif
