/* Functions of every element, and of rows. */

/* x = n ln 2 + r, |r| <= ln 2 / 2: exp(x) = 2^n exp(r), the polynomial that of the Cephes library's
   expf. 2^n comes in two factors, so that results reach from 0 through denormals to infinity. */
INLINE vec exp_of(vec x) {
  const vec rounder = (vec)12582912.0f; /* 1.5 * 2^23: sums have their integer in the low bits */
  x = clamp(x, (vec)-104.0f, (vec)89.0f);
  vec shifted = x * (vec)1.44269504f + rounder;
  vec n = shifted - rounder;
  vec r = x - n * (vec)0.693359375f;
  r = r - n * (vec)-2.12194440e-4f;
  vec p = (vec)1.9875691500e-4f;
  p = p * r + (vec)1.3981999507e-3f;
  p = p * r + (vec)8.3334519073e-3f;
  p = p * r + (vec)4.1665795894e-2f;
  p = p * r + (vec)1.6666665459e-1f;
  p = p * r + (vec)5.0000001201e-1f;
  p = p * (r * r) + r + (vec)1.0f;
  ivec whole = (ivec)shifted - (ivec)rounder;
  ivec half = whole >> 1;
  vec first = (vec)((half + 127) << 23), second = (vec)((whole - half + 127) << 23);
  return p * first * second;
}

/* x P(x^2) / Q(x^2), fitted by least squares to erf on [-3.95, 3.95], beyond which it is one:
   relative error below 5e-7. */
INLINE vec erf_of(vec x) {
  x = clamp(x, (vec)-3.95f, (vec)3.95f);
  vec u = x * x;
  vec p = (vec)2.056970970443217e-06f;
  p = p * u + (vec)0.000283524626865983f;
  p = p * u + (vec)0.0037105779629200697f;
  p = p * u + (vec)0.05257274582982063f;
  p = p * u + (vec)0.18913382291793823f;
  p = p * u + (vec)1.1283791065216064f;
  vec q = (vec)3.809525878750719e-05f;
  q = q * u + (vec)0.0011491046752780676f;
  q = q * u + (vec)0.014856994152069092f;
  q = q * u + (vec)0.1135765090584755f;
  q = q * u + (vec)0.500948429107666f;
  q = q * u + (vec)1.0f;
  return clamp(x * p / q, (vec)-1.0f, (vec)1.0f);
}

#define FK_MAP(name, function)                                                    \
  static void name(const float *x, ptrdiff_t count, float *y) {                   \
    ptrdiff_t i = 0;                                                              \
    for (; i + FK_LANES <= count; i += FK_LANES) store(y + i, function(load(x + i))); \
    if (i < count) store_part(y + i, function(load_part(x + i, count - i)), count - i); \
  }
FK_MAP(exponential, exp_of)
FK_MAP(error_function, erf_of)

/* The Gelu of exported transformers, step by step as they write it:
   x * (erf(x / divisor) + 1) * 0.5. */
INLINE vec gelu_of(vec x, vec reciprocal) {
  vec e = erf_of(x * reciprocal);
  vec raised = e + (vec)1.0f;
  vec product = x * raised;
  return product * (vec)0.5f;
}

static void gelu(const float *x, ptrdiff_t count, float divisor, float *y) {
  const vec reciprocal = (vec)(1.0f / divisor);
  ptrdiff_t i = 0;
  for (; i + FK_LANES <= count; i += FK_LANES) store(y + i, gelu_of(load(x + i), reciprocal));
  if (i < count) {
    store_part(y + i, gelu_of(load_part(x + i, count - i), reciprocal), count - i);
  }
}

/* Halves of vectors of any length, two at a time: a chain of lanes would wait for each. */
typedef float vec2 __attribute__((ext_vector_type(2)));
typedef float vec4 __attribute__((ext_vector_type(4)));
typedef double dvec __attribute__((ext_vector_type(FK_LANES)));
typedef double dvec2 __attribute__((ext_vector_type(2)));
typedef double dvec4 __attribute__((ext_vector_type(4)));

