/* Matrix product by panels of columns: pack (or address) a panel, then sweep blocks of rows. */

/* Depth that a panel is packed for at once, so that it stays near the core. */
#define FK_DEPTH 256
/* Panels of little depth that are packed together, at most. */
#define FK_SWEEP 16
/* Up to this many blocks of rows read an unpacked panel in place. */
#define FK_UNPACKED_BLOCKS 4

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

/* FK_ROWS rows by `vectors` vectors. With `offsets`, row k of vector v lies at
   columns[v] + offsets[k]; without, panels are packed at columns[0]. */
INLINE void tile(const float *rows, ptrdiff_t depth, const float *const *columns,
                 const ptrdiff_t *offsets, const int vectors, const finish *f) {
  vec sums[FK_ROWS][FK_VECTORS];
#pragma clang loop unroll(full)
  for (int r = 0; r < FK_ROWS; r++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) sums[r][v] = (vec)0.0f;
  }
  const float *packed = columns[0];
  for (ptrdiff_t k = 0; k < depth; k++) {
    vec x[FK_VECTORS];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      x[v] = load(offsets ? columns[v] + offsets[k] : packed + v * FK_LANES);
    }
    packed += vectors * FK_LANES;
#pragma clang loop unroll(full)
    for (int r = 0; r < FK_ROWS; r++) {
      vec w = (vec)rows[r];
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) sums[r][v] = w * x[v] + sums[r][v];
    }
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
}

typedef float rvec __attribute__((ext_vector_type(FK_ROWS)));
typedef float urvec __attribute__((ext_vector_type(FK_ROWS), aligned(4), may_alias));

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
    for (ptrdiff_t r = 0; r < f->rows; r++) {
      ptrdiff_t place = r * f->row_stride + c * f->column_stride;
      float y = total[r];
      if (!f->first) y += f->output[place];
      if (f->last) {
        if (f->bias) y += f->bias[r];
        if (f->residual) y += f->residual[place];
        y = clamp_one(y, f->low, f->high);
      }
      f->output[place] = y;
    }
  }
}

#define FK_TILE(name, vectors, indirect)                                                     \
  static void name(const float *rows, ptrdiff_t depth, const float *const *columns,          \
                   const ptrdiff_t *offsets, const finish *f) {                              \
    tile(rows, depth, columns, indirect ? offsets : NULL, vectors, f);                       \
  }
FK_TILE(tile_packed_1, 1, 0)
FK_TILE(tile_indirect_1, 1, 1)
FK_TILE(tile_packed_2, 2, 0)
FK_TILE(tile_indirect_2, 2, 1)
#if FK_VECTORS > 2
FK_TILE(tile_packed_3, 3, 0)
FK_TILE(tile_indirect_3, 3, 1)
#endif

