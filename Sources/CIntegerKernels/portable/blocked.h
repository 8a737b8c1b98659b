/* Products with block-wise scales. */

typedef float block_function(const ik_blocked *, ptrdiff_t row, ptrdiff_t first, ptrdiff_t last,
                             ptrdiff_t column);

static int32_t blocked_weight(const ik_blocked *p, ptrdiff_t k, ptrdiff_t column) {
  const ptrdiff_t step = column / PANEL * ((p->depth + 3) / 4) + k / 4;
  return widened(p->weights + step * ik_step_bytes(PANEL, p->bits), p->bits,
                 column % PANEL * 4 + k % 4);
}

static float sum_of_bytes(const ik_blocked *p, ptrdiff_t row, ptrdiff_t first, ptrdiff_t last,
                          ptrdiff_t column) {
  const uint8_t *x = (const uint8_t *)p->rows + row * p->row_pitch;
  int32_t sum = 0;
  for (ptrdiff_t k = first; k < last; k++) sum += (x[k] - p->zero) * blocked_weight(p, k, column);
  return (float)sum;
}

static float sum_of_floats(const ik_blocked *p, ptrdiff_t row, ptrdiff_t first, ptrdiff_t last,
                           ptrdiff_t column) {
  const float *x = (const float *)p->rows + row * p->row_pitch;
  float sum = 0;
  for (ptrdiff_t k = first; k < last; k++) {
    sum = fmaf(x[k], (float)blocked_weight(p, k, column), sum);
  }
  return sum;
}

static void blocks(const ik_blocked *p, ptrdiff_t first_row, ptrdiff_t last_row,
                   ptrdiff_t first_panel, ptrdiff_t last_panel, block_function *sum) {
  const ptrdiff_t last_column = last_panel * PANEL < p->columns ? last_panel * PANEL : p->columns;
  const ptrdiff_t count = ik_block_count(p->depth, p->block);
  for (ptrdiff_t r = first_row; r < last_row; r++) {
    for (ptrdiff_t c = first_panel * PANEL; c < last_column; c++) {
      float y = 0;
      for (ptrdiff_t b = 0; b < count; b++) {
        const ptrdiff_t first = b * p->block, left = p->depth - first;
        const ptrdiff_t last = first + (left < p->block ? left : p->block);
        const float scale = p->scales[(c / PANEL * count + b) * PANEL + c % PANEL];
        y = fmaf(sum(p, r, first, last, c), scale, y);
      }
      p->result[r * p->result_pitch + c] = y + p->offsets[c];
    }
  }
}

static void blocked(const ik_blocked *p, ptrdiff_t first_row, ptrdiff_t last_row,
                    ptrdiff_t first_panel, ptrdiff_t last_panel) {
  blocks(p, first_row, last_row, first_panel, last_panel, sum_of_bytes);
}

static void float_blocked(const ik_blocked *p, ptrdiff_t first_row, ptrdiff_t last_row,
                          ptrdiff_t first_panel, ptrdiff_t last_panel) {
  blocks(p, first_row, last_row, first_panel, last_panel, sum_of_floats);
}
