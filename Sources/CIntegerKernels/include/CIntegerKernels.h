/* Kernels over packed integers: no allocation, no threads, no state. The portable set in
   `portable/` is normative; every other set gives the same bits.

   Activations are unsigned 8-bit, but for products of float rows: a caller adds 128 to values and
   zero point of signed ones. Images lie with their channels innermost (NHWC) and with room around
   them for the padding, which holds the zero point. Weights are signed, 2 to 8 bits. */
#ifndef CINTEGERKERNELS_H
#define CINTEGERKERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "integer_blocked.h"
#include "integer_elementwise.h"
#include "integer_movement.h"
#include "integer_product.h"
#include "integer_values.h"
#include "integer_window.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that kernels may read past the end of a source. */
#define IK_SLACK 64

/* Columns of a panel, at most. */
#define IK_MOST_PANEL 64

/* The kernels of one instruction set. */
typedef struct ik_kernels {
  const char *name;
  ptrdiff_t panel; /* columns of a panel of packed weights */
  ptrdiff_t lanes; /* the last panel holds as many times `lanes` columns as it needs */
  ptrdiff_t rows;  /* of a register tile, at most */
  /* Place of column `column` in a panel of `width` columns, a multiple of `lanes`. */
  ptrdiff_t (*panel_place)(ptrdiff_t column, ptrdiff_t width);
  ik_pack_step *pack_step;
  ik_product_kernel *product;
  ik_blocked_kernel *blocked;       /* of 8-bit rows */
  ik_blocked_kernel *float_blocked; /* of float rows */
  ik_widen_kernel *widen;
  ik_peak_kernel *peak; /* NULL where nobody wants to know */
  ik_depthwise_kernel *depthwise;
  ik_window_kernel *window_max;
  ik_sum_kernel *add;
  ik_sum_kernel *multiply;
  ik_lookup_kernel *lookup;
  ik_quantize_kernel *quantize;
  ik_dequantize_kernel *dequantize;
  ik_interleave_kernel *interleave;
} ik_kernels;

/* Instruction sets from the most to the least capable, "portable" last; NULL past the end. */
const char *ik_instruction_set(ptrdiff_t index);

/* Kernels by instruction set: "avx512vnni", "avxvnni", "avx2", "neon-i8mm", "neon-dotprod" or
   "portable"; NULL where this machine or build lacks it. */
const ik_kernels *ik_kernels_named(const char *name);

/* The fastest kernels that this machine runs. */
const ik_kernels *ik_best_kernels(void);

#ifdef __cplusplus
}
#endif
#endif
