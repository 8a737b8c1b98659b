/* From sums to results. Packing within 128-bit lanes interleaves vectors, so the columns of a panel
   are placed such that they come out in order. */

/* Four columns side by side in each lane, lane by lane through the vectors of the panel; a panel of
   three vectors is stored vector by vector. */
static ptrdiff_t panel_place(ptrdiff_t column, ptrdiff_t width) {
  const ptrdiff_t vectors = width / LANES == 3 ? 1 : width / LANES, lane = vectors * 4;
  const ptrdiff_t first = column / (vectors * LANES) * vectors * LANES, c = column - first;
  return first + c % lane / 4 * LANES + c / lane * 4 + c % 4;
}

typedef struct {
  __m512i zero; /* 16 bits */
  __m512i low, high;
  int is_whole; /* whether all 8 bits are results */
} result_range;

INLINE result_range range_of(uint8_t zero, uint8_t low, uint8_t high) {
  return (result_range){_mm512_set1_epi16(zero), _mm512_set1_epi8((char)low),
                        _mm512_set1_epi8((char)high), low == 0 && high == 255};
}

/* Whether no int32 times one of the multipliers leaves int32. */
INLINE int are_reducing(const float *multipliers, ptrdiff_t count) {
  __mmask16 beyond = 0;
  for (ptrdiff_t i = 0; i < count; i += 16) {
    __m512 size = _mm512_abs_ps(_mm512_loadu_ps(multipliers + i));
    beyond |= _mm512_cmp_ps_mask(size, _mm512_set1_ps(0.99f), _CMP_NLE_UQ);
  }
  return !beyond;
}

/* round_half_even(sum * multiplier), right wherever it matters for 8 bits: conversion turns NaN and
   what is too small into the least int32, and would do so with what is too large. The minimum with
   a NaN is its second operand. `plain`: multipliers are reducing and the range is whole, which saves
   the limits. */
INLINE __m512i rescaled(__m512i sum, const float *multipliers, const int plain) {
  __m512 x = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), _mm512_loadu_ps(multipliers));
  return _mm512_cvtps_epi32(plain ? x : _mm512_min_ps(_mm512_set1_ps(1e9f), x));
}

/* Two vectors as 32 values of 16 bits in the order of their columns, the zero added. */
INLINE __m512i joined(__m512i a, __m512i b, const result_range *range) {
  return _mm512_adds_epi16(_mm512_packs_epi32(a, b), range->zero);
}

INLINE __m512i limited(__m512i bytes, const result_range *range, const int plain) {
  if (plain) return bytes;
  return _mm512_min_epu8(_mm512_max_epu8(bytes, range->low), range->high);
}

INLINE __mmask64 first_bytes(ptrdiff_t count) {
  return count >= 64 ? ~0ull : (1ull << count) - 1;
}

/* Masked stores of bytes are slow: whole vectors go without. */
INLINE void store_bytes(uint8_t *target, __m512i bytes, ptrdiff_t count) {
  if (count >= 64) {
    _mm512_storeu_si512(target, bytes);
  } else if (count == 32) {
    _mm256_storeu_si256((__m256i *)target, _mm512_castsi512_si256(bytes));
  } else if (count == 16) {
    _mm_storeu_si128((__m128i *)target, _mm512_castsi512_si128(bytes));
  } else {
    _mm512_mask_storeu_epi8(target, first_bytes(count), bytes);
  }
}

/* The 64 results of four vectors. */
INLINE __m512i four_quantized(const __m512i *sums, const float *multipliers,
                              const result_range *range, const int plain) {
  __m512i low = joined(rescaled(sums[0], multipliers, plain),
                       rescaled(sums[1], multipliers + 16, plain), range);
  __m512i high = joined(rescaled(sums[2], multipliers + 32, plain),
                        rescaled(sums[3], multipliers + 48, plain), range);
  return limited(_mm512_packus_epi16(low, high), range, plain);
}

