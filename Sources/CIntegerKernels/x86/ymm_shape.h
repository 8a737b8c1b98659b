/* The shape of register tiles, and how they read four bytes of a row. */

#define PANEL 16
#define LANES 8
#define VECTOR_BYTES 32
#define MOST_ROWS 6

typedef __m256i vector;

INLINE __m256i repeated_four(const uint8_t *p) {
  int32_t four;
  memcpy(&four, p, 4);
  return _mm256_set1_epi32(four);
}
