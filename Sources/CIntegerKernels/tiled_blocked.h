/* Products with block-wise scales, by register tiles: rows by one or two vectors of columns. A
   stretch of whole blocks is widened once for a group of rows, whose results wait in memory
   meanwhile. Few rows widen in registers instead, so that computing hides behind the reading of
   the weights.

   What a set defines before it includes this, besides PANEL, LANES, VECTOR_BYTES, MOST_ROWS,
   vector, the kinds, first_choice and widen as in tiled_product.h:
     VECTORS, ALL_VECTORS  vectors of a panel, and all counts up to it
     STRIP                 panels that few rows take at once
     FEW_BYTE_ROWS, FEW_FLOAT_ROWS
                           counts of rows up to which two at a time are fastest
     floats, step_vector   types: as many floats as sums; the step of a vector of columns
     no_sums, minus        of sums
     no_floats, load_floats, save_floats, repeated_float, plus, fused (x * y + z)
                           of floats
     multiply_block        adds the products of steps to the sums of a tile, as multiply_steps of
                           tiled_product.h, given the bytes from step to step
     widened_step, packed_step
                           the step of a vector in order of the places: as widen leaves it, or
                           packed; alike for 8 bits
     dot                   adds the products of a step_vector and four bytes to sums
     float_weights         byte k of each place of a step_vector, times 2^(8 - bits)
     sum_scales, scaled    scales of sums as dot and multiply_block see them; sum * scale + y
     store_in_order        stores floats of a row in the order of the columns */

#define BLOCKED_GROUP 96
#define BLOCKED_STEPS 64 /* of a stretch: one block of the longest */
#define BLOCKED_ROWS(choice) ((choice) == 0 ? MOST_ROWS : 8 >> (choice))

#include "blocked_tiles.h"

/* Sums begin with what the zero point contributes, taken off. */
INLINE void start_as(const blocked_stretch *at, uint8_t zero, const int vectors, const int kind) {
  uint8_t zeros[IK_MOST_BLOCK + IK_SLACK];
  const uint8_t *source = zeros, *weights = at->weights;
  memset(zeros, zero, sizeof(zeros));
  vector *starts = at->starts;
  for (ptrdiff_t first = 0; first < at->depth; first += at->block) {
    const ptrdiff_t steps = (depth_of_block(at->depth, at->block, first) + 3) / 4;
    vector sums[1][VECTORS];
    UNROLL
    for (int v = 0; v < vectors; v++) sums[0][v] = no_sums();
    multiply_block(sums, &source, steps, weights, vectors * VECTOR_BYTES, 1, vectors, kind);
    weights += steps * vectors * VECTOR_BYTES;
    UNROLL
    for (int v = 0; v < vectors; v++) starts[v] = minus(no_sums(), sums[0][v]);
    starts += VECTORS;
  }
}

static void start_blocks(const blocked_stretch *at, uint8_t zero) {
  switch (kind_of(at->bits) * VECTORS + at->vectors - 1) {
#define CASE(vectors, kind) \
  case kind * VECTORS + vectors - 1: start_as(at, zero, vectors, kind); break;
#define CASES(kind) ALL_VECTORS(CASE, kind)
    ALL_KINDS(CASES)
#undef CASES
#undef CASE
  }
}

INLINE void convert_as(const blocked_stretch *at, int v, float *weights, const int count,
                       const int bits) {
  const uint8_t *step = at->weights;
  for (ptrdiff_t k = 0; k < at->depth; k += 4) {
    UNROLL
    for (int i = 0; i < count; i++) {
      const step_vector w = widened_step(step, v + i, at->vectors, bits);
      UNROLL
      for (int j = 0; j < 4; j++) {
        save_floats(weights + (2 * (k + j) + i) * LANES, float_weights(w, j, bits));
      }
    }
    step += at->vectors * VECTOR_BYTES;
  }
}

/* The weights of vector `v` and perhaps the next one, as floats. */
static void convert_weights(const blocked_stretch *at, int v, int count, float *weights) {
  switch (at->bits * 2 + count) {
#define CASES(bits)                                                    \
  case bits * 2 + 1: convert_as(at, v, weights, 1, bits); break;       \
  case bits * 2 + 2: convert_as(at, v, weights, 2, bits); break;
    CASES(2) CASES(3) CASES(4) CASES(5) CASES(6) CASES(7) CASES(8)
#undef CASES
  }
}

typedef struct {
  const void *rows[BLOCKED_GROUP]; /* from the stretch on */
  int count;
  float *results; /* PANEL for each row */
} blocked_group;

/* Whether two tiles of four rows take less time than one of six and one of two. */
INLINE int is_better_halved(int rows, int choice) {
  return MOST_ROWS == 6 && choice == 0 && rows == 8;
}

/* Rows of the next tile, of `left`. */
INLINE int next_choice(int choice, int left) {
  while (BLOCKED_ROWS(choice) > left || is_better_halved(left, choice)) choice++;
  return choice;
}

/* Each tile of rows by all columns, while its rows are near. Tiles fetch the next weights, a share
   each. */
