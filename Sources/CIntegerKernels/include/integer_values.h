/* Weights of 2 to 8 bits in a flat array, for kernels that read them as bytes. The format is the
   same on every instruction set. */
#ifndef CINTEGERKERNELS_VALUES_H
#define CINTEGERKERNELS_VALUES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Values that are packed together. */
#define IK_GROUP 64

/* Bytes of `count` packed values, filled up to whole groups. */
ptrdiff_t ik_packed_value_bytes(ptrdiff_t count, int bits);

/* Packs `count` values, which must fit `bits`, with zeros behind them. */
void ik_pack_values(const int8_t *values, ptrdiff_t count, int bits, uint8_t *packed);

/* Packed groups as int8 values times 2^(8 - bits). A depthwise step that reads them as its weights
   takes bias times 2^(8 - bits) and multipliers divided by it; its results are the same, as long as
   the sums fit in int32. */
typedef void ik_widen_kernel(const uint8_t *packed, ptrdiff_t groups, int bits, int8_t *values);

#ifdef __cplusplus
}
#endif
#endif
