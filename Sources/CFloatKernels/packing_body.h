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
