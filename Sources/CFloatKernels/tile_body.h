/* Micro-kernels: a block of FK_ROWS packed rows by a panel of columns. */

/* Floats of packed rows between a fetch and its use. */
#define FK_FETCH_AHEAD 1024

/* What happens to a tile of sums. */
typedef struct {
  float *output;
  const float *residual;
  const float *bias;
  ptrdiff_t row_stride, column_stride, rows, lanes_in_last;
  float low, high;
  int first, last; /* pieces of the depth */
} finish;

INLINE vec finish_vector(vec x, const finish *f, ptrdiff_t row, ptrdiff_t place, int partial) {
  ptrdiff_t n = f->lanes_in_last;
  if (!f->first) {
    x += partial ? load_part(f->output + place, n) : load(f->output + place);
  }
  if (f->last) {
    if (f->bias) x += (vec)f->bias[row];
    if (f->residual) x += partial ? load_part(f->residual + place, n) : load(f->residual + place);
    x = clamp(x, (vec)f->low, (vec)f->high);
  }
  return x;
}

typedef float rvec __attribute__((ext_vector_type(FK_ROWS)));
typedef float urvec __attribute__((ext_vector_type(FK_ROWS), aligned(4), may_alias));

/* Column `column` past the start of the tile, vectors along the rows. */
INLINE void finish_column(rvec sums, const finish *f, ptrdiff_t column) {
  for (ptrdiff_t r = 0; r < f->rows; r++) {
    ptrdiff_t place = r * f->row_stride + column * f->column_stride;
    float y = sums[r];
    if (!f->first) y += f->output[place];
    if (f->last) {
      if (f->bias) y += f->bias[r];
      if (f->residual) y += f->residual[place];
      y = clamp_one(y, f->low, f->high);
    }
    f->output[place] = y;
  }
}

/* Where the columns of a panel lie: row k of vector v at vectors[v] + offsets[k], or, where
   `offsets` is NULL, panel and tail packed row by row. */
typedef struct {
  const float *vectors[FK_VECTORS];
  const ptrdiff_t *offsets;
  const float *packed;
  const float *packed_tail;
} tile_columns;

/* FK_ROWS rows by `vectors` vectors and `tail` single columns. Weights come from memory, each once:
   they are fetched well ahead of their use. */
INLINE void tile(const float *rows, ptrdiff_t depth, const tile_columns *columns,
                 const int vectors, const int tail, const int indirect, const finish *f) {
  vec sums[FK_ROWS][FK_VECTORS];
  rvec tail_sums[FK_TAIL];
#pragma clang loop unroll(full)
  for (int r = 0; r < FK_ROWS; r++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) sums[r][v] = (vec)0.0f;
  }
#pragma clang loop unroll(full)
  for (int t = 0; t < tail; t++) tail_sums[t] = (rvec)0.0f;
  const float *packed = columns->packed, *packed_tail = columns->packed_tail;
  for (ptrdiff_t k = 0; k < depth; k++) {
    vec x[FK_VECTORS];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      x[v] = load(indirect ? columns->vectors[v] + columns->offsets[k] : packed + v * FK_LANES);
    }
    packed += vectors * FK_LANES;
    __builtin_prefetch(rows + FK_FETCH_AHEAD);
#pragma clang loop unroll(full)
    for (int r = 0; r < FK_ROWS; r++) {
      vec w = (vec)rows[r];
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) sums[r][v] = w * x[v] + sums[r][v];
    }
#pragma clang loop unroll(full)
    for (int t = 0; t < tail; t++) {
      tail_sums[t] = *(const urvec *)rows * (rvec)packed_tail[t] + tail_sums[t];
    }
    packed_tail += tail;
    rows += FK_ROWS;
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < FK_ROWS; r++) {
    if (r >= f->rows) break;
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      ptrdiff_t place = r * f->row_stride + v * FK_LANES;
      if (v == vectors - 1 && f->lanes_in_last < FK_LANES) {
        vec y = finish_vector(sums[r][v], f, r, place, 1);
        store_part(f->output + place, y, f->lanes_in_last);
      } else {
        store(f->output + place, finish_vector(sums[r][v], f, r, place, 0));
      }
    }
  }
  for (int t = 0; t < tail; t++) finish_column(tail_sums[t], f, vectors * FK_LANES + t);
}

