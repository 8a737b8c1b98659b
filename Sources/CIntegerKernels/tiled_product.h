/* Products by register tiles: rows by vectors of columns. A stretch of the depth is widened once
   for a group of rows, whose sums wait in memory meanwhile: registers hold either the sums of a tile
   or what widening needs.

   What a set defines before it includes this:
     PANEL, LANES, VECTOR_BYTES (of a step), MOST_ROWS (4 at least), vector (of sums)
     ALL_KINDS, KINDS, kind_of, first_choice
                     kinds of widths that tiles differ by, and the choice of rows for a width
     widen           weights of less than 8 bits as bytes
     multiply_steps  adds the products of steps along a run to the sums of a tile
     range_of, completed, store_floats, store_quantized
                     results of the sums of a row */

#define GROUP_ROWS 48
#define STRETCH_STEPS 64
/* Rows of tiles to choose from, the tallest first. */
#define TILE_CHOICES 4
#define TILE_ROWS(choice) ((choice) == 0 ? MOST_ROWS : 8 >> (choice))

typedef struct {
  const uint8_t *rows[GROUP_ROWS];
  ptrdiff_t targets[GROUP_ROWS]; /* in elements */
} group_places;

typedef struct {
  const ik_rows *rows;
  ptrdiff_t first_step, steps;
  const uint8_t *weights; /* of these steps, as bytes */
} stretch;

INLINE void tile(const stretch *at, const uint8_t *const *row_bases, vector (*group_sums)[2],
                 const int rows, const int vectors, const int kind) {
  vector sums[MOST_ROWS][2];
  UNROLL
  for (int r = 0; r < rows; r++) {
    UNROLL
    for (int v = 0; v < vectors; v++) sums[r][v] = group_sums[r][v];
  }
  const ptrdiff_t run_steps = (at->rows->run_bytes + 3) / 4;
  const ptrdiff_t *run = at->rows->runs + at->first_step / run_steps;
  const uint8_t *weights = at->weights;
  ptrdiff_t step = at->first_step % run_steps;
  for (ptrdiff_t left = at->steps; left > 0; step = 0) {
    const ptrdiff_t steps = run_steps - step < left ? run_steps - step : left;
    const uint8_t *sources[MOST_ROWS];
    UNROLL
    for (int r = 0; r < rows; r++) sources[r] = row_bases[r] + *run + step * 4;
    multiply_steps(sums, sources, steps, weights, rows, vectors, kind);
    weights += steps * vectors * VECTOR_BYTES;
    left -= steps;
    run++;
  }
  UNROLL
  for (int r = 0; r < rows; r++) {
    UNROLL
    for (int v = 0; v < vectors; v++) group_sums[r][v] = sums[r][v];
  }
}

typedef void tile_function(const stretch *, const uint8_t *const *row_bases,
                           vector (*group_sums)[2]);

#define TILE(choice, vectors, kind)                                                      \
  static void tile_##choice##_##vectors##_##kind(                                         \
      const stretch *at, const uint8_t *const *row_bases, vector (*group_sums)[2]) {      \
    tile(at, row_bases, group_sums, TILE_ROWS(choice), vectors, kind);                    \
  }
#define TILES(kind)                                                    \
  TILE(0, 1, kind) TILE(1, 1, kind) TILE(2, 1, kind) TILE(3, 1, kind)  \
  TILE(0, 2, kind) TILE(1, 2, kind) TILE(2, 2, kind) TILE(3, 2, kind)
#define NAMES(kind)                                                       \
  {{tile_0_1_##kind, tile_1_1_##kind, tile_2_1_##kind, tile_3_1_##kind},  \
   {tile_0_2_##kind, tile_1_2_##kind, tile_2_2_##kind, tile_3_2_##kind}},
ALL_KINDS(TILES)
static tile_function *const tiles[KINDS][2][TILE_CHOICES] = {ALL_KINDS(NAMES)};

INLINE void store_group(const ik_product *p, const group_places *places, ptrdiff_t column,
                        vector (*sums)[2], int rows, const int vectors) {
  const ptrdiff_t count = p->columns - column;
  const result_range range = range_of(p->zero, p->low, p->high);
  for (int r = 0; r < rows; r++) {
    vector whole[2];
    for (int v = 0; v < vectors; v++) {
      whole[v] = completed(sums[r][v], p->bias + column + v * LANES, p->bits);
    }
    const ptrdiff_t target = places->targets[r] + column;
    if (p->is_float) {
      store_floats((float *)p->places.base + target, whole, vectors, count,
                   p->multipliers + column, p->offsets + column);
    } else {
      store_quantized((uint8_t *)p->places.base + target, whole, vectors, count,
                      p->multipliers + column, &range);
    }
  }
}

static void multiply_group(const ik_product *p, const group_places *places, int rows,
                           ptrdiff_t column, const uint8_t *weights, int vectors) {
  vector sums[GROUP_ROWS][2];
  uint8_t widened_weights[STRETCH_STEPS * 4 * PANEL];
  memset(sums, 0, (size_t)rows * sizeof(sums[0]));
  const ptrdiff_t depth = p->rows.run_count * ((p->rows.run_bytes + 3) / 4);
  stretch at = {&p->rows, 0, p->bits == 8 ? depth : STRETCH_STEPS, weights};
  for (; at.first_step < depth; at.first_step += at.steps) {
    if (at.steps > depth - at.first_step) at.steps = depth - at.first_step;
    if (p->bits < 8) {
      widen(weights, at.steps, vectors, p->bits, widened_weights);
      weights += at.steps * ik_step_bytes(vectors * LANES, p->bits);
      at.weights = widened_weights;
    }
    int choice = first_choice(p->bits);
    for (int row = 0; row < rows; row += TILE_ROWS(choice)) {
      while (TILE_ROWS(choice) > rows - row) choice++;
      tiles[kind_of(p->bits)][vectors - 1][choice](&at, places->rows + row, sums + row);
    }
  }
  if (vectors == 1) {
    store_group(p, places, column, sums, rows, 1);
  } else {
    store_group(p, places, column, sums, rows, 2);
  }
}

static void product(const ik_product *p, ptrdiff_t first_row, ptrdiff_t last_row,
                    ptrdiff_t first_panel, ptrdiff_t last_panel) {
  const ptrdiff_t width = p->rows.width;
  const ptrdiff_t depth = p->rows.run_count * ((p->rows.run_bytes + 3) / 4);
  for (ptrdiff_t panel = first_panel; panel < last_panel; panel++) {
    const uint8_t *weights = p->weights + panel * depth * ik_step_bytes(PANEL, p->bits);
    const int vectors = p->columns - panel * PANEL > LANES ? 2 : 1;
    ptrdiff_t y = first_row / width, x = first_row % width;
    for (ptrdiff_t row = first_row; row < last_row; row += GROUP_ROWS) {
      const int rows = (int)(last_row - row < GROUP_ROWS ? last_row - row : GROUP_ROWS);
      group_places places;
      for (int r = 0; r < rows; r++) {
        places.rows[r] = p->rows.base + y * p->rows.row_pitch + x * p->rows.column_pitch;
        places.targets[r] = y * p->places.row_pitch + x * p->places.column_pitch;
        if (++x == width) {
          x = 0;
          y++;
        }
      }
      multiply_group(p, &places, rows, panel * PANEL, weights, vectors);
    }
  }
}
