/* Runs one case with every set of kernels and compares all bytes of the targets. */
#ifndef CASES_H
#define CASES_H

#include <stddef.h>
#include <stdint.h>

#include "CIntegerKernels.h"

/* Fills `target` with what `kernels` make of the case. */
typedef void run_case(const ik_kernels *kernels, const void *inputs, uint8_t *target);

/* Runs the case with the portable set and all others, on targets of `bytes` bytes with guards
   around them, and counts differences. */
void compare(const char *name, run_case *run, const void *inputs, size_t bytes);

/* Compares what the portable set makes of the case with what is expected of it. What a case leaves
   untouched is UNTOUCHED. */
void expect(const char *name, run_case *run, const void *inputs, const void *expected,
            size_t bytes);

#define UNTOUCHED 0xa5

/* From `least` to `most`, the same in every run. */
int between(int least, int most);

uint8_t random_byte(void);

/* True once in `n` calls. */
int once_in(int n);

/* Room for `bytes` bytes; ends the program where there is none. */
void *room(size_t bytes);

#endif
