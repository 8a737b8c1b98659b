/* Float32 kernels over caller-owned buffers: no allocation, no threads, no state.
   Instruction sets are chosen at run time. */
#ifndef CFLOATKERNELS_H
#define CFLOATKERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "quantization_error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The instruction set that the kernels use on this machine: "avx512", "avx2" or "portable". */
const char *fk_instruction_set(void);

#ifdef __cplusplus
}
#endif
#endif
