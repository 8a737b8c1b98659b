/* Sliding windows over one plane, vectors along the width. */

typedef struct {
  ptrdiff_t count;
  const ptrdiff_t *offsets;
  const float *weights;
} window_taps;

INLINE vec window_step(vec sum, const float *p, const window_taps *taps, ptrdiff_t t,
                       const int is_max) {
  vec x = load(p + taps->offsets[t]);
  return is_max ? choose((sum >= x) | (sum != sum), sum, x) : (vec)taps->weights[t] * x + sum;
}

/* `vectors` vectors of results, `source_step` and `target_step` apart, of which `lanes` exist in
   the last. */
INLINE void window_run(const fk_window *w, const float *source, ptrdiff_t source_step,
                       float *target, ptrdiff_t target_step, const int vectors,
                       const window_taps *taps, ptrdiff_t lanes, const int is_max) {
  vec sums[4];
  for (int v = 0; v < vectors; v++) {
    sums[v] = is_max ? load(source + v * source_step + taps->offsets[0]) : (vec)w->bias;
  }
  for (ptrdiff_t t = is_max; t < taps->count; t++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      sums[v] = window_step(sums[v], source + v * source_step, taps, t, is_max);
    }
  }
  for (int v = 0; v < vectors; v++) {
    vec y = clamp(sums[v], (vec)w->low, (vec)w->high);
    if (v == vectors - 1 && lanes < FK_LANES) {
      store_part(target + v * target_step, y, lanes);
    } else {
      store(target + v * target_step, y);
    }
  }
}

/* One line of results. Up to `room` floats may be written from `target` on. */
INLINE void window_line(const fk_window *w, const float *source, float *target, ptrdiff_t room,
                        const window_taps *taps, const int is_max) {
  ptrdiff_t i = 0, count = w->width;
  for (; i + 4 * FK_LANES <= count; i += 4 * FK_LANES) {
    window_run(w, source + i, FK_LANES, target + i, FK_LANES, 4, taps, FK_LANES, is_max);
  }
  for (; i + 2 * FK_LANES <= count; i += 2 * FK_LANES) {
    window_run(w, source + i, FK_LANES, target + i, FK_LANES, 2, taps, FK_LANES, is_max);
  }
  for (; i < count; i += FK_LANES) {
    ptrdiff_t lanes = room - i < FK_LANES ? count - i : FK_LANES;
    window_run(w, source + i, FK_LANES, target + i, FK_LANES, 1, taps, lanes, is_max);
  }
}

/* A line may overrun: the next one rewrites what it spoils. */
INLINE void window_lines(const fk_window *w, const window_taps *taps, const int is_max) {
  ptrdiff_t room = w->depth * w->height * w->width;
  float *target = w->output;
  for (ptrdiff_t d = 0; d < w->depth; d++) {
    const float *source = w->source + d * w->plane_pitch;
    ptrdiff_t h = 0;
    if (w->width <= FK_LANES) {
      for (; h + 4 <= w->height && room >= 3 * w->width + FK_LANES; h += 4) {
        window_run(w, source + h * w->row_pitch, w->row_pitch, target, w->width, 4, taps, FK_LANES,
                   is_max);
        target += 4 * w->width;
        room -= 4 * w->width;
      }
    }
    for (; h < w->height; h++) {
      window_line(w, source + h * w->row_pitch, target, room, taps, is_max);
      target += w->width;
      room -= w->width;
    }
  }
}

/* The most frequent window, 3 x 3, is held in registers. */
INLINE void window(const fk_window *w, const int is_max) {
  if (w->taps == 9) {
    ptrdiff_t offsets[9];
    float weights[9];
#pragma clang loop unroll(full)
    for (int t = 0; t < 9; t++) {
      offsets[t] = w->offsets[t];
      if (!is_max) weights[t] = w->weights[t];
    }
    window_taps taps = {9, offsets, weights};
    window_lines(w, &taps, is_max);
  } else {
    window_taps taps = {w->taps, w->offsets, w->weights};
    window_lines(w, &taps, is_max);
  }
}

static void window_sum(const fk_window *w) { window(w, 0); }
static void window_max(const fk_window *w) { window(w, 1); }
