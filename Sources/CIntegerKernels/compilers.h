/* What kernels ask of Clang and GCC. */
#ifndef IK_COMPILERS_H
#define IK_COMPILERS_H

#define INLINE static inline __attribute__((always_inline))

/* Before a loop whose count becomes constant by inlining. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

#endif
