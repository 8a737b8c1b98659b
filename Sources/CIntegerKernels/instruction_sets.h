/* The kernel sets that a build may hold. */
#ifndef IK_INSTRUCTION_SETS_H
#define IK_INSTRUCTION_SETS_H

#include "CIntegerKernels.h"

#if defined(__x86_64__)
extern const ik_kernels ik_kernels_avx512vnni;
extern const ik_kernels ik_kernels_avxvnni;
extern const ik_kernels ik_kernels_avx2;
#endif
#if defined(__aarch64__)
extern const ik_kernels ik_kernels_neon_i8mm;
extern const ik_kernels ik_kernels_neon_dotprod;
#endif
extern const ik_kernels ik_kernels_portable;

#endif
