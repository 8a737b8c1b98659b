/* Vectors of FK_LANES floats. */
#define INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((ext_vector_type(FK_LANES)));
typedef int32_t ivec __attribute__((ext_vector_type(FK_LANES)));
typedef float uvec __attribute__((ext_vector_type(FK_LANES), aligned(4), may_alias));

INLINE vec load(const float *p) { return *(const uvec *)p; }
INLINE void store(float *p, vec x) { *(uvec *)p = x; }

#if FK_LANES == 16
INLINE vec load_part(const float *p, ptrdiff_t lanes) {
  return (vec)_mm512_maskz_loadu_ps((__mmask16)((1u << lanes) - 1), p);
}

INLINE void store_part(float *p, vec x, ptrdiff_t lanes) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << lanes) - 1), (__m512)x);
}
#else
INLINE vec load_part(const float *p, ptrdiff_t lanes) {
  union {
    vec v;
    float f[FK_LANES];
  } u = {.v = (vec)0.0f};
  for (ptrdiff_t i = 0; i < lanes; i++) u.f[i] = p[i];
  return u.v;
}

INLINE void store_part(float *p, vec x, ptrdiff_t lanes) {
  union {
    vec v;
    float f[FK_LANES];
  } u = {.v = x};
  for (ptrdiff_t i = 0; i < lanes; i++) p[i] = u.f[i];
}
#endif

/* mask is all ones or all zeros in each lane. */
INLINE vec choose(ivec mask, vec yes, vec no) {
  return (vec)((mask & (ivec)yes) | (~mask & (ivec)no));
}

/* A NaN stays a NaN, as in ONNX Relu and Clip. */
INLINE vec clamp(vec x, vec low, vec high) {
  x = x < low ? low : x;
  return x > high ? high : x;
}

INLINE float clamp_one(float x, float low, float high) {
  x = x < low ? low : x;
  return x > high ? high : x;
}

static float sum_of(const float *values, ptrdiff_t count) {
  vec a = (vec)0.0f, b = (vec)0.0f;
  ptrdiff_t i = 0;
  for (; i + 2 * FK_LANES <= count; i += 2 * FK_LANES) {
    a += load(values + i);
    b += load(values + i + FK_LANES);
  }
  a += b;
  double total = 0;
  for (int lane = 0; lane < FK_LANES; lane++) total += a[lane];
  for (; i < count; i++) total += values[i];
  return (float)total;
}
