/* Weights of any width, widened in registers. A step of a panel of n vectors (16 columns by 4 along
   the depth, a byte each) holds for every plane of w bits n * 8 * w bytes. A plane of 1 bit is a
   mask for each vector. Others are chunks of 64 bytes, or of 32 or 16. A chunk of b bytes serves g = b / (8 w) vectors: repeated to 64 bytes, block j of b bytes of vector i is found in
   the bits from w * (i * 64 / b + j) on. */

/* Vectors that the chunk of vector `v` serves, of `vectors` in all, and the first of them. */
INLINE int chunk_vectors(int v, int vectors, int w) {
  if (vectors == 3) return v < 2 ? 2 : 1;
  return vectors == 4 && w == 4 ? 2 : vectors;
}

INLINE int chunk_start(int v, int vectors, int w) {
  if (vectors == 3) return v < 2 ? 0 : 2;
  return vectors == 4 && w == 4 ? v / 2 * 2 : 0;
}

INLINE __m512i load_chunk(const uint8_t *p, int bytes) {
  switch (bytes) {
  case 64: return _mm512_loadu_si512(p);
  case 32: return _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)p));
  default: return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)p));
  }
}

/* Shift count, in each 16 bits of 64-bit element `e`, that brings slot first + j of block j to bit
   `to`; 16 clears where that is a shift the other way. */
INLINE int64_t shift_count(int e, int first, int bytes, int w, int to, int left) {
  int from = (first + e * 8 / bytes) * w;
  int count = left ? to - from : from - to;
  return 0x0001000100010001ll * (count > 0 || (left && count == 0) ? count : 16);
}

INLINE __m512i shift_counts(int first, int bytes, int w, int to, int left) {
  return _mm512_setr_epi64(
      shift_count(0, first, bytes, w, to, left), shift_count(1, first, bytes, w, to, left),
      shift_count(2, first, bytes, w, to, left), shift_count(3, first, bytes, w, to, left),
      shift_count(4, first, bytes, w, to, left), shift_count(5, first, bytes, w, to, left),
      shift_count(6, first, bytes, w, to, left), shift_count(7, first, bytes, w, to, left));
}

/* Bits [to, to + w) of every weight of vector `v` from its plane; other bits are 0. */
INLINE __m512i plane_bits(const uint8_t *plane, int v, int vectors, int w, int to) {
  const int start = chunk_start(v, vectors, w), g = chunk_vectors(v, vectors, w);
  const int bytes = g * 8 * w, blocks = 64 / bytes, first = (v - start) * blocks;
  const __m512i mask = _mm512_set1_epi8((char)(((1 << w) - 1) << to));
  __m512i x = load_chunk(plane + start * 8 * w, bytes);
  if (blocks == 1) {
    int from = first * w;
    if (to > from) x = _mm512_slli_epi16(x, (unsigned)(to - from));
    if (to < from) x = _mm512_srli_epi16(x, (unsigned)(from - to));
    return _mm512_and_si512(x, mask);
  }
  __m512i left = _mm512_sllv_epi16(x, shift_counts(first, bytes, w, to, 1));
  if ((first + blocks - 1) * w <= to) return _mm512_and_si512(left, mask);
  __m512i right = _mm512_srlv_epi16(x, shift_counts(first, bytes, w, to, 0));
  return _mm512_ternarylogic_epi32(left, right, mask, 0xa8); /* (a | b) & c */
}

/* Vector `v` of a step, times 2^(8 - bits). */
INLINE __m512i widened(const uint8_t *step, int v, int vectors, const int bits) {
  if (bits == 8) return _mm512_loadu_si512(step + v * 64);
  __m512i sum = _mm512_setzero_si512();
  int to = 8;
  if (bits & 4) {
    to -= 4;
    sum = plane_bits(step, v, vectors, 4, to);
    step += vectors * 32;
  }
  if (bits & 2) {
    to -= 2;
    sum = _mm512_or_si512(sum, plane_bits(step, v, vectors, 2, to));
    step += vectors * 16;
  }
  if (bits & 1) {
    to -= 1;
    __mmask64 ones = _load_mask64((__mmask64 *)(uintptr_t)(step + v * 8));
    sum = _mm512_mask_add_epi8(sum, ones, sum, _mm512_set1_epi8((char)(1 << to)));
  }
  return sum;
}

static void pack_step(const int8_t *weights, ptrdiff_t width, int bits, uint8_t *packed) {
  const int vectors = (int)(width / LANES);
  if (bits == 8) {
    memcpy(packed, weights, (size_t)width * 4);
    return;
  }
  memset(packed, 0, (size_t)ik_step_bytes(width, bits));
  for (int w = 4, shift = 0; w > 0; w /= 2) {
    if (!(bits & w)) continue;
    for (int p = 0; p < vectors * 64; p++) {
      int v = p / 64, start = chunk_start(v, vectors, w);
      if (w == 1) {
        packed[p / 8] |= (uint8_t)(ik_plane_of(weights[p], bits, shift, 1) << p % 8);
        continue;
      }
      int bytes = chunk_vectors(v, vectors, w) * 8 * w;
      int slot = (v - start) * (64 / bytes) + p % 64 / bytes;
      packed[start * 8 * w + p % bytes] |=
          (uint8_t)(ik_plane_of(weights[p], bits, shift, w) << slot * w);
    }
    packed += vectors * 8 * w;
    shift += w;
  }
}
