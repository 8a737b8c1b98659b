/* Depthwise convolutions and pooling, 64 channels at a time. */

/* Four rows of 64 bytes side by side: 32-bit element i of lane l of vector v holds the four bytes of
   column 16 l + 4 v + i, as the vectors of a panel do. */
INLINE void side_by_side(const __m512i *rows, __m512i *out) {
  __m512i a = _mm512_unpacklo_epi8(rows[0], rows[1]), b = _mm512_unpackhi_epi8(rows[0], rows[1]);
  __m512i c = _mm512_unpacklo_epi8(rows[2], rows[3]), d = _mm512_unpackhi_epi8(rows[2], rows[3]);
  out[0] = _mm512_unpacklo_epi16(a, c);
  out[1] = _mm512_unpackhi_epi16(a, c);
  out[2] = _mm512_unpacklo_epi16(b, d);
  out[3] = _mm512_unpackhi_epi16(b, d);
}

/* One value for each of 64 channels as the vectors of a panel hold them. */
INLINE void arrange(const void *values, __m512i *out) {
  const int32_t *p = values;
  __m512i x[4];
  for (int v = 0; v < 4; v++) x[v] = _mm512_loadu_si512(p + v * 16);
  __m512i a = _mm512_shuffle_i32x4(x[0], x[1], 0x88), b = _mm512_shuffle_i32x4(x[0], x[1], 0xdd);
  __m512i c = _mm512_shuffle_i32x4(x[2], x[3], 0x88), d = _mm512_shuffle_i32x4(x[2], x[3], 0xdd);
  /* Lanes: a = x0.0 x0.2 x1.0 x1.2, b = x0.1 x0.3 x1.1 x1.3, c and d the same of x2 and x3. */
  out[0] = _mm512_shuffle_i32x4(a, c, 0x88);
  out[1] = _mm512_shuffle_i32x4(b, d, 0x88);
  out[2] = _mm512_shuffle_i32x4(a, c, 0xdd);
  out[3] = _mm512_shuffle_i32x4(b, d, 0xdd);
}

/* What 64 channels of a depthwise convolution need beside their input. */
typedef struct {
  __m512i bias[4];
  float multipliers[64];
  result_range range;
  int is_plain;       /* see rescaled */
  ptrdiff_t channels; /* 64 at most */
} channel_block;

static channel_block block_at(const ik_depthwise *d, ptrdiff_t channel) {
  channel_block block;
  __m512i multipliers[4];
  arrange(d->bias + channel, block.bias);
  arrange(d->multipliers + channel, multipliers);
  memcpy(block.multipliers, multipliers, sizeof(multipliers));
  block.range = range_of(d->zero, d->low, d->high);
  block.is_plain = block.range.is_whole && are_reducing(block.multipliers, 64);
  block.channels = d->window.channels - channel < 64 ? d->window.channels - channel : 64;
  return block;
}

/* Rows [first, first + 4) of column `column` of the kernels; those past the last are 0. */
INLINE void weights_of(const ik_depthwise *d, ptrdiff_t channel, ptrdiff_t first,
                       ptrdiff_t column, __m512i *out) {
  const ik_window *w = &d->window;
  __m512i rows[4];
  for (ptrdiff_t i = 0; i < 4; i++) {
    ptrdiff_t tap = (first + i) * w->kernel_columns + column;
    rows[i] = first + i < w->kernel_rows
                  ? _mm512_loadu_si512(d->weights + tap * d->weight_pitch + channel)
                  : _mm512_setzero_si512();
  }
  side_by_side(rows, out);
}

/* The rows of one input column; where the kernel has fewer than four, the last repeats. */
INLINE void load_column(const uint8_t *source, ptrdiff_t pitch, ptrdiff_t rows, __mmask64 mask,
                        __m512i *out) {
  __m512i lines[4];
  for (ptrdiff_t i = 0; i < 4; i++) {
    lines[i] = i < rows ? _mm512_maskz_loadu_epi8(mask, source + i * pitch) : lines[i - 1];
  }
  side_by_side(lines, out);
}

INLINE void add_products(__m512i *sums, const __m512i *x, const __m512i *weights) {
  for (int v = 0; v < 4; v++) sums[v] = _mm512_dpbusd_epi32(sums[v], x[v], weights[v]);
}

INLINE void copy_vectors(__m512i *target, const __m512i *source) {
  for (int v = 0; v < 4; v++) target[v] = source[v];
}

