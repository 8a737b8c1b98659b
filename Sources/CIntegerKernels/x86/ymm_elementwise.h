/* Element by element, 8 at a time (32 for lookups). What is left at the end goes through a buffer,
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

/* Table row i holds the values of [16 i, 16 i + 16): exclusive or with 16 i and a saturating sum
   leave an index in the lower bits there, and set the top bit, which gives 0, elsewhere. */
static void lookup(const uint8_t table[256], const uint8_t *x, ptrdiff_t count, uint8_t *y) {
  ptrdiff_t i = 0;
  for (; i + 32 <= count; i += 32) {
    __m256i places = _mm256_loadu_si256((const __m256i *)(x + i)), found = _mm256_setzero_si256();
    for (int row = 0; row < 16; row++) {
      __m256i values = _mm256_broadcastsi128_si256(
          _mm_loadu_si128((const __m128i *)(table + row * 16)));
      __m256i index = _mm256_xor_si256(places, _mm256_set1_epi8((char)(row * 16)));
      index = _mm256_adds_epu8(index, _mm256_set1_epi8(0x70));
      found = _mm256_or_si256(found, _mm256_shuffle_epi8(values, index));
    }
    _mm256_storeu_si256((__m256i *)(y + i), found);
  }
  for (; i < count; i++) y[i] = table[x[i]];
}

static void quantize(ik_affine affine, const float *x, ptrdiff_t x_step, ptrdiff_t count,
                     uint8_t *y) {
  for (ptrdiff_t i = 0; i < count; i += 8) {
    const ptrdiff_t present = count - i < 8 ? count - i : 8;
    const float *source = x + i * x_step;
    float gathered[8] = {0};
    if (x_step != 1 || present < 8) {
      for (ptrdiff_t e = 0; e < present; e++) gathered[e] = source[e * x_step];
      source = gathered;
    }
    __m256 value = _mm256_div_ps(_mm256_loadu_ps(source), _mm256_set1_ps(affine.scale));
    value = _mm256_and_ps(value, _mm256_cmp_ps(value, value, _CMP_ORD_Q));
    store_16_bytes(y + i, saturated(value, affine.zero), present);
  }
}

static void dequantize(ik_affine affine, const uint8_t *x, ptrdiff_t count, float *y,
                       ptrdiff_t y_step) {
  for (ptrdiff_t i = 0; i < count; i += 8) {
    const ptrdiff_t present = count - i < 8 ? count - i : 8;
    uint8_t last[8] = {0};
    if (present < 8) memcpy(last, x + i, (size_t)present);
    __m256 values = dequantized(present < 8 ? last : x + i, &affine);
    if (y_step == 1) {
      store_eight_floats(y + i, values, present);
      continue;
    }
    float scattered[8];
    _mm256_storeu_ps(scattered, values);
    for (ptrdiff_t e = 0; e < present; e++) y[(i + e) * y_step] = scattered[e];
  }
}
