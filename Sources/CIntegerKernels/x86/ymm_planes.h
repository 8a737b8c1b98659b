/* Weights of narrow widths, widened to bytes: b bytes of a plane of w bits, repeated to 32, hold the
   bits of block i of b weights from w * i on. They are not scaled; `completed` multiplies the sums
   by 2^(8 - bits). */

INLINE __m256i repeated(const uint8_t *p, int bytes) {
  int64_t eight;
  switch (bytes) {
  case 32: return _mm256_loadu_si256((const __m256i *)p);
  case 16: return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)p));
  case 8: memcpy(&eight, p, 8); return _mm256_set1_epi64x(eight);
  default: return repeated_four(p);
  }
}

/* Bits of a plane of `w` as a value `lower` bits up, signed if the plane is the highest. */
INLINE int8_t plane_value(int plane, int w, int lower, int is_highest) {
  int is_negative = is_highest && plane >> (w - 1) & 1;
  return (int8_t)((plane - (is_negative ? 1 << w : 0)) * (1 << lower));
}

/* What vector `v` has in a plane of `w` bits that has `lower` bits below. */
INLINE __m256i plane_values(const uint8_t *plane, int v, const int vectors, const int w,
                            const int lower, const int is_highest) {
  const int bytes = vectors * 4 * w, first = v * 32 / bytes * w;
  __m256i x = repeated(plane, bytes);
  if (bytes == 32) {
    x = _mm256_srli_epi32(x, first);
  } else {
#define COUNT(element) first + (element)*4 / bytes *w
    x = _mm256_srlv_epi32(x, _mm256_setr_epi32(COUNT(0), COUNT(1), COUNT(2), COUNT(3), COUNT(4),
                                               COUNT(5), COUNT(6), COUNT(7)));
#undef COUNT
  }
  x = _mm256_and_si256(x, _mm256_set1_epi8((char)((1 << w) - 1)));
  if (lower == 0 && !is_highest) return x;
#define VALUE(i) plane_value(i, w, lower, is_highest)
  const __m128i values = _mm_setr_epi8(
      VALUE(0), VALUE(1), VALUE(2), VALUE(3), VALUE(4), VALUE(5), VALUE(6), VALUE(7), VALUE(8),
      VALUE(9), VALUE(10), VALUE(11), VALUE(12), VALUE(13), VALUE(14), VALUE(15));
#undef VALUE
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(values), x);
}

/* Vector `v` of a step of less than 8 bits. */
INLINE __m256i widened(const uint8_t *step, int v, const int vectors, const int bits) {
  __m256i sum = _mm256_setzero_si256();
  if (bits & 4) {
    sum = plane_values(step, v, vectors, 4, bits & 3, 1);
    step += vectors * 16;
  }
  if (bits & 2) {
    __m256i plane = plane_values(step, v, vectors, 2, bits & 1, bits < 4);
    sum = bits & 4 ? _mm256_or_si256(sum, plane) : plane;
    step += vectors * 8;
  }
  if (bits & 1) sum = _mm256_or_si256(sum, plane_values(step, v, vectors, 1, 0, 0));
  return sum;
}

INLINE void widen_as(const uint8_t *packed, ptrdiff_t steps, uint8_t *bytes, const int vectors,
                     const int bits) {
  for (ptrdiff_t s = 0; s < steps; s++) {
    for (int v = 0; v < vectors; v++) {
      _mm256_storeu_si256((__m256i *)bytes, widened(packed, v, vectors, bits));
      bytes += 32;
    }
    packed += vectors * 4 * bits;
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
