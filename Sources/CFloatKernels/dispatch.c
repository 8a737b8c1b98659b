#include <string.h>

#include "CFloatKernels.h"
#include "instruction_sets.h"
#include "panels.h"

static int runs_avx512(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
#else
  return 0;
#endif
}

static int runs_avx2(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return 0;
#endif
}

const fk_kernels *fk_kernels_named(const char *name) {
#if defined(__x86_64__)
  if (!strcmp(name, "avx512")) return runs_avx512() ? &fk_kernels_avx512 : NULL;
  if (!strcmp(name, "avx2")) return runs_avx2() ? &fk_kernels_avx2 : NULL;
#endif
  return strcmp(name, "portable") ? NULL : &fk_kernels_portable;
}

const fk_kernels *fk_best_kernels(void) {
  if (runs_avx512()) return fk_kernels_named("avx512");
  if (runs_avx2()) return fk_kernels_named("avx2");
  return &fk_kernels_portable;
}

const char *fk_instruction_set(void) { return fk_best_kernels()->name; }

ptrdiff_t fk_panel_count(const fk_kernels *k, ptrdiff_t columns) {
  return fk_panels_of(columns, k->lanes, k->tail, k->vectors);
}

ptrdiff_t fk_panel_vectors(const fk_kernels *k, ptrdiff_t columns) {
  return fk_vectors_of(columns, k->lanes, k->tail);
}

ptrdiff_t fk_packed_count(const fk_kernels *k, ptrdiff_t rows, ptrdiff_t depth) {
  return (rows + k->rows - 1) / k->rows * k->rows * depth;
}

void fk_pack_rows(const fk_kernels *k, float *packed, const float *matrix, ptrdiff_t rows,
                  ptrdiff_t depth, ptrdiff_t row_stride, ptrdiff_t depth_stride) {
  for (ptrdiff_t piece = 0; piece < fk_pieces_of(depth); piece++) {
    ptrdiff_t start = fk_piece_start(piece, depth), end = fk_piece_start(piece + 1, depth);
    for (ptrdiff_t first = 0; first < rows; first += k->rows) {
      if (depth_stride == 1 && first + k->rows <= rows) {
        k->pack_block(packed, matrix + first * row_stride + start, end - start, row_stride);
        packed += k->rows * (end - start);
        continue;
      }
      for (ptrdiff_t d = start; d < end; d++) {
        for (ptrdiff_t r = first; r < first + k->rows; r++) {
          *packed++ = r < rows ? matrix[r * row_stride + d * depth_stride] : 0.0f;
        }
      }
    }
  }
}
