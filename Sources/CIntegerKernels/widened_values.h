/* Flat packed values as bytes, in words of 8: word i of a plane of w bits holds those of the words
   i + j * w of a group from bit j * w of each byte on. */

typedef uint64_t group_words __attribute__((vector_size(IK_GROUP)));

/* Where the bits of word `i` are in their plane. */
INLINE int first_bit(int i, int w) { return i / w * w; }

INLINE uint64_t left_shift(int i, int w, int to) {
  return (uint64_t)(to > first_bit(i, w) ? to - first_bit(i, w) : 0);
}

INLINE uint64_t right_shift(int i, int w, int to) {
  return (uint64_t)(to < first_bit(i, w) ? first_bit(i, w) - to : 0);
}

/* Puts a plane into the bits [to, to + w) of every byte. */
INLINE void add_plane(const uint8_t *plane, const int w, const int to, group_words *sum) {
  group_words x = {0};
  memcpy(&x, plane, (size_t)w * 8);
  if (w == 4) x = __builtin_shufflevector(x, x, 0, 1, 2, 3, 0, 1, 2, 3);
  if (w == 2) x = __builtin_shufflevector(x, x, 0, 1, 0, 1, 0, 1, 0, 1);
  if (w == 1) x = __builtin_shufflevector(x, x, 0, 0, 0, 0, 0, 0, 0, 0);
#define SHIFTS(shift)                                                                        \
  ((group_words){shift(0, w, to), shift(1, w, to), shift(2, w, to), shift(3, w, to),         \
                 shift(4, w, to), shift(5, w, to), shift(6, w, to), shift(7, w, to)})
  x = x << SHIFTS(left_shift) >> SHIFTS(right_shift);
#undef SHIFTS
  *sum |= x & 0x0101010101010101u * (((1u << w) - 1) << to);
}

INLINE void widen_groups(const uint8_t *packed, ptrdiff_t groups, int8_t *values, const int bits) {
  for (ptrdiff_t g = 0; g < groups; g++) {
    group_words sum = {0};
    if (bits & 4) add_plane(packed, 4, 4, &sum);
    if (bits & 2) add_plane(packed + (bits & 4) * 8, 2, bits & 4 ? 2 : 6, &sum);
    if (bits & 1) add_plane(packed + (bits & 6) * 8, 1, 8 - bits, &sum);
    memcpy(values, &sum, sizeof(sum));
    packed += bits * 8;
    values += IK_GROUP;
  }
}

static void widen_values(const uint8_t *packed, ptrdiff_t groups, int bits, int8_t *values) {
  switch (bits) {
#define CASE(bits) \
  case bits: widen_groups(packed, groups, values, bits); break;
    CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7)
#undef CASE
  default: memcpy(values, packed, (size_t)groups * IK_GROUP);
  }
}
