/* The shape of register tiles. */

#define PANEL 8
#define LANES 4
#define VECTOR_BYTES 16
#define MOST_ROWS 8

typedef int32x4_t vector;

/* Tiles are the same for all widths. */
enum { BYTES, KINDS };
#define ALL_KINDS(use) use(BYTES)

INLINE int kind_of(int bits) { return (void)bits, BYTES; }

INLINE int first_choice(int bits) { return (void)bits, 0; }

INLINE int byte_place(int place, int places) { return (void)places, place; }
