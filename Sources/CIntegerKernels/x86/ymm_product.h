/* Register tiles: rows by vectors of 8 columns. */

static void pack_step(const int8_t *weights, ptrdiff_t width, int bits, uint8_t *packed) {
  const int vectors = (int)(width / LANES);
  memset(packed, 0, (size_t)ik_step_bytes(width, bits));
  if (bits == 8) {
    for (int p = 0; p < vectors * 32; p++) {
      packed[p / 32 * 32 + byte_place(p % 32)] = (uint8_t)weights[p];
    }
    return;
  }
  for (int w = 4, shift = 0; w > 0; w /= 2) {
    if (!(bits & w)) continue;
    const int bytes = vectors * 4 * w;
    for (int p = 0; p < vectors * 32; p++) {
      packed[p % bytes] |= (uint8_t)(ik_plane_of(weights[p], bits, shift, w) << p / bytes * w);
    }
    packed += bytes;
    shift += w;
  }
}

typedef struct {
  const uint8_t *rows[MOST_ROWS];
  ptrdiff_t targets[MOST_ROWS]; /* in elements */
} tile_places;

INLINE void tile(const ik_product *p, const tile_places *places, ptrdiff_t panel,
                 const uint8_t *step, const int rows, const int vectors, const int bits) {
  __m256i sums[MOST_ROWS][2];
  const ptrdiff_t column = panel * PANEL;
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) sums[r][v] = _mm256_setzero_si256();
  }
  const ptrdiff_t run_bytes = p->rows.run_bytes, steps = (run_bytes + 3) / 4;
  for (ptrdiff_t run = 0; run < p->rows.run_count; run++) {
    const uint8_t *source[MOST_ROWS];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) source[r] = places->rows[r] + p->rows.runs[run];
    multiply_run(sums, source, run_bytes, step, rows, vectors, bits);
    step += steps * (vectors * 4 * bits);
  }
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) {
    __m256i bias = _mm256_loadu_si256((const __m256i *)(p->bias + column + v * LANES));
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      sums[r][v] = _mm256_add_epi32(_mm256_slli_epi32(sums[r][v], 8 - bits), bias);
    }
  }
  const ptrdiff_t count = p->columns - column;
  if (p->is_float) {
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      store_floats((float *)p->places.base + places->targets[r] + column, sums[r], vectors, count,
                   p->multipliers + column, p->offsets + column);
    }
    return;
  }
  const result_range range = range_of(p->zero, p->low, p->high);
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
    store_quantized((uint8_t *)p->places.base + places->targets[r] + column, sums[r], vectors,
                    count, p->multipliers + column, &range);
  }
}

typedef void tile_function(const ik_product *, const tile_places *, ptrdiff_t panel,
                           const uint8_t *step);

#define TILE(rows, vectors, bits)                                                              \
  static void tile_##rows##_##vectors##_##bits(const ik_product *p, const tile_places *places, \
                                               ptrdiff_t panel, const uint8_t *step) {         \
    tile(p, places, panel, step, rows, vectors, bits);                                         \
  }
#define TILES(bits)                                                    \
  TILE(6, 1, bits) TILE(4, 1, bits) TILE(2, 1, bits) TILE(1, 1, bits)  \
  TILE(6, 2, bits) TILE(4, 2, bits) TILE(2, 2, bits) TILE(1, 2, bits)
TILES(2) TILES(3) TILES(4) TILES(5) TILES(6) TILES(7) TILES(8)

#define NAMES(bits)                                                       \
  {{tile_6_1_##bits, tile_4_1_##bits, tile_2_1_##bits, tile_1_1_##bits},  \
   {tile_6_2_##bits, tile_4_2_##bits, tile_2_2_##bits, tile_1_2_##bits}}
static tile_function *const tiles[7][2][4] = {NAMES(2), NAMES(3), NAMES(4), NAMES(5),
                                              NAMES(6), NAMES(7), NAMES(8)};
static const int tile_rows[4] = {MOST_ROWS, 4, 2, 1};

static void product(const ik_product *p, ptrdiff_t first_row, ptrdiff_t last_row,
                    ptrdiff_t first_panel, ptrdiff_t last_panel) {
  const ptrdiff_t width = p->rows.width;
  const ptrdiff_t depth = p->rows.run_count * ((p->rows.run_bytes + 3) / 4);
  for (ptrdiff_t panel = first_panel; panel < last_panel; panel++) {
    const uint8_t *weights = p->weights + panel * depth * ik_step_bytes(PANEL, p->bits);
    const int vectors = p->columns - panel * PANEL > LANES ? 2 : 1;
    ptrdiff_t y = first_row / width, x = first_row % width;
    int choice = 0;
    for (ptrdiff_t row = first_row; row < last_row; row += tile_rows[choice]) {
      while (tile_rows[choice] > last_row - row) choice++;
      tile_places places;
      for (int r = 0; r < tile_rows[choice]; r++) {
        places.rows[r] = p->rows.base + y * p->rows.row_pitch + x * p->rows.column_pitch;
        places.targets[r] = y * p->places.row_pitch + x * p->places.column_pitch;
        if (++x == width) {
          x = 0;
          y++;
        }
      }
      tiles[p->bits - 2][vectors - 1][choice](p, &places, panel, weights);
    }
  }
}
