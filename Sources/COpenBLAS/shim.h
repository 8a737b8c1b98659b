#include <cblas.h>

/* LAPACK of the same library: column-major, 0 in `info` where the matrix is positive definite. */
void spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info);
