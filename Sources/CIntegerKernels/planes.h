/* Widths of 2 to 8 bits as planes: 8 alone, else the binary digits of the width, 4, 2 and 1. */
#ifndef IK_PLANES_H
#define IK_PLANES_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of one step of 4 along the depth of `width` columns. */
static inline ptrdiff_t ik_step_bytes(ptrdiff_t width, int bits) { return width * 4 * bits / 8; }

/* Bits of a weight from `shift` bits below the top of its width, `width` of them. */
static inline unsigned ik_plane_of(int8_t weight, int bits, int shift, int width) {
  unsigned value = (unsigned)weight & ((1u << bits) - 1);
  return value >> (bits - shift - width) & ((1u << width) - 1);
}

#endif
