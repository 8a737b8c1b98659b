/* Element by element, 8 at a time. What is left at the end goes through a buffer,
   so that nothing is read past the sources. */

INLINE __m256 dequantized(const uint8_t *bytes, const ik_affine *affine) {
  __m256i q = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)bytes));
  q = _mm256_sub_epi32(q, _mm256_set1_epi32(affine->zero));
  return _mm256_mul_ps(_mm256_cvtepi32_ps(q), _mm256_set1_ps(affine->scale));
}

/* saturate_u8(round_half_even(value) + zero) in the lower 8 bytes; NaN becomes 0. */
INLINE __m128i saturated(__m256 value, int32_t zero) {
  value = _mm256_max_ps(value, _mm256_set1_ps((float)-zero)); /* the second operand for NaN */
  value = _mm256_min_ps(value, _mm256_set1_ps((float)(255 - zero)));
  __m256i q = _mm256_add_epi32(_mm256_cvtps_epi32(value), _mm256_set1_epi32(zero));
  __m128i x = _mm_packs_epi32(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1));
  return _mm_packus_epi16(x, x);
}

INLINE void combine_eight(const ik_sum *s, const uint8_t *a, const uint8_t *b, uint8_t *y,
                          const int is_sum) {
  __m256 x = dequantized(a, &s->a), z = dequantized(b, &s->b);
  x = is_sum ? _mm256_add_ps(x, z) : _mm256_mul_ps(x, z);
  x = _mm256_div_ps(x, _mm256_set1_ps(s->result.scale));
  __m128i q = _mm_max_epu8(saturated(x, s->result.zero), _mm_set1_epi8((char)s->low));
  _mm_storel_epi64((__m128i *)y, _mm_min_epu8(q, _mm_set1_epi8((char)s->high)));
}

INLINE void combine(const ik_sum *s, const uint8_t *a, const uint8_t *b, ptrdiff_t count,
                    uint8_t *y, const int is_sum) {
  ptrdiff_t i = 0;
  for (; i + 8 <= count; i += 8) combine_eight(s, a + i, b + i, y + i, is_sum);
  if (i == count) return;
  uint8_t last[3][8] = {{0}};
  const size_t rest = (size_t)(count - i);
  memcpy(last[0], a + i, rest);
  memcpy(last[1], b + i, rest);
  combine_eight(s, last[0], last[1], last[2], is_sum);
  memcpy(y + i, last[2], rest);
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

INLINE __m128i quantized(const float *x, const ik_affine *affine) {
  __m256 value = _mm256_div_ps(_mm256_loadu_ps(x), _mm256_set1_ps(affine->scale));
  return saturated(value, affine->zero);
}

static void quantize(ik_affine affine, const float *x, ptrdiff_t x_step, ptrdiff_t count,
                     uint8_t *y) {
  ptrdiff_t i = 0;
  for (; x_step == 1 && i + 8 <= count; i += 8) {
    _mm_storel_epi64((__m128i *)(y + i), quantized(x + i, &affine));
  }
  for (; i < count; i += 8) {
    const ptrdiff_t present = count - i < 8 ? count - i : 8;
    float gathered[8] = {0};
    for (ptrdiff_t e = 0; e < present; e++) gathered[e] = x[(i + e) * x_step];
    store_16_bytes(y + i, quantized(gathered, &affine), present);
  }
}

static void dequantize(ik_affine affine, const uint8_t *x, ptrdiff_t count, float *y,
                       ptrdiff_t y_step) {
  ptrdiff_t i = 0;
  for (; y_step == 1 && i + 8 <= count; i += 8) {
    _mm256_storeu_ps(y + i, dequantized(x + i, &affine));
  }
  for (; i < count; i += 8) {
    const ptrdiff_t present = count - i < 8 ? count - i : 8;
    uint8_t gathered[8] = {0};
    float values[8];
    memcpy(gathered, x + i, (size_t)present);
    _mm256_storeu_ps(values, dequantized(gathered, &affine));
    for (ptrdiff_t e = 0; e < present; e++) y[(i + e) * y_step] = values[e];
  }
}