static void multiply_bytes(const blocked_stretch *stretch, const blocked_group *group) {
  int choice = first_choice(stretch->bits);
  for (int r = 0; r < group->count; r += BLOCKED_ROWS(choice)) {
    choice = next_choice(choice, group->count - r);
    blocked_stretch at = *stretch;
    const ptrdiff_t share = at.next_bytes / group->count, end = (r + BLOCKED_ROWS(choice)) * share;
    for (ptrdiff_t i = r * share; i < end; i += 64) __builtin_prefetch(at.next + i, 0, 2);
    for (int v = 0; v < stretch->vectors; v += 2) {
      const int count = stretch->vectors - v > 1 ? 2 : 1;
      byte_tiles[kind_of(at.bits)][count - 1][choice](
          &at, (const uint8_t *const *)(group->rows + r), group->results + r * PANEL + v * LANES);
      at.weights += 2 * VECTOR_BYTES;
      at.scales += 2 * LANES;
      at.starts += 2;
    }
  }
}

/* Columns by all tiles of rows, while their weights are near as floats. */
static void multiply_floats(const blocked_stretch *stretch, const blocked_group *group) {
  float weights[IK_MOST_BLOCK * 2 * LANES];
  blocked_stretch at = *stretch;
  at.floats = weights;
  for (int v = 0; v < stretch->vectors; v += 2) {
    const int count = stretch->vectors - v > 1 ? 2 : 1;
    convert_weights(stretch, v, count, weights);
    int choice = 0;
    for (int r = 0; r < group->count; r += BLOCKED_ROWS(choice)) {
      choice = next_choice(choice, group->count - r);
      float_tiles[count - 1][choice](&at, (const float *const *)(group->rows + r),
                                     group->results + r * PANEL + v * LANES);
    }
    at.scales += 2 * LANES;
  }
}

INLINE void finish_row(const ik_blocked *p, ptrdiff_t row, ptrdiff_t column, floats *y,
                       const int vectors) {
  UNROLL
  for (int v = 0; v < vectors; v++) {
    y[v] = plus(y[v], load_floats(p->offsets + column + v * LANES));
  }
  store_in_order(p->result + row * p->result_pitch + column, y, vectors, p->columns - column);
}

static void finish_group(const ik_blocked *p, ptrdiff_t first_row, ptrdiff_t column, int vectors,
                         const blocked_group *group) {
  for (int r = 0; r < group->count; r++) {
    floats y[VECTORS];
    for (int v = 0; v < vectors; v++) y[v] = load_floats(group->results + r * PANEL + v * LANES);
    switch (vectors) {
#define CASE(vectors, _) \
  case vectors: finish_row(p, first_row + r, column, y, vectors); break;
      ALL_VECTORS(CASE, )
#undef CASE
    }
  }
}

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

INLINE void multiply_rows(const ik_blocked *p, ptrdiff_t first_row, int count,
                          const blocked_panel *panel, const int is_float) {
  float results[BLOCKED_GROUP * PANEL];
  uint8_t bytes[BLOCKED_STEPS * 4 * PANEL];
  vector starts[BLOCKED_STEPS * VECTORS];
  memset(results, 0, (size_t)count * PANEL * sizeof(float));
  const uint8_t *weights = panel->weights;
  const ptrdiff_t stretch = BLOCKED_STEPS * 4 / p->block * p->block;
  blocked_group group = {.count = count, .results = results};
  blocked_stretch at = {.bits = p->bits, .vectors = panel->vectors, .block = p->block,
                        .scales = panel->scales, .starts = starts};
  for (ptrdiff_t first = 0; first < p->depth; first += stretch) {
    at.depth = depth_of_block(p->depth, stretch, first);
    at.weights = p->bits < 8 ? bytes : weights;
    const ptrdiff_t steps = (at.depth + 3) / 4;
    if (p->bits < 8) widen(weights, steps, at.vectors, p->bits, bytes);
    for (int r = 0; r < count; r++) {
      const ptrdiff_t element = (first_row + r) * p->row_pitch + first;
      group.rows[r] = (const char *)p->rows + element * (is_float ? (ptrdiff_t)sizeof(float) : 1);
    }
    at.next_bytes = steps * ik_step_bytes(at.vectors * LANES, p->bits);
    weights += at.next_bytes;
    at.next = weights;
    if (is_float) {
      multiply_floats(&at, &group);
    } else {
      start_blocks(&at, p->zero);
      multiply_bytes(&at, &group);
    }
    at.scales += ik_block_count(at.depth, p->block) * at.vectors * LANES;
  }
  finish_group(p, first_row, panel->column, panel->vectors, &group);
}

#include "blocked_rows.h"

INLINE void multiply_panels(const ik_blocked *p, ptrdiff_t first_row, ptrdiff_t last_row,
                            ptrdiff_t first_panel, ptrdiff_t last_panel, const int is_float) {
  const int are_few = last_row - first_row <= (is_float ? FEW_FLOAT_ROWS : FEW_BYTE_ROWS);
  const ptrdiff_t whole = p->columns / PANEL < last_panel ? p->columns / PANEL : last_panel;
  for (ptrdiff_t i = first_panel; i < last_panel;) {
    const blocked_panel panel = panel_of(p, i);
    if (are_few && i < whole) {
      const int panels = i + STRIP <= whole ? STRIP : 1;
      for (ptrdiff_t row = first_row; row < last_row; row += 2) {
        multiply_strip(p, row, last_row - row > 1 ? 2 : 1, &panel, panels, is_float);
      }
      i += panels;
      continue;
    }
    for (ptrdiff_t row = first_row; row < last_row; row += BLOCKED_GROUP) {
      const ptrdiff_t left = last_row - row;
      multiply_rows(p, row, (int)(left < BLOCKED_GROUP ? left : BLOCKED_GROUP), &panel, is_float);
    }
    i++;
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
