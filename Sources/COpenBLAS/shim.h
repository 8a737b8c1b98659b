#include <cblas.h>
#include <string.h>

/* LAPACK of the same library: column-major, 0 in `info` where the matrix is positive definite. */
void spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info);

/* OpenBLAS falls back to kernels of 2004 to 2008 on processors that are newer than itself. For the name of the
   core that it chose: one that this processor runs with wider vectors, NULL where the choice is good. */
static inline const char *openblas_wider_core(const char *chosen) {
#if defined(__x86_64__)
  const char *const fallbacks[] = {"Prescott", "Core2", "Nehalem", "Barcelona"};
  int fell_back = 0;
  for (unsigned long i = 0; i < sizeof(fallbacks) / sizeof(fallbacks[0]); i++) {
    fell_back |= !strcmp(chosen, fallbacks[i]);
  }
  if (!fell_back) return NULL;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
    return "SkylakeX";
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "Haswell";
#endif
  return NULL;
}