#if FK_LANES >= 8
typedef float vec8 __attribute__((ext_vector_type(8)));
typedef double dvec8 __attribute__((ext_vector_type(8)));
#endif

INLINE float largest_of(vec x) {
#if FK_LANES == 16
  vec8 eight = x.lo > x.hi ? x.lo : x.hi;
  vec4 four = eight.lo > eight.hi ? eight.lo : eight.hi;
#elif FK_LANES == 8
  vec4 four = x.lo > x.hi ? x.lo : x.hi;
#else
  vec4 four = x;
#endif
  vec2 two = four.lo > four.hi ? four.lo : four.hi;
  return two.x > two.y ? two.x : two.y;
}

INLINE double total_of(vec x) {
  dvec sums = __builtin_convertvector(x, dvec);
#if FK_LANES == 16
  dvec8 eight = sums.lo + sums.hi;
  dvec4 four = eight.lo + eight.hi;
#elif FK_LANES == 8
  dvec4 four = sums.lo + sums.hi;
#else
  dvec4 four = sums;
#endif
  dvec2 two = four.lo + four.hi;
  return two.x + two.y;
}

/* The first lanes of a vector; the others hold `rest`. */
INLINE vec first_lanes(vec x, ptrdiff_t lanes, float rest) {
  ivec index;
  for (int lane = 0; lane < FK_LANES; lane++) index[lane] = lane;
  return choose(index < (ivec)(int32_t)lanes, x, (vec)rest);
}

/* From the row and its largest value, in place or not. A NaN makes the sum, and so all, NaN. */
INLINE void softmax_below(const float *x, ptrdiff_t count, float peak, float *y) {
  ptrdiff_t whole = count / FK_LANES * FK_LANES;
  vec sums = (vec)0.0f;
  for (ptrdiff_t i = 0; i < whole; i += FK_LANES) {
    vec e = exp_of(load(x + i) - (vec)peak);
    store(y + i, e);
    sums += e;
  }
  if (whole < count) {
    vec e = exp_of(load_part(x + whole, count - whole) - (vec)peak);
    store_part(y + whole, e, count - whole);
    sums += first_lanes(e, count - whole, 0);
  }
  const double sum = total_of(sums);
  const float scale = (float)(1 / sum);
  for (ptrdiff_t i = 0; i < whole; i += FK_LANES) store(y + i, load(y + i) * (vec)scale);
  if (whole < count) {
    store_part(y + whole, load_part(y + whole, count - whole) * (vec)scale, count - whole);
  }
}

/* Elements up to which a row is shorter than what it takes to begin and end one. */
#define SHORT_ROW 8

/* As many rows as a vector has lanes, side by side. */
INLINE void softmax_of_short_rows(const float *x, ptrdiff_t count, float *y) {
  vec values[SHORT_ROW], peaks = (vec)-INFINITY, sums = (vec)0.0f;
  for (ptrdiff_t i = 0; i < count; i++) {
    vec v;
    for (int row = 0; row < FK_LANES; row++) v[row] = x[row * count + i];
    peaks = v > peaks ? v : peaks;
    values[i] = v;
  }
  for (ptrdiff_t i = 0; i < count; i++) {
    values[i] = exp_of(values[i] - peaks);
    sums += values[i];
  }
  const vec scales = (vec)1.0f / sums;
  for (ptrdiff_t i = 0; i < count; i++) {
    vec v = values[i] * scales;
    for (int row = 0; row < FK_LANES; row++) y[row * count + i] = v[row];
  }
}

INLINE void softmax_of_row(const float *x, ptrdiff_t count, float *y) {
  vec peaks = (vec)-INFINITY;
  ptrdiff_t whole = count / FK_LANES * FK_LANES;
  for (ptrdiff_t i = 0; i < whole; i += FK_LANES) {
    vec v = load(x + i);
    peaks = v > peaks ? v : peaks;
  }
  if (whole < count) {
    vec v = first_lanes(load_part(x + whole, count - whole), count - whole, -INFINITY);
    peaks = v > peaks ? v : peaks;
  }
  softmax_below(x, count, largest_of(peaks), y);
}

