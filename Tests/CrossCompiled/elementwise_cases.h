/* Element by element: all pairs of bytes, and floats that round, overflow or are none. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"

typedef struct {
  ik_sum sum;
  ik_affine affine;
  const uint8_t *a, *b;
  const float *floats;
  ptrdiff_t count, step;
} elementwise_inputs;

static void run_add(const ik_kernels *kernels, const void *inputs, uint8_t *target) {
  const elementwise_inputs *in = inputs;
  kernels->add(&in->sum, in->a, in->b, in->count, target);
}

static void run_multiply(const ik_kernels *kernels, const void *inputs, uint8_t *target) {
  const elementwise_inputs *in = inputs;
  kernels->multiply(&in->sum, in->a, in->b, in->count, target);
}

/* `b` is the table. */
static void run_lookup(const ik_kernels *kernels, const void *inputs, uint8_t *target) {
  const elementwise_inputs *in = inputs;
  kernels->lookup(in->b, in->a, in->count, target);
}

static void run_quantize(const ik_kernels *kernels, const void *inputs, uint8_t *target) {
  const elementwise_inputs *in = inputs;
  kernels->quantize(in->affine, in->floats, in->step, in->count, target);
}

static void run_dequantize(const ik_kernels *kernels, const void *inputs, uint8_t *target) {
  const elementwise_inputs *in = inputs;
  kernels->dequantize(in->affine, in->a, in->count, (float *)(void *)target, in->step);
}

/* `step` counts the planes. */
static void run_interleave(const ik_kernels *kernels, const void *inputs, uint8_t *target) {
  const elementwise_inputs *in = inputs;
  kernels->interleave(in->a, in->count + 3, in->step, in->count, target);
}

static ik_affine random_affine(void) {
  ik_affine affine = {(float)between(1, 1000) * 1e-4f, random_byte()};
  if (once_in(4)) affine.scale = 0.25f; /* ties */
  if (once_in(8)) affine.scale = once_in(2) ? 1e-30f : 1e12f;
  return affine;
}

static void pair_cases(void) {
  uint8_t *a = room(65536), *b = room(65536);
  for (int i = 0; i < 65536; i++) {
    a[i] = (uint8_t)i;
    b[i] = (uint8_t)(i >> 8);
  }
  for (int i = 0; i < 100; i++) {
    elementwise_inputs in = {.a = a, .b = b, .count = i < 10 ? 65536 : i - 10};
    in.sum = (ik_sum){random_affine(), random_affine(), random_affine(), 0, 255};
    if (once_in(2)) in.sum.low = random_byte() / 2;
    if (once_in(2)) in.sum.high = (uint8_t)between(in.sum.low, 255);
    compare("add", run_add, &in, (size_t)in.count);
    compare("multiply", run_multiply, &in, (size_t)in.count);
  }
  free(a);
  free(b);
}

static void lookup_cases(void) {
  for (int i = 0; i < 150; i++) {
    const ptrdiff_t count = i ? between(0, 150) : 4096;
    uint8_t *x = room((size_t)count), table[256];
    for (ptrdiff_t k = 0; k < count; k++) x[k] = random_byte();
    for (int k = 0; k < 256; k++) table[k] = random_byte();
    elementwise_inputs in = {.a = x, .b = table, .count = count};
    compare("lookup", run_lookup, &in, (size_t)count);
    free(x);
  }
}

static float random_float(float scale) {
  static const float special[] = {NAN,   INFINITY, -INFINITY, 0.0f,   -0.0f, 1e38f,
                                  -1e38f, 1e-40f,  2.2e9f,    -2.2e9f, 1e-7f, -0.5f};
  if (once_in(6)) return special[between(0, sizeof(special) / sizeof(special[0]) - 1)];
  return ((float)between(-300, 300) + (once_in(2) ? 0.5f : (float)between(0, 999) * 1e-3f)) *
         scale;
}

static void float_cases(void) {
  for (int i = 0; i < 400; i++) {
    const ptrdiff_t count = between(0, 70), step = once_in(2) ? 1 : between(2, 9);
    const size_t floats = (size_t)(count * step);
    elementwise_inputs in = {.affine = random_affine(), .count = count, .step = step};
    float *x = room(floats * sizeof(float));
    uint8_t *bytes = room((size_t)count);
    for (size_t k = 0; k < floats; k++) x[k] = random_float(in.affine.scale);
    for (ptrdiff_t k = 0; k < count; k++) bytes[k] = random_byte();
    in.floats = x;
    in.a = bytes;
    compare("quantize", run_quantize, &in, (size_t)count);
    compare("dequantize", run_dequantize, &in, floats * sizeof(float));
    free(x);
    free(bytes);
  }
}

static void interleave_cases(void) {
  for (int i = 0; i < 100; i++) {
    const ptrdiff_t count = between(0, 70), planes = once_in(2) ? 3 : between(1, 20);
    const size_t bytes = (size_t)((count + 3) * planes);
    uint8_t *x = room(bytes);
    for (size_t k = 0; k < bytes; k++) x[k] = random_byte();
    elementwise_inputs in = {.a = x, .count = count, .step = planes};
    compare("interleave", run_interleave, &in, (size_t)(count * planes));
    free(x);
  }
}

static void elementwise_cases(void) {
  interleave_cases();
  pair_cases();
  lookup_cases();
  float_cases();
}
