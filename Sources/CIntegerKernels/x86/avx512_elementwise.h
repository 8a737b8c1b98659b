/* Element by element, 16 at a time. */

INLINE __m512 dequantized(__m128i bytes, const ik_affine *affine) {
  __m512i q = _mm512_sub_epi32(_mm512_cvtepu8_epi32(bytes), _mm512_set1_epi32(affine->zero));
  return _mm512_mul_ps(_mm512_cvtepi32_ps(q), _mm512_set1_ps(affine->scale));
}

/* saturate_u8(round_half_even(value / scale) + zero); NaN becomes the zero. */
INLINE __m128i requantized(__m512 value, const ik_affine *affine) {
  value = _mm512_div_ps(value, _mm512_set1_ps(affine->scale));
  value = _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(value, value, _CMP_ORD_Q), value);
  value = _mm512_min_ps(value, _mm512_set1_ps(1e9f));
  value = _mm512_max_ps(value, _mm512_set1_ps(-1e9f));
  __m512i q = _mm512_add_epi32(_mm512_cvtps_epi32(value), _mm512_set1_epi32(affine->zero));
  return _mm512_cvtusepi32_epi8(_mm512_max_epi32(q, _mm512_setzero_si512()));
}

INLINE __m128i load_bytes(const uint8_t *p, __mmask16 mask) {
  return _mm_maskz_loadu_epi8(mask, p);
}

INLINE __mmask16 first_lanes(ptrdiff_t count) {
  return (__mmask16)(count >= 16 ? 0xffff : (1u << count) - 1);
}

INLINE void combine(const ik_sum *s, const uint8_t *a, const uint8_t *b, ptrdiff_t count,
                    uint8_t *y, const int is_sum) {
  const __m128i low = _mm_set1_epi8((char)s->low), high = _mm_set1_epi8((char)s->high);
  for (ptrdiff_t i = 0; i < count; i += 16) {
    const __mmask16 mask = first_lanes(count - i);
    __m512 x = dequantized(load_bytes(a + i, mask), &s->a);
    __m512 z = dequantized(load_bytes(b + i, mask), &s->b);
    __m128i q = requantized(is_sum ? _mm512_add_ps(x, z) : _mm512_mul_ps(x, z), &s->result);
    _mm_mask_storeu_epi8(y + i, mask, _mm_min_epu8(_mm_max_epu8(q, low), high));
  }
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

static void quantize(ik_affine affine, const float *x, ptrdiff_t x_step, ptrdiff_t count,
                     uint8_t *y) {
  const __m512i places = _mm512_mullo_epi32(
      _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
      _mm512_set1_epi32((int)x_step));
  const __m512 none = _mm512_setzero_ps();
  for (ptrdiff_t i = 0; i < count; i += 16) {
    const __mmask16 mask = first_lanes(count - i);
    const float *source = x + i * x_step;
    __m512 values = x_step == 1 ? _mm512_maskz_loadu_ps(mask, source)
                                : _mm512_mask_i32gather_ps(none, mask, places, source, 4);
    _mm_mask_storeu_epi8(y + i, mask, requantized(values, &affine));
  }
}

static void dequantize(ik_affine affine, const uint8_t *x, ptrdiff_t count, float *y,
                       ptrdiff_t y_step) {
  const __m512i places = _mm512_mullo_epi32(
      _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
      _mm512_set1_epi32((int)y_step));
  for (ptrdiff_t i = 0; i < count; i += 16) {
    const __mmask16 mask = first_lanes(count - i);
    __m512 values = dequantized(load_bytes(x + i, mask), &affine);
    if (y_step == 1) {
      _mm512_mask_storeu_ps(y + i, mask, values);
    } else {
      _mm512_mask_i32scatter_ps(y + i * y_step, mask, places, values, 4);
    }
  }
}
