/* A row alone, over a whole panel of columns. */

INLINE void byte_row(const ik_blocked *p, ptrdiff_t row, const blocked_panel *panel,
                     const int bits) {
  const uint8_t *x = (const uint8_t *)p->rows + row * p->row_pitch, *step = panel->weights;
  const float *scales = panel->scales;
  const uint8_t zeros[4] = {p->zero, p->zero, p->zero, p->zero};
  floats y[VECTORS];
  UNROLL
  for (int v = 0; v < VECTORS; v++) y[v] = no_floats();
  for (ptrdiff_t first = 0; first < p->depth; first += p->block) {
    const ptrdiff_t last = first + depth_of_block(p->depth, p->block, first);
    vector sums[VECTORS], excess[VECTORS];
    UNROLL
    for (int v = 0; v < VECTORS; v++) sums[v] = excess[v] = no_sums();
    for (ptrdiff_t k = first; k < last; k += 4) {
      UNROLL
      for (int v = 0; v < VECTORS; v++) {
        const step_vector w = step_of(step, v, VECTORS, bits);
        sums[v] = dot(sums[v], x + k, w, bits);
        excess[v] = dot(excess[v], zeros, w, bits);
      }
      step += PANEL / 2 * bits;
    }
    UNROLL
    for (int v = 0; v < VECTORS; v++) {
      y[v] = scaled(minus(sums[v], excess[v]), sum_scales(scales, bits), y[v]);
      scales += LANES;
    }
  }
  finish_row(p, row, panel->column, y, VECTORS);
}

INLINE void float_row(const ik_blocked *p, ptrdiff_t row, const blocked_panel *panel,
                      const int bits) {
  const float *x = (const float *)p->rows + row * p->row_pitch, *scales = panel->scales;
  const uint8_t *step = panel->weights;
  floats y[VECTORS];
  UNROLL
  for (int v = 0; v < VECTORS; v++) y[v] = no_floats();
  for (ptrdiff_t first = 0; first < p->depth; first += p->block) {
    const ptrdiff_t last = first + depth_of_block(p->depth, p->block, first);
    floats sums[1][VECTORS];
    UNROLL
    for (int v = 0; v < VECTORS; v++) sums[0][v] = no_floats();
    for (ptrdiff_t k = first; k < last; k += 4) {
      const float *four = x + k;
      step_vector w[VECTORS];
      UNROLL
      for (int v = 0; v < VECTORS; v++) w[v] = step_of(step, v, VECTORS, bits);
      step += PANEL / 2 * bits;
      if (last - k >= 4) {
        multiply_floats(sums, &four, w, 1, VECTORS, bits, 4);
      } else {
        multiply_floats(sums, &four, w, 1, VECTORS, bits, last - k);
      }
    }
    UNROLL
    for (int v = 0; v < VECTORS; v++) {
      y[v] = fused(sums[0][v], load_floats(scales), y[v]);
      scales += LANES;
    }
  }
  finish_row(p, row, panel->column, y, VECTORS);
}

static void multiply_row(const ik_blocked *p, ptrdiff_t row, const blocked_panel *panel,
                         int is_float) {
  switch (p->bits * 2 + is_float) {
#define CASES(bits)                                                  \
  case bits * 2: byte_row(p, row, panel, bits); break;               \
  case bits * 2 + 1: float_row(p, row, panel, bits); break;
    CASES(2) CASES(3) CASES(4) CASES(5) CASES(6) CASES(7) CASES(8)
#undef CASES
  }
}
