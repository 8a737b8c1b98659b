/* Products of unsigned bytes and signed weights, four in each multiply-add. A set defines
     DOT_LANE(sum, weights, bytes, lane)
                 the sum, and the products of four weights at a time with the four bytes of a lane
     prepared    bytes as DOT_LANE takes them
     excess      what DOT_LANE has summed too much for them, of weights on top of that of others */

INLINE void multiply_four_steps(int32x4_t (*sums)[2], int32x4_t *excesses,
                                const uint8_t *const *sources, ptrdiff_t offset,
                                const uint8_t *weights, const int rows, const int vectors) {
  uint8x16_t x[MOST_ROWS];
  UNROLL
  for (int r = 0; r < rows; r++) x[r] = prepared(vld1q_u8(sources[r] + offset));
#define MULTIPLY_LANE(lane)                                                              \
  UNROLL                                                                                 \
  for (int v = 0; v < vectors; v++) {                                                    \
    int8x16_t w = vreinterpretq_s8_u8(vld1q_u8(weights + (lane * vectors + v) * 16));    \
    excesses[v] = excess(excesses[v], w);                                                \
    UNROLL                                                                               \
    for (int r = 0; r < rows; r++) sums[r][v] = DOT_LANE(sums[r][v], w, x[r], lane);     \
  }
  MULTIPLY_LANE(0)
  MULTIPLY_LANE(1)
  MULTIPLY_LANE(2)
  MULTIPLY_LANE(3)
#undef MULTIPLY_LANE
}

INLINE void multiply_step(int32x4_t (*sums)[2], int32x4_t *excesses,
                          const uint8_t *const *sources, ptrdiff_t offset,
                          const uint8_t *weights, const int rows, const int vectors) {
  UNROLL
  for (int v = 0; v < vectors; v++) {
    int8x16_t w = vreinterpretq_s8_u8(vld1q_u8(weights + v * 16));
    excesses[v] = excess(excesses[v], w);
    UNROLL
    for (int r = 0; r < rows; r++) {
      uint8x16_t x = prepared(repeated(sources[r] + offset, 4));
      sums[r][v] = DOT_LANE(sums[r][v], w, x, 0);
    }
  }
}

INLINE void multiply_steps(int32x4_t (*sums)[2], const uint8_t *const *sources, ptrdiff_t steps,
                           const uint8_t *weights, const int rows, const int vectors,
                           const int kind) {
  (void)kind;
  int32x4_t excesses[2] = {vdupq_n_s32(0), vdupq_n_s32(0)};
  ptrdiff_t s = 0;
  for (; s + 4 <= steps; s += 4) {
    multiply_four_steps(sums, excesses, sources, s * 4, weights, rows, vectors);
    weights += vectors * 64;
  }
  for (; s < steps; s++) {
    multiply_step(sums, excesses, sources, s * 4, weights, rows, vectors);
    weights += vectors * 16;
  }
  UNROLL
  for (int r = 0; r < rows; r++) {
    UNROLL
    for (int v = 0; v < vectors; v++) sums[r][v] = vsubq_s32(sums[r][v], excesses[v]);
  }
}
