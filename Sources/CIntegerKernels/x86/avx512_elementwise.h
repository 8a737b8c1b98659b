/* Element by element, 16 at a time. */

INLINE __m512 dequantized(__m128i bytes, const ik_affine *affine) {
  __m512i q = _mm512_sub_epi32(_mm512_cvtepu8_epi32(bytes), _mm512_set1_epi32(affine->zero));
  return _mm512_mul_ps(_mm512_cvtepi32_ps(q), _mm512_set1_ps(affine->scale));
}

/* How results are rounded: round_half_even(value / scale) + zero. */
typedef struct {
  __m512 scale, reciprocal;
  __m512i zero;
  int is_ordinary; /* whether value * reciprocal stays near the quotient */
} rounding;

INLINE int is_ordinary_scale(float scale) { return scale > 1e-30f && scale < 1e30f; }

INLINE rounding rounding_to(const ik_affine *affine) {
  return (rounding){_mm512_set1_ps(affine->scale), _mm512_set1_ps(1.0f / affine->scale),
                    _mm512_set1_epi32(affine->zero),
                    is_ordinary_scale(affine->scale)};
}

/* Conversion turns NaN and what is too small into the least int32, and would do so with what is too
   large. The minimum with a NaN is its second operand. */
INLINE __m512i rounded_quotient(__m512 value, const rounding *to) {
  value = _mm512_div_ps(value, to->scale);
  return _mm512_cvtps_epi32(_mm512_min_ps(_mm512_set1_ps(1e9f), value));
}

/* saturate_u8(round_half_even(value / scale) + zero). The product with the reciprocal is within 1.5
   * 2^-14 of the rounded quotient below 512, beyond which every result saturates: only where it
   comes closer than 2^-13 to the middle between two integers does it take a division. */
INLINE __m128i requantized(__m512 value, const rounding *to) {
  const __m512 ratio =
      _mm512_min_ps(_mm512_set1_ps(1e9f), _mm512_mul_ps(value, to->reciprocal));
  __m512i q = _mm512_cvtps_epi32(ratio);
  const __m512 rest = _mm512_abs_ps(_mm512_sub_ps(ratio, _mm512_cvtepi32_ps(q)));
  const __mmask16 unsure =
      _mm512_cmp_ps_mask(rest, _mm512_set1_ps(0.5f - 0x1p-13f), _CMP_NLE_UQ);
  if (__builtin_expect(unsure || !to->is_ordinary, 0)) q = rounded_quotient(value, to);
  /* Zero points are small: the least int32 stays far below. */
  q = _mm512_max_epi32(_mm512_add_epi32(q, to->zero), _mm512_setzero_si512());
  return _mm512_cvtusepi32_epi8(q);
}

INLINE __mmask16 first_lanes(ptrdiff_t count) {
  return (__mmask16)(count >= 16 ? 0xffff : (1u << count) - 1);
}

INLINE __m128i load_bytes(const uint8_t *p, ptrdiff_t count) {
  return count >= 16 ? _mm_loadu_si128((const __m128i *)p)
                     : _mm_maskz_loadu_epi8(first_lanes(count), p);
}

INLINE void store_some(uint8_t *p, __m128i bytes, ptrdiff_t count) {
  if (count >= 16) {
    _mm_storeu_si128((__m128i *)p, bytes);
  } else {
    _mm_mask_storeu_epi8(p, first_lanes(count), bytes);
  }
}

INLINE void combine_some(const ik_sum *s, const rounding *to, const uint8_t *a, const uint8_t *b,
                         ptrdiff_t count, uint8_t *y, const int is_sum) {
  __m512 x = dequantized(load_bytes(a, count), &s->a);
  __m512 z = dequantized(load_bytes(b, count), &s->b);
  __m128i q = requantized(is_sum ? _mm512_add_ps(x, z) : _mm512_mul_ps(x, z), to);
  q = _mm_max_epu8(q, _mm_set1_epi8((char)s->low));
  store_some(y, _mm_min_epu8(q, _mm_set1_epi8((char)s->high)), count);
}

/* 2^23 + q for 64 bytes, vector v the columns of a panel's vector v: the bytes become the low end of
   the mantissa. */
INLINE void widened_bytes(const uint8_t *p, __m512 *out) {
  const __m512i q = _mm512_loadu_si512(p), none = _mm512_setzero_si512();
  const __m512i exponent = _mm512_set1_epi16(0x4b00);
  const __m512i low = _mm512_unpacklo_epi8(q, none), high = _mm512_unpackhi_epi8(q, none);
  out[0] = _mm512_castsi512_ps(_mm512_unpacklo_epi16(low, exponent));
  out[1] = _mm512_castsi512_ps(_mm512_unpackhi_epi16(low, exponent));
  out[2] = _mm512_castsi512_ps(_mm512_unpacklo_epi16(high, exponent));
  out[3] = _mm512_castsi512_ps(_mm512_unpackhi_epi16(high, exponent));
}

/* 64 results; 0, and nothing written, where one of them needs a division. Ordinary scales make no
   NaN. */
