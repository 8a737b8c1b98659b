/* Statistics of one pass over float values. */
#ifndef CFLOATKERNELS_HISTOGRAM_H
#define CFLOATKERNELS_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  float minimum;
  float maximum;
  size_t zeros;
  int finite; /* 0 where any value is NaN or infinite; the rest is meaningless then */
} fk_extent;

/* `count` must be positive. */
fk_extent fk_extent_of(const float *values, size_t count);

enum { FK_HISTOGRAM_TABLES = 4 };

/* Adds one to tables[t][half + floor(value * reciprocal)] for every value, with any t: what counts
   is the sum of the FK_HISTOGRAM_TABLES tables of 2 * half. `reciprocal` is a power of two that
   keeps every index within a table. */
void fk_histogram(const float *values, size_t count, float reciprocal, uint32_t *tables,
                  int32_t half);

#ifdef __cplusplus
}
#endif
#endif
