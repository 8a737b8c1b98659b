/* Products with block-wise scales, by register tiles: rows by vectors of columns. A stretch of whole
   blocks is widened once for a group of rows, whose results wait in memory meanwhile. A row alone
   widens in registers instead, so that computing hides behind the reading of the weights.

   What a set defines before it includes this, besides PANEL, LANES, VECTOR_BYTES, MOST_ROWS, vector,
   the kinds, first_choice, widen and multiply_steps as in tiled_product.h:
     VECTORS, ALL_VECTORS  vectors of a panel
     floats, step_vector   types: as many floats as sums; the step of a vector of columns
     no_sums, minus        of sums
     no_floats, load_floats, store_floats_at, repeated_float, plus, fused (x * y + z)
                           of floats
     step_of, load_step    the step of a vector, in order of the places: of a packed step, of bytes
     in_order              steps of 8 bits as such bytes, where they are packed or in a buffer
     dot                   adds the products of a step_vector and four bytes to sums
     float_weights         byte k of each place of a step_of, times 2^(8 - bits)
     sum_scales, scaled    scales for sums of weights that dot and multiply_steps see; sum * scale + y
     store_in_order        stores floats of a row in the order of the columns */

#define BLOCKED_GROUP 48
#define BLOCKED_STEPS 64 /* a stretch; those of one block, at least */
#define BLOCKED_ROWS(choice) ((choice) == 0 ? MOST_ROWS : 8 >> (choice))

typedef struct {
  int bits;
  ptrdiff_t depth, block;
  const uint8_t *weights; /* of these blocks, as bytes */
  const float *scales;
  vector starts[BLOCKED_STEPS][VECTORS]; /* of the sums of each block */
} blocked_stretch;

INLINE ptrdiff_t depth_of_block(ptrdiff_t depth, ptrdiff_t block, ptrdiff_t first) {
  return depth - first < block ? depth - first : block;
}

INLINE void byte_tile(const blocked_stretch *at, const uint8_t *const *bases, float (*y)[PANEL],
                      const int rows, const int vectors, const int kind) {
  const uint8_t *sources[MOST_ROWS], *weights = at->weights;
  const float *scales = at->scales;
  UNROLL
  for (int r = 0; r < rows; r++) sources[r] = bases[r];
  const vector(*starts)[VECTORS] = at->starts;
  for (ptrdiff_t first = 0; first < at->depth; first += at->block, starts++) {
    const ptrdiff_t steps = (depth_of_block(at->depth, at->block, first) + 3) / 4;
    vector sums[MOST_ROWS][VECTORS];
    UNROLL
    for (int r = 0; r < rows; r++) {
      UNROLL
      for (int v = 0; v < vectors; v++) sums[r][v] = (*starts)[v];
    }
    multiply_steps(sums, sources, steps, weights, rows, vectors, kind);
    weights += steps * vectors * VECTOR_BYTES;
    UNROLL
    for (int v = 0; v < vectors; v++) {
      const floats scale = sum_scales(scales, at->bits);
      scales += LANES;
      UNROLL
      for (int r = 0; r < rows; r++) {
        float *place = y[r] + v * LANES;
        store_floats_at(place, scaled(sums[r][v], scale, load_floats(place)));
      }
    }
    UNROLL
    for (int r = 0; r < rows; r++) sources[r] += steps * 4;
  }
}

/* Adds `count` products of a step, 4 at most. */
INLINE void multiply_floats(floats (*sums)[VECTORS], const float *const *sources,
                            const step_vector *w, const int rows, const int vectors, int bits,
                            ptrdiff_t count) {
  UNROLL
  for (int k = 0; k < 4; k++) {
    if (k >= count) break;
    floats weights[VECTORS];
    UNROLL
    for (int v = 0; v < vectors; v++) weights[v] = float_weights(w[v], k, bits);
    UNROLL
    for (int r = 0; r < rows; r++) {
      const floats x = repeated_float(sources[r] + k);
      UNROLL
      for (int v = 0; v < vectors; v++) sums[r][v] = fused(x, weights[v], sums[r][v]);
    }
  }
}

INLINE void float_tile(const blocked_stretch *at, const float *const *bases, float (*y)[PANEL],
                       const int rows, const int vectors) {
  const float *sources[MOST_ROWS], *scales = at->scales;
  const uint8_t *weights = at->weights;
  UNROLL
  for (int r = 0; r < rows; r++) sources[r] = bases[r];
  for (ptrdiff_t first = 0; first < at->depth; first += at->block) {
    const ptrdiff_t depth = depth_of_block(at->depth, at->block, first);
    floats sums[MOST_ROWS][VECTORS];
    UNROLL
    for (int r = 0; r < rows; r++) {
      UNROLL
      for (int v = 0; v < vectors; v++) sums[r][v] = no_floats();
    }
    for (ptrdiff_t k = 0; k < depth; k += 4) {
      step_vector w[VECTORS];
      UNROLL
      for (int v = 0; v < vectors; v++) w[v] = load_step(weights + v * VECTOR_BYTES);
      weights += vectors * VECTOR_BYTES;
      if (depth - k >= 4) {
        multiply_floats(sums, sources, w, rows, vectors, at->bits, 4);
      } else {
        multiply_floats(sums, sources, w, rows, vectors, at->bits, depth - k);
      }
      UNROLL
      for (int r = 0; r < rows; r++) sources[r] += 4;
    }
    UNROLL
    for (int v = 0; v < vectors; v++) {
      const floats scale = load_floats(scales);
      scales += LANES;
      UNROLL
      for (int r = 0; r < rows; r++) {
        float *place = y[r] + v * LANES;
        store_floats_at(place, fused(sums[r][v], scale, load_floats(place)));
      }
    }
  }
}