/* A line of 3 x 3 windows: each input column is loaded once. `step` is the stride, 1 or 2. */
INLINE void line_3x3(const ik_window *w, const uint8_t *source, uint8_t *target,
                     const channel_block *block, __m512i weights[3][4], const int step,
                     const int plain) {
  const __mmask64 mask = first_bytes(block->channels);
  const ptrdiff_t row_pitch = w->row_pitch, column_pitch = w->column_pitch;
  __m512i columns[3][4];
  load_column(source, row_pitch, 3, mask, columns[0]);
  if (step == 1) load_column(source + column_pitch, row_pitch, 3, mask, columns[1]);
  for (ptrdiff_t x = 0; x < w->width; x++) {
    if (step == 2) load_column(source + column_pitch, row_pitch, 3, mask, columns[1]);
    load_column(source + 2 * column_pitch, row_pitch, 3, mask, columns[2]);
    __m512i sums[4];
    copy_vectors(sums, block->bias);
    for (int j = 0; j < 3; j++) add_products(sums, columns[j], weights[j]);
    store_bytes(target, four_quantized(sums, block->multipliers, &block->range, plain),
                block->channels);
    if (step == 1) {
      copy_vectors(columns[0], columns[1]);
      copy_vectors(columns[1], columns[2]);
    } else {
      copy_vectors(columns[0], columns[2]);
    }
    source += step * column_pitch;
    target += w->target_column_pitch;
  }
}

/* Lines of 3 x 3 windows of few channels, several places in a vector: with stride 1 a line is one
   run of bytes, of which tap j reads what lies j places further. */
INLINE void flat_line_3x3(const ik_window *w, const uint8_t *source, uint8_t *target,
                          const channel_block *block, __m512i weights[3][4], const int plain) {
  const ptrdiff_t bytes = w->width * w->channels;
  for (ptrdiff_t i = 0; i < bytes; i += 64) {
    const ptrdiff_t count = bytes - i < 64 ? bytes - i : 64;
    const __mmask64 mask = first_bytes(count);
    __m512i sums[4], column[4];
    copy_vectors(sums, block->bias);
#pragma clang loop unroll(full)
    for (int j = 0; j < 3; j++) {
      load_column(source + i + j * w->column_pitch, w->row_pitch, 3, mask, column);
      add_products(sums, column, weights[j]);
    }
    store_bytes(target + i, four_quantized(sums, block->multipliers, &block->range, plain), count);
  }
}

/* The block for lines of several places: all that belongs to a channel, repeated. */
static void repeat_channels(const ik_depthwise *d, channel_block *block, __m512i weights[3][4]) {
  const ik_window *w = &d->window;
  int32_t bias[64];
  float multipliers[64];
  int8_t taps[9][64];
  for (ptrdiff_t i = 0; i < 64; i++) {
    bias[i] = d->bias[i % w->channels];
    multipliers[i] = d->multipliers[i % w->channels];
    for (ptrdiff_t t = 0; t < 9; t++) {
      taps[t][i] = d->weights[t * d->weight_pitch + i % w->channels];
    }
  }
  const ik_depthwise repeated = {.window = {.kernel_rows = 3, .kernel_columns = 3, .channels = 64},
                                 .weights = taps[0], .weight_pitch = 64, .bias = bias,
                                 .multipliers = multipliers, .zero = d->zero, .low = d->low,
                                 .high = d->high};
  *block = block_at(&repeated, 0);
  for (int j = 0; j < 3; j++) weights_of(&repeated, 0, 0, j, weights[j]);
}

static void flat_depthwise(const ik_depthwise *d, ptrdiff_t first_row, ptrdiff_t last_row) {
  const ik_window *w = &d->window;
  channel_block block;
  __m512i weights[3][4];
  repeat_channels(d, &block, weights);
  for (ptrdiff_t y = first_row; y < last_row; y++) {
    const uint8_t *source = w->source + y * w->stride_rows * w->row_pitch;
    uint8_t *target = w->target + y * w->target_row_pitch;
    if (block.is_plain) {
      flat_line_3x3(w, source, target, &block, weights, 1);
    } else {
      flat_line_3x3(w, source, target, &block, weights, 0);
    }
  }
}