INLINE int combine_64(const ik_sum *s, const rounding *to, const result_range *range,
                      const uint8_t *a, const uint8_t *b, uint8_t *y, const int is_sum) {
  const __m512 zero_a = _mm512_set1_ps(0x1p23f + (float)s->a.zero);
  const __m512 zero_b = _mm512_set1_ps(0x1p23f + (float)s->b.zero);
  const __m512 scale_a = _mm512_set1_ps(s->a.scale), scale_b = _mm512_set1_ps(s->b.scale);
  __m512 x[4], z[4];
  __m512i q[4];
  __m512 largest = _mm512_setzero_ps();
  widened_bytes(a, x);
  widened_bytes(b, z);
  for (int v = 0; v < 4; v++) {
    x[v] = _mm512_mul_ps(_mm512_sub_ps(x[v], zero_a), scale_a);
    z[v] = _mm512_mul_ps(_mm512_sub_ps(z[v], zero_b), scale_b);
    __m512 value = is_sum ? _mm512_add_ps(x[v], z[v]) : _mm512_mul_ps(x[v], z[v]);
    __m512 ratio = _mm512_mul_ps(value, to->reciprocal);
    ratio = _mm512_min_ps(_mm512_set1_ps(1e9f), ratio);
    q[v] = _mm512_cvtps_epi32(ratio);
    __m512 rest = _mm512_abs_ps(_mm512_sub_ps(ratio, _mm512_cvtepi32_ps(q[v])));
    largest = _mm512_max_ps(largest, rest);
  }
  if (_mm512_cmp_ps_mask(largest, _mm512_set1_ps(0.5f - 0x1p-13f), _CMP_GT_OQ)) return 0;
  __m512i bytes = _mm512_packus_epi16(joined(q[0], q[1], range), joined(q[2], q[3], range));
  _mm512_storeu_si512(y, limited(bytes, range, 0));
  return 1;
}

INLINE void combine(const ik_sum *s, const uint8_t *a, const uint8_t *b, ptrdiff_t count,
                    uint8_t *y, const int is_sum) {
  const rounding to = rounding_to(&s->result);
  const result_range range = range_of((uint8_t)s->result.zero, s->low, s->high);
  const int is_ordinary =
      to.is_ordinary && is_ordinary_scale(s->a.scale) && is_ordinary_scale(s->b.scale);
  ptrdiff_t i = 0;
  for (; is_ordinary && i + 64 <= count; i += 64) {
    if (combine_64(s, &to, &range, a + i, b + i, y + i, is_sum)) continue;
    for (ptrdiff_t k = i; k < i + 64; k += 16) {
      combine_some(s, &to, a + k, b + k, 16, y + k, is_sum);
    }
  }
  for (; i + 16 <= count; i += 16) combine_some(s, &to, a + i, b + i, 16, y + i, is_sum);
  if (i < count) combine_some(s, &to, a + i, b + i, count - i, y + i, is_sum);
}

static void add(const ik_sum *s, const uint8_t *a, const uint8_t *b, ptrdiff_t count, uint8_t *y) {
  combine(s, a, b, count, y, 1);
}

static void multiply(const ik_sum *s, const uint8_t *a, const uint8_t *b, ptrdiff_t count,
                     uint8_t *y) {
  combine(s, a, b, count, y, 0);
}

static void lookup(const uint8_t table[256], const uint8_t *x, ptrdiff_t count, uint8_t *y) {
  for (ptrdiff_t i = 0; i < count; i++) y[i] = table[x[i]];
}

INLINE __m512i places_apart(ptrdiff_t step) {
  const __m512i places = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return _mm512_mullo_epi32(places, _mm512_set1_epi32((int)step));
}

static void quantize(ik_affine affine, const float *x, ptrdiff_t x_step, ptrdiff_t count,
                     uint8_t *y) {
  const rounding to = rounding_to(&affine);
  ptrdiff_t i = 0;
  if (x_step == 1) {
    for (; i + 16 <= count; i += 16) {
      store_some(y + i, requantized(_mm512_loadu_ps(x + i), &to), 16);
    }
  }
  for (; i < count; i += 16) {
    __m512 values = _mm512_mask_i32gather_ps(_mm512_setzero_ps(), first_lanes(count - i),
                                             places_apart(x_step), x + i * x_step, 4);
    store_some(y + i, requantized(values, &to), count - i);
  }
}

static void dequantize(ik_affine affine, const uint8_t *x, ptrdiff_t count, float *y,
                       ptrdiff_t y_step) {
  ptrdiff_t i = 0;
  if (y_step == 1) {
    for (; i + 16 <= count; i += 16) {
      _mm512_storeu_ps(y + i, dequantized(load_bytes(x + i, 16), &affine));
    }
  }
  for (; i < count; i += 16) {
    _mm512_mask_i32scatter_ps(y + i * y_step, first_lanes(count - i), places_apart(y_step),
                              dequantized(load_bytes(x + i, count - i), &affine), 4);
  }
}