/* Sums begin with what the zero point contributes, taken off. */
INLINE void start_blocks(blocked_stretch *at, uint8_t zero, const int vectors, const int kind) {
  uint8_t zeros[IK_MOST_BLOCK + IK_SLACK];
  const uint8_t *source = zeros, *weights = at->weights;
  memset(zeros, zero, sizeof(zeros));
  vector(*starts)[VECTORS] = at->starts;
  for (ptrdiff_t first = 0; first < at->depth; first += at->block, starts++) {
    const ptrdiff_t steps = (depth_of_block(at->depth, at->block, first) + 3) / 4;
    vector sums[1][VECTORS];
    UNROLL
    for (int v = 0; v < vectors; v++) sums[0][v] = no_sums();
    multiply_steps(sums, &source, steps, weights, 1, vectors, kind);
    weights += steps * vectors * VECTOR_BYTES;
    UNROLL
    for (int v = 0; v < vectors; v++) (*starts)[v] = minus(no_sums(), sums[0][v]);
  }
}

typedef void byte_tile_function(const blocked_stretch *, const uint8_t *const *, float (*)[PANEL]);
typedef void float_tile_function(const blocked_stretch *, const float *const *, float (*)[PANEL]);
typedef void start_function(blocked_stretch *, uint8_t zero);

#define BYTE_TILE(choice, vectors, kind)                                                      \
  static void byte_tile_##choice##_##vectors##_##kind(                                        \
      const blocked_stretch *at, const uint8_t *const *rows, float(*y)[PANEL]) {              \
    byte_tile(at, rows, y, BLOCKED_ROWS(choice), vectors, kind);                              \
  }
#define START(vectors, kind)                                                                  \
  static void start_##vectors##_##kind(blocked_stretch *at, uint8_t zero) {                   \
    start_blocks(at, zero, vectors, kind);                                                    \
  }
#define BYTE_TILES(vectors, kind)                                                             \
  BYTE_TILE(0, vectors, kind) BYTE_TILE(1, vectors, kind) BYTE_TILE(2, vectors, kind)         \
  BYTE_TILE(3, vectors, kind) START(vectors, kind)
#define KIND_TILES(kind) ALL_VECTORS(BYTE_TILES, kind)
ALL_KINDS(KIND_TILES)

#define BYTE_NAMES(vectors, kind)                                                             \
  {byte_tile_0_##vectors##_##kind, byte_tile_1_##vectors##_##kind,                            \
   byte_tile_2_##vectors##_##kind, byte_tile_3_##vectors##_##kind},
#define KIND_NAMES(kind) {ALL_VECTORS(BYTE_NAMES, kind)},
static byte_tile_function *const byte_tiles[KINDS][VECTORS][4] = {ALL_KINDS(KIND_NAMES)};

#define START_NAME(vectors, kind) start_##vectors##_##kind,
#define START_NAMES(kind) {ALL_VECTORS(START_NAME, kind)},
static start_function *const starts[KINDS][VECTORS] = {ALL_KINDS(START_NAMES)};

#define FLOAT_TILE(choice, vectors)                                                           \
  static void float_tile_##choice##_##vectors(const blocked_stretch *at,                      \
                                              const float *const *rows, float(*y)[PANEL]) {   \
    float_tile(at, rows, y, BLOCKED_ROWS(choice), vectors);                                   \
  }
#define FLOAT_TILES(vectors, _)                                                               \
  FLOAT_TILE(0, vectors) FLOAT_TILE(1, vectors) FLOAT_TILE(2, vectors) FLOAT_TILE(3, vectors)
