/* Register tiles: rows by vectors of 16 columns, four along the depth in each multiply-add. */

typedef struct {
  const uint8_t *rows[12];
  ptrdiff_t targets[12]; /* in elements */
  int is_plain;          /* see rescaled */
  /* What to bring near meanwhile: a line of memory at each step, `fetch_step` bytes apart. */
  const uint8_t *fetch;
  ptrdiff_t fetch_step;
} tile_places;

INLINE void store_tile(const ik_product *p, const tile_places *places, ptrdiff_t column,
                       __m512i sums[12][4], const int rows, const int vectors, const int plain) {
  const result_range range = range_of(p->zero, p->low, p->high);
  const ptrdiff_t count = p->columns - column;
  uint8_t *base = (uint8_t *)p->places.base + column;
  if (vectors == 1 && rows % 4 == 0 && count >= LANES) {
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r += 4) {
      uint8_t *targets[4];
      __m512i four[4];
      for (int i = 0; i < 4; i++) {
        targets[i] = base + places->targets[r + i];
        four[i] = sums[r + i][0];
      }
      store_four_rows(targets, four, p->multipliers + column, &range, plain);
    }
    return;
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
    store_quantized(base + places->targets[r], sums[r], vectors, count, p->multipliers + column,
                    &range, plain);
  }
}

/* Brings the lines near that the tile will write floats to, while it multiplies. */
INLINE void fetch_targets(const ik_product *p, const tile_places *places, ptrdiff_t column,
                          const int rows, const int vectors) {
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
    const float *target = (const float *)p->places.base + places->targets[r] + column;
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) __builtin_prefetch(target + v * LANES, 1);
  }
}

INLINE void tile(const ik_product *p, const tile_places *places, ptrdiff_t panel,
                 const uint8_t *step, const int rows, const int vectors, const int bits) {
  __m512i sums[12][4];
  const ptrdiff_t column = panel * PANEL;
  if (p->is_float) fetch_targets(p, places, column, rows, vectors);
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) {
    __m512i bias = _mm512_loadu_si512(p->bias + column + v * LANES);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) sums[r][v] = bias;
  }
  const ptrdiff_t run_bytes = p->rows.run_bytes;
  const uint8_t *fetch = places->fetch;
  for (ptrdiff_t run = 0; run < p->rows.run_count; run++) {
    const ptrdiff_t offset = p->rows.runs[run];
    const uint8_t *source[12];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) source[r] = places->rows[r] + offset;
    for (ptrdiff_t k = 0; k < run_bytes; k += 4) {
      __m512i w[4];
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) w[v] = widened(step, v, vectors, bits);
      step += vectors * 8 * bits;
      _mm_prefetch((const char *)fetch, _MM_HINT_T1);
      fetch += places->fetch_step;
#pragma clang loop unroll(full)
      for (int r = 0; r < rows; r++) {
        int32_t four;
        memcpy(&four, source[r] + k, 4);
        __m512i x = _mm512_set1_epi32(four);
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) sums[r][v] = _mm512_dpbusd_epi32(sums[r][v], x, w[v]);
      }
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
  if (places->is_plain) {
    store_tile(p, places, column, sums, rows, vectors, 1);
  } else {
    store_tile(p, places, column, sums, rows, vectors, 0);
  }
}

typedef void tile_function(const ik_product *, const tile_places *, ptrdiff_t panel,
                           const uint8_t *step);

#define TILE(rows, vectors, bits)                                                              \
  static void tile_##rows##_##vectors##_##bits(const ik_product *p, const tile_places *places, \
                                               ptrdiff_t panel, const uint8_t *step) {         \
    tile(p, places, panel, step, rows, vectors, bits);                                         \
  }
#define TILES(bits)                                                     \
  TILE(12, 1, bits) TILE(6, 1, bits) TILE(3, 1, bits) TILE(1, 1, bits)  \
  TILE(12, 2, bits) TILE(6, 2, bits) TILE(3, 2, bits) TILE(1, 2, bits)  \
  TILE(8, 3, bits) TILE(4, 3, bits) TILE(2, 3, bits) TILE(1, 3, bits)   \
  TILE(6, 4, bits) TILE(3, 4, bits) TILE(2, 4, bits) TILE(1, 4, bits)
TILES(2) TILES(3) TILES(4) TILES(5) TILES(6) TILES(7) TILES(8)

