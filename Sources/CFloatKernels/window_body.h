/* Sliding windows over one plane, vectors along the width. */

INLINE vec window_step(vec sum, const float *p, const fk_window *w, ptrdiff_t t, const int is_max) {
  vec x = load(p + w->offsets[t]);
  return is_max ? choose((sum >= x) | (sum != sum), sum, x) : (vec)w->weights[t] * x + sum;
}

/* `vectors` vectors of results from `source` on. */
INLINE void window_run(const fk_window *w, const float *source, float *target, const int vectors,
                       const int is_max) {
  vec sums[4];
  for (int v = 0; v < vectors; v++) {
    sums[v] = is_max ? load(source + v * FK_LANES + w->offsets[0]) : (vec)w->bias;
  }
  for (ptrdiff_t t = is_max; t < w->taps; t++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      sums[v] = window_step(sums[v], source + v * FK_LANES, w, t, is_max);
    }
  }
  for (int v = 0; v < vectors; v++) {
    store(target + v * FK_LANES, clamp(sums[v], (vec)w->low, (vec)w->high));
  }
}

INLINE void window_line(const fk_window *w, const float *source, float *target, ptrdiff_t count,
                        const int is_max) {
  ptrdiff_t i = 0;
  for (; i + 4 * FK_LANES <= count; i += 4 * FK_LANES) {
    window_run(w, source + i, target + i, 4, is_max);
  }
  for (; i + 2 * FK_LANES <= count; i += 2 * FK_LANES) {
    window_run(w, source + i, target + i, 2, is_max);
  }
  for (; i < count; i += FK_LANES) window_run(w, source + i, target + i, 1, is_max);
}

/* Computes on the pitch of the source, garbage between lines included, then takes the lines. */
INLINE void window_plane(const fk_window *w, const float *source, float *target,
                         const int is_max) {
  ptrdiff_t span = (w->height - 1) * w->row_pitch + w->width;
  window_line(w, source, w->scratch, span, is_max);
  for (ptrdiff_t h = 0; h < w->height; h++) {
    memcpy(target + h * w->width, w->scratch + h * w->row_pitch, (size_t)w->width * 4);
  }
}

INLINE void window(const fk_window *w, const int is_max) {
  for (ptrdiff_t d = 0; d < w->depth; d++) {
    const float *source = w->source + d * w->plane_pitch;
    float *target = w->output + d * w->height * w->width;
    if (w->width % FK_LANES) {
      window_plane(w, source, target, is_max);
    } else {
      for (ptrdiff_t h = 0; h < w->height; h++) {
        window_line(w, source + h * w->row_pitch, target + h * w->width, w->width, is_max);
      }
    }
  }
}

static void window_sum(const fk_window *w) { window(w, 0); }
static void window_max(const fk_window *w) { window(w, 1); }