#define FLOAT_NAMES(vectors, _)                                                               \
  {float_tile_0_##vectors, float_tile_1_##vectors, float_tile_2_##vectors,                    \
   float_tile_3_##vectors},
ALL_VECTORS(FLOAT_TILES, )
static float_tile_function *const float_tiles[VECTORS][4] = {ALL_VECTORS(FLOAT_NAMES, )};

INLINE void finish_row(const ik_blocked *p, ptrdiff_t row, ptrdiff_t column, floats *y,
                       const int vectors) {
  UNROLL
  for (int v = 0; v < vectors; v++) {
    y[v] = plus(y[v], load_floats(p->offsets + column + v * LANES));
  }
  store_in_order(p->result + row * p->result_pitch + column, y, vectors, p->columns - column);
}

static void finish_group(const ik_blocked *p, ptrdiff_t first_row, int rows, ptrdiff_t column,
                         float (*y)[PANEL], int vectors) {
  for (int r = 0; r < rows; r++) {
    floats row[VECTORS];
    for (int v = 0; v < vectors; v++) row[v] = load_floats(y[r] + v * LANES);
    switch (vectors) {
#define FINISH(vectors, _) \
  case vectors: finish_row(p, first_row + r, column, row, vectors); break;
      ALL_VECTORS(FINISH, )
#undef FINISH
    }
  }
}

/* A panel, as far as it lies from its weights and scales on. */
typedef struct {
  ptrdiff_t column;
  int vectors;
  const uint8_t *weights;
  const float *scales;
} blocked_panel;

static blocked_panel panel_of(const ik_blocked *p, ptrdiff_t panel) {
  const ptrdiff_t column = panel * PANEL, left = p->columns - column;
  return (blocked_panel){
      column, (int)(left < PANEL ? (left + LANES - 1) / LANES : VECTORS),
      p->weights + panel * ((p->depth + 3) / 4) * ik_step_bytes(PANEL, p->bits),
      p->scales + column * ik_block_count(p->depth, p->block)};
}

INLINE void multiply_blocks(const ik_blocked *p, ptrdiff_t first_row, int rows,
                            const blocked_panel *panel, const int is_float) {
  float y[BLOCKED_GROUP][PANEL];
  uint8_t bytes[BLOCKED_STEPS * 4 * PANEL];
  const void *bases[BLOCKED_GROUP];
  memset(y, 0, (size_t)rows * sizeof(y[0]));
  const int vectors = panel->vectors, kind = kind_of(p->bits);
  const uint8_t *weights = panel->weights;
  const ptrdiff_t stretch = BLOCKED_STEPS * 4 / p->block * p->block;
  blocked_stretch at = {.bits = p->bits, .block = p->block, .scales = panel->scales};
  for (ptrdiff_t first = 0; first < p->depth; first += stretch) {
    at.depth = depth_of_block(p->depth, stretch, first);
    const ptrdiff_t steps = (at.depth + 3) / 4;
    at.weights = bytes;
    if (p->bits < 8) {
      widen(weights, steps, vectors, p->bits, bytes);
    } else {
      at.weights = is_float ? in_order(weights, steps, vectors, bytes) : weights;
    }
    for (int r = 0; r < rows; r++) {
      const ptrdiff_t element = (first_row + r) * p->row_pitch + first;
      bases[r] = (const char *)p->rows + element * (is_float ? (ptrdiff_t)sizeof(float) : 1);
    }
    if (!is_float) starts[kind][vectors - 1](&at, p->zero);
    int choice = is_float ? 0 : first_choice(p->bits);
    for (int r = 0; r < rows; r += BLOCKED_ROWS(choice)) {
      while (BLOCKED_ROWS(choice) > rows - r) choice++;
      if (is_float) {
        float_tiles[vectors - 1][choice](&at, (const float *const *)(bases + r), y + r);
      } else {
        byte_tiles[kind][vectors - 1][choice](&at, (const uint8_t *const *)(bases + r), y + r);
      }
    }
    weights += steps * ik_step_bytes(vectors * LANES, p->bits);
    at.scales += ik_block_count(at.depth, p->block) * vectors * LANES;
  }
  finish_group(p, first_row, rows, panel->column, y, vectors);
}

#include "blocked_row.h"

INLINE void multiply_panels(const ik_blocked *p, ptrdiff_t first_row, ptrdiff_t last_row,
                            ptrdiff_t first_panel, ptrdiff_t last_panel, const int is_float) {
  for (ptrdiff_t i = first_panel; i < last_panel; i++) {
    const blocked_panel panel = panel_of(p, i);
    for (ptrdiff_t row = first_row; row < last_row; row += BLOCKED_GROUP) {
      const ptrdiff_t left = last_row - row;
      if (left == 1 && panel.vectors == VECTORS) {
        multiply_row(p, row, &panel, is_float);
      } else {
        multiply_blocks(p, row, (int)(left < BLOCKED_GROUP ? left : BLOCKED_GROUP), &panel,
                        is_float);
      }
    }
  }
}

static void blocked(const ik_blocked *p, ptrdiff_t first_row, ptrdiff_t last_row,
                    ptrdiff_t first_panel, ptrdiff_t last_panel) {
  multiply_panels(p, first_row, last_row, first_panel, last_panel, 0);
}

static void float_blocked(const ik_blocked *p, ptrdiff_t first_row, ptrdiff_t last_row,
                          ptrdiff_t first_panel, ptrdiff_t last_panel) {
  multiply_panels(p, first_row, last_row, first_panel, last_panel, 1);
}
