/* Matrix product by panels of columns: pack (or address) a panel, then sweep blocks of rows. */

/* Panels of little depth that are packed together, at most. */
#define FK_SWEEP 16
/* Up to this many blocks of rows read an unpacked panel in place. */
#define FK_UNPACKED_BLOCKS 4

/* A panel and where its operands lie: packed, or `in_place` in the source. */
typedef struct {
  fk_panel shape;
  int in_place;
  tile_columns columns;
  float *packed, *packed_tail;
  const float *singles[2 * FK_TAIL];
} located_panel;

static located_panel locate_panel(const fk_columns *c, ptrdiff_t index, ptrdiff_t blocks) {
  located_panel panel = {
      .shape = fk_panel_at(index, c->count, FK_LANES, FK_TAIL, FK_VECTORS)};
  const fk_panel *shape = &panel.shape;
  panel.in_place =
      shape->lanes_in_last == FK_LANES && shape->tail == 0 && blocks <= FK_UNPACKED_BLOCKS;
  for (ptrdiff_t v = 0; v < shape->vectors; v++) {
    ptrdiff_t column = shape->first_column + v * FK_LANES;
    panel.in_place &= column % c->width + FK_LANES <= c->width;
    panel.columns.vectors[v] = c->base + column_offset(c, column);
  }
  ptrdiff_t tail_column = shape->first_column + shape->vectors * FK_LANES;
  for (ptrdiff_t t = 0; t < shape->tail; t++) {
    panel.singles[t] = c->base + column_offset(c, tail_column + t);
  }
  return panel;
}

/* Brings rows [first, first + depth) of a panel near. */
static void ready_panel(const fk_columns *c, located_panel *panel, ptrdiff_t first,
                        ptrdiff_t depth) {
  const ptrdiff_t *offsets = c->depth_offsets + first;
  const fk_panel *shape = &panel->shape;
  panel->columns.offsets = offsets;
  panel->columns.packed = panel->packed;
  panel->columns.packed_tail = panel->packed_tail;
  if (shape->vectors == 0 || panel->in_place) return;
  pack_panel(c, shape, offsets, depth, panel->packed);
  pack_tail(panel->singles, shape->tail, offsets, depth, panel->packed_tail);
}

/* A block of rows by a panel; `f` starts at its first column. */
static void run_panel(const located_panel *panel, const float *rows, ptrdiff_t depth,
                      const finish *f) {
  const fk_panel *shape = &panel->shape;
  if (shape->vectors) {
    tile_function *run = panel->in_place ? indirect_tiles[shape->vectors - 1]
                                         : packed_tiles[shape->vectors - 1][shape->tail];
    run(rows, depth, &panel->columns, f);
    return;
  }
  for (ptrdiff_t t = 0; t < shape->tail; t += 4) {
    finish g = *f;
    g.output += t * f->column_stride;
    if (g.residual) g.residual += t * f->column_stride;
    ptrdiff_t count = shape->tail - t < 4 ? shape->tail - t : 4;
    run_strip(count, rows, depth, panel->singles + t, panel->columns.offsets, &g);
  }
}

/* Each block of rows sweeps all `count` panels, so that it writes long lines. */
static void product_panels(const fk_product *p, const fk_columns *c, ptrdiff_t first_panel,
                           ptrdiff_t count, ptrdiff_t first_row, ptrdiff_t last_row) {
  float packed[FK_DEPTH * FK_VECTORS * FK_LANES + FK_SLACK] __attribute__((aligned(64)));
  float packed_tail[FK_DEPTH * FK_TAIL]; /* only the last panel has one */
  located_panel panels[FK_SWEEP];
  ptrdiff_t blocks = (last_row - first_row + FK_ROWS - 1) / FK_ROWS;
  for (ptrdiff_t i = 0; i < count; i++) {
    panels[i] = locate_panel(c, first_panel + i, blocks);
    panels[i].packed = packed + i * p->depth * FK_VECTORS * FK_LANES;
    panels[i].packed_tail = packed_tail;
  }
  ptrdiff_t pieces = fk_pieces_of(p->depth);
  ptrdiff_t padded_rows = (p->row_count + FK_ROWS - 1) / FK_ROWS * FK_ROWS;
  for (ptrdiff_t piece = 0; piece < pieces; piece++) {
    ptrdiff_t first = fk_piece_start(piece, p->depth);
    ptrdiff_t depth = fk_piece_start(piece + 1, p->depth) - first;
    for (ptrdiff_t i = 0; i < count; i++) ready_panel(c, &panels[i], first, depth);
    for (ptrdiff_t row = first_row; row < last_row; row += FK_ROWS) {
      const float *rows = p->rows + first * padded_rows + row * depth;
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
        run_panel(&panels[i], rows, depth, &f);
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
