/* Compares every set of integer kernels that this machine runs with the portable one, bit by bit:
     kernels_test [NAME...]
   The names are sets that must run here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"

#include "elementwise_cases.h"
#include "product_cases.h"
#include "operand_cases.h"
#include "value_cases.h"
#include "blocked_cases.h"
#include "window_cases.h"

#define GUARD 64
#define MOST_SETS 8
#define MOST_REPORTS 5

static const ik_kernels *sets[MOST_SETS];
static long differences[MOST_SETS];
static ptrdiff_t set_count;
static long cases;
static uint32_t state = 1;

static uint32_t next(void) {
  state = state * 1664525u + 1013904223u;
  return state >> 8;
}

int between(int least, int most) {
  return least + (int)(next() % ((uint32_t)(most - least) + 1));
}

uint8_t random_byte(void) { return (uint8_t)(next() >> 8); }

int once_in(int n) { return between(1, n) == 1; }

void *room(size_t bytes) {
  void *p = calloc(bytes ? bytes : 1, 1);
  if (p) return p;
  fprintf(stderr, "no memory\n");
  exit(2);
}

static uint8_t *result(const ik_kernels *kernels, run_case *run, const void *inputs,
                       size_t bytes) {
  uint8_t *whole = room(bytes + 2 * GUARD);
  memset(whole, UNTOUCHED, bytes + 2 * GUARD);
  run(kernels, inputs, whole + GUARD);
  return whole;
}

void compare(const char *name, run_case *run, const void *inputs, size_t bytes) {
  uint8_t *expected = result(ik_kernels_named("portable"), run, inputs, bytes);
  for (ptrdiff_t s = 0; s < set_count; s++) {
    uint8_t *found = result(sets[s], run, inputs, bytes);
    if (memcmp(expected, found, bytes + 2 * GUARD) && differences[s]++ < MOST_REPORTS) {
      fprintf(stderr, "%s: case %ld differs: %s\n", sets[s]->name, cases, name);
    }
    free(found);
  }
  free(expected);
  cases++;
}

void expect(const char *name, run_case *run, const void *inputs, const void *expected,
            size_t bytes) {
  const ptrdiff_t portable = set_count - 1;
  uint8_t *found = result(sets[portable], run, inputs, bytes);
  if (memcmp(expected, found + GUARD, bytes) && differences[portable]++ < MOST_REPORTS) {
    fprintf(stderr, "case %ld is not as expected: %s\n", cases, name);
  }
  free(found);
  cases++;
}

int main(int count, char **names) {
  int status = 0;
  for (int i = 1; i < count; i++) {
    if (ik_kernels_named(names[i])) continue;
    printf("%s: does not run here\n", names[i]);
    status = 1;
  }
  for (ptrdiff_t i = 0; ik_instruction_set(i); i++) {
    const ik_kernels *kernels = ik_kernels_named(ik_instruction_set(i));
    if (kernels && set_count < MOST_SETS) sets[set_count++] = kernels;
  }
  product_cases();
  operand_cases();
  value_cases();
  blocked_cases();
  window_cases();
  elementwise_cases();
  for (ptrdiff_t s = 0; s < set_count; s++) {
    printf("%s: %ld cases, %ld differ\n", sets[s]->name, cases, differences[s]);
    if (differences[s]) status = 1;
  }
  return status;
}
