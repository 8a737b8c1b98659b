/* One row or two, over one whole panel of columns or a strip of them: so many that the sums of a
   step need not wait for those of the last. */

/* Panels side by side, from one on. */
typedef struct {
  const uint8_t *steps;
  const float *scales;
  ptrdiff_t panel_bytes, panel_scales; /* from panel to panel */
} blocked_strip;

INLINE blocked_strip strip_of(const ik_blocked *p, const blocked_panel *panel) {
  return (blocked_strip){panel->weights, panel->scales,
                         (p->depth + 3) / 4 * ik_step_bytes(PANEL, p->bits),
                         ik_block_count(p->depth, p->block) * PANEL};
}

INLINE void finish_strip(const ik_blocked *p, ptrdiff_t row, const blocked_panel *panel,
                         floats (*y)[STRIP * VECTORS], const int rows, const int panels) {
  UNROLL
  for (int r = 0; r < rows; r++) {
    UNROLL
    for (int i = 0; i < panels; i++) {
      finish_row(p, row + r, panel->column + i * PANEL, y[r] + i * VECTORS, VECTORS);
    }
  }
}

INLINE void byte_rows(const ik_blocked *p, ptrdiff_t row, const blocked_panel *panel,
                      const int rows, const int panels, const int bits) {
  const uint8_t *x = (const uint8_t *)p->rows + row * p->row_pitch;
  const uint8_t zeros[4] = {p->zero, p->zero, p->zero, p->zero};
  blocked_strip strip = strip_of(p, panel);
  const int vectors = panels * VECTORS;
  floats y[2][STRIP * VECTORS];
  UNROLL
  for (int v = 0; v < vectors; v++) y[0][v] = y[1][v] = no_floats();
  for (ptrdiff_t first = 0; first < p->depth; first += p->block) {
    const ptrdiff_t last = first + depth_of_block(p->depth, p->block, first);
    vector sums[2][STRIP * VECTORS], excess[STRIP * VECTORS];
    UNROLL
    for (int v = 0; v < vectors; v++) sums[0][v] = sums[1][v] = excess[v] = no_sums();
    for (ptrdiff_t k = first; k < last; k += 4) {
      UNROLL
      for (int v = 0; v < vectors; v++) {
        const step_vector w = packed_step(strip.steps + v / VECTORS * strip.panel_bytes,
                                          v % VECTORS, VECTORS, bits);
        UNROLL
        for (int r = 0; r < rows; r++) {
          sums[r][v] = dot(sums[r][v], x + r * p->row_pitch + k, w, bits);
        }
        excess[v] = dot(excess[v], zeros, w, bits);
      }
      strip.steps += PANEL / 2 * bits;
    }
    UNROLL
    for (int v = 0; v < vectors; v++) {
      const floats scale = sum_scales(
          strip.scales + v / VECTORS * strip.panel_scales + v % VECTORS * LANES, bits);
      UNROLL
      for (int r = 0; r < rows; r++) y[r][v] = scaled(minus(sums[r][v], excess[v]), scale, y[r][v]);
    }
    strip.scales += PANEL;
  }
  finish_strip(p, row, panel, y, rows, panels);
}

/* Adds `count` products of a step, 4 at most. */
INLINE void multiply_float_step(floats (*sums)[STRIP * VECTORS], const float *x,
                                ptrdiff_t row_pitch, const blocked_strip *strip, const int rows,
                                const int vectors, const int bits, ptrdiff_t count) {
  step_vector w[STRIP * VECTORS];
  UNROLL
  for (int v = 0; v < vectors; v++) {
    w[v] = packed_step(strip->steps + v / VECTORS * strip->panel_bytes, v % VECTORS, VECTORS,
                       bits);
  }
  UNROLL
  for (int k = 0; k < 4; k++) {
    if (k >= count) break;
    UNROLL
    for (int v = 0; v < vectors; v++) {
      const floats weights = float_weights(w[v], k, bits);
      UNROLL
      for (int r = 0; r < rows; r++) {
        sums[r][v] = fused(repeated_float(x + r * row_pitch + k), weights, sums[r][v]);
      }
    }
  }
}

INLINE void float_rows(const ik_blocked *p, ptrdiff_t row, const blocked_panel *panel,
                       const int rows, const int panels, const int bits) {
  const float *x = (const float *)p->rows + row * p->row_pitch;
  blocked_strip strip = strip_of(p, panel);
  const int vectors = panels * VECTORS;
  floats y[2][STRIP * VECTORS];
  UNROLL
  for (int v = 0; v < vectors; v++) y[0][v] = y[1][v] = no_floats();
  for (ptrdiff_t first = 0; first < p->depth; first += p->block) {
    const ptrdiff_t last = first + depth_of_block(p->depth, p->block, first);
    floats sums[2][STRIP * VECTORS];
    UNROLL
    for (int v = 0; v < vectors; v++) sums[0][v] = sums[1][v] = no_floats();
    ptrdiff_t k = first;
    for (; k + 4 <= last; k += 4) {
      multiply_float_step(sums, x + k, p->row_pitch, &strip, rows, vectors, bits, 4);
      strip.steps += PANEL / 2 * bits;
    }
    if (k < last) {
      multiply_float_step(sums, x + k, p->row_pitch, &strip, rows, vectors, bits, last - k);
    }
    UNROLL
    for (int v = 0; v < vectors; v++) {
      const floats scale = load_floats(strip.scales + v / VECTORS * strip.panel_scales +
                                       v % VECTORS * LANES);
      UNROLL
      for (int r = 0; r < rows; r++) y[r][v] = fused(sums[r][v], scale, y[r][v]);
    }
    strip.scales += PANEL;
  }
  finish_strip(p, row, panel, y, rows, panels);
}

/* `rows` of 1 or 2, and `panels` of 1 or STRIP. */
static void multiply_strip(const ik_blocked *p, ptrdiff_t row, int rows,
                           const blocked_panel *panel, int panels, int is_float) {
#define CHOICES(function, bits, few)                                      \
  if (panels == STRIP) {                                                  \
    if (rows == 1) function(p, row, panel, 1, STRIP, bits);               \
    if (rows == 2 && few > 1) function(p, row, panel, 2, STRIP, bits);    \
  } else {                                                                \
    if (rows == 1) function(p, row, panel, 1, 1, bits);                   \
    if (rows == 2 && few > 1) function(p, row, panel, 2, 1, bits);        \
  }                                                                       \
  break;
#define CASES(bits)                                                \
  case bits * 2: CHOICES(byte_rows, bits, FEW_BYTE_ROWS)           \
  case bits * 2 + 1: CHOICES(float_rows, bits, FEW_FLOAT_ROWS)
  switch (p->bits * 2 + is_float) {
    CASES(2) CASES(3) CASES(4) CASES(5) CASES(6) CASES(7) CASES(8)
  }
#undef CASES
#undef CHOICES
}
