#include <string.h>

#include "CIntegerKernels.h"
#include "requantize.h"

#pragma STDC FP_CONTRACT OFF

void ik_copy_runs(const ik_run *runs, ptrdiff_t run_count, const uint8_t *source, uint8_t fill,
                  uint8_t *target) {
  for (ptrdiff_t i = 0; i < run_count; i++) {
    if (runs[i].source < 0) {
      memset(target + runs[i].target, fill, (size_t)runs[i].count);
    } else {
      memcpy(target + runs[i].target, source + runs[i].source, (size_t)runs[i].count);
    }
  }
}

void ik_interleave(const uint8_t *planes, ptrdiff_t plane_pitch, ptrdiff_t channels,
                   ptrdiff_t count, uint8_t *target) {
  if (channels == 1) {
    memcpy(target, planes, (size_t)count);
    return;
  }
  if (channels == 3) {
    const uint8_t *a = planes, *b = planes + plane_pitch, *c = planes + 2 * plane_pitch;
    for (ptrdiff_t i = 0; i < count; i++) {
      target[3 * i] = a[i];
      target[3 * i + 1] = b[i];
      target[3 * i + 2] = c[i];
    }
    return;
  }
  for (ptrdiff_t c = 0; c < channels; c++) {
    for (ptrdiff_t i = 0; i < count; i++) target[i * channels + c] = planes[c * plane_pitch + i];
  }
}

void ik_deinterleave(const uint8_t *source, ptrdiff_t channels, ptrdiff_t count, uint8_t *planes,
                     ptrdiff_t plane_pitch) {
  for (ptrdiff_t c = 0; c < channels; c++) {
    for (ptrdiff_t i = 0; i < count; i++) planes[c * plane_pitch + i] = source[i * channels + c];
  }
}

void ik_channel_sums(const uint8_t *source, ptrdiff_t row_pitch, ptrdiff_t rows, ptrdiff_t width,
                     ptrdiff_t channels, int32_t *sums) {
  memset(sums, 0, sizeof(int32_t) * (size_t)channels);
  for (ptrdiff_t y = 0; y < rows; y++) {
    const uint8_t *place = source + y * row_pitch;
    for (ptrdiff_t x = 0; x < width; x++, place += channels) {
      for (ptrdiff_t c = 0; c < channels; c++) sums[c] += place[c];
    }
  }
}

void ik_requantize_sums(const int32_t *sums, int32_t offset, float multiplier, uint8_t zero,
                        ptrdiff_t channels, uint8_t *y) {
  for (ptrdiff_t c = 0; c < channels; c++) {
    y[c] = ik_saturate((float)(sums[c] - offset) * multiplier, zero, 0, 255);
  }
}

void ik_turn_signs(const uint8_t *x, ptrdiff_t count, uint8_t *y) {
  for (ptrdiff_t i = 0; i < count; i++) y[i] = x[i] ^ 0x80;
}
