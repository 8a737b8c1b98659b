/* Depthwise convolutions and pooling, 16 channels at a time. */

/* Windows of a line that share the loads of weights. */
#define WINDOWS 4

/* Sums of 16 channels of `windows` windows from `source` on. */
INLINE void add_taps(const ik_depthwise *d, ptrdiff_t channel, const uint8_t *source,
                     int32x4_t (*sums)[4], const int windows) {
  const ik_window *w = &d->window;
  const int8_t *weights = d->weights + channel;
  for (ptrdiff_t i = 0; i < w->kernel_rows; i++) {
    for (ptrdiff_t j = 0; j < w->kernel_columns; j++) {
      const uint8_t *tap = source + i * w->dilation_rows * w->row_pitch +
                           j * w->dilation_columns * w->column_pitch;
      const int8x16_t bytes = vld1q_s8(weights);
      const int16x8_t low = vmovl_s8(vget_low_s8(bytes)), high = vmovl_s8(vget_high_s8(bytes));
      UNROLL
      for (int x = 0; x < windows; x++) {
        uint8x16_t values = vld1q_u8(tap + x * w->stride_columns * w->column_pitch);
        int16x8_t a = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(values)));
        int16x8_t b = vreinterpretq_s16_u16(vmovl_u8(vget_high_u8(values)));
        sums[x][0] = vmlal_s16(sums[x][0], vget_low_s16(a), vget_low_s16(low));
        sums[x][1] = vmlal_high_s16(sums[x][1], a, low);
        sums[x][2] = vmlal_s16(sums[x][2], vget_low_s16(b), vget_low_s16(high));
        sums[x][3] = vmlal_high_s16(sums[x][3], b, high);
      }
      weights += d->weight_pitch;
    }
  }
}

INLINE void some_windows(const ik_depthwise *d, ptrdiff_t channel, const uint8_t *source,
                         uint8_t *target, const int windows) {
  const result_range range = range_of(d->zero, d->low, d->high);
  const float *multipliers = d->multipliers + channel;
  int32x4_t sums[WINDOWS][4];
  UNROLL
  for (int x = 0; x < windows; x++) {
    UNROLL
    for (int v = 0; v < 4; v++) sums[x][v] = vld1q_s32(d->bias + channel + v * 4);
  }
  add_taps(d, channel, source, sums, windows);
  UNROLL
  for (int x = 0; x < windows; x++) {
    UNROLL
    for (int v = 0; v < 4; v++) sums[x][v] = rescaled(sums[x][v], multipliers + v * 4);
    store_bytes(target + x * d->window.target_column_pitch,
                vcombine_u8(two_quantized(sums[x][0], sums[x][1], &range),
                            two_quantized(sums[x][2], sums[x][3], &range)),
                d->window.channels - channel);
  }
}

static void depthwise(const ik_depthwise *d, ptrdiff_t first_row, ptrdiff_t last_row) {
  const ik_window *w = &d->window;
  for (ptrdiff_t channel = 0; channel < w->channels; channel += 16) {
    for (ptrdiff_t y = first_row; y < last_row; y++) {
      const uint8_t *source = w->source + y * w->stride_rows * w->row_pitch + channel;
      uint8_t *target = w->target + y * w->target_row_pitch + channel;
      const ptrdiff_t step = w->stride_columns * w->column_pitch;
      ptrdiff_t x = 0;
      for (; x + WINDOWS <= w->width; x += WINDOWS) {
        some_windows(d, channel, source + x * step, target + x * w->target_column_pitch, WINDOWS);
      }
      for (; x < w->width; x++) {
        some_windows(d, channel, source + x * step, target + x * w->target_column_pitch, 1);
      }
    }
  }
}

static void window_max(const ik_window *w, ptrdiff_t first_row, ptrdiff_t last_row) {
  for (ptrdiff_t y = first_row; y < last_row; y++) {
    for (ptrdiff_t x = 0; x < w->width; x++) {
      const uint8_t *source = w->source + y * w->stride_rows * w->row_pitch +
                              x * w->stride_columns * w->column_pitch;
      uint8_t *target = w->target + y * w->target_row_pitch + x * w->target_column_pitch;
      for (ptrdiff_t c = 0; c < w->channels; c += 16) {
        uint8x16_t most = vdupq_n_u8(0);
        for (ptrdiff_t i = 0; i < w->kernel_rows; i++) {
          const uint8_t *line = source + i * w->dilation_rows * w->row_pitch + c;
          for (ptrdiff_t j = 0; j < w->kernel_columns; j++) {
            most = vmaxq_u8(most, vld1q_u8(line + j * w->dilation_columns * w->column_pitch));
          }
        }
        store_bytes(target + c, most, w->channels - c);
      }
    }
  }
}