typedef void tile_function(const float *, ptrdiff_t, const tile_columns *, const finish *);

#define FK_TILE(vectors, tail, indirect)                                                      \
  static void tile_##vectors##_##tail##_##indirect(const float *rows, ptrdiff_t depth,        \
                                                   const tile_columns *columns,               \
                                                   const finish *f) {                         \
    tile(rows, depth, columns, vectors, tail, indirect, f);                                   \
  }
#if FK_TAIL == 4
#define FK_TILES(vectors)                                                                     \
  FK_TILE(vectors, 0, 1)                                                                      \
  FK_TILE(vectors, 0, 0)                                                                      \
  FK_TILE(vectors, 1, 0)                                                                      \
  FK_TILE(vectors, 2, 0)                                                                      \
  FK_TILE(vectors, 3, 0)                                                                      \
  FK_TILE(vectors, 4, 0)
#define FK_TILE_NAMES(vectors)                                                                \
  {tile_##vectors##_0_0, tile_##vectors##_1_0, tile_##vectors##_2_0, tile_##vectors##_3_0,    \
   tile_##vectors##_4_0}
#else
#define FK_TILES(vectors)                                                                     \
  FK_TILE(vectors, 0, 1)                                                                      \
  FK_TILE(vectors, 0, 0)                                                                      \
  FK_TILE(vectors, 1, 0)
#define FK_TILE_NAMES(vectors) {tile_##vectors##_0_0, tile_##vectors##_1_0}
#endif

FK_TILES(1)
FK_TILES(2)
#if FK_VECTORS > 2
FK_TILES(3)
#define FK_THIRD(x) , x
#else
#define FK_THIRD(x)
#endif

static tile_function *const packed_tiles[FK_VECTORS][FK_TAIL + 1] = {
    FK_TILE_NAMES(1), FK_TILE_NAMES(2) FK_THIRD(FK_TILE_NAMES(3))};
static tile_function *const indirect_tiles[FK_VECTORS] = {
    tile_1_0_1, tile_2_0_1 FK_THIRD(tile_3_0_1)};

/* FK_ROWS rows by `count` single columns, vectors along the rows. `chains` independent sums a
   column hide the latency of the multiply-add. */
INLINE void strip(const float *rows, ptrdiff_t depth, const float *const *columns,
                  const ptrdiff_t *offsets, const int count, const int chains, const finish *f) {
  rvec sums[4][4];
  for (int c = 0; c < count; c++) {
    for (int i = 0; i < chains; i++) sums[c][i] = (rvec)0.0f;
  }
  ptrdiff_t k = 0;
  for (; k + chains <= depth; k += chains) {
#pragma clang loop unroll(full)
    for (int i = 0; i < chains; i++) {
      rvec w = *(const urvec *)(rows + (k + i) * FK_ROWS);
#pragma clang loop unroll(full)
      for (int c = 0; c < count; c++) {
        float x = columns[c][offsets ? offsets[k + i] : k + i];
        sums[c][i] = w * (rvec)x + sums[c][i];
      }
    }
  }
  for (; k < depth; k++) {
    rvec w = *(const urvec *)(rows + k * FK_ROWS);
    for (int c = 0; c < count; c++) {
      float x = columns[c][offsets ? offsets[k] : k];
      sums[c][0] = w * (rvec)x + sums[c][0];
    }
  }
  for (int c = 0; c < count; c++) {
    rvec total = sums[c][0];
    for (int i = 1; i < chains; i++) total += sums[c][i];
    finish_column(total, f, c);
  }
}

static void run_strip(ptrdiff_t count, const float *rows, ptrdiff_t depth,
                      const float *const *columns, const ptrdiff_t *offsets, const finish *f) {
  switch (count) {
  case 1: strip(rows, depth, columns, offsets, 1, 4, f); break;
  case 2: strip(rows, depth, columns, offsets, 2, 4, f); break;
  case 3: strip(rows, depth, columns, offsets, 3, 2, f); break;
  case 4: strip(rows, depth, columns, offsets, 4, 2, f); break;
  }
}
