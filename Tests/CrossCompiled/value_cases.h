/* Flat packed values of all widths. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"

typedef struct {
  const uint8_t *packed;
  ptrdiff_t groups;
  int bits;
} value_inputs;

static void run_widen(const ik_kernels *kernels, const void *inputs, uint8_t *target) {
  const value_inputs *in = inputs;
  kernels->widen(in->packed, in->groups, in->bits, (int8_t *)target);
}

static void value_case(int bits) {
  const ptrdiff_t count = between(0, 300);
  const size_t bytes = (size_t)ik_packed_value_bytes(count, bits);
  value_inputs in = {.groups = (count + IK_GROUP - 1) / IK_GROUP, .bits = bits};
  const size_t widened = (size_t)in.groups * IK_GROUP;
  int8_t *values = room((size_t)count), *expected = room(widened);
  uint8_t *packed = room(bytes);
  for (ptrdiff_t i = 0; i < count; i++) {
    values[i] = weight_of(CALM, bits);
    expected[i] = (int8_t)(values[i] * (1 << (8 - bits)));
  }
  ik_pack_values(values, count, bits, packed);
  in.packed = packed;
  char name[160];
  snprintf(name, sizeof(name), "%td values of %d bits", count, bits);
  expect(name, run_widen, &in, expected, widened);
  compare(name, run_widen, &in, widened);
  free(values);
  free(expected);
  free(packed);
}

static void value_cases(void) {
  for (int bits = 2; bits <= 8; bits++) {
    for (int i = 0; i < 50; i++) value_case(bits);
  }
}
