/* Element by element, 8 at a time (16 for lookups). What is left at the end goes through a buffer,
   so that nothing is read past the sources. */

INLINE void dequantized(const uint8_t *bytes, const ik_affine *affine, float32x4_t *out) {
  const int32x4_t zero = vdupq_n_s32(affine->zero);
  const uint16x8_t wide = vmovl_u8(vld1_u8(bytes));
  int32x4_t low = vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(wide)));
  int32x4_t high = vreinterpretq_s32_u32(vmovl_u16(vget_high_u16(wide)));
  out[0] = vmulq_n_f32(vcvtq_f32_s32(vsubq_s32(low, zero)), affine->scale);
  out[1] = vmulq_n_f32(vcvtq_f32_s32(vsubq_s32(high, zero)), affine->scale);
}

/* saturate_u8(round_half_even(value) + zero); NaN becomes 0. */
INLINE uint8x8_t saturated(const float32x4_t *values, int32_t zero) {
  const float32x4_t least = vdupq_n_f32((float)-zero), most = vdupq_n_f32((float)(255 - zero));
  int16x4_t halves[2];
  UNROLL
  for (int i = 0; i < 2; i++) {
    float32x4_t value = vminq_f32(vmaxnmq_f32(values[i], least), most);
    halves[i] = vqmovn_s32(vaddq_s32(vcvtnq_s32_f32(value), vdupq_n_s32(zero)));
  }
  return vqmovun_s16(vcombine_s16(halves[0], halves[1]));
}

INLINE void combine_eight(const ik_sum *s, const uint8_t *a, const uint8_t *b, uint8_t *y,
                          const int is_sum) {
  const float32x4_t scale = vdupq_n_f32(s->result.scale);
  float32x4_t x[2], z[2];
  dequantized(a, &s->a, x);
  dequantized(b, &s->b, z);
  UNROLL
  for (int i = 0; i < 2; i++) {
    x[i] = vdivq_f32(is_sum ? vaddq_f32(x[i], z[i]) : vmulq_f32(x[i], z[i]), scale);
  }
  uint8x8_t q = vmax_u8(saturated(x, s->result.zero), vdup_n_u8(s->low));
  vst1_u8(y, vmin_u8(q, vdup_n_u8(s->high)));
}

INLINE void combine(const ik_sum *s, const uint8_t *a, const uint8_t *b, ptrdiff_t count,
                    uint8_t *y, const int is_sum) {
  ptrdiff_t i = 0;
  for (; i + 8 <= count; i += 8) combine_eight(s, a + i, b + i, y + i, is_sum);
  if (i >= count) return;
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
  ptrdiff_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const uint8x16_t places = vld1q_u8(x + i);
    uint8x16_t found = vdupq_n_u8(0);
    UNROLL
    for (int quarter = 0; quarter < 4; quarter++) {
      /* Places outside the quarter leave what was found. */
      uint8x16_t index = vsubq_u8(places, vdupq_n_u8((uint8_t)(quarter * 64)));
      found = vqtbx4q_u8(found, vld1q_u8_x4(table + quarter * 64), index);
    }
    vst1q_u8(y + i, found);
  }
  for (; i < count; i++) y[i] = table[x[i]];
}

INLINE uint8x8_t quantized(const float *x, const ik_affine *affine) {
  const float32x4_t scale = vdupq_n_f32(affine->scale);
  float32x4_t values[2];
  UNROLL
  for (int v = 0; v < 2; v++) values[v] = vdivq_f32(vld1q_f32(x + v * 4), scale);
  return saturated(values, affine->zero);
}

static void quantize(ik_affine affine, const float *x, ptrdiff_t x_step, ptrdiff_t count,
                     uint8_t *y) {
  ptrdiff_t i = 0;
  for (; x_step == 1 && i + 8 <= count; i += 8) vst1_u8(y + i, quantized(x + i, &affine));
  for (; i < count; i += 8) {
    const ptrdiff_t present = count - i < 8 ? count - i : 8;
    float gathered[8] = {0};
    for (ptrdiff_t e = 0; e < present; e++) gathered[e] = x[(i + e) * x_step];
    store_eight_bytes(y + i, quantized(gathered, &affine), present);
  }
}

static void dequantize(ik_affine affine, const uint8_t *x, ptrdiff_t count, float *y,
                       ptrdiff_t y_step) {
  float32x4_t values[2];
  ptrdiff_t i = 0;
  for (; y_step == 1 && i + 8 <= count; i += 8) {
    dequantized(x + i, &affine, values);
    vst1q_f32(y + i, values[0]);
    vst1q_f32(y + i + 4, values[1]);
  }
  for (; i < count; i += 8) {
    const ptrdiff_t present = count - i < 8 ? count - i : 8;
    uint8_t gathered[8] = {0};
    float scattered[8];
    memcpy(gathered, x + i, (size_t)present);
    dequantized(gathered, &affine, values);
    vst1q_f32(scattered, values[0]);
    vst1q_f32(scattered + 4, values[1]);
    for (ptrdiff_t e = 0; e < present; e++) y[(i + e) * y_step] = scattered[e];
  }
}