static void run_tile(ptrdiff_t vectors, const float *rows, ptrdiff_t depth,
                     const float *const *columns, const ptrdiff_t *offsets, const finish *f) {
  switch (vectors) {
  case 1:
    (offsets ? tile_indirect_1 : tile_packed_1)(rows, depth, columns, offsets, f);
    break;
  case 2:
    (offsets ? tile_indirect_2 : tile_packed_2)(rows, depth, columns, offsets, f);
    break;
#if FK_VECTORS > 2
  case 3:
    (offsets ? tile_indirect_3 : tile_packed_3)(rows, depth, columns, offsets, f);
    break;
#endif
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

INLINE ptrdiff_t column_offset(const fk_columns *c, ptrdiff_t column) {
  ptrdiff_t line = column / c->width;
  return line / c->height * c->plane_pitch + line % c->height * c->row_pitch +
         column % c->width;
}

/* A run of columns that lie one after another in memory. */
typedef struct {
  ptrdiff_t source, target, length;
} segment;

static void pack_panel(const fk_columns *c, const fk_panel *panel, ptrdiff_t first_depth,
                       ptrdiff_t depth, float *packed) {
  ptrdiff_t width = panel->vectors * FK_LANES;
  ptrdiff_t present = width - FK_LANES + panel->lanes_in_last;
  segment segments[FK_VECTORS * FK_LANES];
  ptrdiff_t count = 0;
  for (ptrdiff_t done = 0; done < present; count++) {
    ptrdiff_t column = panel->first_column + done;
    ptrdiff_t run = c->width - column % c->width;
    if (run > present - done) run = present - done;
    segments[count] = (segment){column_offset(c, column), done, run};
    done += run;
  }
  /* Vectors may overrun a segment: the next one, or the next row of the panel, rewrites it. */
  for (ptrdiff_t k = 0; k < depth; k++, packed += width) {
    const float *row = c->base + c->depth_offsets[first_depth + k];
    for (ptrdiff_t s = 0; s < count; s++) {
      const float *source = row + segments[s].source;
      float *target = packed + segments[s].target;
      ptrdiff_t length = segments[s].length, i = 0;
      if (c->padded) {
        for (; i < length; i += FK_LANES) store(target + i, load(source + i));
      } else {
        for (; i + FK_LANES <= length; i += FK_LANES) store(target + i, load(source + i));
        for (; i < length; i++) target[i] = source[i];
      }
    }
    for (ptrdiff_t i = present; i < width; i++) packed[i] = 0.0f;
  }
}

/* A panel and where its operands lie: `depth` packed vectors, or `in_place` in the source. */
typedef struct {
  fk_panel shape;
  int in_place;
  const float *vectors[FK_VECTORS];
  const float *singles[2 * FK_TAIL];
  float *packed;
} located_panel;

static located_panel locate_panel(const fk_columns *c, ptrdiff_t index, ptrdiff_t blocks) {
  located_panel panel = {
      .shape = fk_panel_at(index, c->count, FK_LANES, FK_TAIL, FK_VECTORS)};
  const fk_panel *shape = &panel.shape;
  panel.in_place = shape->lanes_in_last == FK_LANES && blocks <= FK_UNPACKED_BLOCKS;
  for (ptrdiff_t v = 0; v < shape->vectors; v++) {
    ptrdiff_t column = shape->first_column + v * FK_LANES;
    panel.in_place &= column % c->width + FK_LANES <= c->width;
    panel.vectors[v] = c->base + column_offset(c, column);
  }
  ptrdiff_t tail_column = shape->first_column + shape->vectors * FK_LANES;
  for (ptrdiff_t t = 0; t < shape->tail; t++) {
    panel.singles[t] = c->base + column_offset(c, tail_column + t);
  }
  return panel;
}

/* A block of rows by a panel; `f` starts at its first column. */
static void run_panel(const located_panel *panel, const float *rows, ptrdiff_t depth,
                      const ptrdiff_t *offsets, const finish *f) {
  const float *packed[1] = {panel->packed};
  const fk_panel *shape = &panel->shape;
  if (shape->vectors) {
    run_tile(shape->vectors, rows, depth, panel->in_place ? panel->vectors : packed,
             panel->in_place ? offsets : NULL, f);
  }
  ptrdiff_t skip = shape->vectors * FK_LANES * f->column_stride;
  for (ptrdiff_t t = 0; t < shape->tail; t += 4) {
    finish g = *f;
    g.output += skip + t * f->column_stride;
    if (g.residual) g.residual += skip + t * f->column_stride;
    ptrdiff_t count = shape->tail - t < 4 ? shape->tail - t : 4;
    run_strip(count, rows, depth, panel->singles + t, offsets, &g);
  }
}

/* Each block of rows sweeps all `count` panels, so that it writes long lines. */
static void product_panels(const fk_product *p, const fk_columns *c, ptrdiff_t first_panel,
                           ptrdiff_t count, ptrdiff_t first_row, ptrdiff_t last_row) {
  float packed[FK_DEPTH * FK_VECTORS * FK_LANES + FK_SLACK] __attribute__((aligned(64)));
  located_panel panels[FK_SWEEP];
  ptrdiff_t blocks = (last_row - first_row + FK_ROWS - 1) / FK_ROWS;
  for (ptrdiff_t i = 0; i < count; i++) {
    panels[i] = locate_panel(c, first_panel + i, blocks);
    panels[i].packed = packed + i * p->depth * FK_VECTORS * FK_LANES;
  }
  ptrdiff_t pieces = (p->depth + FK_DEPTH - 1) / FK_DEPTH;
  for (ptrdiff_t piece = 0; piece < pieces; piece++) {
    ptrdiff_t first = p->depth * piece / pieces;
    ptrdiff_t depth = p->depth * (piece + 1) / pieces - first;
    const ptrdiff_t *offsets = c->depth_offsets + first;
    for (ptrdiff_t i = 0; i < count; i++) {
      if (panels[i].shape.vectors && !panels[i].in_place) {
        pack_panel(c, &panels[i].shape, first, depth, panels[i].packed);
      }
    }
    for (ptrdiff_t row = first_row; row < last_row; row += FK_ROWS) {
      const float *rows = p->rows + row * p->depth + first * FK_ROWS;
      for (ptrdiff_t i = 0; i < count; i++) {
        const fk_panel *shape = &panels[i].shape;
        ptrdiff_t place = row * p->row_stride + shape->first_column * p->column_stride;
        finish f = {
            .output = p->output + place,
            .residual = p->residual ? p->residual + place : NULL,
            .bias = p->bias ? p->bias + row : NULL,
            .row_stride = p->row_stride,
            .column_stride = p->column_stride,
            .rows = last_row - row < FK_ROWS ? last_row - row : FK_ROWS,
            .lanes_in_last = shape->lanes_in_last,
            .low = p->low,
            .high = p->high,
            .first = piece == 0,
            .last = piece == pieces - 1,
        };
        run_panel(&panels[i], rows, depth, offsets, &f);
      }
    }
  }
}

static void product(const fk_product *p, const fk_columns *c, ptrdiff_t first_panel,
                    ptrdiff_t last_panel, ptrdiff_t first_row, ptrdiff_t last_row) {
  ptrdiff_t sweep = p->depth > 0 && p->depth < FK_DEPTH ? FK_DEPTH / p->depth : 1;
  if (sweep > FK_SWEEP) sweep = FK_SWEEP;
  for (ptrdiff_t i = first_panel; i < last_panel; i += sweep) {
    ptrdiff_t count = last_panel - i < sweep ? last_panel - i : sweep;
    product_panels(p, c, i, count, first_row, last_row);
  }
}
