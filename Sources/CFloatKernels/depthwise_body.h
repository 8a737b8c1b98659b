/* 3 x 3 windows over one plane where it lies: masks stand for the padding. Rows are loaded once and
   serve every line of results that they touch. Needs masked loads. */

/* The three shifted (at stride 2: thinned) copies of an input row that the taps of a row read. */
typedef struct {
  vec taps[3];
} tap_row;

typedef struct {
  const float *source; /* input column of lane 0 and tap 0, in row 0 */
  ptrdiff_t height, width;
  __mmask16 inside[4]; /* lanes of the loads that lie inside the row */
} row_source;

INLINE __mmask16 lanes_inside(ptrdiff_t first, ptrdiff_t width) {
  ptrdiff_t low = first < 0 ? -first : 0, high = width - first;
  if (low > 16) low = 16;
  if (high > 16) high = 16;
  if (high <= low) return 0;
  return (__mmask16)((0xffffu >> (16 - (high - low))) << low);
}

/* Column at which load `i` of a row starts, from lane 0 and tap 0. */
INLINE ptrdiff_t load_start(int i, const int stride) {
  return stride == 1 ? i : i / 2 * 2 + i % 2 * 16;
}

INLINE row_source source_at(const fk_plane *p, ptrdiff_t column, const int stride) {
  row_source source = {.height = p->height, .width = p->width};
  ptrdiff_t first = column * stride - p->pad_left;
  source.source = p->source + first;
  for (int i = 0; i < (stride == 1 ? 3 : 4); i++) {
    source.inside[i] = lanes_inside(first + load_start(i, stride), p->width);
  }
  return source;
}

INLINE tap_row load_row(const row_source *s, ptrdiff_t row, const int stride) {
  tap_row result = {{(vec)0.0f, (vec)0.0f, (vec)0.0f}};
  if (row < 0 || row >= s->height) return result;
  const float *line = s->source + row * s->width;
  __m512 loads[4];
  for (int i = 0; i < (stride == 1 ? 3 : 4); i++) {
    loads[i] = _mm512_maskz_loadu_ps(s->inside[i], line + load_start(i, stride));
  }
  if (stride == 1) {
    for (int i = 0; i < 3; i++) result.taps[i] = (vec)loads[i];
  } else {
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    result.taps[0] = (vec)_mm512_permutex2var_ps(loads[0], even, loads[1]);
    result.taps[1] = (vec)_mm512_permutex2var_ps(loads[0], odd, loads[1]);
    result.taps[2] = (vec)_mm512_permutex2var_ps(loads[2], even, loads[3]);
  }
  return result;
}

/* The taps of one row, added to nothing. */
INLINE vec weigh_row(const tap_row *row, const vec *weights) {
  vec sum = weights[0] * row->taps[0];
  sum = weights[1] * row->taps[1] + sum;
  return weights[2] * row->taps[2] + sum;
}

/* A column of results, FK_LANES wide, from top to bottom. */
INLINE void plane_column(const fk_plane *p, ptrdiff_t column, const vec *weights,
                         const int stride) {
  const row_source source = source_at(p, column, stride);
  ptrdiff_t lanes = p->output_width - column < FK_LANES ? p->output_width - column : FK_LANES;
  const __mmask16 present = (__mmask16)(0xffffu >> (16 - lanes));
  float *target = p->output + column;
  const vec low = (vec)p->low, high = (vec)p->high;
  ptrdiff_t row = -p->pad_top;
  tap_row top = load_row(&source, row, stride), middle = load_row(&source, row + 1, stride);
  for (ptrdiff_t h = 0; h < p->output_height; h++, row += stride, target += p->output_width) {
    tap_row bottom = load_row(&source, row + 2, stride);
    vec sum = weigh_row(&top, weights) + weigh_row(&middle, weights + 3);
    sum += weigh_row(&bottom, weights + 6) + (vec)p->bias;
    vec y = clamp(sum, low, high);
    _mm512_mask_storeu_ps(target, present, (__m512)y);
    if (stride == 1) {
      top = middle;
      middle = bottom;
    } else {
      top = bottom;
      middle = load_row(&source, row + 3, stride);
    }
  }
}

static void window_3x3(const fk_plane *p) {
  vec weights[9];
#pragma clang loop unroll(full)
  for (int t = 0; t < 9; t++) weights[t] = (vec)p->weights[t];
  for (ptrdiff_t column = 0; column < p->output_width; column += FK_LANES) {
    if (p->stride == 1) {
      plane_column(p, column, weights, 1);
    } else {
      plane_column(p, column, weights, 2);
    }
  }
}
