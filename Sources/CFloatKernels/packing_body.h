/* Copies a panel of columns so that a tile reads it from end to end. */

INLINE ptrdiff_t column_offset(const fk_columns *c, ptrdiff_t column) {
  ptrdiff_t line = column / c->width;
  return line / c->height * c->plane_pitch + line % c->height * c->row_pitch +
         column % c->width;
}

/* A vector of the packed panel. Where `lanes` is less than FK_LANES, only those may be read. */
typedef struct {
  ptrdiff_t source, target, lanes;
} panel_move;

typedef struct {
  panel_move moves[FK_VECTORS * FK_LANES];
  ptrdiff_t count;
  int partial; /* whether any move is of less than a vector */
} panel_moves;

/* Columns that lie one after another in memory are moved a vector at a time. A vector may overrun
   its columns: the next one, or the next row of the panel, rewrites what it spoils. */
static panel_moves plan_moves(const fk_columns *c, const fk_panel *panel) {
  panel_moves plan = {.count = 0};
  ptrdiff_t present = (panel->vectors - 1) * FK_LANES + panel->lanes_in_last;
  for (ptrdiff_t done = 0; done < present;) {
    ptrdiff_t column = panel->first_column + done;
    ptrdiff_t run = c->width - column % c->width;
    if (run > present - done) run = present - done;
    for (ptrdiff_t i = 0; i < run; i += FK_LANES) {
      ptrdiff_t lanes = c->padded || run - i >= FK_LANES ? FK_LANES : run - i;
      plan.partial |= lanes < FK_LANES;
      plan.moves[plan.count++] = (panel_move){column_offset(c, column) + i, done + i, lanes};
    }
    done += run;
  }
  return plan;
}

INLINE void pack_rows(const fk_columns *c, const panel_moves *plan, ptrdiff_t count,
                      const ptrdiff_t *offsets, ptrdiff_t depth, ptrdiff_t width, float *packed) {
  for (ptrdiff_t k = 0; k < depth; k++, packed += width) {
    const float *row = c->base + offsets[k];
#pragma clang loop unroll(full)
    for (ptrdiff_t m = 0; m < count; m++) {
      store(packed + plan->moves[m].target, load(row + plan->moves[m].source));
    }
  }
}

static void pack_panel(const fk_columns *c, const fk_panel *panel, const ptrdiff_t *offsets,
                       ptrdiff_t depth, float *packed) {
  panel_moves plan = plan_moves(c, panel);
  ptrdiff_t width = panel->vectors * FK_LANES;
  if (plan.partial) {
    for (ptrdiff_t k = 0; k < depth; k++, packed += width) {
      const float *row = c->base + offsets[k];
      for (ptrdiff_t m = 0; m < plan.count; m++) {
        panel_move move = plan.moves[m];
        store(packed + move.target, load_part(row + move.source, move.lanes));
      }
    }
    return;
  }
  switch (plan.count) {
  case 1: pack_rows(c, &plan, 1, offsets, depth, width, packed); break;
  case 2: pack_rows(c, &plan, 2, offsets, depth, width, packed); break;
  case 3: pack_rows(c, &plan, 3, offsets, depth, width, packed); break;
  case 4: pack_rows(c, &plan, 4, offsets, depth, width, packed); break;
  case 5: pack_rows(c, &plan, 5, offsets, depth, width, packed); break;
  default: pack_rows(c, &plan, plan.count, offsets, depth, width, packed);
  }
}

/* The `count` single columns at `columns`, row by row. */
static void pack_tail(const float *const *columns, ptrdiff_t count, const ptrdiff_t *offsets,
                      ptrdiff_t depth, float *packed) {
  for (ptrdiff_t k = 0; k < depth; k++) {
    for (ptrdiff_t t = 0; t < count; t++) *packed++ = columns[t][offsets[k]];
  }
}

#if FK_ROWS == 8
#define FK_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define FK_HIGH(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define FK_FRONT(a, b) __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define FK_BACK(a, b) __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15)

/* Turns FK_ROWS vectors along the depth into as many along the rows. */
INLINE void turn(rvec *x) {
  rvec a[8], b[8];
  for (int i = 0; i < 8; i += 2) {
    a[i] = FK_LOW(x[i], x[i + 1]);
    a[i + 1] = FK_HIGH(x[i], x[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    b[i] = FK_FRONT(a[i], a[i + 2]);
    b[i + 1] = FK_BACK(a[i], a[i + 2]);
    b[i + 2] = FK_FRONT(a[i + 1], a[i + 3]);
    b[i + 3] = FK_BACK(a[i + 1], a[i + 3]);
  }
  for (int i = 0; i < 4; i++) {
    x[i] = __builtin_shufflevector(b[i], b[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    x[i + 4] = __builtin_shufflevector(b[i], b[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}
#else
INLINE void turn(rvec *x) {
  rvec a = __builtin_shufflevector(x[0], x[1], 0, 4, 1, 5);
  rvec b = __builtin_shufflevector(x[0], x[1], 2, 6, 3, 7);
  rvec c = __builtin_shufflevector(x[2], x[3], 0, 4, 1, 5);
  rvec d = __builtin_shufflevector(x[2], x[3], 2, 6, 3, 7);
  x[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5);
  x[1] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
  x[2] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
  x[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
}
#endif

/* A block of FK_ROWS rows whose elements follow each other along the depth. */
static void pack_block(float *packed, const float *matrix, ptrdiff_t depth, ptrdiff_t row_stride) {
  ptrdiff_t d = 0;
  for (; d + FK_ROWS <= depth; d += FK_ROWS) {
    rvec x[FK_ROWS];
    for (int r = 0; r < FK_ROWS; r++) x[r] = *(const urvec *)(matrix + r * row_stride + d);
    turn(x);
    for (int k = 0; k < FK_ROWS; k++) *(urvec *)(packed + (d + k) * FK_ROWS) = x[k];
  }
  for (; d < depth; d++) {
    for (int r = 0; r < FK_ROWS; r++) packed[d * FK_ROWS + r] = matrix[r * row_stride + d];
  }
}

INLINE void transpose_part(const float *source, ptrdiff_t source_pitch, ptrdiff_t rows,
                           ptrdiff_t columns, float *target, ptrdiff_t target_pitch) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    for (ptrdiff_t c = 0; c < columns; c++) {
      memcpy(target + c * target_pitch + r, source + r * source_pitch + c, sizeof(float));
    }
  }
}

static void transpose(const float *source, ptrdiff_t source_pitch, ptrdiff_t rows,
                      ptrdiff_t columns, float *target, ptrdiff_t target_pitch) {
  const ptrdiff_t whole = columns / FK_ROWS * FK_ROWS;
  ptrdiff_t r = 0;
  for (; r + FK_ROWS <= rows; r += FK_ROWS, source += FK_ROWS * source_pitch, target += FK_ROWS) {
    for (ptrdiff_t c = 0; c < whole; c += FK_ROWS) {
      rvec x[FK_ROWS];
      for (int i = 0; i < FK_ROWS; i++) x[i] = *(const urvec *)(source + i * source_pitch + c);
      turn(x);
      for (int i = 0; i < FK_ROWS; i++) *(urvec *)(target + (c + i) * target_pitch) = x[i];
    }
    transpose_part(source + whole, source_pitch, FK_ROWS, columns - whole,
                   target + whole * target_pitch, target_pitch);
  }
  transpose_part(source, source_pitch, rows - r, columns, target, target_pitch);
}
