/* The register tiles of tiled_blocked.h. Results wait in rows of PANEL floats. */

/* What tiles need to know of a stretch, from their columns on. */
typedef struct {
  int bits;
  int vectors; /* of the panel */
  ptrdiff_t depth, block;
  const uint8_t *weights; /* a byte each */
  const float *scales;
  const uint8_t *next; /* packed weights of the next stretch, perhaps */
  ptrdiff_t next_bytes;
  vector *starts;      /* of the sums, VECTORS for each block */
  const float *floats; /* the weights as floats, two vectors for each place of the depth */
} blocked_stretch;

INLINE ptrdiff_t depth_of_block(ptrdiff_t depth, ptrdiff_t block, ptrdiff_t first) {
  return depth - first < block ? depth - first : block;
}

INLINE void load_tile(floats (*y)[VECTORS], float *results, const int rows, const int vectors) {
  UNROLL
  for (int r = 0; r < rows; r++) {
    UNROLL
    for (int v = 0; v < vectors; v++) y[r][v] = load_floats(results + r * PANEL + v * LANES);
  }
}

INLINE void save_tile(floats (*y)[VECTORS], float *results, const int rows, const int vectors) {
  UNROLL
  for (int r = 0; r < rows; r++) {
    UNROLL
    for (int v = 0; v < vectors; v++) save_floats(results + r * PANEL + v * LANES, y[r][v]);
  }
}

INLINE void byte_tile(const blocked_stretch *at, const uint8_t *const *bases, float *results,
                      const int rows, const int vectors, const int kind) {
  const ptrdiff_t step_bytes = at->vectors * VECTOR_BYTES;
  const uint8_t *sources[MOST_ROWS], *weights = at->weights;
  const float *scales = at->scales;
  const vector *starts = at->starts;
  floats y[MOST_ROWS][VECTORS];
  load_tile(y, results, rows, vectors);
  UNROLL
  for (int r = 0; r < rows; r++) sources[r] = bases[r];
  for (ptrdiff_t first = 0; first < at->depth; first += at->block) {
    const ptrdiff_t steps = (depth_of_block(at->depth, at->block, first) + 3) / 4;
    vector sums[MOST_ROWS][VECTORS];
    UNROLL
    for (int r = 0; r < rows; r++) {
      UNROLL
      for (int v = 0; v < vectors; v++) sums[r][v] = starts[v];
    }
    multiply_block(sums, sources, steps, weights, step_bytes, rows, vectors, kind);
    UNROLL
    for (int v = 0; v < vectors; v++) {
      const floats scale = sum_scales(scales + v * LANES, at->bits);
      UNROLL
      for (int r = 0; r < rows; r++) y[r][v] = scaled(sums[r][v], scale, y[r][v]);
    }
    UNROLL
    for (int r = 0; r < rows; r++) sources[r] += steps * 4;
    weights += steps * step_bytes;
    scales += at->vectors * LANES;
    starts += VECTORS;
  }
  save_tile(y, results, rows, vectors);
}

INLINE void float_tile(const blocked_stretch *at, const float *const *bases, float *results,
                       const int rows, const int vectors) {
  const float *scales = at->scales;
  floats y[MOST_ROWS][VECTORS];
  load_tile(y, results, rows, vectors);
  for (ptrdiff_t first = 0; first < at->depth; first += at->block) {
    const ptrdiff_t last = first + depth_of_block(at->depth, at->block, first);
    floats sums[MOST_ROWS][VECTORS];
    UNROLL
    for (int r = 0; r < rows; r++) {
      UNROLL
      for (int v = 0; v < vectors; v++) sums[r][v] = no_floats();
    }
    for (ptrdiff_t k = first; k < last; k++) {
      floats w[2];
      UNROLL
      for (int v = 0; v < vectors; v++) w[v] = load_floats(at->floats + (2 * k + v) * LANES);
      UNROLL
      for (int r = 0; r < rows; r++) {
        const floats x = repeated_float(bases[r] + k);
        UNROLL
        for (int v = 0; v < vectors; v++) sums[r][v] = fused(x, w[v], sums[r][v]);
      }
    }
    UNROLL
    for (int v = 0; v < vectors; v++) {
      const floats scale = load_floats(scales + v * LANES);
      UNROLL
      for (int r = 0; r < rows; r++) y[r][v] = fused(sums[r][v], scale, y[r][v]);
    }
    scales += at->vectors * LANES;
  }
  save_tile(y, results, rows, vectors);
}

typedef void byte_tile_function(const blocked_stretch *, const uint8_t *const *, float *);
typedef void float_tile_function(const blocked_stretch *, const float *const *, float *);

#define BYTE_TILE(choice, vectors, kind)                                                      \
  static void byte_tile_##choice##_##vectors##_##kind(                                        \
      const blocked_stretch *at, const uint8_t *const *rows, float *results) {         \
    byte_tile(at, rows, results, BLOCKED_ROWS(choice), vectors, kind);                         \
  }
#define BYTE_TILES(kind)                                                                      \
  BYTE_TILE(0, 1, kind) BYTE_TILE(1, 1, kind) BYTE_TILE(2, 1, kind) BYTE_TILE(3, 1, kind)     \
  BYTE_TILE(0, 2, kind) BYTE_TILE(1, 2, kind) BYTE_TILE(2, 2, kind) BYTE_TILE(3, 2, kind)
#define BYTE_NAMES(kind)                                                                      \
  {{byte_tile_0_1_##kind, byte_tile_1_1_##kind, byte_tile_2_1_##kind, byte_tile_3_1_##kind},  \
   {byte_tile_0_2_##kind, byte_tile_1_2_##kind, byte_tile_2_2_##kind, byte_tile_3_2_##kind}},
ALL_KINDS(BYTE_TILES)
static byte_tile_function *const byte_tiles[KINDS][2][4] = {ALL_KINDS(BYTE_NAMES)};

#define FLOAT_TILE(choice, vectors)                                                           \
  static void float_tile_##choice##_##vectors(                                                \
      const blocked_stretch *at, const float *const *rows, float *results) {           \
    float_tile(at, rows, results, BLOCKED_ROWS(choice), vectors);                              \
  }
FLOAT_TILE(0, 1) FLOAT_TILE(1, 1) FLOAT_TILE(2, 1) FLOAT_TILE(3, 1)
FLOAT_TILE(0, 2) FLOAT_TILE(1, 2) FLOAT_TILE(2, 2) FLOAT_TILE(3, 2)
static float_tile_function *const float_tiles[2][4] = {
    {float_tile_0_1, float_tile_1_1, float_tile_2_1, float_tile_3_1},
    {float_tile_0_2, float_tile_1_2, float_tile_2_2, float_tile_3_2}};
