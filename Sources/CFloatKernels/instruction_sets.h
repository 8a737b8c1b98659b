/* The kernels of each instruction set: one body, `kernels_body.h`, compiled for each. */
#ifndef FK_INSTRUCTION_SETS_H
#define FK_INSTRUCTION_SETS_H

#include "CFloatKernels.h"

#if defined(__x86_64__)
extern const fk_kernels fk_kernels_avx512;
extern const fk_kernels fk_kernels_avx2;
#endif
extern const fk_kernels fk_kernels_portable;

#endif
