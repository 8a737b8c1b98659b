/* From sums to results. Packing within 128-bit lanes interleaves vectors, so the columns of a panel
   are placed such that they come out in order. */

/* Four columns side by side in each lane, lane by lane through the vectors of the panel. */
static ptrdiff_t panel_place(ptrdiff_t column, ptrdiff_t width) {
  const ptrdiff_t lane = width / LANES * 4;
  return column % lane / 4 * LANES + column / lane * 4 + column % 4;
}

/* The sums of weights that were not scaled, with the bias. */
INLINE __m256i completed(__m256i sum, const int32_t *bias, int bits) {
  sum = _mm256_sll_epi32(sum, _mm_cvtsi32_si128(8 - bits));
  return _mm256_add_epi32(sum, _mm256_loadu_si256((const __m256i *)bias));
}

typedef struct {
  __m256i zero; /* 16 bits */
  __m256i low, high;
} result_range;

INLINE result_range range_of(uint8_t zero, uint8_t low, uint8_t high) {
  return (result_range){_mm256_set1_epi16(zero), _mm256_set1_epi8((char)low),
                        _mm256_set1_epi8((char)high)};
}

/* round_half_even(sum * multiplier), right wherever it matters for 8 bits: conversion turns what is
   too small, and NaN, into the least int32, and would do so with what is too large. The minimum
   keeps a NaN only as its second operand. */
INLINE __m256i rescaled(__m256i sum, const float *multipliers) {
  __m256 x = _mm256_mul_ps(_mm256_cvtepi32_ps(sum), _mm256_loadu_ps(multipliers));
  return _mm256_cvtps_epi32(_mm256_min_ps(_mm256_set1_ps(1e9f), x));
}

/* Two vectors as 16 values of 16 bits in the order of their columns, the zero added. */
INLINE __m256i joined(__m256i a, __m256i b, const result_range *range) {
  return _mm256_adds_epi16(_mm256_packs_epi32(a, b), range->zero);
}

INLINE __m256i limited(__m256i bytes, const result_range *range) {
  return _mm256_min_epu8(_mm256_max_epu8(bytes, range->low), range->high);
}

INLINE void store_16_bytes(uint8_t *target, __m128i bytes, ptrdiff_t count) {
  if (count >= 16) {
    _mm_storeu_si128((__m128i *)target, bytes);
    return;
  }
  if (count >= 8) {
    _mm_storel_epi64((__m128i *)target, bytes);
    bytes = _mm_unpackhi_epi64(bytes, bytes);
    target += 8;
    count -= 8;
  }
  uint64_t rest = (uint64_t)_mm_cvtsi128_si64(bytes);
  for (int n = 4; n > 0; n /= 2) {
    if (!(count & n)) continue;
    memcpy(target, &rest, (size_t)n);
    rest >>= 8 * n;
    target += n;
  }
}

INLINE void store_bytes(uint8_t *target, __m256i bytes, ptrdiff_t count) {
  if (count >= 32) {
    _mm256_storeu_si256((__m256i *)target, bytes);
    return;
  }
  store_16_bytes(target, _mm256_castsi256_si128(bytes), count);
  if (count > 16) store_16_bytes(target + 16, _mm256_extracti128_si256(bytes, 1), count - 16);
}

/* The 32 results of four vectors. */
INLINE __m256i four_quantized(const __m256i *sums, const float *multipliers,
                              const result_range *range) {
  __m256i low = joined(rescaled(sums[0], multipliers), rescaled(sums[1], multipliers + 8), range);
  __m256i high =
      joined(rescaled(sums[2], multipliers + 16), rescaled(sums[3], multipliers + 24), range);
  return limited(_mm256_packus_epi16(low, high), range);
}

/* `count` results of `vectors` vectors. */
INLINE void store_quantized(uint8_t *target, const __m256i *sums, const int vectors,
                            ptrdiff_t count, const float *multipliers,
                            const result_range *range) {
  __m256i first = rescaled(sums[0], multipliers), bytes;
  if (vectors == 2) {
    __m256i x = joined(first, rescaled(sums[1], multipliers + 8), range);
    bytes = _mm256_permute4x64_epi64(_mm256_packus_epi16(x, x), 0x08);
  } else {
    __m256i x = joined(first, first, range);
    bytes = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(x, x),
                                        _mm256_setr_epi32(0, 4, 0, 0, 0, 0, 0, 0));
  }
  const ptrdiff_t most = vectors * LANES;
  store_16_bytes(target, _mm256_castsi256_si128(limited(bytes, range)),
                 count < most ? count : most);
}

INLINE void store_eight_floats(float *target, __m256 x, ptrdiff_t count) {
  if (count >= 8) {
    _mm256_storeu_ps(target, x);
  } else if (count > 0) {
    const __m256i places = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    _mm256_maskstore_ps(target, _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), places), x);
  }
}

/* Stores `count` floats of `vectors` vectors in the order of their columns. */
INLINE void store_in_order(float *target, const __m256 *x, const int vectors, ptrdiff_t count) {
  if (vectors == 1) {
    store_eight_floats(target, x[0], count);
  } else {
    store_eight_floats(target, _mm256_permute2f128_ps(x[0], x[1], 0x20), count);
    store_eight_floats(target + 8, _mm256_permute2f128_ps(x[0], x[1], 0x31), count - 8);
  }
}

/* Results as floats. */
INLINE void store_floats(float *target, const __m256i *sums, const int vectors, ptrdiff_t count,
                         const float *multipliers, const float *offsets) {
  __m256 x[2];
  for (int v = 0; v < vectors; v++) {
    x[v] = _mm256_mul_ps(_mm256_cvtepi32_ps(sums[v]), _mm256_loadu_ps(multipliers + v * LANES));
    x[v] = _mm256_add_ps(x[v], _mm256_loadu_ps(offsets + v * LANES));
  }
  store_in_order(target, x, vectors, count);
}
