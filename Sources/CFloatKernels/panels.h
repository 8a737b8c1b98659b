/* How the depth is cut into pieces, and columns into panels; the same for every instruction set but
   for its constants. */
#ifndef FK_PANELS_H
#define FK_PANELS_H

#include <stddef.h>

/* Depth that a panel is packed for at once, so that it stays near the core. */
#define FK_DEPTH 256

static inline ptrdiff_t fk_pieces_of(ptrdiff_t depth) {
  return depth > 0 ? (depth + FK_DEPTH - 1) / FK_DEPTH : 1;
}

/* Where piece `index` starts; that of the number of pieces is the depth. */
static inline ptrdiff_t fk_piece_start(ptrdiff_t index, ptrdiff_t depth) {
  return depth * index / fk_pieces_of(depth);
}

typedef struct fk_panel {
  ptrdiff_t first_column;
  ptrdiff_t vectors; /* of `lanes` columns */
  ptrdiff_t lanes_in_last; /* columns that exist in the last vector */
  ptrdiff_t tail; /* columns after the vectors */
} fk_panel;

static inline ptrdiff_t fk_vectors_of(ptrdiff_t columns, ptrdiff_t lanes, ptrdiff_t tail) {
  ptrdiff_t whole = columns / lanes, rest = columns % lanes;
  if (whole == 0) return columns <= 2 * tail ? 0 : 1;
  return rest <= tail ? whole : whole + 1;
}

static inline ptrdiff_t fk_panels_of(ptrdiff_t columns, ptrdiff_t lanes, ptrdiff_t tail,
                                     ptrdiff_t most) {
  ptrdiff_t vectors = fk_vectors_of(columns, lanes, tail);
  return vectors == 0 ? (columns > 0 ? 1 : 0) : (vectors + most - 1) / most;
}

static inline fk_panel fk_panel_at(ptrdiff_t index, ptrdiff_t columns, ptrdiff_t lanes,
                                   ptrdiff_t tail, ptrdiff_t most) {
  ptrdiff_t vectors = fk_vectors_of(columns, lanes, tail);
  ptrdiff_t panels = fk_panels_of(columns, lanes, tail, most);
  ptrdiff_t each = vectors / panels, extra = vectors % panels;
  fk_panel panel;
  panel.vectors = each + (index < extra);
  panel.first_column = (index * each + (index < extra ? index : extra)) * lanes;
  ptrdiff_t left = columns - panel.first_column - panel.vectors * lanes;
  int is_last = index == panels - 1;
  panel.tail = is_last && left > 0 ? left : 0;
  panel.lanes_in_last = is_last && left < 0 ? lanes + left : lanes;
  return panel;
}

#endif
