#include <string.h>

#include "CIntegerKernels.h"
#include "instruction_sets.h"

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

static int always(void) { return 1; }

#if defined(__x86_64__)
static int runs_avx512vnni(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vnni");
}

static int runs_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static int runs_avxvnni(void) {
  return runs_avx2() && __builtin_cpu_supports("avxvnni");
}
#endif

#if defined(__aarch64__) && defined(__linux__)
static int runs_neon_i8mm(void) { return (getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0; }

static int runs_neon_dotprod(void) { return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0; }
#endif

static const struct {
  const ik_kernels *kernels;
  int (*runs)(void);
} sets[] = {
#if defined(__x86_64__)
    {&ik_kernels_avx512vnni, runs_avx512vnni},
    {&ik_kernels_avxvnni, runs_avxvnni},
    {&ik_kernels_avx2, runs_avx2},
#endif
#if defined(__aarch64__) && defined(__linux__)
    {&ik_kernels_neon_i8mm, runs_neon_i8mm},
    {&ik_kernels_neon_dotprod, runs_neon_dotprod},
#endif
    {&ik_kernels_portable, always},
};

#define SETS ((ptrdiff_t)(sizeof(sets) / sizeof(sets[0])))

const char *ik_instruction_set(ptrdiff_t index) {
  return index >= 0 && index < SETS ? sets[index].kernels->name : NULL;
}

const ik_kernels *ik_kernels_named(const char *name) {
  for (ptrdiff_t i = 0; i < SETS; i++) {
    if (!strcmp(sets[i].kernels->name, name)) return sets[i].runs() ? sets[i].kernels : NULL;
  }
  return NULL;
}

const ik_kernels *ik_best_kernels(void) {
  for (ptrdiff_t i = 0; i < SETS; i++) {
    if (sets[i].runs()) return sets[i].kernels;
  }
  return &ik_kernels_portable;
}
