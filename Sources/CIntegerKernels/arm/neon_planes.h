/* Weights of narrow widths, widened to bytes: b bytes of a plane of w bits, repeated to 16, hold the
   bits of block i of b weights from w * i on. They are scaled by 2^(8 - bits). */

INLINE uint8x16_t repeated(const uint8_t *p, int bytes) {
  uint32_t four;
  uint16_t two;
  switch (bytes) {
  case 16: return vld1q_u8(p);
  case 8: return vcombine_u8(vld1_u8(p), vld1_u8(p));
  case 4: memcpy(&four, p, 4); return vreinterpretq_u8_u32(vdupq_n_u32(four));
  default: memcpy(&two, p, 2); return vreinterpretq_u8_u16(vdupq_n_u16(two));
  }
}

/* Bits [to, to + w) of every weight of vector `v` from its plane; other bits are 0. */
INLINE uint8x16_t plane_bits(const uint8_t *plane, int v, const int vectors, const int w,
                             const int to) {
  const int bytes = vectors * 2 * w;
  int8_t shifts[16]; /* to the right where negative */
  UNROLL
  for (int i = 0; i < 16; i++) shifts[i] = (int8_t)(to - (v * 16 + i) / bytes * w);
  uint8x16_t x = vshlq_u8(repeated(plane, bytes), vld1q_s8(shifts));
  return vandq_u8(x, vdupq_n_u8((uint8_t)(((1 << w) - 1) << to)));
}

/* Vector `v` of a step of less than 8 bits. */
INLINE uint8x16_t widened(const uint8_t *step, int v, const int vectors, const int bits) {
  uint8x16_t sum = vdupq_n_u8(0);
  int to = 8;
  if (bits & 4) {
    to -= 4;
    sum = plane_bits(step, v, vectors, 4, to);
    step += vectors * 8;
  }
  if (bits & 2) {
    to -= 2;
    sum = vorrq_u8(sum, plane_bits(step, v, vectors, 2, to));
    step += vectors * 4;
  }
  if (bits & 1) sum = vorrq_u8(sum, plane_bits(step, v, vectors, 1, to - 1));
  return sum;
}

INLINE void widen_as(const uint8_t *packed, ptrdiff_t steps, uint8_t *bytes, const int vectors,
                     const int bits) {
  for (ptrdiff_t s = 0; s < steps; s++) {
    UNROLL
    for (int v = 0; v < vectors; v++) {
      vst1q_u8(bytes, widened(packed, v, vectors, bits));
      bytes += 16;
    }
    packed += vectors * 2 * bits;
  }
}

/* Weights of less than 8 bits as bytes. */
static void widen(const uint8_t *packed, ptrdiff_t steps, int vectors, int bits, uint8_t *bytes) {
  switch (bits * 2 + vectors - 1) {
#define CASES(bits)                                                     \
  case bits * 2: widen_as(packed, steps, bytes, 1, bits); break;        \
  case bits * 2 + 1: widen_as(packed, steps, bytes, 2, bits); break;
    CASES(2) CASES(3) CASES(4) CASES(5) CASES(6) CASES(7)
#undef CASES
  }
}