/* Short rows are filled up to whole vectors of them, so that each has the same result wherever it
   lies. */
static void softmax(const float *x, ptrdiff_t rows, ptrdiff_t count, float *y) {
  ptrdiff_t row = 0;
  if (count > 0 && count <= SHORT_ROW) {
    for (; row + FK_LANES <= rows; row += FK_LANES) {
      softmax_of_short_rows(x + row * count, count, y + row * count);
    }
    if (row == rows) return;
    float rest[SHORT_ROW * FK_LANES] = {0};
    for (ptrdiff_t i = 0; i < (rows - row) * count; i++) rest[i] = x[row * count + i];
    softmax_of_short_rows(rest, count, rest);
    for (ptrdiff_t i = 0; i < (rows - row) * count; i++) y[row * count + i] = rest[i];
    return;
  }
  for (; row < rows; row++) softmax_of_row(x + row * count, count, y + row * count);
}

static void masked_softmax(const float *x, ptrdiff_t count, float divisor, const float *mask,
                           float *y) {
  vec peaks = (vec)-INFINITY;
  ptrdiff_t whole = count / FK_LANES * FK_LANES;
  const float reciprocal = 1.0f / divisor;
  for (ptrdiff_t i = 0; i < whole; i += FK_LANES) {
    vec v = load(x + i) * (vec)reciprocal;
    if (mask) v += load(mask + i);
    store(y + i, v);
    peaks = v > peaks ? v : peaks;
  }
  if (whole < count) {
    vec v = load_part(x + whole, count - whole) * (vec)reciprocal;
    if (mask) v += load_part(mask + whole, count - whole);
    store_part(y + whole, v, count - whole);
    v = first_lanes(v, count - whole, -INFINITY);
    peaks = v > peaks ? v : peaks;
  }
  softmax_below(y, count, largest_of(peaks), y);
}

/* Two passes for the statistics: the mean, then the squares of what is left. */
static void normalize(const float *x, const float *addend, ptrdiff_t count, float epsilon,
                      const float *scale, const float *bias, float *y, float *mean,
                      float *inverse) {
  if (addend) {
    ptrdiff_t i = 0;
    for (; i + FK_LANES <= count; i += FK_LANES) store(y + i, load(x + i) + load(addend + i));
    for (; i < count; i++) y[i] = x[i] + addend[i];
    x = y;
  }
  ptrdiff_t whole = count / FK_LANES * FK_LANES;
  vec sums = (vec)0.0f, squares = (vec)0.0f;
  for (ptrdiff_t i = 0; i < whole; i += FK_LANES) sums += load(x + i);
  double sum = total_of(sums);
  for (ptrdiff_t i = whole; i < count; i++) sum += x[i];
  const float middle = (float)(sum / (double)count);
  for (ptrdiff_t i = 0; i < whole; i += FK_LANES) {
    vec d = load(x + i) - (vec)middle;
    squares += d * d;
  }
  double square = total_of(squares);
  for (ptrdiff_t i = whole; i < count; i++) square += (double)(x[i] - middle) * (x[i] - middle);
  const float factor = (float)(1 / sqrt(square / (double)count + (double)epsilon));
  for (ptrdiff_t i = 0; i < whole; i += FK_LANES) {
    vec v = (load(x + i) - (vec)middle) * (vec)factor;
    if (scale) v *= load(scale + i);
    if (bias) v += load(bias + i);
    store(y + i, v);
  }
  for (ptrdiff_t i = whole; i < count; i++) {
    float v = (x[i] - middle) * factor;
    if (scale) v *= scale[i];
    if (bias) v += bias[i];
    y[i] = v;
  }
  *mean = middle;
  *inverse = factor;
}
