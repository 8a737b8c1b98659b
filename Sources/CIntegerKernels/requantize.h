/* The rounding of results, in scalar code. */
#ifndef IK_REQUANTIZE_H
#define IK_REQUANTIZE_H

#include <math.h>
#include <stdint.h>

/* min(max(saturate_u8(round_half_even(value) + zero), low), high) */
static inline uint8_t ik_saturate(float value, int32_t zero, uint8_t low, uint8_t high) {
  float lowest = (float)-zero, highest = (float)(255 - zero);
  value = value > lowest ? value : lowest; /* also for NaN */
  value = value < highest ? value : highest;
  int32_t q = (int32_t)rintf(value) + zero;
  if (q < low) q = low;
  if (q > high) q = high;
  return (uint8_t)q;
}

#endif
