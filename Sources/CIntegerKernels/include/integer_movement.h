/* Moving 8-bit values, and sums over images; alike on every instruction set. */
#ifndef CINTEGERKERNELS_MOVEMENT_H
#define CINTEGERKERNELS_MOVEMENT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* `count` bytes that lie together on both sides; `source` of -1 means the fill. */
typedef struct ik_run {
  ptrdiff_t source, target, count;
} ik_run;

void ik_copy_runs(const ik_run *runs, ptrdiff_t run_count, const uint8_t *source, uint8_t fill,
                  uint8_t *target);

/* target[i * channels + c] = planes[c * plane_pitch + i] for i below `count`. */
typedef void ik_interleave_kernel(const uint8_t *planes, ptrdiff_t plane_pitch, ptrdiff_t channels,
                                  ptrdiff_t count, uint8_t *target);
ik_interleave_kernel ik_interleave;

/* The inverse. */
void ik_deinterleave(const uint8_t *source, ptrdiff_t channels, ptrdiff_t count, uint8_t *planes,
                     ptrdiff_t plane_pitch);

/* sums[c] = the sum of channel c over `rows` lines of `width` places. */
void ik_channel_sums(const uint8_t *source, ptrdiff_t row_pitch, ptrdiff_t rows, ptrdiff_t width,
                     ptrdiff_t channels, int32_t *sums);

/* y[c] = saturate_u8(round_half_even(float(sums[c] - offset) * multiplier) + zero) */
void ik_requantize_sums(const int32_t *sums, int32_t offset, float multiplier, uint8_t zero,
                        ptrdiff_t channels, uint8_t *y);

/* y = x with the sign bit turned: signed values as unsigned ones 128 higher, and back. */
void ik_turn_signs(const uint8_t *x, ptrdiff_t count, uint8_t *y);

#ifdef __cplusplus
}
#endif
#endif