static void line_of_any_kernel(const ik_depthwise *d, const uint8_t *source, uint8_t *target,
                               const channel_block *block, ptrdiff_t channel) {
  const ik_window *w = &d->window;
  const __mmask64 mask = first_bytes(block->channels);
  for (ptrdiff_t x = 0; x < w->width; x++) {
    __m512i sums[4], values[4], weights[4];
    copy_vectors(sums, block->bias);
    for (ptrdiff_t i = 0; i < w->kernel_rows; i += 4) {
      ptrdiff_t rows = w->kernel_rows - i < 4 ? w->kernel_rows - i : 4;
      for (ptrdiff_t j = 0; j < w->kernel_columns; j++) {
        weights_of(d, channel, i, j, weights);
        load_column(source + i * w->dilation_rows * w->row_pitch +
                        j * w->dilation_columns * w->column_pitch,
                    w->dilation_rows * w->row_pitch, rows, mask, values);
        add_products(sums, values, weights);
      }
    }
    store_bytes(target, four_quantized(sums, block->multipliers, &block->range, 0),
                block->channels);
    source += w->stride_columns * w->column_pitch;
    target += w->target_column_pitch;
  }
}

static void depthwise(const ik_depthwise *d, ptrdiff_t first_row, ptrdiff_t last_row) {
  const ik_window *w = &d->window;
  const int is_3x3 = w->kernel_rows == 3 && w->kernel_columns == 3 && w->dilation_rows == 1 &&
                     w->dilation_columns == 1 && w->stride_columns <= 2;
  if (is_3x3 && w->stride_columns == 1 && w->channels < 64 && 64 % w->channels == 0 &&
      w->column_pitch == w->channels && w->target_column_pitch == w->channels) {
    flat_depthwise(d, first_row, last_row);
    return;
  }
  for (ptrdiff_t channel = 0; channel < w->channels; channel += 64) {
    const channel_block block = block_at(d, channel);
    __m512i weights[3][4];
    for (int j = 0; is_3x3 && j < 3; j++) weights_of(d, channel, 0, j, weights[j]);
    for (ptrdiff_t y = first_row; y < last_row; y++) {
      const uint8_t *source = w->source + y * w->stride_rows * w->row_pitch + channel;
      uint8_t *target = w->target + y * w->target_row_pitch + channel;
      if (!is_3x3) {
        line_of_any_kernel(d, source, target, &block, channel);
      } else if (w->stride_columns == 1) {
        if (block.is_plain) {
          line_3x3(w, source, target, &block, weights, 1, 1);
        } else {
          line_3x3(w, source, target, &block, weights, 1, 0);
        }
      } else {
        line_3x3(w, source, target, &block, weights, 2, 0);
      }
    }
  }
}

/* The largest of `rows` by `columns` taps from `source` on. */
INLINE __m512i largest_tap(const ik_window *w, const uint8_t *source, __mmask64 mask,
                           ptrdiff_t rows, ptrdiff_t columns) {
  const ptrdiff_t down = w->dilation_rows * w->row_pitch;
  const ptrdiff_t right = w->dilation_columns * w->column_pitch;
  __m512i most = _mm512_setzero_si512();
  for (ptrdiff_t i = 0; i < rows; i++, source += down) {
    const uint8_t *tap = source;
    for (ptrdiff_t j = 0; j < columns; j++, tap += right) {
      most = _mm512_max_epu8(most, _mm512_maskz_loadu_epi8(mask, tap));
    }
  }
  return most;
}

static void window_max(const ik_window *w, ptrdiff_t first_row, ptrdiff_t last_row) {
  const int is_3x3 = w->kernel_rows == 3 && w->kernel_columns == 3;
  for (ptrdiff_t c = 0; c < w->channels; c += 64) {
    const ptrdiff_t channels = w->channels - c < 64 ? w->channels - c : 64;
    const __mmask64 mask = first_bytes(channels);
    for (ptrdiff_t y = first_row; y < last_row; y++) {
      const uint8_t *source = w->source + y * w->stride_rows * w->row_pitch + c;
      uint8_t *target = w->target + y * w->target_row_pitch + c;
      for (ptrdiff_t x = 0; x < w->width; x++) {
        __m512i most = is_3x3 ? largest_tap(w, source, mask, 3, 3)
                              : largest_tap(w, source, mask, w->kernel_rows, w->kernel_columns);
        store_bytes(target, most, channels);
        source += w->stride_columns * w->column_pitch;
        target += w->target_column_pitch;
      }
    }
  }
}
