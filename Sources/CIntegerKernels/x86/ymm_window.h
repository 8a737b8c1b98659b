/* Depthwise convolutions and pooling, 32 channels at a time. Four rows of one column of the window
   are multiplied at once: `interleave_taps` brings their bytes, and `interleave_weights` those of
   the weights, in TAP_VECTORS vectors for each of four sums, to which `add_taps` adds the products.
   Element i of lane l of sum v is channel 16 l + 4 v + i. */

#define COLUMN_VECTORS (4 * TAP_VECTORS)

INLINE void arrange(const void *values, __m256i *out) {
  const int32_t *p = values;
  for (int v = 0; v < 4; v++) {
    out[v] = _mm256_loadu2_m128i((const __m128i *)(p + 16 + v * 4), (const __m128i *)(p + v * 4));
  }
}

/* What 32 channels of a depthwise convolution need beside their input. */
typedef struct {
  __m256i bias[4];
  float multipliers[32];
  result_range range;
  ptrdiff_t channels; /* 32 at most */
} channel_block;

static channel_block block_at(const ik_depthwise *d, ptrdiff_t channel) {
  channel_block block;
  __m256i multipliers[4];
  arrange(d->bias + channel, block.bias);
  arrange(d->multipliers + channel, multipliers);
  memcpy(block.multipliers, multipliers, sizeof(multipliers));
  block.range = range_of(d->zero, d->low, d->high);
  block.channels = d->window.channels - channel < 32 ? d->window.channels - channel : 32;
  return block;
}

/* Rows [first, first + 4) of column `column` of the kernels; those past the last are 0. */
INLINE void weights_of(const ik_depthwise *d, ptrdiff_t channel, ptrdiff_t first,
                       ptrdiff_t column, __m256i *out) {
  const ik_window *w = &d->window;
  __m256i rows[4];
  for (ptrdiff_t i = 0; i < 4; i++) {
    ptrdiff_t tap = (first + i) * w->kernel_columns + column;
    rows[i] = first + i < w->kernel_rows
                  ? _mm256_loadu_si256(
                        (const __m256i *)(d->weights + tap * d->weight_pitch + channel))
                  : _mm256_setzero_si256();
  }
  interleave_weights(rows, out);
}

/* The rows of one input column; where the kernel has fewer than four, the last repeats. */
INLINE void load_column(const uint8_t *source, ptrdiff_t pitch, ptrdiff_t rows, __m256i *out) {
  __m256i lines[4];
  for (ptrdiff_t i = 0; i < 4; i++) {
    lines[i] =
        i < rows ? _mm256_loadu_si256((const __m256i *)(source + i * pitch)) : lines[i - 1];
  }
  interleave_taps(lines, out);
}

INLINE void copy_vectors(__m256i *target, const __m256i *source) {
  for (int v = 0; v < 4; v++) target[v] = source[v];
}

INLINE void store_block(uint8_t *target, const __m256i *sums, const channel_block *block) {
  store_bytes(target, four_quantized(sums, block->multipliers, &block->range), block->channels);
}

/* A line of 3 x 3 windows. Each input column is loaded once and goes to all windows that it is part
   of: the one that it ends, and those after. */
INLINE void line_3x3(const ik_window *w, const uint8_t *source, uint8_t *target,
                     const channel_block *block, __m256i weights[3][COLUMN_VECTORS],
                     const int stride) {
  const ptrdiff_t row_pitch = w->row_pitch, column_pitch = w->column_pitch;
  __m256i column[COLUMN_VECTORS], sums[3][4];
  copy_vectors(sums[0], block->bias);
  load_column(source, row_pitch, 3, column);
  add_taps(sums[0], column, weights[0]);
  if (stride == 1) {
    source += column_pitch;
    load_column(source, row_pitch, 3, column);
    add_taps(sums[0], column, weights[1]);
    copy_vectors(sums[1], block->bias);
    add_taps(sums[1], column, weights[0]);
  }
  for (ptrdiff_t x = 0; x < w->width; x++) {
    if (stride == 2) {
      source += column_pitch;
      load_column(source, row_pitch, 3, column);
      add_taps(sums[0], column, weights[1]);
    }
    source += column_pitch;
    load_column(source, row_pitch, 3, column);
    add_taps(sums[0], column, weights[2]);
    store_block(target, sums[0], block);
    target += w->target_column_pitch;
    copy_vectors(sums[2], block->bias);
    add_taps(sums[2], column, weights[0]);
    if (stride == 1) {
      add_taps(sums[1], column, weights[1]);
      copy_vectors(sums[0], sums[1]);
      copy_vectors(sums[1], sums[2]);
    } else {
      copy_vectors(sums[0], sums[2]);
    }
  }
}

/* Lines of 3 x 3 windows of few channels, several places in a vector: with stride 1 a line is one
   run of bytes, of which tap j reads what lies j places further. */
