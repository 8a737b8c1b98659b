/* How tiled products find their weights. A step of a panel of n weights holds b = n * w / 8 bytes
   for a plane of w bits: byte p % b keeps the bits of the weight at place p from w * (p / b) on. In
   steps of 8 bits a set places its bytes by `byte_place`. */

static void pack_step(const int8_t *weights, ptrdiff_t width, int bits, uint8_t *packed) {
  const int places = (int)width * 4;
  memset(packed, 0, (size_t)ik_step_bytes(width, bits));
  if (bits == 8) {
    for (int p = 0; p < places; p++) packed[byte_place(p, places)] = (uint8_t)weights[p];
    return;
  }
  for (int w = 4, shift = 0; w > 0; w /= 2) {
    if (!(bits & w)) continue;
    const int bytes = places * w / 8;
    for (int p = 0; p < places; p++) {
      packed[p % bytes] |= (uint8_t)(ik_plane_of(weights[p], bits, shift, w) << p / bytes * w);
    }
    packed += bytes;
    shift += w;
  }
}
