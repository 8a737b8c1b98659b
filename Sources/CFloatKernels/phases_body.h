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

/* Every `stride`-th float of `source`. Up to `readable` floats of it may be read, up to `writable`
   of `target` written. */
INLINE void split_line(float *target, const float *source, ptrdiff_t count, ptrdiff_t stride,
                       ptrdiff_t readable, ptrdiff_t writable) {
  ptrdiff_t i = 0;
  if (stride == 1) {
    for (; i < count && i + FK_LANES <= readable && i + FK_LANES <= writable; i += FK_LANES) {
      store(target + i, load(source + i));
    }
  } else if (stride == 2) {
    const ptrdiff_t step = FK_LANES / 2;
    for (; i < count && 2 * (i + step) <= readable && i + step <= writable; i += step) {
      *(uhalf_vec *)(target + i) = (half_vec)load(source + 2 * i).even;
    }
  }
  for (; i < count; i++) target[i] = source[i * stride];
}

/* Lines are written in order, so that one may overrun: what follows rewrites what it spoils. */
static void split_phases(const fk_phases *g, const float *plane, float *out) {
  ptrdiff_t area = g->extent[1] * g->extent[2], width = g->extent[2];
  const float *plane_end = plane + g->input[0] * g->input[1] * g->input[2];
  const float *out_end = out + g->phases[0] * g->phases[1] * g->phases[2] * g->extent[0] * area;
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
          for (ptrdiff_t h = h0; h < h1; h++) {
            ptrdiff_t y = h * g->stride[1] + ph - g->pad[1];
            const float *line = plane + (z * g->input[1] + y) * g->input[2] +
                                w0 * g->stride[2] + pw - g->pad[2];
            float *target = out + h * width;
            fill_with(target, w0, g->fill);
            split_line(target + w0, line, w1 - w0, g->stride[2], plane_end - line,
                       out_end - target - w0);
            fill_with(target + w1, width - w1, g->fill);
          }
          fill_with(out + h1 * width, (g->extent[1] - h1) * width, g->fill);
        }
      }
    }
  }
}
