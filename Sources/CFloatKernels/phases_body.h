/* Splits a padded plane into stride phases, so that every tap of a window reads consecutive
   floats whatever the stride. */

INLINE ptrdiff_t ceil_div(ptrdiff_t a, ptrdiff_t b) {
  if (b == 1) return a;
  return a >= 0 ? (a + b - 1) / b : -(-a / b);
}

INLINE void fill_with(float *p, ptrdiff_t count, float value) {
  for (ptrdiff_t i = 0; i < count; i++) p[i] = value;
}

/* The positions e of a phase with 0 <= e * stride + phase - pad < input are [first, last). */
INLINE void phase_range(const fk_phases *g, int axis, ptrdiff_t phase, ptrdiff_t *first,
                        ptrdiff_t *last) {
  ptrdiff_t stride = g->stride[axis], lead = g->pad[axis] - phase;
  ptrdiff_t low = ceil_div(lead, stride), high = ceil_div(g->input[axis] + lead, stride);
  if (low < 0) low = 0;
  if (high > g->extent[axis]) high = g->extent[axis];
  if (low > g->extent[axis]) low = g->extent[axis];
  *first = low;
  *last = high < low ? low : high;
}

typedef float half_vec __attribute__((ext_vector_type(FK_LANES / 2)));
typedef float uhalf_vec __attribute__((ext_vector_type(FK_LANES / 2), aligned(4), may_alias));

/* Every `stride`-th float of `source`. */
INLINE void split_line(float *target, const float *source, ptrdiff_t count,
                       const ptrdiff_t stride) {
  const ptrdiff_t half = FK_LANES / 2;
  ptrdiff_t i = 0;
  if (stride == 1) {
    for (; i + FK_LANES <= count; i += FK_LANES) store(target + i, load(source + i));
    if (i < count) store_part(target + i, load_part(source + i, count - i), count - i);
  } else if (stride == 2) {
    for (; i + half < count; i += half) {
      *(uhalf_vec *)(target + i) = (half_vec)load(source + 2 * i).even;
    }
    vec rest = (vec)0.0f;
    rest.lo = load_part(source + 2 * i, 2 * (count - i) - 1).even;
    store_part(target + i, rest, count - i);
  } else {
    for (; i < count; i++) target[i] = source[i * stride];
  }
}

/* Lines of `width` floats: `low` of `fill`, `count` of the source, the rest of `fill`. */
INLINE void split_lines(float *target, ptrdiff_t lines, ptrdiff_t width, ptrdiff_t low,
                        ptrdiff_t count, float fill, const float *source, ptrdiff_t pitch,
                        const ptrdiff_t stride) {
  for (ptrdiff_t h = 0; h < lines; h++, target += width, source += pitch) {
#pragma clang loop vectorize(disable) unroll(disable)
    for (ptrdiff_t i = 0; i < low; i++) target[i] = fill;
    split_line(target + low, source, count, stride);
#pragma clang loop vectorize(disable) unroll(disable)
    for (ptrdiff_t i = low + count; i < width; i++) target[i] = fill;
  }
}

static void split_phases(const fk_phases *g, const float *plane, float *out) {
  ptrdiff_t area = g->extent[1] * g->extent[2], width = g->extent[2];
  for (ptrdiff_t pd = 0; pd < g->phases[0]; pd++) {
    for (ptrdiff_t ph = 0; ph < g->phases[1]; ph++) {
      for (ptrdiff_t pw = 0; pw < g->phases[2]; pw++) {
        ptrdiff_t d0, d1, h0, h1, w0, w1;
        phase_range(g, 0, pd, &d0, &d1);
        phase_range(g, 1, ph, &h0, &h1);
        phase_range(g, 2, pw, &w0, &w1);
        for (ptrdiff_t d = 0; d < g->extent[0]; d++, out += area) {
          if (d < d0 || d >= d1 || w0 == w1) {
            fill_with(out, area, g->fill);
            continue;
          }
          ptrdiff_t z = d * g->stride[0] + pd - g->pad[0];
          fill_with(out, h0 * width, g->fill);
          ptrdiff_t y = h0 * g->stride[1] + ph - g->pad[1], stride = g->stride[2];
          const float *source =
              plane + (z * g->input[1] + y) * g->input[2] + w0 * stride + pw - g->pad[2];
          ptrdiff_t pitch = g->stride[1] * g->input[2], lines = h1 - h0, count = w1 - w0;
          float *target = out + h0 * width;
          if (stride == 1) {
            split_lines(target, lines, width, w0, count, g->fill, source, pitch, 1);
          } else if (stride == 2) {
            split_lines(target, lines, width, w0, count, g->fill, source, pitch, 2);
          } else {
            split_lines(target, lines, width, w0, count, g->fill, source, pitch, stride);
          }
          fill_with(out + h1 * width, (g->extent[1] - h1) * width, g->fill);
        }
      }
    }
  }
}