INLINE void flat_line_3x3(const ik_window *w, const uint8_t *source, uint8_t *target,
                          const channel_block *block, __m256i weights[3][COLUMN_VECTORS]) {
  const ptrdiff_t bytes = w->width * w->channels;
  for (ptrdiff_t i = 0; i < bytes; i += 32) {
    __m256i sums[4], column[COLUMN_VECTORS];
    copy_vectors(sums, block->bias);
#pragma clang loop unroll(full)
    for (int j = 0; j < 3; j++) {
      load_column(source + i + j * w->column_pitch, w->row_pitch, 3, column);
      add_taps(sums, column, weights[j]);
    }
    store_bytes(target + i, four_quantized(sums, block->multipliers, &block->range), bytes - i);
  }
}

/* All that belongs to a channel, repeated for the places of a vector. */
static void flat_depthwise(const ik_depthwise *d, ptrdiff_t first_row, ptrdiff_t last_row) {
  const ik_window *w = &d->window;
  int32_t bias[32];
  float multipliers[32];
  int8_t taps[9][32];
  for (ptrdiff_t i = 0; i < 32; i++) {
    bias[i] = d->bias[i % w->channels];
    multipliers[i] = d->multipliers[i % w->channels];
    for (ptrdiff_t t = 0; t < 9; t++) {
      taps[t][i] = d->weights[t * d->weight_pitch + i % w->channels];
    }
  }
  const ik_depthwise repeated = {.window = {.kernel_rows = 3, .kernel_columns = 3, .channels = 32},
                                 .weights = taps[0], .weight_pitch = 32, .bias = bias,
                                 .multipliers = multipliers, .zero = d->zero, .low = d->low,
                                 .high = d->high};
  const channel_block block = block_at(&repeated, 0);
  __m256i weights[3][COLUMN_VECTORS];
  for (int j = 0; j < 3; j++) weights_of(&repeated, 0, 0, j, weights[j]);
  for (ptrdiff_t y = first_row; y < last_row; y++) {
    flat_line_3x3(w, w->source + y * w->stride_rows * w->row_pitch,
                  w->target + y * w->target_row_pitch, &block, weights);
  }
}

static void line_of_any_kernel(const ik_depthwise *d, const uint8_t *source, uint8_t *target,
                               const channel_block *block, ptrdiff_t channel) {
  const ik_window *w = &d->window;
  const ptrdiff_t pitch = w->dilation_rows * w->row_pitch;
  for (ptrdiff_t x = 0; x < w->width; x++) {
    __m256i sums[4], column[COLUMN_VECTORS], weights[COLUMN_VECTORS];
    copy_vectors(sums, block->bias);
    for (ptrdiff_t i = 0; i < w->kernel_rows; i += 4) {
      ptrdiff_t rows = w->kernel_rows - i < 4 ? w->kernel_rows - i : 4;
      for (ptrdiff_t j = 0; j < w->kernel_columns; j++) {
        weights_of(d, channel, i, j, weights);
        load_column(source + i * pitch + j * w->dilation_columns * w->column_pitch, pitch, rows,
                    column);
        add_taps(sums, column, weights);
      }
    }
    store_block(target, sums, block);
    source += w->stride_columns * w->column_pitch;
    target += w->target_column_pitch;
  }
}

static void depthwise(const ik_depthwise *d, ptrdiff_t first_row, ptrdiff_t last_row) {
  const ik_window *w = &d->window;
  const int is_3x3 = w->kernel_rows == 3 && w->kernel_columns == 3 && w->dilation_rows == 1 &&
                     w->dilation_columns == 1 && w->stride_columns <= 2;
  if (is_3x3 && w->stride_columns == 1 && w->channels < 32 && 32 % w->channels == 0 &&
      w->column_pitch == w->channels && w->target_column_pitch == w->channels) {
    flat_depthwise(d, first_row, last_row);
    return;
  }
  for (ptrdiff_t channel = 0; channel < w->channels; channel += 32) {
    const channel_block block = block_at(d, channel);
    __m256i weights[3][COLUMN_VECTORS];
    for (int j = 0; is_3x3 && j < 3; j++) weights_of(d, channel, 0, j, weights[j]);
    for (ptrdiff_t y = first_row; y < last_row; y++) {
      const uint8_t *source = w->source + y * w->stride_rows * w->row_pitch + channel;
      uint8_t *target = w->target + y * w->target_row_pitch + channel;
      if (!is_3x3) {
        line_of_any_kernel(d, source, target, &block, channel);
      } else if (w->stride_columns == 1) {
        line_3x3(w, source, target, &block, weights, 1);
      } else {
        line_3x3(w, source, target, &block, weights, 2);
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
      for (ptrdiff_t c = 0; c < w->channels; c += 32) {
        __m256i most = _mm256_setzero_si256();
        for (ptrdiff_t i = 0; i < w->kernel_rows; i++) {
          const uint8_t *line = source + i * w->dilation_rows * w->row_pitch + c;
          for (ptrdiff_t j = 0; j < w->kernel_columns; j++) {
            const uint8_t *tap = line + j * w->dilation_columns * w->column_pitch;
            most = _mm256_max_epu8(most, _mm256_loadu_si256((const __m256i *)tap));
          }
        }
        store_bytes(target + c, most, w->channels - c);
      }
    }
  }
}
