/* Planes to places, of three channels 16 places at a time. */

/* Bytes of plane `c` of three that go to bytes [16 part, 16 part + 16) of 16 interleaved places. */
INLINE __m128i spread(int part, int c) {
  int8_t from[16];
  for (int i = 0; i < 16; i++) {
    int byte = part * 16 + i;
    from[i] = (int8_t)(byte % 3 == c ? byte / 3 : -128);
  }
  return _mm_loadu_si128((const __m128i *)from);
}

static void interleave(const uint8_t *planes, ptrdiff_t plane_pitch, ptrdiff_t channels,
                       ptrdiff_t count, uint8_t *target) {
  ptrdiff_t i = 0;
  if (channels == 3) {
    for (; i + 16 <= count; i += 16) {
      __m128i x[3];
      for (int c = 0; c < 3; c++) {
        x[c] = _mm_loadu_si128((const __m128i *)(planes + c * plane_pitch + i));
      }
#pragma clang loop unroll(full)
      for (int part = 0; part < 3; part++) {
        __m128i bytes = _mm_shuffle_epi8(x[0], spread(part, 0));
        bytes = _mm_or_si128(bytes, _mm_shuffle_epi8(x[1], spread(part, 1)));
        bytes = _mm_or_si128(bytes, _mm_shuffle_epi8(x[2], spread(part, 2)));
        _mm_storeu_si128((__m128i *)(target + 3 * i + 16 * part), bytes);
      }
    }
  }
  ik_interleave(planes + i, plane_pitch, channels, count - i, target + channels * i);
}