/* 16 results of each of four rows of one vector. */
INLINE void store_four_rows(uint8_t *const *targets, const __m512i *sums,
                            const float *multipliers, const result_range *range,
                            const int plain) {
  __m512i low = joined(rescaled(sums[0], multipliers, plain),
                       rescaled(sums[1], multipliers, plain), range);
  __m512i high = joined(rescaled(sums[2], multipliers, plain),
                        rescaled(sums[3], multipliers, plain), range);
  /* Lane l holds columns 4 l to 4 l + 3 of each row. */
  const __m512i order =
      _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  __m512i bytes =
      _mm512_permutexvar_epi32(order, limited(_mm512_packus_epi16(low, high), range, plain));
  _mm_storeu_si128((__m128i *)targets[0], _mm512_castsi512_si128(bytes));
  _mm_storeu_si128((__m128i *)targets[1], _mm512_extracti32x4_epi32(bytes, 1));
  _mm_storeu_si128((__m128i *)targets[2], _mm512_extracti32x4_epi32(bytes, 2));
  _mm_storeu_si128((__m128i *)targets[3], _mm512_extracti32x4_epi32(bytes, 3));
}

/* `count` results of `vectors` vectors. */
INLINE void store_quantized(uint8_t *target, const __m512i *sums, const int vectors,
                            ptrdiff_t count, const float *multipliers, const result_range *range,
                            const int plain) {
  const __m512i none = _mm512_setzero_si512();
  if (vectors == 4) {
    store_bytes(target, four_quantized(sums, multipliers, range, plain), count);
  } else if (vectors == 2) {
    __m512i x = joined(rescaled(sums[0], multipliers, plain),
                       rescaled(sums[1], multipliers + 16, plain), range);
    __m256i bytes = _mm512_cvtusepi16_epi8(_mm512_max_epi16(x, none));
    store_bytes(target, limited(_mm512_castsi256_si512(bytes), range, plain),
                count < 32 ? count : 32);
  } else {
    for (int v = 0; v < vectors; v++, count -= 16) {
      __m512i x = joined(rescaled(sums[v], multipliers + v * 16, plain), none, range);
      /* Lane l holds columns 4 l to 4 l + 3 in its lower half. */
      __m512i bytes = _mm512_packus_epi16(x, x);
      __m128i ordered = _mm512_castsi512_si128(_mm512_permutexvar_epi32(
          _mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), bytes));
      store_bytes(target + v * 16, limited(_mm512_castsi128_si512(ordered), range, plain),
                  count < 16 ? count : 16);
    }
  }
}

/* Stores `count` floats of `vectors` vectors in the order of their columns. */
INLINE void store_in_order(float *target, __m512 *x, const int vectors, ptrdiff_t count) {
  if (vectors == 4) {
    __m512 a = _mm512_shuffle_f32x4(x[0], x[1], 0x44), b = _mm512_shuffle_f32x4(x[2], x[3], 0x44);
    __m512 c = _mm512_shuffle_f32x4(x[0], x[1], 0xee), d = _mm512_shuffle_f32x4(x[2], x[3], 0xee);
    /* Lanes: a = x0.0 x0.1 x1.0 x1.1, b the same of x2 and x3, c and d of the upper lanes. */
    x[0] = _mm512_shuffle_f32x4(a, b, 0x88);
    x[1] = _mm512_shuffle_f32x4(a, b, 0xdd);
    x[2] = _mm512_shuffle_f32x4(c, d, 0x88);
    x[3] = _mm512_shuffle_f32x4(c, d, 0xdd);
  } else if (vectors == 2) {
    const __m512i even = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
    const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(8));
    __m512 low = _mm512_permutex2var_ps(x[0], even, x[1]);
    x[1] = _mm512_permutex2var_ps(x[0], odd, x[1]);
    x[0] = low;
  }
  for (int v = 0; v < vectors; v++, count -= 16) {
    if (count >= 16) {
      _mm512_storeu_ps(target + v * 16, x[v]);
    } else if (count > 0) {
      _mm512_mask_storeu_ps(target + v * 16, (__mmask16)first_bytes(count), x[v]);
    }
  }
}

/* Results as floats. */
INLINE void store_floats(float *target, const __m512i *sums, const int vectors, ptrdiff_t count,
                         const float *multipliers, const float *offsets) {
  __m512 x[4];
  for (int v = 0; v < vectors; v++) {
    x[v] = _mm512_mul_ps(_mm512_cvtepi32_ps(sums[v]), _mm512_loadu_ps(multipliers + v * 16));
    x[v] = _mm512_add_ps(x[v], _mm512_loadu_ps(offsets + v * 16));
  }
  store_in_order(target, x, vectors, count);
}