#define NAMES(bits)                                                                   \
  {{tile_12_1_##bits, tile_6_1_##bits, tile_3_1_##bits, tile_1_1_##bits},             \
   {tile_12_2_##bits, tile_6_2_##bits, tile_3_2_##bits, tile_1_2_##bits},             \
   {tile_8_3_##bits, tile_4_3_##bits, tile_2_3_##bits, tile_1_3_##bits},              \
   {tile_6_4_##bits, tile_3_4_##bits, tile_2_4_##bits, tile_1_4_##bits}}
static tile_function *const tiles[7][4][4] = {NAMES(2), NAMES(3), NAMES(4), NAMES(5),
                                              NAMES(6), NAMES(7), NAMES(8)};
static const int tile_rows[4][4] = {{12, 6, 3, 1}, {12, 6, 3, 1}, {8, 4, 2, 1}, {6, 3, 2, 1}};

/* Rows in one line, at even distances; more than a tile needs, so that nothing depends on how
   many. */
INLINE void place_line(const ik_product *p, ptrdiff_t y, ptrdiff_t x, tile_places *places) {
  const uint8_t *row = p->rows.base + y * p->rows.row_pitch + x * p->rows.column_pitch;
  ptrdiff_t target = y * p->places.row_pitch + x * p->places.column_pitch;
#pragma clang loop unroll(full)
  for (int r = 0; r < 12; r++) {
    places->rows[r] = row + r * p->rows.column_pitch;
    places->targets[r] = target + r * p->places.column_pitch;
  }
}

/* `count` rows from (y, x) on, across lines. */
static void place_lines(const ik_product *p, ptrdiff_t y, ptrdiff_t x, int count,
                        tile_places *places) {
  for (int r = 0; r < count; r++) {
    places->rows[r] = p->rows.base + y * p->rows.row_pitch + x * p->rows.column_pitch;
    places->targets[r] = y * p->places.row_pitch + x * p->places.column_pitch;
    if (++x == p->rows.width) {
      x = 0;
      y++;
    }
  }
}

static void product(const ik_product *p, ptrdiff_t first_row, ptrdiff_t last_row,
                    ptrdiff_t first_panel, ptrdiff_t last_panel) {
  const ptrdiff_t width = p->rows.width;
  const ptrdiff_t depth = p->rows.run_count * ((p->rows.run_bytes + 3) / 4);
  for (ptrdiff_t panel = first_panel; panel < last_panel; panel++) {
    const ptrdiff_t panel_bytes = depth * ik_step_bytes(PANEL, p->bits);
    const uint8_t *weights = p->weights + panel * panel_bytes;
    ptrdiff_t columns = p->columns - panel * PANEL;
    int vectors = columns >= PANEL ? PANEL / LANES : (int)((columns + LANES - 1) / LANES);
    const int *choices = tile_rows[vectors - 1];
    ptrdiff_t y = first_row / width, x = first_row % width;
    /* The tiles of this panel fetch the weights of the next one, a share each. */
    const ptrdiff_t tiles_here = (last_row - first_row) / choices[0] + 1;
    const ptrdiff_t share = panel + 1 < last_panel ? panel_bytes / tiles_here : 0;
    tile_places places = {
        .is_plain = p->low == 0 && p->high == 255 &&
                    are_reducing(p->multipliers + panel * PANEL, vectors * LANES),
        .fetch = share ? weights + panel_bytes : weights,
        .fetch_step = share / depth,
    };
    int choice = 0;
    for (ptrdiff_t row = first_row; row < last_row; row += choices[choice]) {
      while (choices[choice] > last_row - row) choice++;
      if (x + choices[choice] <= width) {
        place_line(p, y, x, &places);
      } else {
        place_lines(p, y, x, choices[choice], &places);
      }
      for (x += choices[choice]; x >= width; x -= width) y++;
      tiles[p->bits - 2][vectors - 1][choice](p, &places, panel, weights);
      places.fetch += share;
    }
  }
}

static ptrdiff_t peak(ptrdiff_t rounds) {
  enum { SUMS = 24 };
  __m512i sums[SUMS], x = _mm512_set1_epi8(3), w = _mm512_set1_epi8(1);
#pragma clang loop unroll(full)
  for (int i = 0; i < SUMS; i++) sums[i] = _mm512_setzero_si512();
  for (ptrdiff_t round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < SUMS; i++) {
      sums[i] = _mm512_dpbusd_epi32(sums[i], x, w);
      __asm__ volatile("" : "+v"(sums[i])); /* every one counts */
    }
  }
  return rounds * SUMS * 64;
}
