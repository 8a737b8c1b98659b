/* The shape of register tiles, and how they read four bytes of a row. */

#define INLINE static inline __attribute__((always_inline))
#define PANEL 16
#define LANES 8
#define MOST_ROWS 6

INLINE __m256i repeated_four(const uint8_t *p) {
  int32_t four;
  memcpy(&four, p, 4);
  return _mm256_set1_epi32(four);
}
